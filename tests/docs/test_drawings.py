"""The drawings of the documentation: readable in light and dark, described, and up to date."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree as ET

import pytest

from pages import PAGES, ROOT, name_of, read

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FOLDER: Final = ROOT / "docs" / "drawings"
DRAWINGS: Final = sorted(FOLDER.iterdir())
CURVE: Final = ROOT / "tools" / "forgetting_curve.py"
IMAGE: Final = re.compile(r"!\[(?P<alt>[^\]]*)\]\((?P<target>[^)\s]+)\)")
RULE: Final = re.compile(r"\.([\w-]+) \{[^}]*?fill: (#[0-9a-f]{6})")
SVG: Final = "{http://www.w3.org/2000/svg}"
LARGEST: Final = 12_000  # bytes
# WCAG 2.2, success criterion 1.4.3: for text of this size.
LEAST_CONTRAST: Final = 4.5


def images() -> Iterator[tuple[Path, Path, str]]:
    """Yield each image of a page: the page, the file and what is said instead of it."""
    for page in PAGES:
        for match in IMAGE.finditer(read(page)):
            yield page, (page.parent / match["target"]).resolve(), match["alt"]


def luminance(colour: str) -> float:
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_every_drawing_is_shown_on_a_page_which_says_what_it_shows() -> None:
    shown = {drawing: alt for _, drawing, alt in images()}
    assert shown.keys() == set(DRAWINGS)
    assert not [drawing.name for drawing, alt in shown.items() if len(alt.split()) < 3]


@pytest.mark.parametrize("drawing", DRAWINGS, ids=name_of)
def test_a_drawing_is_small_described_and_needs_nothing_else(drawing: Path) -> None:
    root = ET.fromstring(read(drawing))  # noqa: S314  # a file of the project
    assert drawing.stat().st_size < LARGEST
    assert root.get("role") == "img"
    for name in ("title", "desc"):
        (described,) = root.findall(f"{SVG}{name}")
        assert described.text
        assert described.get("id") in (root.get("aria-labelledby") or "").split()
    assert not re.search(r"<script|<image|href=|url\((?!#)", read(drawing))


@pytest.mark.parametrize("drawing", DRAWINGS, ids=name_of)
def test_a_drawing_can_be_read_in_light_and_in_dark(drawing: Path) -> None:
    light, _, dark = read(drawing).partition("@media (prefers-color-scheme: dark)")
    colours = dict(RULE.findall(light))
    assert {"paper", "ink", "soft"} <= colours.keys()
    for scheme in (colours, colours | dict(RULE.findall(dark.partition("</style>")[0]))):
        grounds = [
            scheme[name] for name in ("paper", "box", "store", "old", "new") if name in scheme
        ]
        texts = [scheme[name] for name in scheme if name in {"ink", "soft"} or "text" in name]
        weak = [
            pair
            for pair in ((a, b) for a in texts for b in grounds)
            if contrast(*pair) < LEAST_CONTRAST
        ]
        assert not weak


def test_the_curve_is_that_of_the_code() -> None:
    drawn = subprocess.run(
        [sys.executable, str(CURVE)], capture_output=True, check=True, text=True, timeout=60
    ).stdout
    page = read(FOLDER / "forgetting-curve.svg")
    assert page == drawn, "run `python tools/forgetting_curve.py --write`"


def test_contrast_is_that_of_wcag() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
