"""The page about compatibility names the versions that the project itself names."""

from __future__ import annotations

import re
import tomllib
from typing import Final

from pages import ROOT, read
from vestige.storage.postgres.schema import SERVER_VERSION_MIN, VECTOR_VERSION_MIN

PAGE: Final = ROOT / "docs" / "reference" / "compatibility.md"
LOCK: Final = ROOT / "requirements" / "dev.txt"
MAKEFILE: Final = ROOT / "Makefile"


def cells_of(section: str) -> list[list[str]]:
    text = read(PAGE).partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows[1:]]


def test_the_pythons_of_the_page_are_those_that_the_package_claims() -> None:
    project = tomllib.loads(read(ROOT / "pyproject.toml"))["project"]
    claimed = re.findall(r"Python :: (3\.\d+)", "\n".join(project["classifiers"]))
    assert [row[0].rpartition(".")[0] for row in cells_of("Python")] == claimed
    assert f">={claimed[0]}" == project["requires-python"]


def test_the_packages_of_the_page_have_the_versions_of_the_lock() -> None:
    locked = dict(re.findall(r"^([\w-]+)==(\S+)", read(LOCK), re.MULTILINE))
    listed = {row[0].strip("`"): row[1] for row in cells_of("Packages")}
    assert len(listed) > 8
    assert listed == {name: locked[name] for name in listed}


def test_the_oldest_servers_are_those_that_the_code_accepts() -> None:
    extension = ".".join(map(str, VECTOR_VERSION_MIN))
    assert f"PostgreSQL {SERVER_VERSION_MIN} or newer and pgvector {extension} or newer" in read(
        PAGE
    )


def test_the_inspector_is_that_of_the_makefile() -> None:
    (version,) = re.findall(r"@modelcontextprotocol/inspector@(\S+)", read(MAKEFILE))
    assert f"| the MCP inspector {version} |" in read(PAGE)
