"""The reference pages say what the code says."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, get_origin

import pytest
from pydantic import SecretStr

import vestige
from pages import ROOT, read
from vestige.cognition import fsrs
from vestige.config import VARIABLES, effective_settings, load_config
from vestige.config.settings import KEYS
from vestige.config.sources import CONFIG_VARIABLE, DATA_DIR_VARIABLE
from vestige.errors import VestigeError
from vestige.models import LOCAL_USER_ID, Rating

if TYPE_CHECKING:
    from collections.abc import Iterator

REFERENCE: Final = ROOT / "docs" / "reference"
TROUBLES: Final = ROOT / "docs" / "how-to" / "troubleshoot.md"
SIGNATURES: Final = ROOT / "tools" / "reference.py"
EXPLANATION: Final = ROOT / "docs" / "explanation"
TYPE_NAMES: Final[dict[object, str]] = {
    bool: "true or false",
    SecretStr: "secret",
    Path: "path",
    float: "number",
    int: "whole number",
    str: "text",
}
VARIABLE_OF: Final = {key: variable for variable, key in VARIABLES.items()}


def rows_of(page: str) -> list[list[str]]:
    lines = [line for line in page.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def row_of(page: str, name: str) -> list[str]:
    rows = [row for row in rows_of(page) if row[0] == f"`{name}`"]
    assert len(rows) == 1, f"{name} has {len(rows)} rows"
    return rows[0]


def type_name(key: str) -> str:
    types = KEYS[key]
    if any(get_origin(found) is Literal for found in types):
        return "one of"
    return next(name for known, name in TYPE_NAMES.items() if known in types)


def choices(key: str) -> set[str]:
    return {value for value in KEYS[key] if isinstance(value, str)}


@pytest.mark.parametrize("key", sorted(KEYS))
def test_a_setting_is_listed_with_its_type_default_and_variable(key: str, tmp_path: Path) -> None:
    _, type_cell, default_cell, variable_cell, meaning = row_of(
        read(REFERENCE / "configuration.md"), key
    )
    value = {
        setting.key: setting.value
        for setting in effective_settings(load_config(None, tmp_path, {}))
    }[key]
    shown = str(value).lower() if isinstance(value, bool) else str(value)
    shown = shown.removesuffix(".0").removeprefix(f"{tmp_path}/")
    assert default_cell == ("not set" if value is None else f"`{shown}`")
    assert variable_cell == f"`{VARIABLE_OF[key]}`"
    if type_name(key) == "one of":
        assert set(re.findall(r"`(\w+)`", type_cell)) == choices(key)
    else:
        assert type_cell == type_name(key)
    assert meaning


def test_no_setting_is_listed_that_is_not_there() -> None:
    rows = rows_of(read(REFERENCE / "configuration.md"))
    assert {row[0].strip("`") for row in rows if row[0] != "key"} == set(KEYS)


def test_every_public_name_is_on_the_page_of_the_api() -> None:
    page = read(REFERENCE / "python-api.md")
    named = set(re.findall(r"`(\w+)", page))
    assert not set(vestige.__all__) - named


def members_of(kind: type) -> set[str]:
    bases = kind.__mro__[:-1]  # without object
    return {name for base in bases for name in vars(base) if not name.startswith("_")}


def listed_after(heading: str) -> list[str]:
    """Return the first cells of the table of the API whose heading begins so."""
    table = read(REFERENCE / "python-api.md").partition(f"| {heading} |")[2].partition("\n\n")[0]
    return re.findall(r"^\| `([^|]+)` \|", table, re.MULTILINE)


def name_in(call: str) -> str:
    return call.partition("(")[0]


def test_the_methods_on_the_page_of_the_api_are_those_of_the_engines() -> None:
    of_both, more = listed_after("method of `Engine`"), listed_after("method of `SyncEngine`")
    assert "undo" in members_of(vestige.Engine)
    assert {name_in(call) for call in of_both} == members_of(vestige.Engine)
    assert {name_in(call) for call in more} == (
        members_of(vestige.SyncEngine) - members_of(vestige.Engine)
    )


def test_a_call_on_the_page_of_the_api_has_the_arguments_of_the_code() -> None:
    calls = [
        *((vestige.Engine, call) for call in listed_after("method of `Engine`")),
        *((vestige.SyncEngine, call) for call in listed_after("method of `SyncEngine`")),
        *((vestige, call) for call in listed_after("name") if call.startswith("open")),
    ]
    written = [(owner, call) for owner, call in calls if "(" in call]
    assert len(written) > 50
    for owner, call in written:
        function = getattr(owner, name_in(call))
        declared = [name for name in inspect.signature(function).parameters if name != "self"]
        is_whole = "..." not in call
        tree = ast.parse(f"def {call.replace(', ...', '').replace('...', '')}: pass").body[0]
        assert isinstance(tree, ast.FunctionDef)
        shown = [argument.arg for argument in (*tree.args.args, *tree.args.kwonlyargs)]
        assert shown == (declared if is_whole else declared[: len(shown)]), call
        assert is_whole or len(declared) > len(shown), call


def test_every_page_of_the_reference_is_compared_with_the_code_by_a_test() -> None:
    tests = [read(path) for path in (ROOT / "tests").rglob("*.py")]
    pages = [path.name for path in REFERENCE.glob("*.md")]
    assert not [name for name in pages if not any(f'"{name}"' in text for text in tests)]


def test_the_page_of_signatures_is_what_the_code_says() -> None:
    written = subprocess.run(
        [sys.executable, str(SIGNATURES)], capture_output=True, check=True, text=True, timeout=60
    ).stdout
    page = read(REFERENCE / "python-signatures.md")
    assert page == written, "run `python tools/reference.py --write`"
    headings = set(re.findall(r"^##+ .*?`([\w.]+)`", page, re.MULTILINE))
    without_a_section = {"VestigeError"}
    assert {name.partition(".")[0] for name in headings} >= set(vestige.__all__) - without_a_section


def subclasses(error: type[VestigeError]) -> Iterator[type[VestigeError]]:
    yield error
    for kind in error.__subclasses__():
        if kind.__module__ == "vestige.errors":
            yield from subclasses(kind)


@pytest.mark.parametrize("error", list(subclasses(VestigeError)), ids=lambda error: error.code)
def test_an_error_is_listed_with_its_class_and_hint(error: type[VestigeError]) -> None:
    _, class_cell, meaning, hint = row_of(read(REFERENCE / "errors.md"), error.code)
    assert class_cell == f"`{error.__name__}`"
    assert hint == error.hint
    assert meaning


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads(read(ROOT / "pyproject.toml"))
    required = [
        *project["project"]["dependencies"],
        *project["dependency-groups"]["dev"],
        *project["build-system"]["requires"],
    ]
    names = {re.split(r"[^\w-]", requirement)[0] for requirement in required}
    rows = rows_of(read(ROOT / "docs" / "adr" / "0002-dependencies.md"))
    reasons = {row[0].strip("`"): row[1] for row in rows if row[0].startswith("`")}
    assert set(reasons) == names
    assert all(reasons.values())


def test_no_error_is_listed_that_is_not_there() -> None:
    codes = [
        row[0].strip("`") for row in rows_of(read(REFERENCE / "errors.md")) if row[0] != "code"
    ]
    assert sorted(codes) == sorted(error.code for error in subclasses(VestigeError))


def test_every_error_has_a_section_of_the_page_about_troubles() -> None:
    headings = re.findall(r"^## (`.+)$", read(TROUBLES), re.MULTILINE)
    codes = re.findall(r"`(\w+)`", " ".join(headings))
    assert sorted(codes) == sorted(error.code for error in subclasses(VestigeError))


def test_every_variable_on_the_page_is_known() -> None:
    named = re.findall(r"`(VESTIGE_\w+)`", read(REFERENCE / "configuration.md"))
    assert {*VARIABLES, CONFIG_VARIABLE, DATA_DIR_VARIABLE} == set(named)


def test_the_numbers_of_the_forgetting_curve_are_those_of_a_new_memory() -> None:
    rows = rows_of(read(EXPLANATION / "how-memory-fades.md"))
    shown = {int(row[0]): row[1] for row in rows if row[0].isdigit()}
    stability = fsrs.initial_stability(Rating.GOOD)
    assert len(shown) > 3
    assert shown == {days: f"{fsrs.retrievability(days, stability):.3f}" for days in shown}


def test_the_numbers_of_the_first_review_are_those_of_fsrs() -> None:
    rows = rows_of(read(EXPLANATION / "how-memory-fades.md"))
    shown = {row[0]: row[1:] for row in rows if len(row) == 3}
    created_at = fsrs.LATEST_TIME.replace(year=2026)
    state = fsrs.initial_state(LOCAL_USER_ID, created_at)
    for rating in Rating:
        after = fsrs.review(state, rating, created_at + fsrs.ONE_DAY)
        days = fsrs.next_interval_days(after.stability)
        expected = [f"{after.stability:.2f}", f"{days} day{'' if days == 1 else 's'}"]
        assert shown[rating.name.lower()] == expected
