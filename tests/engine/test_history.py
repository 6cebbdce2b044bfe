"""Superseding, hiding, forgetting and taking back: nothing is lost that a person did not purge."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from factories import DAY, an_id
from vestige.engine.parts import ATTEMPTS, Actor
from vestige.engine.results import IngestContext, RememberItem
from vestige.errors import ConflictError, InvalidInputError, MemoryNotFoundError, VestigeError
from vestige.models import ChangeAction, ChangelogFilter, MemoryFilter, Rating

if TYPE_CHECKING:
    from uuid import UUID

    from factories import ManualClock
    from vestige.engine.engine import Engine
    from vestige.models import Change, ChangelogEntry, SchedulingState

OLD = "The API gateway listens on port 8080 in production."
NEW = "The API gateway listens on port 9090 in production."


async def test_what_is_superseded_stays_marked_and_linked(
    any_engine: Engine, clock: ManualClock
) -> None:
    old = await any_engine.remember(OLD, node_type="decision", tags=["net"])
    clock.advance(DAY)
    new = await any_engine.remember(NEW, supersedes=old.id)
    assert new.action == "superseded"
    assert new.previous is not None
    assert (new.previous.id, new.previous.content) == (old.id, OLD)
    record, _ = await any_engine.get(new.id)
    assert (record.node_type, record.tags) == ("decision", ("net",))
    kept, _ = await any_engine.get(old.id)
    assert (kept.content, kept.superseded_at) == (OLD, clock.now())
    (edge,) = await any_engine.links(new.id)
    assert (edge.source_id, edge.target_id, edge.edge_type) == (new.id, old.id, "supersedes")


async def test_the_place_of_a_memory_is_taken_once(any_engine: Engine) -> None:
    old = await any_engine.remember(OLD)
    await any_engine.remember(NEW, supersedes=old.id)
    with pytest.raises(InvalidInputError, match="has taken the place"):
        await any_engine.remember("On port 7070.", supersedes=old.id)
    with pytest.raises(MemoryNotFoundError):
        await any_engine.remember("On port 6060.", supersedes=an_id("unknown"))
    assert await any_engine.store.count() == 2


async def test_a_memory_is_not_superseded_by_its_own_text(any_engine: Engine) -> None:
    old = await any_engine.remember(OLD)
    with pytest.raises(InvalidInputError, match="says the same"):
        await any_engine.remember(f" {OLD} ", supersedes=old.id)


async def test_a_near_match_is_a_memory_of_its_own_and_linked(any_engine: Engine) -> None:
    old = await any_engine.remember(OLD)
    new = await any_engine.remember(NEW)
    assert new.action == "created"
    assert str(old.id) in new.reason
    assert "8080" in new.reason
    (edge,) = new.links
    assert (edge.edge_type, edge.target_id) == ("similar", old.id)
    assert edge.weight == new.candidates[0].similarity
    assert await any_engine.links(new.id) == [edge]


async def test_memories_of_a_session_and_a_file_are_linked(any_engine: Engine) -> None:
    context = IngestContext(codebase="shop", session_id="s1", file="cart.py")
    first = await any_engine.remember("Rounding happens in the cart.", context=context)
    second = await any_engine.remember("Vouchers expire at midnight.", context=context)
    elsewhere = IngestContext(codebase="shop", session_id="s2", file="tax.py")
    await any_engine.remember("Taxes follow the address.", context=elsewhere)
    found = {(edge.edge_type, edge.target_id, edge.weight) for edge in second.links}
    assert found == {("same_file", first.id, 0.5), ("same_session", first.id, 0.3)}
    assert len(await any_engine.links(second.id)) == 2


async def test_links_to_a_long_session_are_few(any_engine: Engine) -> None:
    context = IngestContext(session_id="s1")
    results = [
        await any_engine.remember(" ".join([word] * 3), context=context)
        for word in ("oak", "tin", "fig", "sea", "bell", "clay", "wolf", "kite")
    ]
    assert len(results[-1].links) == 3


async def test_what_is_hidden_is_not_made_known_again_by_remembering(any_engine: Engine) -> None:
    hidden = await any_engine.remember(OLD)
    await any_engine.suppress(hidden.id, reason="outdated")
    again = await any_engine.remember(OLD)
    assert again.action == "created"
    assert again.id != hidden.id
    assert again.candidates == ()


async def test_suppress_and_restore(any_engine: Engine, clock: ManualClock) -> None:
    memory = await any_engine.remember(OLD)
    result = await any_engine.suppress(memory.id, reason="outdated")
    assert result.after.suppressed_at == clock.now()
    with pytest.raises(InvalidInputError, match="suppressed already"):
        await any_engine.suppress(memory.id)
    current = MemoryFilter(current_at=clock.now())
    assert await any_engine.list_memories(current) == []
    await any_engine.restore(memory.id)
    assert [record.id for record in await any_engine.list_memories(current)] == [memory.id]
    with pytest.raises(InvalidInputError, match="restored already"):
        await any_engine.restore(memory.id)
    entries = await any_engine.changelog(ChangelogFilter(memory_id=memory.id))
    assert [entry.action for entry in entries] == ["restored", "suppressed", "created"]
    assert entries[1].reason == "outdated"


async def test_what_a_forgotten_memory_had_superseded_holds_again(any_engine: Engine) -> None:
    old = await any_engine.remember(OLD)
    new = await any_engine.remember(NEW, supersedes=old.id)
    await any_engine.forget(new.id)
    record, _ = await any_engine.get(old.id)
    assert record.superseded_at is None
    await any_engine.undo()
    record, _ = await any_engine.get(old.id)
    assert record.superseded_at is not None
    assert len(await any_engine.links(old.id)) == 1


async def test_undo_brings_back_all_that_was_forgotten(any_engine: Engine) -> None:
    other = await any_engine.remember("Something else entirely.")
    memory = await any_engine.remember(OLD, tags=["net"])
    await any_engine.link(memory.id, other.id, edge_type="explains", weight=0.4)
    await any_engine.review(memory.id, Rating.HARD)
    before = await any_engine.get(memory.id)
    edges = await any_engine.links(memory.id)
    events = await any_engine.store.list_review_events(memory.id)
    await any_engine.forget(memory.id)
    assert await any_engine.links(other.id) == []
    result = await any_engine.undo()
    assert {entry.memory_id for entry in result.undone} == {memory.id}
    assert await any_engine.get(memory.id) == before
    assert await any_engine.links(memory.id) == edges
    assert await any_engine.store.list_review_events(memory.id) == events


async def test_undo_goes_back_step_by_step_and_can_be_taken_back(any_engine: Engine) -> None:
    memory = await any_engine.remember(OLD)
    edit = await any_engine.edit(memory.id, content=NEW)
    await any_engine.review(memory.id, Rating.EASY)
    await any_engine.undo()
    assert await any_engine.store.list_review_events() == []
    undone = await any_engine.undo()
    assert (await any_engine.get(memory.id))[0] == edit.before
    hits = await any_engine.store.vector_search(edit.before.embedding, 1)  # pyright: ignore[reportArgumentType]  # it has one
    assert hits[0].score == pytest.approx(1)
    await any_engine.undo(undone.entries[0].change_id)
    assert (await any_engine.get(memory.id))[0].content == NEW
    await any_engine.undo()
    await any_engine.undo()
    assert await any_engine.store.count() == 0
    with pytest.raises(InvalidInputError, match="no change to undo"):
        await any_engine.undo()


async def test_a_change_is_not_undone_over_a_later_one(any_engine: Engine) -> None:
    memory = await any_engine.remember(OLD)
    first = await any_engine.edit(memory.id, content=NEW)
    second = await any_engine.edit(memory.id, content="Something newer.")
    with pytest.raises(ConflictError, match=str(memory.id)):
        await any_engine.undo(first.change_id)
    await any_engine.undo(second.change_id)
    with pytest.raises(InvalidInputError, match="taken back already"):
        await any_engine.undo(second.change_id)
    await any_engine.undo(first.change_id)
    assert (await any_engine.get(memory.id))[0].content == OLD


async def test_an_unknown_change_is_refused(any_engine: Engine) -> None:
    with pytest.raises(InvalidInputError, match=str(an_id("x"))):
        await any_engine.undo(an_id("x"))


async def test_the_changelog_names_who_asked(any_engine: Engine) -> None:
    somebody = any_engine.acting_as(Actor(client_id="editor", session_id="7"))
    memory = await somebody.remember(OLD)
    await any_engine.acting_as(Actor(client_id="other")).review(memory.id, Rating.GOOD)
    context = IngestContext(mcp_client_id="agent", session_id="8")
    await any_engine.remember("By the context.", context=context)
    entries = await any_engine.changelog()
    assert [(entry.client_id, entry.session_id) for entry in entries] == [
        ("agent", "8"),
        ("other", None),
        ("editor", "7"),
    ]


async def test_a_purged_memory_cannot_be_brought_back(any_engine: Engine) -> None:
    memory = await any_engine.remember(OLD)
    result = await any_engine.purge([memory.id])
    assert result.is_erased
    entries = await any_engine.changelog(ChangelogFilter(memory_id=memory.id))
    assert [entry.action for entry in entries] == [ChangeAction.PURGED, ChangeAction.CREATED]
    assert OLD not in repr(entries)
    with pytest.raises(InvalidInputError, match="purged"):
        await any_engine.undo()
    with pytest.raises(InvalidInputError, match="purged"):
        await any_engine.undo(memory.change_id)


async def test_what_was_forgotten_can_be_purged(any_engine: Engine) -> None:
    memory = await any_engine.remember(OLD)
    await any_engine.forget(memory.id)
    await any_engine.purge([memory.id], erase=False)
    assert OLD not in repr(await any_engine.changelog())
    with pytest.raises(MemoryNotFoundError):
        await any_engine.purge([an_id("unknown")])


async def test_a_batch_stores_what_it_can(any_engine: Engine) -> None:
    items = [
        RememberItem(content="first", tags=("a",)),
        RememberItem(content=" "),
        RememberItem(content="first"),
        RememberItem(content="third", supersedes=an_id("unknown")),
        RememberItem(content="fourth"),
    ]
    results = await any_engine.remember_many(items)
    actions = [
        result.code if isinstance(result, VestigeError) else result.action for result in results
    ]
    assert actions == ["created", "invalid_input", "reinforced", "memory_not_found", "created"]
    assert await any_engine.store.count() == 2


@pytest.mark.parametrize("count", [0, 101])
async def test_a_batch_has_a_size(any_engine: Engine, count: int) -> None:
    with pytest.raises(InvalidInputError, match="items"):
        await any_engine.remember_many([RememberItem(content="x")] * count)


async def test_a_review_that_others_were_quicker_than_is_made_anew(
    any_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = await any_engine.remember(OLD)
    asked = any_engine.store.get_scheduling
    is_first = True

    async def get_scheduling(memory_id: UUID) -> SchedulingState | None:
        nonlocal is_first
        state = await asked(memory_id)
        if is_first:
            is_first = False
            await any_engine.review(memory.id, Rating.EASY)
        return state

    monkeypatch.setattr(any_engine.store, "get_scheduling", get_scheduling)
    result = await any_engine.review(memory.id, Rating.GOOD)
    assert result.after.reps == 2
    assert len(await any_engine.store.list_review_events(memory.id)) == 2


async def test_what_consolidation_refreshes_is_in_the_way_of_no_undo(
    any_engine: Engine, clock: ManualClock
) -> None:
    memory = await any_engine.remember(OLD)
    await any_engine.review(memory.id, Rating.GOOD)
    clock.advance(40 * DAY)
    assert (await any_engine.consolidate()).retrievability == 1
    await any_engine.undo()
    await any_engine.undo()
    assert await any_engine.store.count() == 0


async def test_a_change_that_others_are_always_quicker_than_ends_with_a_conflict(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = await engine.remember(OLD)
    tried: list[Change] = []

    async def commit(change: Change) -> list[ChangelogEntry]:
        tried.append(change)
        raise ConflictError(memory.id)

    monkeypatch.setattr(engine.store, "commit", commit)
    with pytest.raises(ConflictError):
        await engine.review(memory.id, Rating.GOOD)
    assert len(tried) == len({change.id for change in tried}) == ATTEMPTS
