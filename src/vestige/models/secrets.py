"""Where a key or token was found; never the key or token itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

SecretsPolicy: TypeAlias = Literal["refuse", "mask", "allow"]


@dataclass(frozen=True, kw_only=True, slots=True)
class SecretPlace:
    """A secret in what is to be stored, or is.

    Attributes:
        kind: what it is, such as `GitHub token`.
        field: what holds it: `content`, `tags`, `metadata`, ...
        line: the line of that text on which it starts, from 1.
    """

    kind: str
    field: str
    line: int

    def __str__(self) -> str:
        """Return kind and place, for people."""
        return f"{self.kind} ({self.field}, line {self.line})"
