"""Where settings come from: which data dir, which file, what it says, which variables override it.

A key's source is one of `default`, `argument`, `file PATH` and `environment VARIABLE`.
"""

from __future__ import annotations

import re
import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias, cast

from vestige.config.settings import EMBEDDED, KEYS, VARIABLES
from vestige.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

CONFIG_FILE_NAME: Final = "vestige.toml"
CONFIG_VARIABLE: Final = "VESTIGE_CONFIG"
DATA_DIR_VARIABLE: Final = "VESTIGE_DATA_DIR"
DEFAULT_DATA_DIR: Final = Path("~/.vestige")
VARIABLE_PREFIX: Final = "VESTIGE_"
ARGUMENT: Final = "argument"  # the source of what a caller has named
TEST_VARIABLE_PREFIX: Final = "VESTIGE_TEST_"  # for the test-suite, no setting of the product

PLACEHOLDER: Final = re.compile(r"\$\$\{|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)\}|\$\{")

Table: TypeAlias = dict[str, object]


class Found(NamedTuple):
    """A path and where it was named."""

    path: Path
    source: str


def find_data_dir(argument: Path | None, environ: Mapping[str, str]) -> Found:
    """Return the absolute data dir: the argument, else the variable, else the default."""
    named = _named_path(argument, DATA_DIR_VARIABLE, environ)
    return named or Found(_absolute(DEFAULT_DATA_DIR, "default"), "default")


def find_config_file(
    argument: Path | None, data_dir: Path, environ: Mapping[str, str]
) -> Found | None:
    """Return the file to read, None when none is named and the data dir holds none."""
    named = _named_path(argument, CONFIG_VARIABLE, environ)
    if named is not None:
        return named
    path = data_dir / CONFIG_FILE_NAME
    return Found(path, "default") if _is_there(path) else None


def read_file(file: Found, environ: Mapping[str, str]) -> Table:
    """Return the content of a configuration file, with `${NAME}` replaced by variables.

    Raises:
        ConfigError: it cannot be read, is not UTF-8 or not TOML, or a variable is not set.
    """
    origin = f"file {file.path}"
    try:
        # Windows editors put a byte order mark in front of UTF-8; it is no part of the text.
        table: Table = tomllib.loads(file.path.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        raise ConfigError(
            f"{origin}: there is no such file (asked for by: {file.source})",
            "Correct the path, or create the file.",
        ) from None
    except OSError as error:
        raise ConfigError(
            f"{origin}: it cannot be read: {error.strerror}",
            "Name a file that you may read.",
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{origin}: it is not UTF-8 text (byte {error.start})", "Save the file as UTF-8."
        ) from None  # the error holds the file, which may hold a password
    except ValueError as error:  # TOMLDecodeError, and Python's own limit of digits
        raise ConfigError(f"{origin}: it is not valid TOML: {error}") from None
    return cast("Table", _expanded(table, "", origin, environ))


def apply_variables(table: Table, environ: Mapping[str, str]) -> dict[str, str]:
    """Write the settings that variables give into the table.

    Returns:
        For each dotted key that a variable gave, its source.

    Raises:
        ConfigError: a variable's name is unknown, or its value is empty.
    """
    given: dict[str, str] = {}
    for name, text in sorted(environ.items()):
        if not name.startswith(VARIABLE_PREFIX) or name.startswith(TEST_VARIABLE_PREFIX):
            continue
        if name in {CONFIG_VARIABLE, DATA_DIR_VARIABLE}:
            continue
        if name not in VARIABLES:
            raise ConfigError(
                f"environment {name}: no setting has this variable{suggestion(name, VARIABLES)}",
                "Unset it, or correct its name: VESTIGE_, the section and the key.",
            )
        key = VARIABLES[name]
        _put(table, key, _parsed(_not_empty(name, text), KEYS[key]))
        given[key] = f"environment {name}"
    return given


def apply_store(table: Table, store: Path | str) -> dict[str, str]:
    """Write a store that was named by its path or URL into the table.

    Returns:
        For each dotted key that it decides, its source.
    """
    text = str(store)
    if isinstance(store, str) and ("://" in text or text == EMBEDDED):
        named = {"storage.backend": "postgres", "storage.postgres.url": text}
    else:
        # What the settings refuse or expand is left to them; a relative path would be taken for
        # one in the data dir.
        is_plain = bool(text.strip()) and not text.startswith((":", "~"))
        path = str(Path(text).absolute()) if is_plain else text
        named = {"storage.backend": "sqlite", "storage.sqlite.path": path}
    for key, value in named.items():
        _put(table, key, value)
    return dict.fromkeys(named, ARGUMENT)


def has_key(table: Table, key: str) -> bool:
    """Say whether a table gives a value to a dotted key."""
    name, _, rest = key.partition(".")
    inner = table.get(name)
    if not rest:
        return name in table
    return isinstance(inner, dict) and has_key(cast("Table", inner), rest)


def suggestion(word: str, known: Mapping[str, object]) -> str:
    """Return ` (did you mean X?)` for the known word that is most alike, or nothing."""
    matches = get_close_matches(word, known, n=1)
    return f" (did you mean {matches[0]}?)" if matches else ""


def _named_path(argument: Path | None, variable: str, environ: Mapping[str, str]) -> Found | None:
    if argument is not None:
        return Found(_absolute(argument, ARGUMENT), ARGUMENT)
    if variable in environ:
        path = Path(_not_empty(variable, environ[variable]))
        return Found(_absolute(path, f"environment {variable}"), f"environment {variable}")
    return None


def _is_there(path: Path) -> bool:
    # A link that leads nowhere and a folder that is closed to us count as there: somebody meant
    # the file to be read, and reading it says what is wrong.
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def _absolute(path: Path, source: str) -> Path:
    try:
        return path.expanduser().absolute()
    except RuntimeError:
        raise ConfigError(
            f"{source}: the home directory that {path} starts with is unknown",
            "Set HOME, or name the data dir with --data-dir.",
        ) from None


def _not_empty(variable: str, text: str) -> str:
    if not text.strip():
        raise ConfigError(
            f"environment {variable}: it is empty", "Unset the variable, or give it a value."
        )
    return text


def _expanded(value: object, key: str, origin: str, environ: Mapping[str, str]) -> object:
    if isinstance(value, dict):
        return {
            name: _expanded(item, f"{key}.{name}".lstrip("."), origin, environ)
            for name, item in cast("Table", value).items()
        }
    if not isinstance(value, str):
        return value

    def replaced(match: re.Match[str]) -> str:
        if match.group() == "$${":
            return "${"
        name = match["name"]
        if name is None:
            raise ConfigError(
                f"{origin}: {key} holds a ${{ that no variable's name and }} follow",
                "Write $${ for a ${ that stands for itself.",
            )
        if name not in environ:
            raise ConfigError(
                f"{origin}: {key} needs the environment variable {name}, which is not set",
                f"Set {name}, or write $${{ for a ${{ that stands for itself.",
            )
        return environ[name]

    return PLACEHOLDER.sub(replaced, value)


def _parsed(text: str, types: frozenset[object]) -> object:
    # What is no number stays text, and is refused together with the mistakes of the file.
    if bool in types:
        return {"true": True, "false": False}.get(text.lower(), text)
    for number in (int, float):
        if number in types:
            try:
                return number(text)
            except ValueError:
                return text
    return text


def _put(table: Table, key: str, value: object) -> None:
    *sections, name = key.split(".")
    for section in sections:
        inner = table.setdefault(section, {})
        if not isinstance(inner, dict):
            return  # the file has a value where a section belongs, which is an error of its own
        table = cast("Table", inner)
    table[name] = value
