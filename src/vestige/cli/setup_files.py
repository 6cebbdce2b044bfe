"""Changing the file of an MCP client: what would change, a backup, and one atomic step."""

from __future__ import annotations

import difflib
import os
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from vestige.cli import setup_json, setup_toml
from vestige.cli.setup_clients import NAME, is_same
from vestige.errors import ConfigError

if TYPE_CHECKING:
    from vestige.cli.setup_clients import Client
    from vestige.models import JsonObject, JsonValue

BYTE_ORDER_MARK: Final = "\ufeff"
SHOWN_LINE_CHARACTERS: Final = 200  # a file on one line may hold keys that nobody should see
OWNER_ONLY: Final = 0o600
AS_USUAL: Final = 0o666  # less what the umask takes away


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
        """Return the lines that go and come, without those around them."""
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
        if _read_bytes(path) != self.file.data:
            raise ConfigError(
                f"file {path} has changed in the meantime",
                "Close the client, and run the command again; nothing was changed.",
            )
        if self.text is None:
            _writable_mode(path)
            path.unlink()  # it holds what was added and nothing else
            return None
        path.parent.mkdir(parents=True, exist_ok=True)
        backup = None if self.file.data is None else _keep(path, self.file.data)
        _replace(path, (self.file.mark + self.text).encode())
        return backup


def read_file(client: Client, path: Path) -> ClientFile:
    """Read the file of a client.

    Raises:
        ConfigError: it is no file, or not UTF-8.
    """
    real = Path(os.path.realpath(path))
    data = _read_bytes(real)
    try:
        text = (data or b"").decode()
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"file {real}: byte {error.start} (from 0) is not UTF-8",
            "Save the file as UTF-8; nothing was changed.",
        ) from None
    mark = BYTE_ORDER_MARK if text.startswith(BYTE_ORDER_MARK) else ""
    return ClientFile(client=client, path=real, data=data, mark=mark, text=text[len(mark) :])


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
    """Return the change that undoes what `adding` did.

    A file that is otherwise as it was gets back its bytes from the backup, and one that was not
    there goes away; of any other, the entry is taken out.

    Raises:
        ConfigError: the file is broken, and where, or cannot be edited.
    """
    entry = file.entry
    if not isinstance(entry, dict):
        return Change(file=file, text=None if file.data is None else file.text)
    for former in _backups(file):
        if former.mark == file.mark and _makes(former, entry, file.text):
            return Change(file=file, text=former.text)
    if not file.mark and _with_entry(file.client, "", entry) == file.text:
        return Change(file=file, text=None)
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


def _backups(file: ClientFile) -> list[ClientFile]:
    """Return the former files that are kept beside a file, the newest first."""
    numbered = ((_number(path, file.path), path) for path in file.path.parent.iterdir())
    names = sorted(((number, path) for number, path in numbered if number), reverse=True)
    found: list[ClientFile] = []
    for _, path in names:
        try:
            found.append(read_file(file.client, path))
        except ConfigError:  # somebody else's, or broken: nothing to go back to
            continue
    return found


def _makes(former: ClientFile, entry: JsonObject, text: str) -> bool:
    try:
        return former.text != text and _with_entry(former.client, former.text, entry) == text
    except ConfigError:
        return False


def _number(path: Path, original: Path) -> int:
    """Return 1 for `NAME.backup`, 2 for `NAME.backup2` and so on, 0 for anything else."""
    prefix = f"{original.name}.backup"
    rest = path.name.removeprefix(prefix)
    if not path.name.startswith(prefix) or (rest and not rest.isdecimal()):
        return 0
    return int(rest or 1)


def _read_bytes(path: Path) -> bytes | None:
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(mode):
        raise ConfigError(f"{path} is no file", "Move it away; nothing was changed.")
    return path.read_bytes()


def _keep(path: Path, data: bytes) -> Path:
    """Write a copy beside a file, under a name that is not taken, and return its path."""
    mode = _writable_mode(path)
    number = 1
    while True:
        backup = path.with_name(f"{path.name}.backup{number if number > 1 else ''}")
        try:
            _write(backup, data, mode)
        except FileExistsError:
            number += 1
        else:
            return backup


def _replace(path: Path, data: bytes) -> None:
    mode = _writable_mode(path) if path.exists() else None
    new = path.with_name(f".{path.name[:100]}.{secrets.token_hex(4)}")
    try:
        _write(new, data, mode)
        new.replace(path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise


def _write(path: Path, data: bytes, mode: int | None) -> None:
    """Make a file that is on the disk when this returns, never readable by more than it is to be.

    Args:
        path: its name, which must not be taken.
        data: what it holds.
        mode: its permissions, None for those of any new file.
    """
    handle = os.open(
        path,
        os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0),
        AS_USUAL if mode is None else OWNER_ONLY,
    )
    with os.fdopen(handle, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    if mode is not None:
        path.chmod(mode)


def _writable_mode(path: Path) -> int:
    """Return the permissions of a file.

    Raises:
        ConfigError: nobody may write it, so whoever made it so would not want it replaced.
    """
    mode = stat.S_IMODE(path.stat().st_mode)
    if not mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH):
        raise ConfigError(
            f"file {path} is read-only",
            "Make it writable, or edit what it is made from; nothing was changed.",
        )
    return mode


def _shown(line: str) -> str:
    if len(line) <= SHOWN_LINE_CHARACTERS:
        return line
    return f"{line[0]} (a line of {len(line) - 1:,} characters)"
