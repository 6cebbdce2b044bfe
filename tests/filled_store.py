"""A store with something in every table and every column."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from factories import (
    DAY,
    START,
    a_domain,
    a_full_memory,
    a_group,
    a_memory,
    a_scheduling,
    a_set_of_weights,
    a_user,
    a_vector,
    an_edge,
    an_id,
    an_intention,
)
from vestige.models import (
    Change,
    ChangeAction,
    DeleteMemory,
    GroupMembership,
    InsertMemory,
    IntentionStatus,
    Priority,
    PutIntention,
    Rating,
    ReplaceMemory,
    TriggerType,
    Visibility,
)

if TYPE_CHECKING:
    from uuid import UUID

    from vestige.storage.protocol import MemoryStore

ANA, TEAM = a_user("ana", metadata={"a": 1}), a_group("team", display_name="Team")
BOTH = GroupMembership(user_id=ANA.id, group_id=TEAM.id, joined_at=START, role="admin")


async def fill(store: MemoryStore) -> None:
    """Put something into every table, with something in every column."""
    await store.upsert_user(ANA)
    await store.upsert_group(TEAM)
    await store.upsert_membership(BOTH)
    records = [
        a_full_memory(
            f"memory {n}",
            owner_user_id=ANA.id,
            visibility=Visibility.GROUP,
            shared_with_groups=(TEAM.id,),
            valid_until=START + 90 * DAY,
            superseded_at=START + 60 * DAY,
            suppressed_at=START + 30 * DAY,
            embedding=a_vector(n),
            created_at=START - n * DAY,
        )
        for n in range(9)
    ]
    for record in records:
        await store.insert(record, a_scheduling(record.id, stability=1 / 3, lapses=2))
    await store.insert(a_memory("bare"))
    for one, other in pairwise(records):
        await store.add_edge(an_edge(one.id, other.id, weight=1 / 7))
        await store.add_edge(an_edge(other.id, one.id, edge_type="follows"))
    for n, record in enumerate(records):
        state = a_scheduling(record.id, reps=n)
        await store.record_review(record.id, Rating(n % 4 + 1), state, START + n * DAY)
    await store.delete(records[4].id)  # leaves a gap in the ids of the review events
    for name in ("work", "home", "garden"):
        await store.upsert_domain(a_domain(name, centroid=a_vector(len(name)), top_terms=("x",)))
    await store.upsert_domain(a_domain("bare"))
    await write_changes(store)
    await write_intentions(store, records[0].id)
    await store.set_fsrs_weights(a_set_of_weights())


async def write_changes(store: MemoryStore) -> None:
    """Put something into the changelog and the tombstones, with something in every column."""
    gone = a_memory("gone")
    changed = a_memory("changed", owner_user_id=ANA.id, shared_with_groups=(TEAM.id,))
    made = (InsertMemory(record=gone), InsertMemory(record=changed))
    made_id, edited_id, purged_id = map(an_id, ("made", "edited", "purged"))
    await store.commit(Change(id=made_id, action=ChangeAction.CREATED, operations=made))
    await store.commit(
        Change(
            id=edited_id,
            action=ChangeAction.UNDONE,
            operations=(ReplaceMemory(record=replace(changed, content="other")),),
            reason="a reason",
            client_id="client",
            session_id="session",
            undoes=made_id,
        )
    )
    deletion = (DeleteMemory(memory_id=gone.id),)
    await store.purge(Change(id=purged_id, action=ChangeAction.PURGED, operations=deletion))


async def write_intentions(store: MemoryStore, memory_id: UUID) -> None:
    """Keep something to be done for each kind of trigger, with something in every column."""
    bare = an_intention("bare")
    full = an_intention(
        "full",
        trigger_type=TriggerType.CONTEXT,
        file_pattern="src/*.py",
        topic="release",
        codebase="vestige",
        deadline=START + 2 * DAY,
        priority=Priority.HIGH,
        snoozed_until=START + DAY,
        memory_ids=(memory_id, an_id("gone")),
        tags=("chore",),
        metadata={"set_by": "client"},
        owner_user_id=ANA.id,
    )
    done = an_intention(
        "done",
        trigger_type=TriggerType.EVENT,
        event="deploy",
        status=IntentionStatus.COMPLETED,
        closed_at=START + DAY,
    )
    operations = tuple(PutIntention(intention=item) for item in (bare, full, done))
    change = Change(id=an_id("intended"), action=ChangeAction.INTENDED, operations=operations)
    await store.commit(change)
