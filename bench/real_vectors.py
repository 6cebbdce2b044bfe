"""Vectors of real text: what people wrote in the documentation of Python and its packages.

The sentences of docstrings are embedded with the built-in model, once, which takes a quarter of an
hour for 100,000: `python bench/real_vectors.py FOLDER [COUNT]` leaves `documents.npy`,
`queries.npy` and `sentences.json` there, the sentences of the queries before those of the
documents. The queries are sentences that are not among the documents.
"""

from __future__ import annotations

import ast
import json
import random
import re
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from vestige.embedding.minilm import MiniLMEmbedder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

QUERIES: Final = 300
BATCH: Final = 1_000
TOPICS: Final = 40  # each holds 1 to 5 % of the vectors
_SENTENCE_END: Final = re.compile(r"(?<=[.!?])\s+")
_DOCUMENTED: Final = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def main() -> None:
    if len(sys.argv) == 1:
        print(__doc__)  # `make bench` names no folder
        return
    folder = Path(sys.argv[1])
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
    folder.mkdir(parents=True, exist_ok=True)
    sentences = _sentences(count + QUERIES)
    (folder / "sentences.json").write_text(json.dumps(sentences), encoding="utf-8")
    embedder = MiniLMEmbedder()
    parts: list[NDArray[np.float32]] = []
    for start in range(0, len(sentences), BATCH):
        parts.append(embedder.embed_documents(sentences[start : start + BATCH]))
        print(f"{start + len(parts[-1]):,} of {len(sentences):,} sentences", file=sys.stderr)
    vectors = np.concatenate(parts)
    np.save(folder / "queries.npy", vectors[:QUERIES])
    np.save(folder / "documents.npy", vectors[QUERIES:])


def load(folder: Path, count: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return `count` documents and the queries; what is missing is put between two near ones."""
    documents: NDArray[np.float32] = np.load(folder / "documents.npy")
    queries: NDArray[np.float32] = np.load(folder / "queries.npy")
    if len(documents) < count:
        documents = np.concatenate([documents, _between(documents, count - len(documents))])
    return documents[:count], queries[:QUERIES]


def load_queries(folder: Path) -> NDArray[np.float32]:
    """Return the queries alone."""
    queries: NDArray[np.float32] = np.load(folder / "queries.npy")
    return queries[:QUERIES]


def topics_of(vectors: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return a topic for each vector, by k-means."""
    chosen = np.random.default_rng(0)
    centres = vectors[chosen.choice(len(vectors), TOPICS, replace=False)]
    nearest = np.zeros(len(vectors), dtype=np.int64)
    for _ in range(8):
        nearest = np.argmax(vectors @ centres.T, axis=1)
        for topic in range(TOPICS):
            members = vectors[nearest == topic]
            if len(members):
                centre = members.mean(axis=0)
                centres[topic] = centre / np.linalg.norm(centre)
    return nearest


def _between(vectors: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    chosen = np.random.default_rng(1)
    made: list[NDArray[np.float32]] = []
    for start in range(0, count, BATCH):
        size = min(BATCH, count - start)
        ones = vectors[chosen.choice(len(vectors), size)]
        pool = vectors[chosen.choice(len(vectors), 2 * BATCH, replace=False)]
        others = pool[np.argmax(ones @ pool.T, axis=1)]
        mixed = ones + chosen.uniform(0.1, 0.9, (size, 1)).astype(np.float32) * (others - ones)
        made.append(mixed / np.linalg.norm(mixed, axis=1, keepdims=True))
    return np.concatenate(made)


def _sentences(count: int) -> list[str]:
    paths = sysconfig.get_paths()
    files = sorted({*Path(paths["stdlib"]).rglob("*.py"), *Path(paths["purelib"]).rglob("*.py")})
    random.Random(1).shuffle(files)  # noqa: S311  # an order, not a secret
    found: dict[str, None] = {}
    for file in files:
        found.update(dict.fromkeys(_sentences_of(file)))
        if len(found) >= count:
            break
    sentences = list(found)
    random.Random(2).shuffle(sentences)  # noqa: S311  # as above
    return sentences[:count]


def _sentences_of(file: Path) -> Iterator[str]:
    try:
        tree = ast.parse(file.read_text(encoding="utf-8"))
    except (SyntaxError, ValueError, RecursionError):
        return
    for node in ast.walk(tree):
        text = ast.get_docstring(node) if isinstance(node, _DOCUMENTED) else None
        for paragraph in (text or "").split("\n\n"):
            for sentence in _SENTENCE_END.split(" ".join(paragraph.split())):
                letters = sum(character.isalpha() for character in sentence)
                if 4 < len(sentence.split()) < 46 and letters > 0.6 * len(sentence):
                    yield sentence


if __name__ == "__main__":
    main()
