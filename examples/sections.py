"""The documentation of this project as memories: one per section of a page."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PAGES_OF_THE_ROOT: Final = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CODE_STYLE.md")
NO_PROSE: Final = "python-signatures.md"  # signatures answer no question
NODE_TYPES: Final = {
    "adr": "decision",
    "explanation": "concept",
    "how-to": "procedure",
    "reference": "fact",
    "tutorial": "procedure",
}
OTHER_NODE_TYPE: Final = "note"

_FENCE: Final = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_HEADING: Final = re.compile(r"^#{1,3} +(?P<title>.+)$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """The text under one heading, with what is worth remembering about where it stands."""

    path: str
    content: str
    node_type: str
    tags: tuple[str, ...]


def read_sections(root: Path) -> list[Section]:
    """Return the sections of all pages below a folder, those of the root first."""
    return [section for path in pages(root) for section in sections_of(root, path)]


def pages(root: Path) -> list[Path]:
    """Return the pages of the documentation."""
    below = [page for page in (root / "docs").rglob("*.md") if page.name != NO_PROSE]
    return [root / name for name in PAGES_OF_THE_ROOT] + sorted(below)


def sections_of(root: Path, path: Path) -> list[Section]:
    """Return the sections of one page; those without a text of their own are left out."""
    parts = list(split_by_heading(path.read_text(encoding="utf-8")))
    page_title = parts[0][0] if parts else path.stem
    kind = path.parent.name if path.parent not in {root, root / "docs"} else "project"
    return [
        Section(
            path=path.relative_to(root).as_posix(),
            content=f"{_titled(page_title, title)}\n\n{text}",
            node_type=NODE_TYPES.get(kind, OTHER_NODE_TYPE),
            tags=(kind, path.stem.lower()),
        )
        for title, text in parts
        if text
    ]


def split_by_heading(markdown: str) -> Iterator[tuple[str, str]]:
    """Yield the title and the text of each section, down to the third level.

    A line that starts with # inside a fenced block is no heading.
    """
    hidden = _FENCE.sub(lambda match: " " * len(match[0]), markdown)
    headings = list(_HEADING.finditer(hidden))
    ends = [*(heading.start() for heading in headings), len(markdown)][1:]
    for heading, end in zip(headings, ends, strict=True):
        yield heading["title"].strip(), markdown[heading.end() : end].strip()


def _titled(page_title: str, title: str) -> str:
    return page_title if title == page_title else f"{page_title}: {title}"
