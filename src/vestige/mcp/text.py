"""Stored text in an answer: shown as a quotation, so that it cannot pose as the server's words."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vestige.models import JsonValue, MemoryEdge

BRIEF_CHARACTERS: Final = 200
SCORE_DIGITS: Final = 4  # more of them cost a model tokens and tell it nothing


def one_line(text: str) -> str:
    """Return a text with every run of white space, line ends among it, as one space."""
    return " ".join(text.split())


def described(fields: Mapping[str, JsonValue]) -> list[str]:
    """Return `name: value` for each field, the value as JSON on one line."""
    return [
        f"{name}: {one_line(json.dumps(value, ensure_ascii=False))}"
        for name, value in fields.items()
    ]


def link_line(edge: MemoryEdge) -> str:
    """Return a link in few words: its type, its weight and its ends."""
    weight = round(edge.weight, SCORE_DIGITS)
    return f"{one_line(edge.edge_type)} {weight:g}: {edge.source_id} -> {edge.target_id}"


def beginning(content: str) -> str:
    """Return as much of a text as reminds of it."""
    return content[:BRIEF_CHARACTERS]


def rounded(value: JsonValue) -> JsonValue:
    """Return a score with the digits that matter; what is no fraction comes back as it is."""
    return round(value, SCORE_DIGITS) if isinstance(value, float) else value
