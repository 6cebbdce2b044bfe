"""What an agent is told when it starts to work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vestige.engine.orientation_results import CodebaseMemory
    from vestige.models import Intention, MemoryRecord


@dataclass(frozen=True, kw_only=True, slots=True)
class Reminder:
    """An intention whose moment has come.

    Attributes:
        intention: the intention, whole.
        reason: why its moment has come.
        text: what is to be done, or as much of it as fits into the budget of tokens.
    """

    intention: Intention
    reason: str
    text: str

    @property
    def characters_left_out(self) -> int:
        """How many characters of the content do not fit."""
        return len(self.intention.content) - len(self.text)


@dataclass(frozen=True, kw_only=True, slots=True)
class RecalledMemory:
    """A memory that answers a query.

    Attributes:
        record: the memory, whole.
        query: the query for which it was found first.
        text: its content, or as much of it as fits into the budget of tokens.
    """

    record: MemoryRecord
    query: str
    text: str

    @property
    def characters_left_out(self) -> int:
        """How many characters of the content do not fit."""
        return len(self.record.content) - len(self.text)


@dataclass(frozen=True, kw_only=True, slots=True)
class LeftOut:
    """How much there is beside what is shown.

    Attributes:
        reminders: intentions whose moment has come.
        codebase: patterns and decisions of the codebase that hold now.
        recalled: memories that were found for the queries.
        notes: sentences about what is due and about the store.
    """

    reminders: int = 0
    codebase: int = 0
    recalled: int = 0
    notes: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionStart:
    """What an agent is told when it starts to work, within one budget of tokens.

    Attributes:
        reminders: intentions whose moment has come, the most pressing first.
        codebase: patterns and decisions of the codebase, the most important first.
        recalled: memories that answer the queries, each once and none of the codebase's again.
        notes: sentences for people: what is due for review, what is wrong with the store, how many
            memories it holds, and what was left out.
        left_out: how much there is beside these.
        due_count: how many memories are due for review; 50 means as many or more.
        memory_count: how many memories there are.
        tokens: what `session_text` makes of it costs at most, estimated.
        token_budget: how many tokens it might have cost.
    """

    reminders: tuple[Reminder, ...] = ()
    codebase: tuple[CodebaseMemory, ...] = ()
    recalled: tuple[RecalledMemory, ...] = ()
    notes: tuple[str, ...] = ()
    left_out: LeftOut = LeftOut()
    due_count: int = 0
    memory_count: int = 0
    tokens: int = 0
    token_budget: int = 0
