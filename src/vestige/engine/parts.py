"""What the use cases of the engine work with."""

from __future__ import annotations

import asyncio
from copy import copy
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final, Self, TypeVar
from uuid import uuid4

from vestige.clock import SystemClock
from vestige.embedding.texts import embed_texts, signature_of
from vestige.engine.change_notes import ChangeNotes
from vestige.engine.following import FollowedModel
from vestige.engine.observing import observe_methods
from vestige.engine.screening import screened_text
from vestige.errors import ConflictError, MemoryNotFoundError
from vestige.models import Change

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from uuid import UUID

    from vestige.clock import Clock
    from vestige.embedding import Embedder
    from vestige.embedding.texts import TextVectors
    from vestige.engine.following import OpenEmbedder
    from vestige.models import (
        ChangeAction,
        MemoryRecord,
        ModelSignature,
        Operation,
        SecretsPolicy,
    )
    from vestige.storage.protocol import MemoryStore

T = TypeVar("T")

ATTEMPTS: Final = 5  # of a change that others were quicker than


@dataclass(frozen=True, kw_only=True, slots=True)
class Actor:
    """Who asks for a change, as the changelog names it: a program and its session."""

    client_id: str | None = None
    session_id: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Parts:
    """A store, an embedder, a clock, and who asks.

    Attributes:
        store: the memory.
        embedder: of its model.
        clock: where the time comes from.
        actor: who the changelog says made the changes.
        secrets: what happens to what is given to be stored and holds keys or tokens.
        is_bound: the store refuses to compare vectors of the embedder with those of another model.
        register: gives a store that has no model that of the embedder; None for who only reads.
    """

    store: MemoryStore
    embedder: Embedder
    clock: Clock
    actor: Actor
    secrets: SecretsPolicy = "refuse"
    is_bound: bool = False
    register: Callable[[], Awaitable[object]] | None = None

    async def embed(self, text: str) -> TextVectors:
        """Embed a text to be stored; a store that has no model yet is then given this one.

        What is refused before, or cannot be embedded, leaves an empty store without a model.

        Raises:
            EmbeddingError: the embedder failed.
            ModelMismatchError: the store has another model.
        """
        (vectors,) = await self.embed_many([text])
        return vectors

    async def embed_many(self, texts: Sequence[str]) -> list[TextVectors]:
        """Embed texts to be stored, given to the embedder at once, with what `embed` says."""
        vectors = await embed_texts(self.embedder, texts)
        if self.register is not None:
            await self.register()
        return vectors

    def change(
        self,
        action: ChangeAction,
        *operations: Operation,
        reason: str | None = None,
        undoes: UUID | None = None,
    ) -> Change:
        """Return a new change of this actor; the reason must not quote a memory.

        Raises:
            SecretFoundError: the reason or a name of the actor holds a key or token.
        """
        return Change(
            id=uuid4(),
            action=action,
            operations=operations,
            reason=self._allowed("reason", reason),
            client_id=self._allowed("client_id", self.actor.client_id),
            session_id=self._allowed("session_id", self.actor.session_id),
            undoes=undoes,
        )

    def _allowed(self, field: str, text: str | None) -> str | None:
        return None if text is None else screened_text(field, text, self.secrets)


async def need(parts: Parts, memory_id: UUID) -> MemoryRecord:
    """Return a memory.

    Raises:
        MemoryNotFoundError: the id is unknown.
    """
    record = await parts.store.get(memory_id)
    if record is None:
        raise MemoryNotFoundError(memory_id)
    return record


async def commit(parts: Parts, make: Callable[[], Awaitable[Change]]) -> Change:
    """Commit a change that was made of what is stored; made anew when others were quicker.

    Raises:
        ConflictError: others were quicker again and again.
    """
    attempts = 0
    while True:
        change = await make()
        attempts += 1
        try:
            await parts.store.commit(change)
        except ConflictError:
            if attempts == ATTEMPTS:
                raise
        else:
            return change


class EngineBase:
    """What reading and writing have in common.

    Args:
        store: the memory.
        embedder: of the store's model.
        clock: where the time comes from; the machine's by default.
        open_embedder: makes the embedder of the model that the store changed to; without it, such
            a change is a `ModelMismatchError`.
        actor: who the changelog says made the changes.
        secrets: what happens to what is given to be stored and holds keys or tokens: `refuse`,
            `mask` or `allow`.
    """

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        observe_methods(cls)

    def __init__(
        self,
        store: MemoryStore,
        embedder: Embedder,
        clock: Clock | None = None,
        *,
        open_embedder: OpenEmbedder | None = None,
        actor: Actor | None = None,
        secrets: SecretsPolicy = "refuse",
    ) -> None:
        self.store = store
        self.actor = actor or Actor()
        self._clock = clock or SystemClock()
        self._secrets: SecretsPolicy = secrets
        self._model = FollowedModel(store, embedder, open_embedder)
        self._notes = ChangeNotes(store)
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
    def embedder(self) -> Embedder:
        """What makes the vectors, of the model that the store was last seen to have."""
        return self._model.embedder

    @property
    def _parts(self) -> Parts:
        return Parts(
            store=self.store,
            embedder=self.embedder,
            clock=self._clock,
            actor=self.actor,
            secrets=self._secrets,
        )

    async def _reading(self, read: Callable[[Parts], Awaitable[T]]) -> T:
        """Read with the embedder of the store's model, once more when that changed meanwhile."""
        return await self._with_model(read, self._parts)

    async def _writing(self, write: Callable[[Parts], Awaitable[T]]) -> T:
        """Write vectors of the store's model, which an empty store is given; one at a time."""
        parts = replace(self._parts, register=partial(self._model.bind, registers=True))
        async with self._one_writer:
            return await self._with_model(write, parts)

    async def _with_model(self, call: Callable[[Parts], Awaitable[T]], parts: Parts) -> T:
        async def run(embedder: Embedder) -> T:
            is_bound = await self._model.bind(registers=False)
            return await call(replace(parts, embedder=embedder, is_bound=is_bound))

        return await self._model.run(run)
