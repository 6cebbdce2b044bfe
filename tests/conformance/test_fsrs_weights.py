"""The weights of FSRS-6 in a store, and the forgetting curve that a search goes by."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from factories import DAY, START, a_memory, a_scheduling, a_set_of_weights
from vestige.cognition.fsrs import retrievability
from vestige.errors import InvalidInputError
from vestige.models import SearchQuery, TransferTable

if TYPE_CHECKING:
    from conftest import OpenHandle
    from vestige.models import FsrsWeights
    from vestige.storage.protocol import MemoryStore

SET = a_set_of_weights()


async def test_a_new_store_has_no_weights_of_its_own(store: MemoryStore) -> None:
    assert await store.get_fsrs_weights() is None


async def test_weights_come_back_to_the_last_bit(store: MemoryStore) -> None:
    exact = replace(
        SET,
        weights=(1 / 3, *SET.weights[1:]),
        log_loss_after=0.1 + 0.2,
        fitted_at=START + timedelta(microseconds=1),
    )
    await store.set_fsrs_weights(exact)
    assert await store.get_fsrs_weights() == exact


async def test_others_see_them_and_they_outlive_the_handle(
    store: MemoryStore, open_handle: OpenHandle
) -> None:
    other = await open_handle()
    await store.set_fsrs_weights(SET)
    assert await other.get_fsrs_weights() == SET
    await store.close()
    assert await (await open_handle()).get_fsrs_weights() == SET


async def test_a_later_set_takes_the_place_of_the_first(store: MemoryStore) -> None:
    later = replace(a_set_of_weights(decay=0.2), review_count=9_000, fitted_at=START + DAY)
    await store.set_fsrs_weights(SET)
    await store.set_fsrs_weights(later)
    assert await store.get_fsrs_weights() == later
    assert (await store.export_page(TransferTable.FSRS_WEIGHTS)).rows == (later,)


async def test_going_back_to_the_default_ones_leaves_none(store: MemoryStore) -> None:
    await store.set_fsrs_weights(SET)
    await store.set_fsrs_weights(None)
    await store.set_fsrs_weights(None)
    assert await store.get_fsrs_weights() is None


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (replace(SET, weights=SET.weights[:20]), "weights"),
        (a_set_of_weights(decay=0.9), "weights"),
        (a_set_of_weights(decay=float("nan")), "weights"),
        (replace(SET, log_loss_before=float("inf")), "log_loss_before"),
        (replace(SET, log_loss_after=-1.0), "log_loss_after"),
        (replace(SET, review_count=-1), "review_count"),
        (replace(SET, fitted_at=START.replace(tzinfo=None)), "fitted_at"),
    ],
)
async def test_what_is_outside_its_limits_is_refused_and_the_old_ones_stay(
    store: MemoryStore, wrong: FsrsWeights, field: str
) -> None:
    await store.set_fsrs_weights(SET)
    with pytest.raises(InvalidInputError) as caught:
        await store.set_fsrs_weights(wrong)
    assert caught.value.field == field
    assert await store.get_fsrs_weights() == SET


async def test_an_import_leaves_the_weights_that_are_there(store: MemoryStore) -> None:
    other = a_set_of_weights(decay=0.2)
    first = await store.import_rows(TransferTable.FSRS_WEIGHTS, [SET])
    second = await store.import_rows(TransferTable.FSRS_WEIGHTS, [other])
    assert (first.written, first.present) == (1, 0)
    assert (second.written, second.present) == (0, 1)
    assert await store.get_fsrs_weights() == SET
    assert await store.export_rows(TransferTable.FSRS_WEIGHTS, [(1,)]) == [SET]


async def test_a_search_keeps_what_is_retrievable_by_the_decay_it_is_given(
    store: MemoryStore,
) -> None:
    """The store's clock stands at `START`; between the curves there is room for one memory."""
    memory = a_memory("text")
    state = a_scheduling(memory.id, stability=10.0, last_review=START - 200 * DAY)
    await store.insert(memory, state)
    flat, steep = (retrievability(200.0, 10.0, decay=decay) for decay in (0.1, 0.8))
    assert steep < flat
    between = (flat + steep) / 2

    async def found(decay: float) -> int:
        query = SearchQuery(text="text", min_retrievability=between, decay=decay)
        return len(await store.search(query))

    assert (await found(0.1), await found(0.8)) == (1, 0)


async def test_a_decay_outside_of_its_bounds_is_refused(store: MemoryStore) -> None:
    with pytest.raises(InvalidInputError, match="decay: must be"):
        await store.search(SearchQuery(text="text", decay=0.05))
