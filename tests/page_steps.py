"""A page whose blocks are run in order: each with what it prints, and the marks in front of it.

A block of `bash` or `sql` is run. A block of `text` that follows it with nothing in between is what
it prints: `...` stands for any characters of a line, and as a line for any lines. A mark is a
comment of the page, in front of a block:

- `not run: REASON`, the block is only shown;
- `not compared: REASON`, what is printed is an example;
- `exits: CODE`, the block ends with this exit code and not with 0;
- `given: STATE`, what is the case before the block is run;
- `on: postgres`, the query is one for PostgreSQL.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pages import FENCE, name_of, read

if TYPE_CHECKING:
    from pathlib import Path

COMMENT: Final = re.compile(r"<!-- (.*?) -->", re.DOTALL)
MARKS: Final = ("not run", "not compared", "exits", "given", "on")
RUN: Final = ("bash", "sql")
ANYTHING: Final = "..."


@dataclass(kw_only=True, slots=True)
class Step:
    """A block of a page.

    Attributes:
        page: where it stands.
        line: the line of its fence.
        language: what it is written in.
        text: what is run, or shown.
        marks: the comments in front of it, by name.
        prints: what the page says that it prints, None if it says nothing.
        is_example: whether what it prints is not the same each time.
    """

    page: Path
    line: int
    language: str
    text: str
    marks: dict[str, str] = field(default_factory=dict[str, str])
    prints: str | None = None
    is_example: bool = False

    def __str__(self) -> str:
        return f"{name_of(self.page)}:{self.line}"

    @property
    def is_run(self) -> bool:
        return self.language in RUN and "not run" not in self.marks


def steps_of(page: Path) -> list[Step]:
    """Return the blocks of a page; what a block prints is not a block of its own."""
    text = read(page)
    steps: list[Step] = []
    end = 0
    for match in FENCE.finditer(text):
        gap = text[end : match.start()]
        end = match.end()
        step = Step(
            page=page,
            line=text.count("\n", 0, match.start()) + 1,
            language=match["language"],
            text=match["text"],
            marks=_marks(gap),
        )
        follows = steps and steps[-1].is_run and not COMMENT.sub("", gap).strip()
        if step.language == "text" and follows and steps[-1].prints is None:
            steps[-1].prints = step.text
            steps[-1].is_example = "not compared" in step.marks
        else:
            steps.append(step)
    return steps


def prints_as_shown(shown: str, printed: str) -> bool:
    """Say whether a program printed what a page shows."""
    pattern = "".join(_pattern(line.rstrip()) for line in shown.splitlines())
    lines = "".join(f"{line.rstrip()}\n" for line in printed.splitlines())
    return re.fullmatch(pattern, lines.rstrip("\n") + "\n") is not None


def _pattern(line: str) -> str:
    if line == ANYTHING:
        return r"(?:[^\n]*\n)*?"
    return r"[^\n]*?".join(re.escape(part) for part in line.split(ANYTHING)) + r"\n"


def _marks(gap: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for comment in COMMENT.findall(gap):
        name, _, value = comment.partition(": ")
        assert name in MARKS, f"{comment!r} is no mark of a block"
        found[name] = value.strip()
    return found
