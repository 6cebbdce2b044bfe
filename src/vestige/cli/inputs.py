"""Texts from arguments, files and standard input."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import typer

from vestige.cli.output import UsageProblem, shortened

STDIN: Final = "-"
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"  # Windows editors write it; it is no part of a text
_LABEL_CHARACTERS: Final = 40


@dataclass(frozen=True, kw_only=True, slots=True)
class TextSource:
    """Where one text comes from: itself, a file, or standard input when it is neither."""

    text: str | None = None
    file: Path | None = None

    @property
    def label(self) -> str:
        """What a message calls it."""
        if self.text is not None:
            from vestige.cognition.secret_search import find_secrets, without_secrets

            # A text may be refused for what it holds, and that must not be in the message.
            text = without_secrets(self.text, find_secrets(self.text))
            return f'text "{shortened(text, _LABEL_CHARACTERS)}"'
        return "standard input" if self.file is None else str(self.file)


def text_sources(texts: list[str], files: list[Path]) -> list[TextSource]:
    """Return where the texts of a command come from.

    Args:
        texts: as given; `-` is standard input.
        files: each is one text; `-` is standard input.

    Returns:
        The texts, then the files; standard input when nothing is given and it is no terminal.

    Raises:
        UsageProblem: nothing is given, or standard input twice.
    """
    sources = [TextSource(text=None if text == STDIN else text) for text in texts]
    sources += [TextSource(file=None if str(file) == STDIN else file) for file in files]
    if not sources and not _is_stdin_usable():
        raise UsageProblem(
            "there is no text", "Give it as an argument, with --file PATH, or on standard input."
        )
    if sources.count(TextSource()) > 1:
        raise UsageProblem("standard input is named twice", "Give - once: it is one text.")
    return sources or [TextSource()]


def read_text(source: TextSource) -> str:
    """Return a text; a file or standard input loses its last line break.

    Raises:
        InvalidInputError: it cannot be read, is too long, or is not UTF-8.
    """
    from vestige.errors import InvalidInputError
    from vestige.storage.limits import CONTENT_MAX_BYTES

    if source.text is not None:
        return source.text
    # One byte more than a memory and its line break: the rest of an endless input stays unread.
    most = len(_BYTE_ORDER_MARK) + CONTENT_MAX_BYTES + len("\r\n") + 1
    try:
        data = _read_bytes(source.file, most)
    except OSError as error:
        problem = f"cannot be read: {error.strerror}"
        raise InvalidInputError("file", problem, "Name a text file that you may read.") from error
    if len(data) == most:
        raise InvalidInputError(
            "content",
            f"has more than {CONTENT_MAX_BYTES} bytes, which is the most a memory holds",
            "Split it into several memories; nothing of it was stored.",
        )
    return _decoded(data)


def need_terminal(action: str) -> None:
    """Refuse to go on where nobody can be asked.

    Args:
        action: what has to be confirmed, as the subject of a sentence.

    Raises:
        UsageProblem: standard input is no terminal.
    """
    if not (_is_stdin_there() and sys.stdin.isatty()):
        raise UsageProblem(
            f"{action} has to be confirmed, and there is no terminal to ask on",
            "Add --yes to do it without asking; nothing was changed.",
        )


def ask(question: str) -> bool:
    """Ask on the terminal whether to go on."""
    return typer.confirm(question, err=True)


def _decoded(data: bytes) -> str:
    from vestige.errors import InvalidInputError

    skipped = len(_BYTE_ORDER_MARK) if data.startswith(_BYTE_ORDER_MARK) else 0
    try:
        text = data[skipped:].decode()
    except UnicodeDecodeError as error:
        position = skipped + error.start
        raise InvalidInputError(
            "content",
            f"is not UTF-8: byte 0x{data[position]:02x} at position {position} (from 0)",
            "Convert it first: iconv -f ISO-8859-1 -t UTF-8 FILE, with the encoding it has.",
        ) from None
    return text.removesuffix("\n").removesuffix("\r")


def _read_bytes(file: Path | None, most: int) -> bytes:
    if file is None:
        return sys.stdin.buffer.read(most) if _is_stdin_there() else b""
    with file.open("rb") as opened:
        return opened.read(most)


def _is_stdin_usable() -> bool:
    return _is_stdin_there() and not sys.stdin.isatty()


def _is_stdin_there() -> bool:
    # With a closed standard input (`<&-`) Python has no stream, whatever its type says.
    return getattr(sys, "stdin", None) is not None
