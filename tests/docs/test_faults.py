"""The page about faults: each of its rows is shown by a test that exists."""

from __future__ import annotations

import re
from typing import Final

from pages import ROOT

PAGE: Final = ROOT / "docs" / "explanation" / "faults.md"
NAMED: Final = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
THE_SAME: Final = "the same test"


def rows() -> list[str]:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.startswith("| ") and not line.startswith("| fault |")]


def test_every_row_names_the_test_that_shows_it() -> None:
    assert len(rows()) > 15
    assert not [row for row in rows() if not NAMED.search(row) and THE_SAME not in row]


def test_every_test_that_is_named_is_there() -> None:
    named = NAMED.findall(PAGE.read_text(encoding="utf-8"))
    missing = [
        f"{path}::{name}"
        for path, name in named
        if not re.search(rf"^(async )?def {name}\(", _text(path), re.MULTILINE)
    ]
    assert named
    assert not missing


def test_every_test_of_a_fault_is_named() -> None:
    page = PAGE.read_text(encoding="utf-8")
    ours = [ROOT / "tests" / "faults" / f"test_{name}.py" for name in ("kills", "damage", "crowds")]
    found = [
        name
        for path in ours
        for name in re.findall(
            r"^(?:async )?def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE
        )
    ]
    assert len(found) > 5
    assert not [name for name in found if name not in page]


def _text(path: str) -> str:
    file = ROOT / path
    return file.read_text(encoding="utf-8") if file.exists() else ""
