"""What the use cases of the engine work with."""

from __future__ import annotations

import asyncio
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self
from uuid import uuid4

from vestige.clock import SystemClock
from vestige.embedding.texts import signature_of
from vestige.models import Change

if TYPE_CHECKING:
    from uuid import UUID

    from vestige.clock import Clock
    from vestige.embedding import Embedder
    from vestige.models import ChangeAction, ModelSignature, Operation
    from vestige.storage.protocol import MemoryStore


@dataclass(frozen=True, kw_only=True, slots=True)
class Actor:
    """Who asks for a change, as the changelog names it: a program and its session."""

    client_id: str | None = None
    session_id: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Parts:
    """A store, an embedder, a clock, and who asks."""

    store: MemoryStore
    embedder: Embedder
    clock: Clock
    actor: Actor

    def change(
        self,
        action: ChangeAction,
        *operations: Operation,
        reason: str | None = None,
        undoes: UUID | None = None,
    ) -> Change:
        """Return a new change of this actor; the reason must not quote a memory."""
        return Change(
            id=uuid4(),
            action=action,
            operations=operations,
            reason=reason,
            client_id=self.actor.client_id,
            session_id=self.actor.session_id,
            undoes=undoes,
        )


class EngineBase:
    """What reading and writing have in common."""

    def __init__(
        self,
        store: MemoryStore,
        embedder: Embedder,
        clock: Clock | None = None,
        *,
        actor: Actor | None = None,
    ) -> None:
        self.store = store
        self.embedder = embedder
        self.actor = actor or Actor()
        self._clock = clock or SystemClock()
        # Two writers of the same text must not both find it unknown.
        self._one_writer = asyncio.Lock()

    def acting_as(self, actor: Actor) -> Self:
        """Return the same engine, whose changes are those of somebody else."""
        other = copy(self)
        other.actor = actor
        return other

    async def model(self) -> ModelSignature:
        """Return the model that embeds; of a new store's remote model the server is asked.

        Raises:
            EmbeddingError: the embedder failed.
        """
        return await signature_of(self.embedder)

    @property
    def _parts(self) -> Parts:
        return Parts(store=self.store, embedder=self.embedder, clock=self._clock, actor=self.actor)
