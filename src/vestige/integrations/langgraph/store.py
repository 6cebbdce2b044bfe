"""A memory as the long-term store of LangGraph."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from langgraph.store.base import (
    BaseStore,
    GetOp,
    ListNamespacesOp,
    PutOp,
    SearchOp,
)

from vestige.clock import SystemClock
from vestige.engine.parts import Actor
from vestige.errors import InvalidInputError
from vestige.integrations.langgraph import operations
from vestige.integrations.langgraph.items import TAG, WHOLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from langgraph.store.base import Op, Result

    from vestige.clock import Clock
    from vestige.engine.engine import Engine
    from vestige.sync.engine import SyncEngine


class VestigeStore(BaseStore):
    """The store of a graph, `builder.compile(store=VestigeStore(memory))`, in a Vestige memory.

    Each item is a memory under an id that follows from its namespace and key, with a tag for each
    namespace that it is in. It is in the changelog, is found by `vestige recall` and `vestige list
    --tags langgraph`, and is copied, exported and backed up like every other. What is hidden with
    `vestige suppress`, or was superseded, is not there for a graph until it is put again.

    A search is by meaning and by words. Of the other operations `get`, `put` and `delete` take as
    long whatever is stored; a `search` without a query reads until it has enough, which with a
    filter may be all items of the namespace; `list_namespaces` reads all items below its prefix.

    Operations of one `batch` that read see what was there before it. Items do not expire: `ttl` is
    refused.

    Args:
        memory: an open memory; it stays open until its owner closes it. Graphs may use it from any
            thread and event loop.
        fields: paths of what a search looks into where `put` does not say, as in `index` of
            LangGraph; all of a value by default.
        clock: tells which memories hold; the machine's by default.
    """

    def __init__(
        self, memory: SyncEngine, *, fields: Sequence[str] = (WHOLE,), clock: Clock | None = None
    ) -> None:
        is_named = memory.actor.client_id is not None
        self._memory = memory if is_named else memory.acting_as(Actor(client_id=TAG))
        self._fields = tuple(fields)
        self._clock = clock or SystemClock()

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        """Do several operations; return what each has found, in order.

        Raises:
            InvalidInputError: an item cannot be stored, or an operation is unknown.
        """
        return self._memory.run(partial(self._apply, list(ops)))

    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        """Do what `batch` does without holding up the event loop."""
        return await asyncio.wrap_future(self._memory.submit(partial(self._apply, list(ops))))

    async def _apply(self, ops: Sequence[Op], engine: Engine) -> list[Result]:
        now = self._clock.now()
        results = [await _read(engine, op, now) for op in ops]
        puts = [op for op in ops if isinstance(op, PutOp)]
        if puts:
            await operations.put(engine, puts, self._fields)
        return results


async def _read(engine: Engine, op: Op, now: datetime) -> Result:
    match op:
        case GetOp():
            return await operations.get(engine, op, now)
        case SearchOp():
            return await operations.search(engine, op, now)
        case ListNamespacesOp():
            return await operations.list_namespaces(engine, op, now)
        case PutOp():
            return None  # all of them follow when everything is read
        case _:  # pyright: ignore[reportUnnecessaryComparison]  # callers may have no type checker
            raise InvalidInputError("ops", f"has an unknown operation, a {type(op).__name__}")
