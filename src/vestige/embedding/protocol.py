"""What an embedder is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from vestige.models import ModelSignature


class Embedder(Protocol):
    """Turns texts into unit vectors of one model."""

    @property
    def signature(self) -> ModelSignature:
        """What decides the vectors: equal signatures give comparable vectors."""
        ...

    def split(self, text: str) -> list[str]:
        """Cut a text into the windows that the model reads whole, in order.

        Returns:
            At least one window; `[text]` when the text fits. Windows overlap a little, and their
            number is bounded: of a text beyond the bound, evenly spread windows from the first to
            the last are returned.
        """
        ...

    def embed_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed texts to be stored.

        Args:
            texts: any number of texts; what a model cannot read of a long one is cut off.

        Returns:
            float32 unit vectors of shape (len(texts), dimension).

        Raises:
            EmbeddingError: the model cannot be loaded or reached, or answered with nonsense.
        """
        ...

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """Embed a text to search with: one float32 unit vector of shape (1, dimension).

        Raises:
            EmbeddingError: as for `embed_documents`.
        """
        ...
