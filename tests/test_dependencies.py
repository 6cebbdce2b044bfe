"""What is installed: all of it pinned, and nothing that users could not pass on."""

from __future__ import annotations

import re
from importlib.metadata import distribution, metadata
from typing import TYPE_CHECKING, Final

import pytest
from packaging.requirements import Requirement

from pages import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable
    from importlib.metadata import PackageMetadata

LOCK: Final = ROOT / "requirements" / "dev.txt"
PINNED: Final = re.compile(r"(?P<name>[A-Za-z0-9._-]+)==[0-9][\w.+!-]*")
EXTRAS: Final = ("embedded", "fastembed", "fsrs", "langgraph", "postgres", "telemetry")
PERMISSIVE: Final = re.compile(
    r"\b(MIT|BSD|Apache|ISC|PSF|Python Software Foundation|Unlicense|CC0|0BSD|HPND|zlib|Zlib)\b"
)
# Their licences ask for the source of their own files only, which their packages hold.
CHOSEN: Final = {"apsw": "any-OSI"}  # any licence that the OSI has approved, as one likes
SHARED_BY_FILE: Final = {"certifi": "MPL-2.0", "tqdm": "MPL-2.0 AND MIT"}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pinned() -> set[str]:
    lines = LOCK.read_text(encoding="utf-8").splitlines()
    found = {PINNED.fullmatch(line) for line in lines if line and not line.startswith("#")}
    assert None not in found, "a line of the lock does not name one version"
    return {normal(match["name"]) for match in found if match is not None}


def needed(roots: Iterable[Requirement]) -> set[str]:
    """Return the names of packages and of all that they need on this machine."""
    found: set[str] = set()
    waiting = [(root.name, frozenset(root.extras)) for root in roots]
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        name, extras = waiting.pop()
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        found.add(normal(name))
        for text in distribution(name).requires or ():
            requirement = Requirement(text)
            marker = requirement.marker
            if marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras)):
                waiting.append((requirement.name, frozenset(requirement.extras)))
    return found


def licence(about: PackageMetadata) -> str:
    """Return all that a package says of its licence, without the text of it."""
    classifiers = [one for one in about.get_all("Classifier", []) if one.startswith("License")]
    stated = about.get_all("License-Expression", []) + about.get_all("License", [])
    return "; ".join([one[:100] for one in stated] + classifiers)


def of_users(*extras: str) -> set[str]:
    return needed([Requirement(f"vestige[{','.join(extras)}]")]) - {"vestige"}


def test_everything_that_is_needed_is_pinned() -> None:
    assert of_users(*EXTRAS) <= pinned()


def test_the_lock_names_each_package_once_and_one_version_of_it() -> None:
    lines = LOCK.read_text(encoding="utf-8").splitlines()
    names = [line.partition("==")[0] for line in lines if line and not line.startswith("#")]
    assert len(names) == len(set(map(normal, names)))


@pytest.mark.parametrize("name", sorted(of_users("postgres")))
def test_what_users_install_has_a_permissive_licence(name: str) -> None:
    stated = licence(metadata(name))
    if name in CHOSEN:
        assert stated == CHOSEN[name]
        return
    if name in SHARED_BY_FILE:
        assert "MPL" in stated or "Mozilla" in stated
        return
    assert PERMISSIVE.search(stated), f"{name}: {stated}"
    assert not re.search(r"\b(A|L)?GPL\b|General Public License", stated), f"{name}: {stated}"
