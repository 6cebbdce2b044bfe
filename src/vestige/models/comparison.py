"""Equality of values that hold arrays."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def equal(one: DataclassInstance, other: DataclassInstance) -> bool:
    """Say whether two values of one dataclass are equal, vectors byte by byte."""
    return all(
        _comparable(getattr(one, f.name)) == _comparable(getattr(other, f.name))
        for f in fields(one)
    )


def _comparable(value: object) -> object:
    if isinstance(value, tuple):
        return tuple(_comparable(item) for item in cast("tuple[object, ...]", value))
    to_bytes = getattr(value, "tobytes", None)
    return to_bytes() if to_bytes is not None else value
