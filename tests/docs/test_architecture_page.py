"""ARCHITECTURE.md says where things are and how long they are; both have to be true.

CONTRIBUTING.md says where changes belong, so its paths are checked as well.
"""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING, Final

import pytest

from pages import ROOT, name_of, read

if TYPE_CHECKING:
    from pathlib import Path

PAGE: Final = ROOT / "ARCHITECTURE.md"
PATH: Final = re.compile(r"`((?:src|tests|docs|tools|examples|bench)/[\w./-]+)`")
HOUSE: Final = ROOT / "tools" / "house.py"


def section(title: str) -> str:
    _, _, rest = read(PAGE).partition(f"## {title}\n")
    return rest.partition("\n## ")[0]


@pytest.mark.parametrize("page", [PAGE, ROOT / "CONTRIBUTING.md"], ids=name_of)
def test_every_path_on_the_page_exists(page: Path) -> None:
    paths = PATH.findall(read(page))
    assert paths
    assert not [path for path in paths if not (ROOT / path).exists()]


def test_the_page_says_where_at_least_ten_features_are() -> None:
    rows = [line for line in section("Where is ...").splitlines() if line.startswith("| ")]
    assert len([row for row in rows if PATH.search(row)]) >= 10


def test_every_layer_is_in_the_table_of_layers() -> None:
    packages = {path.parent.name for path in (ROOT / "src" / "vestige").glob("*/__init__.py")}
    modules = {
        path.stem for path in (ROOT / "src" / "vestige").glob("*.py") if path.stem != "__init__"
    }
    named = set(re.findall(r"`(\w+)`", section("Layers")))
    assert packages | modules <= named


def test_the_measurements_are_those_of_the_code() -> None:
    result = subprocess.run(
        [sys.executable, str(HOUSE)], capture_output=True, check=True, text=True, timeout=60
    )
    assert result.stdout.strip() in read(PAGE), "run `python tools/house.py --write`"
