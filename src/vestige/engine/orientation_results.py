"""What tells an agent where it is: a codebase's patterns and decisions, and what happened when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from datetime import date

    from vestige.models import MemoryRecord

Relation: TypeAlias = Literal["file", "folder", "text", "codebase"]

RELATION_WORDS: Final[dict[Relation, str]] = {
    "file": "about a given file",
    "folder": "about a file beside a given one",
    "text": "found for the text",
    "codebase": "among the newest",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class CodebaseMemory:
    """A pattern or decision of a codebase, and why it is shown.

    Attributes:
        record: the memory, whole; its metadata has `name` and `description` of a pattern,
            `decision`, `rationale` and `alternatives` of a decision, and `files`, as they were
            given.
        text: its content, or as much of it as fits into the budget of tokens.
        relation: `file` when it is about one of the given files, `folder` when about one beside
            them, `text` when the search found it, else `codebase`.
    """

    record: MemoryRecord
    text: str
    relation: Relation

    @property
    def characters_left_out(self) -> int:
        """How many characters of the content do not fit."""
        return len(self.record.content) - len(self.text)


@dataclass(frozen=True, kw_only=True, slots=True)
class CodebaseContext:
    """The patterns and decisions of a codebase that matter now, the most important first.

    Attributes:
        codebase: its name.
        memories: those that fit; of the last one only the beginning may.
        left_out: how many more were chosen that do not fit into the budget of tokens.
        tokens: what the memories cost of it, estimated.
        pattern_count: how many patterns of the codebase hold now.
        decision_count: how many decisions hold now.
        looked_at: how many of these were compared with the files: the newest ones.
    """

    codebase: str
    memories: tuple[CodebaseMemory, ...] = ()
    left_out: int = 0
    tokens: int = 0
    pattern_count: int = 0
    decision_count: int = 0
    looked_at: int = 0

    @property
    def count(self) -> int:
        """How many patterns and decisions hold now."""
        return self.pattern_count + self.decision_count


@dataclass(frozen=True, kw_only=True, slots=True)
class CodebaseCount:
    """A codebase, and how many memories it has, those included that hold no longer."""

    name: str
    memory_count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class TimelineEntry:
    """A memory, and why it does not hold or is hidden: `superseded`, `expired`, `suppressed`."""

    record: MemoryRecord
    marks: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class TimelineDay:
    """A day, the memories created on it, newest first, and how many there are of that day."""

    day: date
    count: int
    entries: tuple[TimelineEntry, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Timeline:
    """Memories in the order of their creation, newest first, by days.

    Attributes:
        days: those on which a memory was created; of the last one some may be left out.
        count: how many memories there are in all.
        time_zone: whose days.
    """

    days: tuple[TimelineDay, ...] = ()
    count: int = 0
    time_zone: str = "UTC"

    @property
    def left_out(self) -> int:
        """How many memories are not shown, all of them older than those that are."""
        return self.count - sum(len(day.entries) for day in self.days)
