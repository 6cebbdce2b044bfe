"""Refreshing the stored retrievability, which follows from the rest of a state."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from factories import DAY, START, a_memory, a_scheduling
from vestige.errors import InvalidInputError
from vestige.models import Rating

if TYPE_CHECKING:
    from vestige.storage.protocol import MemoryStore

A, B, C = a_memory("a"), a_memory("b"), a_memory("c")


async def test_only_the_retrievability_is_written_and_the_changelog_says_nothing(
    store: MemoryStore,
) -> None:
    await store.insert(A, a_scheduling(A.id))
    await store.insert(B, a_scheduling(B.id, last_review=None, next_review=None))
    given = [
        a_scheduling(A.id, retrievability=0.25, difficulty=9.0, reps=7, next_review=START),
        a_scheduling(B.id, retrievability=1 / 3, last_review=None, next_review=None),
    ]
    assert await store.refresh_retrievability(given) == 2
    assert await store.list_scheduling([A.id, B.id]) == [
        a_scheduling(A.id, retrievability=0.25),
        a_scheduling(B.id, retrievability=1 / 3, last_review=None, next_review=None),
    ]
    assert await store.list_changelog() == []
    assert await store.get(A.id) == A


async def test_a_state_that_a_review_has_changed_meanwhile_is_left(store: MemoryStore) -> None:
    await store.insert(A, a_scheduling(A.id))
    await store.insert(B, a_scheduling(B.id))
    read = await store.list_scheduling([A.id, B.id])
    reviewed = a_scheduling(A.id, stability=20.0, last_review=START + DAY, reps=2)
    await store.record_review(A.id, Rating.GOOD, reviewed, START + DAY)
    stale = [replace(state, retrievability=0.5) for state in read]
    assert await store.refresh_retrievability(stale) == 1
    assert await store.get_scheduling(A.id) == reviewed
    assert await store.get_scheduling(B.id) == a_scheduling(B.id, retrievability=0.5)


async def test_a_memory_that_is_gone_is_no_error(store: MemoryStore) -> None:
    assert await store.refresh_retrievability([]) == 0
    assert await store.refresh_retrievability([a_scheduling(C.id)]) == 0
    assert await store.get_scheduling(C.id) is None


async def test_a_state_outside_its_limits_changes_none(store: MemoryStore) -> None:
    await store.insert(A, a_scheduling(A.id))
    given = [a_scheduling(A.id, retrievability=0.5), a_scheduling(B.id, retrievability=2.0)]
    with pytest.raises(InvalidInputError):
        await store.refresh_retrievability(given)
    assert await store.get_scheduling(A.id) == a_scheduling(A.id)
