"""Review histories as the optimiser of FSRS learns from them: grades, and days between them."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from vestige.models import Rating

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from vestige.models import ReviewEvent

# Of one memory; a sample repeats all reviews before it, so a memory costs the square of this.
REVIEWS_MAX: Final = 64
# The library takes about two seconds for these, and 100 MB.
SAMPLES_MAX: Final = 50_000

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_DAY_MICROSECONDS: Final = timedelta(days=1) // _MICROSECOND


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """A review whose outcome is to be predicted, after all reviews of the memory before it.

    Attributes:
        reviews: grade, and whole days since the review before; the first is where the memory
            began, with 0 days, and the last is a day or more after the one before it.
    """

    reviews: tuple[tuple[Rating, int], ...]

    @property
    def is_recalled(self) -> bool:
        """Whether the memory was recalled at its last review."""
        return self.reviews[-1][0] != Rating.AGAIN


@dataclass(kw_only=True, slots=True)
class _History:
    ratings: bytearray = field(default_factory=bytearray)
    times: array[int] = field(default_factory=lambda: array("q"))  # microseconds since 1970

    def add(self, rating: Rating, at: datetime) -> None:
        if len(self.ratings) < REVIEWS_MAX:
            self.ratings.append(rating)
            self.times.append((at - _EPOCH) // _MICROSECOND)

    def elapsed_days(self, position: int) -> int:
        if position == 0:
            return 0
        elapsed = self.times[position] - self.times[position - 1]
        return max(elapsed // _DAY_MICROSECONDS, 0)  # a clock set back counts as the same day

    def samples(self) -> Iterator[tuple[int, Sample]]:
        """Yield each review that comes a day or more after another, with its time."""
        days = [self.elapsed_days(place) for place in range(len(self.times))]
        # Samples of a memory share its pairs: they would take ten times the room otherwise.
        reviews = tuple(zip(map(Rating, self.ratings), days, strict=True))
        for place, elapsed in enumerate(days):
            if elapsed:
                yield self.times[place], Sample(reviews=reviews[: place + 1])


class Histories:
    """The reviews of many memories, put together from events in the order they were recorded.

    A memory begins as it is scheduled: with its creation, which counts as a first `good`. One whose
    first event comes after reviews that nobody recorded is left out, for its state at that moment
    would have to be guessed.
    """

    def __init__(self) -> None:
        self._histories: dict[UUID, _History | None] = {}
        self.review_count = 0

    def add(self, event: ReviewEvent) -> None:
        """Add the next event of its memory."""
        self.review_count += 1
        if event.memory_id not in self._histories:
            self._histories[event.memory_id] = _begun(event)
        history = self._histories[event.memory_id]
        if history is not None:
            history.add(event.rating, event.timestamp)

    @property
    def memory_count(self) -> int:
        """How many memories have been reviewed."""
        return len(self._histories)

    @property
    def left_out_count(self) -> int:
        """How many of them have a beginning that is not known."""
        return sum(history is None for history in self._histories.values())

    def samples(self) -> list[Sample]:
        """Return what can be learned from, oldest first.

        Reviews on the day of the one before say nothing about forgetting: they are part of what
        comes before a sample, and no sample themselves. Of too many the memories that were
        reviewed last are taken, each with all of its samples: the optimiser needs their beginnings.
        """
        found: list[tuple[int, int, Sample]] = []
        for index, history in enumerate(self._last_reviewed_first()):
            samples = list(history.samples())
            if len(found) + len(samples) > SAMPLES_MAX:
                break
            found += [(at, index, sample) for at, sample in samples]
        found.sort(key=lambda one: one[:2])
        return [sample for _, _, sample in found]

    def _last_reviewed_first(self) -> list[_History]:
        known = [history for history in self._histories.values() if history is not None]
        return sorted(known, key=lambda history: -history.times[-1])


def _begun(event: ReviewEvent) -> _History | None:
    prior, history = event.prior_state, _History()
    if prior.last_review is not None:
        if prior.reps:
            return None
        history.add(Rating.GOOD, prior.last_review)
    return history
