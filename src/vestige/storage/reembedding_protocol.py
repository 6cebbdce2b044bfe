"""The part of a store's contract that changes the embedding model of what it holds.

A change fills a queue with all memories. Workers, in one process or on several machines, claim
batches of it, encode them and write the vectors, each batch in one transaction. A claim is a lease:
what a worker that died had claimed is claimed by others after some seconds. As long as a change is
open, memories that are added, and those whose text changes, are queued in the same transaction.

- offline: the vectors of the old model are taken away at the beginning.
- online: the new vectors are made beside the old ones, which are searched until one switch. Then
  the old ones are kept beside the new ones, and the queue holds the memories that lack one, so that
  the same steps lead back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from uuid import UUID

    from vestige.models import (
        EncodedMemory,
        ModelSignature,
        Reembedding,
        RefusedMemory,
        UnencodedMemory,
    )

Way: TypeAlias = Literal["offline", "online"]
Encoded: TypeAlias = "tuple[Sequence[EncodedMemory], Sequence[RefusedMemory]]"
EncodeLast: TypeAlias = "Callable[[Sequence[UnencodedMemory]], Encoded]"


class ReembeddingStore(Protocol):
    """How a store is given another model; the rules of `vestige.storage.protocol` hold here too."""

    async def begin_reembedding(
        self, signature: ModelSignature, *, way: Way = "offline", keeps_index: bool = False
    ) -> None:
        """Begin a change of the model, or join the same one that is unfinished.

        Offline: registers the model, takes all vectors and centroids away and binds this handle.
        Handles of the old model write and search no vectors any more. Online: nothing changes for
        any handle until `switch_model`. The registered signature: does nothing but bind.

        Args:
            signature: the new model.
            way: see the top of this module.
            keeps_index: offline: keep the vector index up while it is filled, which takes longer.

        Raises:
            StoreError: another change is unfinished, or the vectors of one are kept; nothing is
                changed.
        """
        ...

    async def reembedding(self) -> Reembedding | None:
        """Return the change of the model that is unfinished, or whose old vectors are kept."""
        ...

    async def claim_unencoded(
        self, signature: ModelSignature, claim: UUID, limit: int
    ) -> list[UnencodedMemory]:
        """Claim memories that wait for vectors of this model, for some seconds.

        Args:
            signature: of the vectors that are going to be written.
            claim: a new id; what is written under it later is what was claimed under it.
            limit: at most so many.

        Returns:
            None of those that others have claimed, or whose text was refused; nothing at all when
            no vectors of this model are waited for.
        """
        ...

    async def renew_claim(self, claim: UUID) -> None:
        """Keep what is claimed for some more seconds."""
        ...

    async def release_claim(self, claim: UUID) -> None:
        """Let others claim what was claimed and not written."""
        ...

    async def write_encoded(
        self,
        signature: ModelSignature,
        claim: UUID,
        encoded: Sequence[EncodedMemory],
        refused: Sequence[RefusedMemory] = (),
    ) -> int:
        """Write the vectors of claimed memories, and take these out of the queue.

        A memory that is no longer claimed under this id, because its text changed, it was deleted
        or the lease ended, is left as it is. A refused text stays in the queue, unclaimed for good.

        Returns:
            How many memories got their vectors.

        Raises:
            InvalidInputError: a vector that is not of the model's length, or not finite.
        """
        ...

    async def list_refused(self) -> list[RefusedMemory]:
        """Return the queued memories whose text was refused, by id."""
        ...

    async def retry_refused(self) -> None:
        """Let the memories whose text was refused be claimed again."""
        ...

    async def fill_centroids(self) -> None:
        """Give domains without a centroid of the model that is filled one: the mean direction.

        Of a domain that no memory with a vector is in, there is none.
        """
        ...

    async def build_new_index(self) -> None:
        """Build the vector index of the vectors that are filled, while others read and write.

        What a process that died left of it is dropped first. No index is kept apart on SQLite.
        """
        ...

    async def switch_model(
        self, signature: ModelSignature, encode: EncodeLast | None = None, limit: int = 0
    ) -> bool:
        """Let an online change come into force, or a switched one go back: one short transaction.

        Searches see the model and its vectors change at once. The other vectors are kept.

        Args:
            signature: the model to switch to, whose vectors are there.
            encode: makes the last vectors while writers wait; called on another thread.
            limit: how many of them at most.

        Returns:
            Whether this is the registered model now. False: memories still wait for vectors, more
            than `limit` or claimed by others, and nothing was changed.

        Raises:
            StoreError: no change leads to this model.
        """
        ...

    async def finish_reembedding(self) -> None:
        """End an offline change: build the vector index if it is missing, forget the change."""
        ...

    async def abandon_reembedding(self) -> None:
        """Give an online change up before its switch: what was made for it is forgotten.

        Raises:
            StoreError: there is none, it is offline, or it is switched.
        """
        ...

    async def forget_old_vectors(self) -> None:
        """Forget the vectors that are kept after a switch, and the change with them.

        Raises:
            StoreError: none are kept.
        """
        ...
