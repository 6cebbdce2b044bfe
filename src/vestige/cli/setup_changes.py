"""What would change in the file of an MCP client, and changing it."""

from __future__ import annotations

import difflib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from vestige.cli import setup_json, setup_toml
from vestige.cli.setup_clients import NAME, is_same, runs_vestige
from vestige.cli.setup_files import (
    backups_of,
    keep_copy,
    need_writable,
    read_bytes,
    replace_file,
)
from vestige.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vestige.cli.setup_clients import Client
    from vestige.models import JsonObject, JsonValue

BYTE_ORDER_MARK: Final = "\ufeff"
CONFIGURED: Final = "configured"
NOT_CONFIGURED: Final = "not configured"
OTHER_ENTRY: Final = "other entry"
UNREADABLE: Final = "unreadable"
SHOWN_LINE_CHARACTERS: Final = 200  # a file on one line may hold keys that nobody should see


@dataclass(frozen=True, kw_only=True, slots=True)
class ClientFile:
    """The file of a client as it was read.

    Attributes:
        client: whose it is.
        path: its name; behind a symbolic link, the name of what it points to.
        data: its bytes, None when it is not there.
        mark: the byte order mark that it starts with, or nothing.
        text: the rest.
    """

    client: Client
    path: Path
    data: bytes | None
    mark: str
    text: str

    @property
    def entry(self) -> JsonValue | None:
        """What stands there for Vestige, None when nothing does.

        Raises:
            ConfigError: the file is broken, and where.
        """
        try:
            return _entry(self.client, self.text)
        except ConfigError as error:
            raise _cannot_edit(self, str(error)) from None


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """A file as it was and as it is to be; a text of None takes the file away."""

    file: ClientFile
    text: str | None

    @property
    def is_needed(self) -> bool:
        """Whether anything is to be done."""
        return self.text != (None if self.file.data is None else self.file.text)

    def lines(self) -> list[str]:
        """Return a unified diff without the names of files and the lines around a change."""
        diff = difflib.unified_diff(
            self.file.text.splitlines(), (self.text or "").splitlines(), n=0, lineterm=""
        )
        return [_shown(line) for line in list(diff)[2:]]

    def apply(self) -> Path | None:
        """Make the change; return where the former file is kept, None when none needs to be.

        Raises:
            ConfigError: the file has changed since it was read, or may not be written.
        """
        path = self.file.path
        if read_bytes(path) != self.file.data:
            raise ConfigError(
                f"file {path} has changed in the meantime",
                "Close the client, and run the command again; nothing was changed.",
            )
        if self.text is None:
            need_writable(path)
            path.unlink()  # it holds what was added and nothing else
            return None
        path.parent.mkdir(parents=True, exist_ok=True)
        backup = None if self.file.data is None else keep_copy(path, self.file.data)
        replace_file(path, (self.file.mark + self.text).encode())
        return backup


def read_file(client: Client, path: Path) -> ClientFile:
    """Read the file of a client.

    Raises:
        ConfigError: it is no file, or not UTF-8.
    """
    real = Path(os.path.realpath(path))
    data = read_bytes(real)
    try:
        text = (data or b"").decode()
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"file {real}: byte {error.start} (from 0) is not UTF-8",
            "Save the file as UTF-8; nothing was changed.",
        ) from None
    mark = BYTE_ORDER_MARK if text.startswith(BYTE_ORDER_MARK) else ""
    return ClientFile(client=client, path=real, data=data, mark=mark, text=text[len(mark) :])


def state_of(
    client: Client, path: Path | None, wanted: JsonObject, *, exact: bool
) -> tuple[str, str | None]:
    """Return what a file says of Vestige, and why that cannot be told.

    Args:
        client: whose file it is.
        path: its name, None when it is not known.
        wanted: the entry that belongs there.
        exact: an entry that starts the same program with other arguments is another one.
    """
    if path is None:
        return NOT_CONFIGURED, None
    try:
        entry = read_file(client, path).entry
    except ConfigError as error:
        return UNREADABLE, str(error)
    except OSError as error:
        return UNREADABLE, f"file {path}: {error.strerror}"
    if entry is None:
        return NOT_CONFIGURED, None
    is_program = isinstance(entry, dict) and entry.get("command") == wanted["command"]
    is_ours = is_same(entry, wanted) if exact else is_program
    return (CONFIGURED if is_ours else OTHER_ENTRY), None


