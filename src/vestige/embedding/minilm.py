"""The default embedder: all-MiniLM-L6-v2, carried inside the package."""

from __future__ import annotations

import hashlib
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final

from vestige.embedding.model_files import read_checksums, verify
from vestige.embedding.windows import cut_windows
from vestige.errors import EmbeddingError
from vestige.models import ModelSignature

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from vestige.embedding.sentence_encoder import SentenceEncoder

MODEL_NAME: Final = "all-MiniLM-L6-v2"
DIMENSION: Final = 384
MODEL_FOLDER: Final = Path(__file__).parent / "models" / MODEL_NAME

# The model reads 256 tokens, two of which frame the text.
WINDOW_TOKENS: Final = 254
OVERLAP_TOKENS: Final = 32  # about two sentences, so that one cut in two is whole on one side

_NETWORK: Final = "model.onnx"
_TOKENIZER: Final = "tokenizer.json"


class MiniLMEmbedder:
    """all-MiniLM-L6-v2 on the CPU, without a network and without a download.

    Making one and asking for its signature reads a list of checksums only; the model is loaded
    when a text first needs it. It may be used from several threads and owns none itself.

    Args:
        folder: where the files of the model are.

    Raises:
        EmbeddingError: the folder has no list of checksums.
    """

    def __init__(self, folder: Path = MODEL_FOLDER) -> None:
        self._folder = folder
        self._checksums = read_checksums(folder, (_NETWORK, _TOKENIZER))
        self._signature = _signature_of(self._checksums)
        self._lock = threading.Lock()
        self._encoder: SentenceEncoder | None = None

    @property
    def signature(self) -> ModelSignature:
        return self._signature

    def split(self, text: str) -> list[str]:
        words = self._loaded().find_words(text)
        return cut_windows(text, words, window_tokens=WINDOW_TOKENS, overlap_tokens=OVERLAP_TOKENS)

    def embed_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._loaded().encode(texts)

    def embed_query(self, text: str) -> NDArray[np.float32]:
        return self._loaded().encode([text])

    def _loaded(self) -> SentenceEncoder:
        encoder = self._encoder
        if encoder is None:
            with self._lock:
                encoder = self._encoder or self._load()
                self._encoder = encoder
        return encoder

    def _load(self) -> SentenceEncoder:
        # The files are hashed while the libraries are imported, which takes longer.
        with ThreadPoolExecutor(1, thread_name_prefix="vestige-verify") as pool:
            verified = pool.submit(self._verify)
            try:
                from vestige.embedding.sentence_encoder import (  # noqa: PLC0415  # costs .2 s
                    SentenceEncoder,
                )
            except ImportError as error:
                raise EmbeddingError(
                    f"the model cannot run here: {error}",
                    "Install what it needs:"
                    " `pip install --force-reinstall onnxruntime tokenizers`.",
                ) from error
            verified.result()
        return SentenceEncoder(
            network=self._folder / _NETWORK,
            tokenizer=self._folder / _TOKENIZER,
            max_tokens=WINDOW_TOKENS,
            dimension=DIMENSION,
        )

    def _verify(self) -> None:
        for name, checksum in self._checksums.items():
            verify(self._folder / name, checksum)


def _signature_of(checksums: dict[str, str]) -> ModelSignature:
    """Hash everything that decides a vector, and nothing else: not our version, not a path."""
    decides = {
        "document_prefix": "",
        "files": checksums,
        "max_tokens": WINDOW_TOKENS + 2,
        "normalisation": "l2",
        "pooling": "mean",
        "query_prefix": "",
    }
    canonical = json.dumps(decides, sort_keys=True, separators=(",", ":"))
    return ModelSignature(
        name=MODEL_NAME,
        dimension=DIMENSION,
        hash=hashlib.sha256(canonical.encode()).hexdigest(),
    )
