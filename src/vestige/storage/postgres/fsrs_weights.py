"""The weights of FSRS-6 that were fitted to the reviews of a store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from vestige.models import FsrsWeights

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from vestige.storage.postgres.connection import Session
    from vestige.storage.postgres.driver import Row

SELECT: Final = (
    "SELECT id, weights, review_count, log_loss_before, log_loss_after, fitted_at FROM fsrs_weights"
)
KEYS: Final = "SELECT id FROM fsrs_weights"
UPSERT: Final = """
INSERT INTO fsrs_weights (
    id, weights, review_count, log_loss_before, log_loss_after, fitted_at
) VALUES (
    1, :weights::float8[], :review_count, :log_loss_before, :log_loss_after, :fitted_at
)
ON CONFLICT (id) DO UPDATE SET
    weights = excluded.weights, review_count = excluded.review_count,
    log_loss_before = excluded.log_loss_before, log_loss_after = excluded.log_loss_after,
    fitted_at = excluded.fitted_at
"""
DELETE: Final = "DELETE FROM fsrs_weights"


async def get_fsrs_weights(session: Session) -> FsrsWeights | None:
    row = await session.db.row(SELECT)
    return None if row is None else fsrs_weights_of(row)


async def set_fsrs_weights(session: Session, weights: FsrsWeights | None) -> None:
    if weights is None:
        await session.db.run(DELETE)
    else:
        await put_many(session, [weights])


async def put_many(session: Session, rows: Sequence[FsrsWeights]) -> None:
    """Write the weights, whether there are some or not; of several the last stay."""
    for weights in rows:
        values = {
            "weights": [float(value) for value in weights.weights],
            "review_count": weights.review_count,
            "log_loss_before": float(weights.log_loss_before),
            "log_loss_after": float(weights.log_loss_after),
            "fitted_at": weights.fitted_at,
        }
        await session.db.run(UPSERT, values)


def fsrs_weights_of(row: Row) -> FsrsWeights:
    """Return the weights of a row of all columns, in the order of the schema."""
    _, weights, review_count, log_loss_before, log_loss_after, fitted_at = row
    return FsrsWeights(
        weights=tuple(cast("list[float]", weights)),
        review_count=cast("int", review_count),
        log_loss_before=cast("float", log_loss_before),
        log_loss_after=cast("float", log_loss_after),
        fitted_at=cast("datetime", fitted_at),
    )