def adding(file: ClientFile, entry: JsonObject) -> Change:
    """Return the change that puts an entry into a file, in place of one that does something else.

    Raises:
        ConfigError: the file is broken, and where, or cannot be edited.
    """
    if is_same(file.entry, entry):
        return Change(file=file, text=file.text)
    try:
        text = _with_entry(file.client, file.text, entry)
    except ConfigError as error:
        raise _cannot_edit(file, str(error)) from None
    return Change(file=file, text=text)


def removing(file: ClientFile) -> Change:
    """Return the change that undoes what `adding` did, however often it was done.

    A file that is otherwise as it was gets back its bytes from the backup, and one that was not
    there goes away; of any other, the entry is taken out.

    Raises:
        ConfigError: the file is broken, and where, or cannot be edited.
    """
    if file.entry is None:
        return Change(file=file, text=None if file.data is None else file.text)
    for text in _history(file):
        if text is None or not runs_vestige(_entry(file.client, text)):
            return Change(file=file, text=text)
    try:
        return Change(file=file, text=_without_entry(file.client, file.text))
    except ConfigError as error:
        raise _cannot_edit(file, str(error)) from None


def _entry(client: Client, text: str) -> JsonValue | None:
    if client.dialect is None:
        return setup_toml.entry_of(text, client.table, NAME)
    return setup_json.entry_of(text, client.table, NAME, client.dialect)


def _with_entry(client: Client, text: str, entry: JsonObject) -> str:
    if client.dialect is None:
        changed = setup_toml.with_entry(text, client.table, NAME, entry)
    else:
        changed = setup_json.with_entry(text, client.table, NAME, entry, client.dialect)
    before = _parse(client, text)
    servers = before.get(client.table, {})
    if isinstance(servers, dict):
        servers[NAME] = entry
    _check(client, changed, before | {client.table: servers})
    return changed


def _without_entry(client: Client, text: str) -> str:
    if client.dialect is None:
        changed = setup_toml.without_entry(text, client.table, NAME)
    else:
        changed = setup_json.without_entry(text, client.table, NAME, client.dialect)
    expected = _parse(client, text)
    servers = expected.get(client.table)
    if isinstance(servers, dict):
        del servers[NAME]
    if client.table not in _parse(client, changed) and not servers:
        del expected[client.table]
    _check(client, changed, expected)
    return changed


def _parse(client: Client, text: str) -> JsonObject:
    if client.dialect is None:
        return setup_toml.parse(text)
    return setup_json.parse(text, client.dialect)


def _check(client: Client, changed: str, expected: JsonObject) -> None:
    """Refuse an edit that does anything else, however the file is written."""
    try:
        is_right = _parse(client, changed) == expected
    except ConfigError:
        is_right = False
    if not is_right:
        raise ConfigError("it is written in a way that cannot be edited here")


def _cannot_edit(file: ClientFile, problem: str) -> ConfigError:
    return ConfigError(
        f"file {file.path}: {problem}",
        f"Edit it by hand: `vestige setup {file.client.name}` prints what belongs there; "
        "nothing was changed.",
    )


def _history(file: ClientFile) -> Iterator[str | None]:
    """Yield what a file held before each change of `adding`, as far back as its backups tell.

    Yields:
        A former text, or None at last when the file was not there.
    """
    text, formers = file.text, _backups(file)
    while isinstance(entry := _entry(file.client, text), dict):
        found = next((each for each in formers if _makes(file.client, each, entry, text)), None)
        if found is None:
            if not file.mark and _makes(file.client, "", entry, text):
                yield None
            return
        formers.remove(found)
        text = found
        yield text


def _backups(file: ClientFile) -> list[str]:
    """Return the former texts that are kept beside a file, the newest first."""
    found: list[str] = []
    for path in backups_of(file.path):
        try:
            former = read_file(file.client, path)
        except (ConfigError, OSError):  # somebody else's, or broken: nothing to go back to
            continue
        if former.mark == file.mark:
            found.append(former.text)
    return found


def _makes(client: Client, former: str, entry: JsonObject, text: str) -> bool:
    """Say whether adding an entry to a former text gives a text."""
    try:
        return former != text and _with_entry(client, former, entry) == text
    except ConfigError:
        return False


def _shown(line: str) -> str:
    if len(line) <= SHOWN_LINE_CHARACTERS:
        return line
    return f"{line[0]} (a line of {len(line) - 1:,} characters)"
