"""Simulated people whose memory follows FSRS-6 with weights of their own."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from factories import START, a_memory, a_vector
from vestige.cognition import fsrs
from vestige.cognition.fsrs_weights import Weights
from vestige.models import Rating, ReviewEvent, ScheduledMemory, TransferTable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vestige.storage.protocol import MemoryStore

# Somebody who forgets much faster than most, and to whom hard recalls help less.
FORGETFUL: Final = Weights(
    initial_stability_good=0.6, recall_growth=1.2, lapse_scale=0.9, decay=0.35
)
GAPS_DAYS: Final = (1, 2, 3, 5, 8, 13, 21, 34)


def events_of(
    weights: Weights, *, memories: int, reviews: int, seed: int = 7
) -> Iterator[ReviewEvent]:
    """Yield the reviews of somebody, as a store records them that schedules by default weights.

    Each memory begins at its creation and is reviewed after gaps of days that have nothing to do
    with when it is due; whether it is recalled follows from the weights of the person.
    """
    source = random.Random(seed)  # noqa: S311  # histories, not secrets
    for number in range(memories):
        memory_id = UUID(int=source.getrandbits(128))
        at = START + timedelta(hours=number)
        true = fsrs.initial_state(memory_id, at, weights=weights)
        stored = fsrs.initial_state(memory_id, at)
        for position in range(reviews):
            at += timedelta(days=source.choice(GAPS_DAYS))
            recall = fsrs.current_retrievability(true, at, decay=weights.decay)
            is_recalled = source.random() < recall
            rating = source.choices((Rating.HARD, Rating.GOOD, Rating.EASY), (2, 6, 2))[0]
            rating = rating if is_recalled else Rating.AGAIN
            true = fsrs.review(true, rating, at, weights=weights)
            after = fsrs.review(stored, rating, at)
            yield ReviewEvent(
                id=1 + number * reviews + position,
                memory_id=memory_id,
                timestamp=at,
                rating=rating,
                prior_state=stored,
                new_state=after,
            )
            stored = after


async def store_reviews(
    store: MemoryStore,
    weights: Weights,
    *,
    memories: int,
    reviews: int,
    dimension: int | None = None,
) -> None:
    """Put the reviews of somebody into a store, with the memories that they are of.

    Args:
        store: an empty one.
        weights: of the person.
        memories: how many, up to 500.
        reviews: of each of them.
        dimension: of their vectors; None for memories without vectors.
    """
    events = list(events_of(weights, memories=memories, reviews=reviews))
    last = {event.memory_id: event.new_state for event in events}
    rows = [
        ScheduledMemory(
            record=a_memory(
                str(memory_id),
                id=memory_id,
                embedding=None if dimension is None else a_vector(number, dimension=dimension),
            ),
            scheduling=state,
        )
        for number, (memory_id, state) in enumerate(last.items())
    ]
    for table, given in (
        (TransferTable.KNOWLEDGE_NODES, rows),
        (TransferTable.REVIEW_EVENTS, events),
    ):
        result = await store.import_rows(table, given)
        assert result.written == len(given)
