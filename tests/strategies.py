"""Values over the whole domain that the contract of a store allows, for hypothesis."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Final, cast

import numpy as np
from hypothesis import strategies as st

from factories import DIMENSION

if TYPE_CHECKING:
    from vestige.models import JsonObject, JsonValue, Vector

LARGEST: Final = 2**53 - 1
DAY_TWO: Final = datetime(1, 1, 2, tzinfo=UTC)
LAST_DAY_BUT_ONE: Final = datetime(9999, 12, 30, tzinfo=UTC)
LAST_MOMENT: Final = datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
HARD_NUMBERS: Final[JsonObject] = {
    "floats": [5e-324, 1.5e308, 1e23, -0.0, 0.0, 1.0, 0.1 + 0.2, 1e16, 1e15, 123456789012345680.0],
    "integers": [LARGEST, -LARGEST, 0, 1],
    "others": [True, False, None, "", [], {}, "1", "null", "\\u0041\\n", '"', "\u2028", "é/\\"],
}


def texts(max_size: int, min_size: int = 1) -> st.SearchStrategy[str]:
    """Texts of any characters but NUL and surrogates."""
    alphabet = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
    return st.text(alphabet, min_size=min_size, max_size=max_size)


def finite_floats() -> st.SearchStrategy[float]:
    return st.floats(allow_nan=False, allow_infinity=False)


def json_objects() -> st.SearchStrategy[JsonObject]:
    scalars: st.SearchStrategy[JsonValue] = st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-LARGEST, LARGEST),
        finite_floats(),
        texts(20, min_size=0),
    )
    values: st.SearchStrategy[JsonValue] = st.recursive(
        scalars,
        lambda inner: st.one_of(
            st.lists(inner, max_size=4), st.dictionaries(texts(8, 0), inner, max_size=4)
        ),
        max_leaves=12,
    )
    return st.dictionaries(texts(10, min_size=0), values, max_size=5)


def times() -> st.SearchStrategy[datetime]:
    """Times in UTC over all years, and in other zones as far as UTC can express them."""
    in_utc = st.datetimes(timezones=st.just(UTC))
    offsets = st.integers(-23 * 60, 23 * 60)

    def elsewhere(at: datetime, minutes: int) -> datetime:
        inside = min(max(at, DAY_TWO), LAST_DAY_BUT_ONE)
        return inside.astimezone(timezone(timedelta(minutes=minutes)))

    return st.one_of(in_utc, st.builds(elsewhere, in_utc, offsets))


def vectors() -> st.SearchStrategy[Vector]:
    """Vectors with denormals and signed zeros; the first value keeps them from being all zeros."""

    def vector(first: float, rest: list[float]) -> Vector:
        return np.array([first, *rest], dtype=np.float32)

    length = DIMENSION - 1
    floats = st.floats(width=32, allow_nan=False, allow_infinity=False)
    firsts = st.sampled_from([1.0, -1.0, float(np.float32(1e-45)), float(np.float32(3e38))])
    return st.builds(vector, firsts, st.lists(floats, min_size=length, max_size=length))


def canonical(value: object) -> str:
    """Return JSON text that tells 1 from 1.0 and True, in any order of keys.

    A negative zero is a zero: not every database has one, so no store keeps it.
    """
    return json.dumps(_without_negative_zeros(value), sort_keys=True)


def _without_negative_zeros(value: object) -> object:
    if isinstance(value, dict):
        items = cast("dict[str, object]", value).items()
        return {key: _without_negative_zeros(item) for key, item in items}
    if isinstance(value, list):
        return [_without_negative_zeros(item) for item in cast("list[object]", value)]
    return 0.0 if isinstance(value, float) and not value else value
