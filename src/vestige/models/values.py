"""Plain values that others are made of, and the limits of lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias
from uuid import UUID

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vector: TypeAlias = NDArray[np.float32]

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"
JsonObject: TypeAlias = "dict[str, JsonValue]"
LOCAL_USER_ID: Final = UUID("00000000-0000-0000-0000-000000000001")
DEFAULT_LIMIT: Final = 10  # what a `limit` of 0 means
MAX_LIMIT: Final = 1000
DEFAULT_RRF_K: Final = 60
DEFAULT_DECAY: Final = 0.1542  # w20 of the default weights of FSRS-6
