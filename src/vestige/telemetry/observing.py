"""Telling observers what is being done: how long it takes, and what comes of it.

With no observer, and a log that does not want to know either, this costs one look at a list.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, Protocol, TypeAlias

from vestige.errors import VestigeError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from types import TracebackType

# A call of the engine; what it asks of the store; a wait for a connection; texts to vectors.
Kind: TypeAlias = Literal["operation", "store", "pool", "embedding"]

OK: Final = "ok"
CANCELLED: Final = "cancelled"
CRASH: Final = "crash"  # an exception that is not one of this package

logger = logging.getLogger("vestige.operations")


@dataclass(kw_only=True, slots=True)
class Observation:
    """Something that is being done, and at the end how it went; never what a memory says.

    Attributes:
        kind: what sort of work it is.
        name: which: `recall`, `search.search`.
        store: the backend and the place of its data, without a password; empty where there is none.
        counts: how many things it was about.
        outcome: `ok`, the code of an error, `cancelled`, or `crash`; `ok` until the end.
        seconds: how long it took; 0 until the end.
    """

    kind: Kind
    name: str
    store: str = ""
    counts: dict[str, int] = field(default_factory=dict)
    outcome: str = OK
    seconds: float = 0.0

    @property
    def fields(self) -> dict[str, str | int | float]:
        """The fields of a line in the log that is about it."""
        return {
            "operation": self.name,
            "store": self.store,
            "duration_ms": milliseconds(self.seconds),
            "outcome": self.outcome,
            **self.counts,
        }


class Observer(Protocol):
    """Is told of everything that is done, on the task or thread that does it; must not raise."""

    def begin(self, observation: Observation) -> object:
        """Take note that something begins; what is returned comes back at its end."""
        ...

    def end(self, observation: Observation, begun: object) -> None:
        """Take note of how it went, in the same context as its beginning."""
        ...

    def slow(self, operation: str, store: str) -> None:
        """Take note that work in the store took longer than `[logging] slow_ms`."""
        ...


_observers: Final[list[Observer]] = []


def add_observer(observer: Observer) -> None:
    """Tell an observer of everything that begins from now on, in all stores of this process."""
    _observers.append(observer)


def remove_observer(observer: Observer) -> None:
    """Tell an observer nothing more, but for the ends of what it was told the beginnings of."""
    _observers.remove(observer)


def is_watched() -> bool:
    """Say whether anybody wants to know what the engine does."""
    return bool(_observers) or logger.isEnabledFor(logging.INFO)


def observed(kind: Kind, name: str, *, store: str = "") -> AbstractContextManager[Observation]:
    """Observe what the block does.

    Args:
        kind: what sort of work it is.
        name: which; one of few, because there is a series of numbers for each.
        store: where, as `Observation` has it.
    """
    if _observers or (kind == "operation" and is_watched()):
        return _Watched(Observation(kind=kind, name=name, store=store))
    return _UNWATCHED


def report_slow(operation: str, store: str) -> None:
    """Tell the observers that work in the store took longer than it should."""
    for observer in tuple(_observers):
        observer.slow(operation, store)


def milliseconds(seconds: float) -> float:
    """Return a time as it stands in the log: milliseconds, to the microsecond."""
    return round(seconds * 1000, 3)


class _Watched:
    """A block that somebody wants to know of."""

    __slots__ = ("_begun", "_observation", "_started")

    def __init__(self, observation: Observation) -> None:
        self._observation = observation
        self._begun: list[tuple[Observer, object]] = []
        self._started = 0.0

    def __enter__(self) -> Observation:
        observers = tuple(_observers)
        self._begun = [(observer, observer.begin(self._observation)) for observer in observers]
        self._started = time.perf_counter()
        return self._observation

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        observation = self._observation
        observation.seconds = time.perf_counter() - self._started
        if error is not None:
            observation.outcome = _outcome(error)
        if observation.kind == "operation":
            # While its span is the current one, so that the line can be found from the trace.
            _log(observation)
        for observer, begun in reversed(self._begun):
            observer.end(observation, begun)


class _Unwatched:
    """A block that nobody wants to know of."""

    __slots__ = ("_observation",)

    def __init__(self) -> None:
        self._observation = Observation(kind="operation", name="")  # the same for all: not read

    def __enter__(self) -> Observation:
        return self._observation

    def __exit__(self, *_: object) -> None:
        pass


_UNWATCHED: Final = _Unwatched()


def _outcome(error: BaseException) -> str:
    if isinstance(error, VestigeError):
        return error.code
    if isinstance(error, asyncio.CancelledError | KeyboardInterrupt):
        return CANCELLED
    return CRASH


def _log(observation: Observation) -> None:
    # A failure is the caller's to report, and he knows what was asked; here it is one of many.
    level = logging.DEBUG if observation.outcome == OK else logging.INFO
    logger.log(level, "%s: %s", observation.name, observation.outcome, extra=observation.fields)
