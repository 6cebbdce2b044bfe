"""`vestige fsrs`: showing, fitting and resetting the weights by which memories fade."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, cast

import pytest

from reviewers import FORGETFUL, store_reviews
from vestige.cognition.fsrs_weights import DEFAULT_WEIGHTS
from vestige.storage.sqlite.store import SqliteStore

if TYPE_CHECKING:
    from pathlib import Path

    from command_line import CommandLine

MEMORIES, REVIEWS = 90, 8


async def _fill(path: Path) -> None:
    store = await SqliteStore.open(path)
    try:
        await store_reviews(store, FORGETFUL, memories=MEMORIES, reviews=REVIEWS)
    finally:
        await store.close()


@pytest.fixture
def reviewed(vestige: CommandLine) -> CommandLine:
    """A store with the reviews of somebody who forgets fast."""
    vestige("migrate", "up")
    (path,) = vestige.folder.rglob("*.db")
    asyncio.run(_fill(path))
    return vestige


def test_without_fitted_weights_the_default_ones_are_shown(vestige: CommandLine) -> None:
    vestige("migrate", "up")
    ran = vestige("fsrs", "show")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("the default weights of FSRS-6\n")
    assert "w20" in ran.out
    assert "0.1542" in ran.out
    view = vestige("fsrs", "show", "--json").json
    assert view["is_default"] is True
    assert cast("dict[str, float]", view["weights"])["decay"] == DEFAULT_WEIGHTS.decay


def test_a_fit_is_printed_and_nothing_is_written(reviewed: CommandLine) -> None:
    before = reviewed("export").out
    ran = reviewed("fsrs", "fit")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("fitted: nothing was written\n")
    assert f"{MEMORIES * REVIEWS} of {MEMORIES} memories\n" in ran.out
    assert ran.out.endswith("`vestige fsrs fit --apply` uses them\n")
    assert reviewed("export").out == before


def test_what_is_applied_is_shown_and_exported_and_can_be_taken_back(
    reviewed: CommandLine,
) -> None:
    planned = reviewed("fsrs", "fit", "--json").json
    ran = reviewed("fsrs", "fit", "--apply", "--json")
    assert (ran.code, ran.err) == (0, "")
    assert (ran.json["is_better"], ran.json["is_applied"]) == (True, True)
    assert ran.json["weights"] == planned["weights"] != planned["previous"]
    shown = reviewed("fsrs", "show", "--json").json
    assert shown["is_default"] is False
    assert shown["weights"] == ran.json["weights"]
    assert shown["review_count"] == MEMORIES * REVIEWS
    assert "fitted" in reviewed("fsrs", "show").out
    assert '"table":"fsrs_weights"' in reviewed("export").out
    again = reviewed("fsrs", "fit", "--apply")
    assert (again.code, again.err) == (0, "")
    assert again.out.endswith("the weights in use predict as well or better, and stay\n")
    reset = reviewed("fsrs", "reset")
    assert reset.out.startswith("reset to the default weights of FSRS-6\n")
    assert reviewed("fsrs", "show", "--json").json["is_default"] is True
    assert '"table":"fsrs_weights"' not in reviewed("export").out


def test_what_is_applied_is_said_in_words(reviewed: CommandLine) -> None:
    ran = reviewed("fsrs", "fit", "--apply")
    assert ran.out.startswith("applied\n")
    assert ran.out.endswith(f"refreshed     {MEMORIES} memories\n")


def test_too_few_reviews_are_an_error_that_says_what_is_needed(vestige: CommandLine) -> None:
    vestige("migrate", "up")
    ran = vestige("fsrs", "fit", "--apply")
    assert (ran.code, ran.out) == (1, "")
    assert "0 of 0 can be learned from" in ran.err
    assert "needed are 400" in ran.err


def test_without_the_extra_the_error_says_how_to_install_it(
    vestige: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    vestige("migrate", "up")
    monkeypatch.setitem(sys.modules, "fsrs_rs_python", None)
    ran = vestige("fsrs", "fit")
    assert (ran.code, ran.out) == (2, "")
    assert "fsrs-rs-python, which fits the weights, is not installed" in ran.err
    assert "pip install 'vestige[fsrs]'" in ran.err


@pytest.mark.parametrize("command", ["show", "fit", "reset"])
def test_no_store_is_made_where_there_is_none(vestige: CommandLine, command: str) -> None:
    ran = vestige("fsrs", command)
    assert (ran.code, ran.out) == (1, "")
    assert "there is no store" in ran.err
    assert not list(vestige.folder.rglob("*.db"))
