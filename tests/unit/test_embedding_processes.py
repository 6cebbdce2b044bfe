from __future__ import annotations

import os
import subprocess
import sys
from typing import Final

IMPORTS: Final = """
import sys
from vestige.embedding import embedder_for, open_embedder
embedder = open_embedder()
open_embedder("hashing")
open_embedder("openai", "any", base_url="http://127.0.0.1:9/v1", dimension=8).signature
assert embedder_for(embedder.signature) is not None
heavy = {"fastembed", "httpx2", "huggingface_hub", "numpy", "onnxruntime", "tenacity", "tokenizers"}
print(sorted(heavy & set(sys.modules)))
"""

OFFLINE: Final = """
import socket
import sys

def refuse(*arguments, **options):
    raise AssertionError("the network was used")

socket.socket.__init__ = refuse
socket.getaddrinfo = refuse
from vestige.embedding import open_embedder
embedder = open_embedder()
vectors = embedder.embed_documents(["first", "second", "third"])
print(vectors.shape, len(embedder.split("word " * 300)), "huggingface_hub" in sys.modules)
"""


def run(program: str) -> str:
    """Run a program in a process of its own and return what it printed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return done.stdout.strip()


def test_choosing_an_embedder_imports_nothing_heavy() -> None:
    assert run(IMPORTS) == "[]"


def test_embedding_uses_no_network_and_leaves_nothing_that_keeps_the_process() -> None:
    assert run(OFFLINE) == "(3, 384) 2 False"
