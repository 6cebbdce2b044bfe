"""Lines of JSON, read one at a time, however long a file or one of its lines is."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NoReturn, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vestige.models import JsonValue

# A content and metadata of a megabyte each, every byte of them escaped as six, with room to spare.
LINE_MAX_BYTES: Final = 16_000_000
BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"  # Windows editors write it; it is no part of a line
_PIECE_BYTES: Final = 1_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A line of a file: its number, from 1, and its bytes; None when it is longer than allowed."""

    number: int
    data: bytes | None


class ReadsLines(Protocol):
    """Any stream of bytes."""

    def readline(self, size: int, /) -> bytes:
        """Return the next line with its break, or `size` bytes of it; nothing at the end."""
        ...


class LineReader:
    """The lines of a stream that are not blank; never holds more than one of them."""

    def __init__(self, stream: ReadsLines, max_bytes: int = LINE_MAX_BYTES) -> None:
        self.max_bytes = max_bytes
        self._stream = stream
        self._number = 0

    def __iter__(self) -> Iterator[Line]:
        """Yield each line; what is too long is skipped in pieces."""
        while data := self._stream.readline(self.max_bytes + 1):
            self._number += 1
            if self._number == 1:
                data = data.removeprefix(BYTE_ORDER_MARK)
            if len(data) > self.max_bytes:
                yield Line(number=self._number, data=None)
                while data and not data.endswith(b"\n"):
                    data = self._stream.readline(_PIECE_BYTES)
            elif data.strip():
                yield Line(number=self._number, data=data)


def parse(line: Line) -> JsonValue:
    """Return the value of a line of JSON.

    Raises:
        ValueError: it is not JSON, not UTF-8 or too long; the message says which and where.
    """
    if line.data is None:
        raise ValueError("is longer than a line can be")
    try:
        text = line.data.decode()
    except UnicodeDecodeError as error:
        raise ValueError(
            f"is not UTF-8: byte 0x{line.data[error.start]:02x} at position {error.start} (from 0)"
        ) from None
    try:
        return cast("JsonValue", json.loads(text, parse_constant=_refuse_constant))
    except json.JSONDecodeError as error:
        raise ValueError(f"is not JSON: {error.msg} at character {error.pos} (from 0)") from None
    except RecursionError:
        raise ValueError("is nested too deeply") from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"is not JSON: {name} is not a JSON number")
