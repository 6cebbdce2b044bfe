"""The runbook of a store on PostgreSQL: every block of it is run, in the order of the page."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import pytest

from embedding_server import embedding_server
from operated_server import operated_server
from page_steps import RUN, prints_as_shown, steps_of
from pages import ROOT, prose_of, read
from runbook_operator import Operator
from runbook_states import STATES

if TYPE_CHECKING:
    from pathlib import Path

PAGE: Final = ROOT / "docs" / "runbook" / "postgres.md"
STEPS: Final = steps_of(PAGE)
SECTIONS: Final = [
    "1. Prerequisites",
    "2. Initial set-up",
    "3. First connect",
    "4. Pool tuning",
    "5. Backup",
    "6. Changing the embedding model",
    "7. Domains",
    "8. Monitoring",
    "9. Troubleshooting",
    "10. Rollback",
]
LONGEST_BLOCK: Final = 30
RUN_AT_LEAST: Final = 75
COMPARED_AT_LEAST: Final = 45
DIMENSION: Final = 768


@pytest.mark.timeout(900)  # a hundred programs, each of which has its own time
def test_every_block_of_the_runbook_does_what_the_page_says(
    tmp_path: Path, quick_programs: Path
) -> None:
    with operated_server() as server, embedding_server(DIMENSION) as models:
        operator = Operator(
            server=server,
            home=tmp_path,
            states=STATES,
            models_url=models.base_url,
            programs=quick_programs,
        )
        printed = operator.follow(STEPS)
    password = (tmp_path / ".pgpass").read_text(encoding="utf-8").strip().rpartition(":")[2]
    assert len(password) == 48
    assert not [text for text in printed if password in text]


def test_the_runbook_has_its_ten_sections() -> None:
    assert re.findall(r"^## (.+)$", prose_of(PAGE), re.MULTILINE) == SECTIONS


def test_nearly_every_block_is_run_and_the_others_say_why_not() -> None:
    assert [step for step in STEPS if step.is_run][RUN_AT_LEAST - 1 :]
    compared = [step for step in STEPS if step.prints is not None and not step.is_example]
    assert compared[COMPARED_AT_LEAST - 1 :]
    shown = [step for step in STEPS if not step.is_run]
    assert not [str(step) for step in shown if len(step.marks.get("not run", "").split()) < 4]


def test_every_state_of_the_runbook_is_brought_about_and_every_one_is_asked_for() -> None:
    assert {step.marks["given"] for step in STEPS if "given" in step.marks} == STATES.keys()


def test_a_block_can_be_pasted_as_it_is() -> None:
    assert not [str(step) for step in STEPS if len(step.text.splitlines()) > LONGEST_BLOCK]
    commands = [step for step in STEPS if step.language in RUN]
    assert not [str(step) for step in commands if re.search(r"^(\$|#|>) ", step.text, re.MULTILINE)]
    assert read(PAGE).isascii()


@pytest.mark.parametrize(
    ("shown", "printed", "is_same"),
    [
        ("one\n...\nfour\n", "one\ntwo\nthree\nfour\n", True),
        ("one ... four\n", "one two three four  \n", True),
        ("one\n", "one\ntwo\n", False),
        ("one ...\n", "one two\nthree\n", False),
        ("a.b\n", "axb\n", False),
    ],
)
def test_what_is_printed_is_compared_but_for_what_the_page_leaves_open(
    shown: str, printed: str, *, is_same: bool
) -> None:
    assert prints_as_shown(shown, printed) == is_same
