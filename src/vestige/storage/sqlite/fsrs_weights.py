"""The weights of FSRS-6 that were fitted to the reviews of a store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from vestige.models import FsrsWeights
from vestige.storage.encoding import json_value, time_text, time_value
from vestige.storage.sqlite.rows import list_text

if TYPE_CHECKING:
    from vestige.storage.sqlite.connection import Session
    from vestige.storage.sqlite.driver import Row

SELECT: Final = (
    "SELECT id, weights, review_count, log_loss_before, log_loss_after, fitted_at FROM fsrs_weights"
)
UPSERT: Final = """
INSERT INTO fsrs_weights (
    id, weights, review_count, log_loss_before, log_loss_after, fitted_at
) VALUES (1, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET
    weights = excluded.weights, review_count = excluded.review_count,
    log_loss_before = excluded.log_loss_before, log_loss_after = excluded.log_loss_after,
    fitted_at = excluded.fitted_at
"""
DELETE: Final = "DELETE FROM fsrs_weights"


def get_fsrs_weights(session: Session) -> FsrsWeights | None:
    row = session.db.row(SELECT)
    return None if row is None else fsrs_weights_of(row)


def set_fsrs_weights(session: Session, weights: FsrsWeights | None) -> None:
    if weights is None:
        session.db.run(DELETE)
    else:
        put(session, weights)


def put(session: Session, weights: FsrsWeights) -> None:
    """Write the weights, whether there are some or not."""
    session.db.run(
        UPSERT,
        (
            list_text([float(value) for value in weights.weights]),
            weights.review_count,
            float(weights.log_loss_before),
            float(weights.log_loss_after),
            time_text(weights.fitted_at),
        ),
    )


def fsrs_weights_of(row: Row) -> FsrsWeights:
    """Return the weights of a row of all columns, in the order of the schema."""
    _, weights, review_count, log_loss_before, log_loss_after, fitted_at = row
    return FsrsWeights(
        weights=tuple(cast("list[float]", json_value(cast("str", weights)))),
        review_count=cast("int", review_count),
        log_loss_before=cast("float", log_loss_before),
        log_loss_after=cast("float", log_loss_after),
        fitted_at=time_value(cast("str", fitted_at)),
    )
