"""Comparison of floats that are equal up to rounding."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def assert_close(
    found: Iterable[float | None], expected: Iterable[float], *, tolerance: float
) -> None:
    """Assert that as many numbers were found as expected, each within the tolerance."""
    found, expected = list(found), list(expected)
    assert len(found) == len(expected), f"found {found}, expected {expected}"
    close = [
        one is not None and abs(one - other) <= tolerance
        for one, other in zip(found, expected, strict=True)
    ]
    assert all(close), f"found {found}, expected {expected} within {tolerance}"
