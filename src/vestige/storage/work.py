"""What a store knows of the work it does: its name, and the statement that took longest."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, LiteralString, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

V = TypeVar("V")

# Work that takes as long as the store is large, which nobody has to be told.
OF_THE_WHOLE_STORE: Final = frozenset(
    {"maintenance", "model_change", "problems", "reembedding", "schema", "transfer"}
)
OF_MANY: Final = frozenset({"memories.insert_many"})  # as long as somebody has given it
_EXPLAINABLE: Final = re.compile(r"\s*(SELECT|WITH|INSERT|UPDATE|DELETE)\b", re.IGNORECASE)


@dataclass(slots=True)
class Slowest(Generic[V]):
    """The slowest statement of a piece of work, with its values, which stay in memory."""

    values: V
    sql: LiteralString = ""
    seconds: float = 0.0

    def note(self, sql: LiteralString, values: V, started: float) -> None:
        """Take note of a statement that ends now.

        Args:
            sql: its text.
            values: those that it was given.
            started: when it began, as `time.perf_counter` has it.
        """
        seconds = time.perf_counter() - started
        if seconds > self.seconds:
            self.sql, self.values, self.seconds = sql, values, seconds


def name_of(function: Callable[..., object]) -> str:
    """Return the name of the work that a function of a backend does: `search.search`."""
    return f"{function.__module__.rpartition('.')[2]}.{function.__name__}"


def may_be_slow(operation: str) -> bool:
    """Say whether work takes long by its nature."""
    return operation in OF_MANY or operation.partition(".")[0] in OF_THE_WHOLE_STORE


def is_explainable(sql: str) -> bool:
    """Say whether a database can tell how it goes about a statement."""
    return _EXPLAINABLE.match(sql) is not None
