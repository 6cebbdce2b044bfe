"""What rankings and links are made of."""

from __future__ import annotations

from typing import Any, Protocol


class Key(Protocol):
    """Something hashable and ordered, so that ties have one outcome."""

    def __hash__(self) -> int: ...

    def __lt__(self, other: Any, /) -> bool: ...
