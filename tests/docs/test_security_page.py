"""SECURITY.md: each of its claims names a test that exists."""

from __future__ import annotations

import re
from typing import Final

from pages import ROOT

PAGE: Final = ROOT / "SECURITY.md"
NAMED: Final = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


def claims() -> list[str]:
    text = PAGE.read_text(encoding="utf-8")
    defended = text.partition("## What is defended")[2].partition("## What is not defended")[0]
    lines = [line for line in defended.splitlines() if line.startswith("| ")]
    return [line for line in lines if not line.startswith("| claim |")]


def test_every_claim_names_a_test() -> None:
    assert len(claims()) > 25
    assert not [line for line in claims() if not NAMED.search(line)]


def test_every_test_that_is_named_is_there() -> None:
    missing = [
        f"{path}::{name}"
        for path, name in NAMED.findall(PAGE.read_text(encoding="utf-8"))
        if not re.search(rf"^(async )?def {name}\(", _text(path), re.MULTILINE)
    ]
    assert not missing


def test_every_file_of_security_tests_is_named() -> None:
    page = PAGE.read_text(encoding="utf-8")
    files = [path.name for path in (ROOT / "tests" / "security").glob("test_*.py")]
    assert len(files) > 4
    assert not [name for name in files if name not in page]


def _text(path: str) -> str:
    file = ROOT / path
    return file.read_text(encoding="utf-8") if file.exists() else ""
