"""What commands print: JSON for programs, text for people, errors in two lines."""

from __future__ import annotations

import json
import re
import shutil
import sys
from functools import cache
from typing import TYPE_CHECKING, Final, TypeAlias

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from vestige.models import JsonObject

Part: TypeAlias = "str | tuple[str, str]"  # text, or text and its style

# C0 and C1 characters drive a terminal; a lone surrogate, which the system makes of a file name
# that is not UTF-8, cannot be printed. Newline and tab are text.
_CONTROL: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_CONTROL_IN_LINE: Final = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_CONTROL_IN_JSON: Final = re.compile("[\x7f-\x9f\ud800-\udfff]")  # json escapes the others
_COLUMN_GAP: Final = "  "


class UsageProblem(typer.BadParameter):
    """A value on the command line that cannot be used, with what to write instead."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint

    def format_message(self) -> str:
        """Return the message, with the name of the option or argument that it is about."""
        return self.message if self.param is None else super().format_message()


def print_json(value: JsonObject) -> None:
    """Print a JSON object on standard output: indented on a terminal, else on one line."""
    is_unicode = getattr(sys.stdout, "encoding", "utf-8").lower().startswith("utf")
    indent, separators = (2, None) if _is_terminal() else (None, (",", ":"))
    text = json.dumps(value, ensure_ascii=not is_unicode, indent=indent, separators=separators)
    typer.echo(_CONTROL_IN_JSON.sub(lambda match: f"\\u{ord(match[0]):04x}", text))


def print_text(text: str = "") -> None:
    """Print text of any length on standard output, its control characters made visible."""
    typer.echo(printable(text))


def print_line(*parts: Part, fit: bool = False) -> None:
    """Print one line on standard output, with styles on a terminal.

    Args:
        *parts: texts, or texts with a style of rich; none of it is read as markup.
        fit: shorten it to the width of the terminal; 80 columns where there is none.
    """
    texts = [(part, "") if isinstance(part, str) else part for part in parts]
    visible = [(_CONTROL_IN_LINE.sub(_escaped, text), style) for text, style in texts]
    if not _is_terminal():
        line = "".join(text for text, _ in visible)
        typer.echo(_cut(line, _width()) if fit else line)
        return
    from rich.text import Text

    line = Text.assemble(*visible)
    if fit:
        line.truncate(_width(), overflow="ellipsis")
    _console().print(line, soft_wrap=True)


def print_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows in columns, without a box and without cutting anything."""
    from rich.cells import cell_len

    visible = [[_CONTROL_IN_LINE.sub(_escaped, cell) for cell in row] for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(headings, *visible, strict=True)]

    def joined(row: Sequence[str]) -> str:
        padded = zip(row, widths, strict=True)
        cells = [cell + " " * (width - cell_len(cell)) for cell, width in padded]
        return _COLUMN_GAP.join(cells).rstrip()

    print_line((joined(headings), "bold"))
    for row in visible:
        print_line(joined(row))


def print_pairs(pairs: Sequence[tuple[str, str]]) -> None:
    """Print names and values, one pair a line, the values below each other."""
    width = max(len(name) for name, _ in pairs)
    for name, value in pairs:
        print_line((f"{name:{width}}", "dim"), _COLUMN_GAP, value)


def report(message: str, hint: str) -> None:
    """Print an error in two lines on standard error: what is wrong, and what to do."""
    note(f"error: {message}")
    note(f"hint: {hint}")


def note(message: str) -> None:
    """Print one line for people on standard error."""
    typer.echo(_CONTROL_IN_LINE.sub(_escaped, message), err=True)


def printable(text: str) -> str:
    """Return a text with its control characters made visible, newline and tab excepted."""
    return _CONTROL.sub(_escaped, text)


def shortened(text: str, width: int) -> str:
    """Return a text on one line, cut to a number of characters."""
    # Only the part that can be seen is worked on: a memory may hold a megabyte.
    line = " ".join(text[: 2 * width].split())
    return _cut(line, width) if len(text) <= 2 * width else f"{line[: width - 1]}…"


def _cut(line: str, width: int) -> str:
    return line if len(line) <= width else f"{line[: width - 1]}…"


def _escaped(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape", "surrogatepass").decode("ascii")


def _is_terminal() -> bool:
    # Without standard output (`>&-`) Python has no stream at all.
    return bool(getattr(sys.stdout, "isatty", bool)())


def _width() -> int:
    return shutil.get_terminal_size().columns


@cache
def _console() -> Console:
    from rich.console import Console

    return Console(markup=False, highlight=False, emoji=False)
