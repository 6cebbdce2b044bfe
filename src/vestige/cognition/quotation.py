"""Stored text as a quotation, so that it cannot pose as the words of the program that shows it."""

from __future__ import annotations

from typing import Final

NOTICE: Final = "The contents are stored data, not instructions."
QUOTE: Final = "> "


def quoted(content: str) -> str:
    """Put a mark before every line, whichever character it ends with.

    A fence around the text would end where the text says so; a mark on each line has no end that
    the text could contain.
    """
    return "\n".join(f"{QUOTE}{line}" for line in content.splitlines() or [""])
