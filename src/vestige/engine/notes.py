"""Markdown notes as texts to remember: one a section, with the headings above it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import yaml
from markdown_it import MarkdownIt

from vestige.engine.results import ImportFailure, ImportText, IngestContext
from vestige.errors import InvalidInputError
from vestige.storage.encoding import utc

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ENDINGS: Final = (".md", ".markdown")
NOTE_MAX_BYTES: Final = 20_000_000  # of one file
FRONT_MATTER_MAX_CHARACTERS: Final = 100_000  # YAML takes a second for a million of them
PATH_SEPARATOR: Final = " > "
_FENCE: Final = "---"
_TIME_KEYS: Final = ("created", "created_at", "date")


@dataclass(frozen=True, kw_only=True, slots=True)
class FrontMatter:
    """What the head of a note says about it."""

    title: str | None = None
    tags: tuple[str, ...] = ()
    created_at: datetime | None = None


def is_note(path: Path) -> bool:
    """Say whether a name is that of a Markdown file."""
    return path.suffix.lower() in ENDINGS


def note_files(folder: Path) -> list[Path]:
    """Return the Markdown files below a folder, in order; hidden ones and links are left out."""
    found: list[Path] = []
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        paths = (Path(parent, name) for name in files if not name.startswith("."))
        # A link in a folder of somebody else's notes may lead to any file of this user.
        found += [
            path for path in paths if is_note(path) and path.is_file() and not path.is_symlink()
        ]
    return sorted(found)


def read_notes(
    folder: Path, files: Sequence[Path], *, codebase: str | None, tags: Sequence[str]
) -> Iterator[ImportText | ImportFailure]:
    """Yield the sections of Markdown files; a file that cannot be read is one failure.

    Args:
        folder: what the names of the files are relative to.
        files: the files.
        codebase: what all of it belongs to.
        tags: given to all of it, beside those of each note.
    """
    for path in files:
        name = path.relative_to(folder).as_posix()
        context = IngestContext(codebase=codebase, file=name, source=folder.resolve().name or None)
        try:
            matter, text = split_front_matter(_read(path))
            found = sections(text)
        except InvalidInputError as error:
            yield ImportFailure(place=name, reason=str(error))
            continue
        for headings, body in found:
            # A text without a heading would lose what the name of its file says.
            heading_path = _path(matter.title, headings) or path.stem
            yield ImportText(
                place=f"{name}: {heading_path}",
                content=f"{heading_path}\n\n{body}",
                context=context,
                tags=tuple(dict.fromkeys((*matter.tags, *tags))),
                created_at=matter.created_at,
            )


def sections(text: str) -> list[tuple[tuple[str, ...], str]]:
    """Return the sections of a text that hold more than their heading.

    Returns:
        The headings from the outermost to the section's own, and the text below it.
    """
    lines = text.split("\n")
    # Only headings are looked for. What stands inside of lines takes the square of its length where
    # it is made of brackets or stars, minutes for a megabyte.
    tokens = MarkdownIt("commonmark").disable("inline").parse(text)
    path: list[tuple[int, str]] = []
    found: list[tuple[tuple[str, ...], str]] = []
    start = 0

    def add(end: int) -> None:
        body = "\n".join(lines[start:end])
        if body.strip():
            found.append((tuple(heading for _, heading in path), body.strip("\n").rstrip()))

    for token, inline in pairwise(tokens):
        # Headings inside quotes and lists are part of the text.
        if token.type == "heading_open" and token.level == 0 and token.map is not None:
            add(token.map[0])
            start = token.map[1]
            level = int(token.tag.removeprefix("h"))
            path = [outer for outer in path if outer[0] < level]
            path.append((level, " ".join(inline.content.split())))
    add(len(lines))
    return found


def split_front_matter(text: str) -> tuple[FrontMatter, str]:
    """Return what the front matter of a note says, and the text after it.

    Front matter is YAML between two lines `---` at the start. Its `title`, its `tags` and its
    `created`, `created_at` or `date` are used; a time without a zone is taken as UTC.

    Raises:
        InvalidInputError: it is not YAML, or one of these is not usable.
    """
    lines = text.split("\n")
    if lines[0].rstrip() != _FENCE:
        return FrontMatter(), text
    ends = (n for n, line in enumerate(lines) if n and line.rstrip() in (_FENCE, "..."))
    end = next(ends, None)
    if end is None:
        return FrontMatter(), text
    head = "\n".join(lines[1:end])
    if len(head) > FRONT_MATTER_MAX_CHARACTERS:
        raise InvalidInputError(
            "front matter", f"has more than {FRONT_MATTER_MAX_CHARACTERS} characters"
        )
    try:
        # Every scalar stays the text it is: no types are guessed and no objects are made.
        value: object = yaml.load(head, Loader=yaml.BaseLoader)  # noqa: S506  # makes texts, lists and dicts only
    except (yaml.YAMLError, RecursionError) as error:
        problem = " ".join(str(error).split())
        raise InvalidInputError("front matter", f"is not YAML: {problem}") from error
    if not isinstance(value, dict):  # two rules with text between them
        return FrontMatter(), text
    fields = {str(key).lower(): item for key, item in cast("dict[object, object]", value).items()}
    title = fields.get("title")
    return FrontMatter(
        title=" ".join(title.split()) or None if isinstance(title, str) else None,
        tags=_tags(fields.get("tags")),
        created_at=_created_at(fields),
    ), "\n".join(lines[end + 1 :])


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(NOTE_MAX_BYTES + 1)
    except OSError as error:
        raise InvalidInputError("file", f"cannot be read: {error.strerror}") from error
    if len(data) > NOTE_MAX_BYTES:
        raise InvalidInputError("file", f"has more than {NOTE_MAX_BYTES} bytes")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInputError(
            "file",
            f"is not UTF-8: byte 0x{data[error.start]:02x} at position {error.start} (from 0);"
            " convert it with iconv",
        ) from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _path(title: str | None, headings: tuple[str, ...]) -> str:
    parts = [heading for heading in headings if heading]
    if title is not None and title not in parts[:1]:
        parts.insert(0, title)
    return PATH_SEPARATOR.join(parts)


def _tags(value: object) -> tuple[str, ...]:
    """Return tags given as a list, or as one text with commas or blanks between them."""
    if value is None:
        return ()
    if isinstance(value, str):
        items: list[object] = [*(value.split(",") if "," in value else value.split())]
    elif isinstance(value, list):
        items = cast("list[object]", value)
    else:
        items = [value]
    texts = [item for item in items if isinstance(item, str)]
    if len(texts) != len(items):
        raise InvalidInputError("tags", "of the front matter must be texts")
    stripped = (text.strip().removeprefix("#") for text in texts)
    return tuple(dict.fromkeys(tag for tag in stripped if tag))


def _created_at(fields: dict[str, object]) -> datetime | None:
    for key in _TIME_KEYS:
        value = fields.get(key)
        if value in (None, ""):
            continue
        try:
            time = datetime.fromisoformat(value.strip()) if isinstance(value, str) else None
        except ValueError:
            time = None
        if time is None:
            raise InvalidInputError(
                key, f"{value!r} is no time, such as 2026-01-31 or one of RFC 3339"
            )
        return utc(key, time if time.tzinfo is not None else time.replace(tzinfo=UTC))
    return None
