"""Every command that a page names is one that there is, also where it is not run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import pytest

from command_tree import COMMANDS, GROUPS, options_of
from pages import INLINE_CODE, PAGES, blocks_of, name_of, prose_of

if TYPE_CHECKING:
    from pathlib import Path

NAMED: Final = re.compile(r"(?<![\w./-])vestige((?: [a-z][a-z-]*)*)([^`;|&\n]*)")
OPTION: Final = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
QUOTED: Final = re.compile(r'"[^"]*"')
# Of `vestige` itself, and of every command.
COMMON: Final = {"--help", "--config", "--data-dir", *options_of("")}
# The other word for `vestige migrate copy` and `vestige migrate reembed`.
OF_MIGRATE: Final = {*options_of("migrate copy"), *options_of("migrate reembed"), "--reembed"}


def named_in(text: str) -> list[tuple[str, set[str]]]:
    """Return each command of a text with its options; words that are no command are left out."""
    found: list[tuple[str, set[str]]] = []
    for words, rest in NAMED.findall(text.replace("\\\n", " ")):
        parts = words.split()
        names = [" ".join(parts[:length]) for length in range(len(parts), 0, -1)]
        known = [name for name in names if name in COMMANDS or name in GROUPS]
        options = set(OPTION.findall(QUOTED.sub("", rest)))
        found.append((known[0] if known else " ".join(parts[:1]), options))
    return found


def problems_of(text: str) -> list[str]:
    problems: list[str] = []
    for name, options in named_in(text):
        if name and name not in COMMANDS and name not in GROUPS:
            problems.append(f"there is no vestige {name}")
            continue
        known = COMMON.union(options_of(name), OF_MIGRATE if name == "migrate" else ())
        problems += [f"vestige {name} has no {option}" for option in sorted(options - known)]
    return problems


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_command_of_a_page_exists_and_has_its_options(page: Path) -> None:
    shown = [block.text for block in blocks_of(page) if block.language == "text"]
    inline = INLINE_CODE.findall(prose_of(page))
    assert not [problem for text in [*shown, *inline] for problem in problems_of(text)]


def test_a_command_or_an_option_that_is_not_there_is_noticed() -> None:
    assert problems_of("`vestige recal x`") == ["there is no vestige recal"]
    assert problems_of("vestige recall --limits 3") == ["vestige recall has no --limits"]
    assert problems_of("vestige migrate copy --limit 3") == ["vestige migrate copy has no --limit"]
    assert not problems_of('vestige recall "what is --strange?" --limit 3 && other --option')
