"""Telling observers of each call of the engine: one place for all its methods."""

from __future__ import annotations

from contextvars import ContextVar
from functools import wraps
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Final, ParamSpec, Protocol, TypeVar, cast

from vestige.telemetry.observing import is_watched, observed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from vestige.storage.protocol import MemoryStore

P = ParamSpec("P")
T = TypeVar("T")

# It is a part of the answer of a recall, and asks for no work of its own.
UNOBSERVED: Final = frozenset({"note"})

# A method that others call is a call of theirs: what a person asked for counts once.
_is_within: Final = ContextVar("vestige_is_within", default=False)


class HasStore(Protocol):
    """An engine, of which the name of its store is wanted."""

    @property
    def store(self) -> MemoryStore: ...


def observe_methods(cls: type) -> None:
    """Let the public methods of a part of the engine be observed."""
    for name, method in tuple(vars(cls).items()):
        if not name.startswith("_") and name not in UNOBSERVED and iscoroutinefunction(method):
            setattr(cls, name, _observed(name, method))


def name_of(store: MemoryStore) -> str:
    """Return the backend of a store and the place of its data; of a foreign store, its class."""
    name = getattr(store, "name", None)
    return name if isinstance(name, str) else type(store).__name__


def _observed(name: str, method: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    @wraps(method)
    async def call(*args: P.args, **kwargs: P.kwargs) -> T:
        if _is_within.get() or not is_watched():
            return await method(*args, **kwargs)
        engine = cast("HasStore", args[0])
        token = _is_within.set(True)
        try:
            with observed("operation", name, store=name_of(engine.store)) as observation:
                result = await method(*args, **kwargs)
                found = getattr(result, "hits", result)
                if isinstance(found, list | tuple):
                    observation.counts["results"] = len(cast("list[object]", found))
                return result
        finally:
            _is_within.reset(token)

    return call
