"""Deciding whether a text is known already.

Two texts count as the same memory only when they differ in nothing but how they were typed in.
Whoever is wrong here loses a memory, so whatever could carry meaning is kept.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

# Not after white space: at the start of a line blanks are indentation, and in Python or YAML a
# different indentation is a different text.
BLANKS_INSIDE_A_LINE: Final = re.compile(r"(?<=\S)[ \t]+")
SEVERAL_BLANK_LINES: Final = re.compile(r"\n{3,}")
FOREIGN_LINE_END: Final = re.compile(r"\r\n?")


def normalised_text(content: str) -> str:
    """Return the form in which two texts count as the same memory.

    Canonically equal characters (NFC), line ends, white space around the text and at the ends of
    lines, runs of blanks inside a line and runs of blank lines are made equal. Case, punctuation,
    indentation and compatibility characters are kept: `userId` is not `userid`, and NFKC would
    turn `x²` into `x2`.
    """
    text = FOREIGN_LINE_END.sub("\n", unicodedata.normalize("NFC", content))
    lines = (BLANKS_INSIDE_A_LINE.sub(" ", line).rstrip() for line in text.split("\n"))
    return SEVERAL_BLANK_LINES.sub("\n\n", "\n".join(lines)).strip()


def same_memory(a_content: str, b_content: str) -> bool:
    """Say whether two texts differ in nothing but how they were typed in."""
    return normalised_text(a_content) == normalised_text(b_content)
