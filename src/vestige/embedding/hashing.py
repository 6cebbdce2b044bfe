"""An embedder for tests: hashed words and character trigrams, no model, the same everywhere."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Final

from vestige.embedding.windows import Words, cut_windows
from vestige.models import ModelSignature

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

WINDOW_WORDS: Final = 200
OVERLAP_WORDS: Final = 20

_WORD: Final = re.compile(r"\w+")
_CHUNK: Final = re.compile(r"\S+")


class HashingEmbedder:
    """Texts that share words or parts of words get similar vectors; meaning plays no part.

    Args:
        dimension: length of the vectors, 1 or more.
        name: the model's name; another name gives other vectors.
    """

    def __init__(self, dimension: int = 64, name: str = "hashing-64") -> None:
        if dimension < 1:
            raise ValueError(f"need a dimension of 1 or more: {dimension}")
        decides = {"algorithm": "words and trigrams, blake2b", "dimension": dimension, "name": name}
        canonical = json.dumps(decides, sort_keys=True, separators=(",", ":"))
        self._signature = ModelSignature(
            name=name, dimension=dimension, hash=hashlib.sha256(canonical.encode()).hexdigest()
        )

    @property
    def signature(self) -> ModelSignature:
        return self._signature

    def split(self, text: str) -> list[str]:
        starts = [match.start() for match in _CHUNK.finditer(text)]
        words = Words(starts=starts, first_tokens=range(len(starts)), token_count=len(starts))
        return cut_windows(text, words, window_tokens=WINDOW_WORDS, overlap_tokens=OVERLAP_WORDS)

    def embed_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        import numpy as np  # noqa: PLC0415  # costs .1 s, and this module is imported with the registry

        vectors = np.zeros((len(texts), self._signature.dimension), dtype=np.float32)
        for row, text in enumerate(texts):
            for feature in _features(text):
                index, sign = self._place(feature)
                vectors[row, index] += sign
            if not vectors[row].any():  # nothing to hash, or everything cancelled out
                vectors[row, 0] = 1.0
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def embed_query(self, text: str) -> NDArray[np.float32]:
        return self.embed_documents([text])

    def _place(self, feature: str) -> tuple[int, float]:
        """Return the component that a feature adds to, and 1 or -1.

        Source:
            Weinberger et al., Feature Hashing for Large Scale Multitask Learning, 2009: the sign
            makes collisions cancel out on average.
        """
        salted = f"{self._signature.name}\n{feature}".encode("utf-8", "surrogatepass")
        number = int.from_bytes(hashlib.blake2b(salted, digest_size=8).digest(), "big")
        return (number >> 1) % self._signature.dimension, 1.0 if number & 1 else -1.0


def _features(text: str) -> Iterator[str]:
    for word in _WORD.findall(text.lower()):
        yield word
        framed = f"<{word}>"
        for start in range(len(framed) - 2):
            yield f"#{framed[start : start + 3]}"
