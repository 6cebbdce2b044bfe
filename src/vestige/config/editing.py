"""Changing `[embeddings]` in a `vestige.toml`, whose other lines and comments stay as they are."""

from __future__ import annotations

import json
import os
import re
import shutil
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from vestige.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from vestige.config.sources import Table

HEADER: Final = re.compile(r"\s*\[\s*embeddings\s*\]\s*(#.*)?")
OWNER_ONLY: Final = 0o600
NEXT_HEADER: Final = re.compile(r"\s*\[")
KEY: Final = re.compile(r"\s*(\w+)\s*=")


@dataclass(frozen=True, kw_only=True, slots=True)
class Edit:
    """A file as it is to be."""

    path: Path
    text: str

    def write(self) -> Path | None:
        """Write the file; return where the former one is kept, None when there was none."""
        new = self.text.encode()
        if not self.path.exists():
            _make_private(self.path, new)
            return None
        backup = _backup_path(self.path)
        _make_private(backup, self.path.read_bytes())
        shutil.copystat(self.path, backup)
        self.path.write_bytes(new)
        return backup


def edit_embeddings(path: Path, values: Mapping[str, str | int | None]) -> Edit:
    """Return a `vestige.toml` with other values in its section [embeddings].

    Args:
        path: the file; it need not be there.
        values: by key; None takes the key out.

    Raises:
        ConfigError: the file says it in a way that cannot be edited line by line.
    """
    old = path.read_bytes().decode("utf-8-sig") if path.exists() else ""
    text = _edited(old, values)
    if _table(text) != _expected(_table(old) or {}, values):
        raise ConfigError(
            f"file {path}: its section [embeddings] cannot be edited line by line",
            "Leave --write-config out, and edit the file by hand; nothing was changed.",
        )
    return Edit(path=path, text=text)


def embeddings_lines(values: Mapping[str, str | int | None]) -> list[str]:
    """Return the lines that give these values; those that are None have none."""
    # A string of JSON is one of TOML, too.
    return [
        f"{key} = {json.dumps(value, ensure_ascii=False)}"
        for key, value in values.items()
        if value is not None
    ]


def _make_private(path: Path, data: bytes) -> None:
    """Make a file that nobody else can read at any moment: it may hold a password or a key."""
    handle = os.open(
        path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), OWNER_ONLY
    )
    with os.fdopen(handle, "wb") as stream:
        stream.write(data)


def _edited(old: str, values: Mapping[str, str | int | None]) -> str:
    lines = old.splitlines(keepends=True)
    end = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
    added = [line + end for line in embeddings_lines(values)]
    start = next((n for n, line in enumerate(lines) if HEADER.fullmatch(line.rstrip())), None)
    if start is None:
        gap = [] if not old else [end] if old.endswith("\n") else [end, end]
        return "".join([*lines, *gap, f"[embeddings]{end}", *added])
    rest = lines[start + 1 :]
    size = next((n for n, line in enumerate(rest) if NEXT_HEADER.match(line)), len(rest))
    kept = [line for line in rest[:size] if _key(line) not in values]
    header = lines[start] if lines[start].endswith("\n") else lines[start] + end
    return "".join([*lines[:start], header, *added, *kept, *rest[size:]])


def _key(line: str) -> str | None:
    match = KEY.match(line)
    return None if match is None else match[1]


def _table(text: str) -> Table | None:
    try:
        return tomllib.loads(text)
    except ValueError:
        return None


def _expected(table: Table, values: Mapping[str, str | int | None]) -> Table:
    section = cast("Table", table.get("embeddings", {}))
    given = {key: value for key, value in values.items() if value is not None}
    kept = {key: value for key, value in section.items() if key not in values}
    return {**table, "embeddings": {**kept, **given}}


def _backup_path(path: Path) -> Path:
    """Return a name beside a file that is not taken."""
    number, backup = 1, path.with_name(f"{path.name}.backup")
    while backup.exists():
        number += 1
        backup = path.with_name(f"{path.name}.backup{number}")
    return backup
