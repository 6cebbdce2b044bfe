"""The links that consolidation draws and prunes."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING

import pytest

from closeness import assert_close
from factories import DAY, START, a_memory, an_edge
from upkept import a_near_memory, far, keep, near, rows
from vestige.engine import linking
from vestige.engine.linking import PRUNED_BELOW
from vestige.models import ChangeAction, MemoryEdge, TransferTable

if TYPE_CHECKING:
    from vestige.engine.engine import Engine
    from vestige.models import Change, ChangelogEntry, JsonObject, JsonValue, MemoryRecord


async def links(engine: Engine) -> list[MemoryEdge]:
    found = await rows(engine, TransferTable.EDGES)
    return [row for row in found if isinstance(row, MemoryEdge)]


def in_a_row(count: int, metadata: JsonObject, codebase: str | None = None) -> list[MemoryRecord]:
    """Return memories a day apart that have nothing to do with each other but their metadata."""
    return [
        a_memory(
            f"part {number}",
            embedding=far(number + 1),
            metadata=metadata,
            codebase=codebase,
            created_at=START + number * DAY,
        )
        for number in range(count)
    ]


async def test_a_link_of_neighbours_weighs_their_cosine_and_leads_to_the_older(
    any_engine: Engine,
) -> None:
    old, new = (
        a_near_memory("a ship"),
        a_memory("a boat", embedding=near(0.8), created_at=START + DAY),
    )
    apart = a_memory("a tree", embedding=near(0.6, axis=2), created_at=START + 2 * DAY)
    await keep(any_engine, old, new, apart)
    await any_engine.consolidate()
    (link,) = await links(any_engine)
    assert (link.source_id, link.target_id, link.edge_type) == (new.id, old.id, "similar")
    assert_close([link.weight], [0.8], tolerance=1e-6)


async def test_no_memory_gets_more_than_five_links_to_what_is_similar(any_engine: Engine) -> None:
    records = [a_near_memory(f"ship {n}", created_at=START + n * DAY) for n in range(12)]
    await keep(any_engine, *records)
    await any_engine.link(records[11].id, records[10].id, edge_type="similar", weight=0.7)
    plan = await any_engine.consolidation_plan()
    await any_engine.consolidate()
    drawn = await links(any_engine)
    ends = Counter(end for edge in drawn for end in (edge.source_id, edge.target_id))
    assert max(ends.values()) == 5
    assert plan.links == {"similar": len(drawn) - 1}
    # Nobody is linked twice, and the weight of the known link is kept.
    assert len({frozenset((edge.source_id, edge.target_id)) for edge in drawn}) == len(drawn)
    assert [edge.weight for edge in drawn if edge.target_id == records[10].id] == [0.7]


@pytest.mark.parametrize("page_rows", [2, 100])
async def test_a_memory_is_linked_to_the_three_before_it_in_its_file(
    any_engine: Engine, monkeypatch: pytest.MonkeyPatch, page_rows: int
) -> None:
    monkeypatch.setattr("vestige.engine.near_pairs.PAGE_ROWS", page_rows)
    records = in_a_row(6, {"file": "src/api.py"}, codebase="shop")
    await keep(any_engine, *records)
    result = await any_engine.consolidate()
    assert result.links == {"same_file": 1 + 2 + 3 + 3 + 3}
    drawn = await links(any_engine)
    assert {edge.weight for edge in drawn} == {0.5}
    last = {edge.target_id for edge in drawn if edge.source_id == records[5].id}
    assert last == {record.id for record in records[2:5]}


async def test_a_session_links_across_pages_and_a_file_only_in_its_codebase(
    any_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vestige.engine.near_pairs.PAGE_ROWS", 1)
    one, two, three = in_a_row(3, {"file": "a.py", "session_id": "s"})
    other: JsonObject = {"file": "a.py", "session_id": "t"}
    await keep(
        any_engine,
        one,
        two,
        a_memory("in a shop", metadata=other, codebase="shop", created_at=START + 5 * DAY),
        a_memory(
            "in a dock", metadata={"file": "a.py"}, codebase="dock", created_at=START + 6 * DAY
        ),
        three,
    )
    await any_engine.consolidate()
    drawn = await links(any_engine)
    assert {(edge.edge_type, edge.weight) for edge in drawn} == {("same_session", 0.3)}
    assert len(drawn) == 3


@pytest.mark.parametrize("value", ["", 7, None, ["a.py"], {"name": "a.py"}])
async def test_metadata_that_names_no_file_links_nothing(
    any_engine: Engine, value: JsonValue
) -> None:
    metadata: JsonObject = {"file": value, "session_id": value}
    await keep(any_engine, *in_a_row(3, metadata, codebase="shop"))
    assert (await any_engine.consolidate()).links == {}


async def test_memories_of_two_codebases_are_not_linked_for_being_similar(
    any_engine: Engine,
) -> None:
    await keep(
        any_engine,
        a_near_memory("a ship", codebase="dock"),
        a_near_memory("a ship.", codebase="shop"),
        a_near_memory("a ship!"),
    )
    assert (await any_engine.consolidate()).links == {}


async def test_of_many_files_the_last_ones_are_kept_in_mind(
    any_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(linking, "GROUPS_MAX", 1)
    records = [
        a_memory(f"{file} {n}", metadata={"session_id": file}, created_at=START + n * DAY)
        for n, file in enumerate("aabba")
    ]
    await keep(any_engine, *records)
    assert (await any_engine.consolidate()).links == {"same_session": 2}


async def test_only_weak_links_of_the_engine_are_pruned(any_engine: Engine) -> None:
    a, b, c = in_a_row(3, {})
    await keep(any_engine, a, b, c)
    weak, strong = PRUNED_BELOW / 2, PRUNED_BELOW
    for ends, edge_type, weight in (
        ((a, b), "similar", weak),
        ((b, a), "same_file", weak),
        ((a, c), "same_session", weak),
        ((a, c), "related", weak),
        ((b, c), "because", weak),
        ((c, a), "similar", strong),
    ):
        await any_engine.store.add_edge(
            an_edge(ends[0].id, ends[1].id, edge_type=edge_type, weight=weight)
        )
    plan = await any_engine.consolidation_plan()
    result = await any_engine.consolidate()
    assert plan.pruned == result.pruned == {"similar": 1, "same_file": 1, "same_session": 1}
    assert len(result.pruned_examples) == 3
    left = {(edge.edge_type, edge.weight) for edge in await links(any_engine)}
    assert left == {("related", weak), ("because", weak), ("similar", strong)}


async def test_dense_links_are_read_in_parts_and_kept(any_engine: Engine) -> None:
    records = [a_near_memory(f"ship {n}", created_at=START + n * DAY) for n in range(40)]
    await keep(any_engine, *records)
    for one, other in combinations(records, 2):
        await any_engine.store.add_edge(an_edge(one.id, other.id, edge_type="similar", weight=0.9))
    before = await links(any_engine)
    assert len(before) == 780
    assert (await any_engine.consolidate()).changes == 0
    assert await links(any_engine) == before


async def test_what_somebody_links_or_deletes_meanwhile_is_left_out(
    any_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = in_a_row(4, {"session_id": "s"})
    await keep(any_engine, *records)
    commit = any_engine.store.commit
    calls: list[Change] = []

    async def late(change: Change) -> list[ChangelogEntry]:
        calls.append(change)
        if len(calls) == 1:
            linked = an_edge(records[1].id, records[0].id, edge_type="same_session", weight=9.0)
            await any_engine.store.add_edge(linked)
            await any_engine.store.delete(records[3].id)
        return await commit(change)

    monkeypatch.setattr(any_engine.store, "commit", late)
    result = await any_engine.consolidate()
    assert result.links == {"same_session": 1}  # from the third to the first
    assert len(calls) == 3
    weights = sorted(edge.weight for edge in await links(any_engine))
    assert weights == [0.3, 9.0]


async def test_a_link_that_somebody_strengthens_meanwhile_is_not_pruned(
    any_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b = in_a_row(2, {})
    await keep(any_engine, a, b)
    weak = an_edge(a.id, b.id, edge_type="similar", weight=0.01)
    await any_engine.store.add_edge(weak)
    commit = any_engine.store.commit

    async def late(change: Change) -> list[ChangelogEntry]:
        await any_engine.store.add_edge(replace(weak, weight=1.0))
        return await commit(change)

    monkeypatch.setattr(any_engine.store, "commit", late)
    assert (await any_engine.consolidate()).pruned == {}
    assert [edge.weight for edge in await links(any_engine)] == [1.0]


async def test_undo_takes_back_what_was_pruned_and_what_was_drawn(any_engine: Engine) -> None:
    a, b, c = in_a_row(3, {"session_id": "s"})
    await keep(any_engine, a, b, c)
    await any_engine.link(a.id, b.id, edge_type="similar", weight=0.01)
    before = await links(any_engine)
    await any_engine.consolidate()
    assert {edge.edge_type for edge in await links(any_engine)} == {"same_session"}
    drawn, pruned = await any_engine.undo(), await any_engine.undo()
    actions = {entry.action for entry in (*drawn.undone, *pruned.undone)}
    assert actions == {ChangeAction.CONSOLIDATED}
    assert await links(any_engine) == before
