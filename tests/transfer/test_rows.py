"""A row that goes through a line of JSON is the same row, over everything a store accepts."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import TYPE_CHECKING, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factories import START, a_memory, a_scheduling, an_id
from strategies import canonical, finite_floats, json_objects, texts, times, vectors
from vestige.errors import InvalidInputError
from vestige.models import (
    ChangeAction,
    ChangelogEntry,
    Domain,
    FsrsWeights,
    Group,
    GroupMembership,
    Intention,
    IntentionStatus,
    MemoryEdge,
    MemoryRecord,
    Priority,
    Rating,
    ReviewEvent,
    ScheduledMemory,
    SchedulingState,
    Tombstone,
    TransferTable,
    TriggerType,
    User,
    Visibility,
)
from vestige.storage.row_objects import STATE_FIELDS, TABLE_FORMS, row_object, row_of

if TYPE_CHECKING:
    from vestige.models import JsonObject, TransferRow


def counts() -> st.SearchStrategy[int]:
    return st.integers(0, 2**31 - 1)


def states() -> st.SearchStrategy[SchedulingState]:
    return st.builds(
        SchedulingState,
        memory_id=st.uuids(),
        stability=st.floats(0.001, 36_500.0),
        difficulty=st.floats(1.0, 10.0),
        retrievability=st.floats(0.0, 1.0),
        last_review=st.none() | times(),
        next_review=st.none() | times(),
        reps=counts(),
        lapses=counts(),
    )


def memories() -> st.SearchStrategy[MemoryRecord]:
    return st.builds(
        MemoryRecord,
        id=st.uuids(),
        content=texts(100),
        node_type=texts(64),
        tags=st.lists(texts(20), max_size=4).map(tuple),
        metadata=json_objects(),
        domains=st.lists(texts(20), max_size=4).map(tuple),
        domain_scores=st.dictionaries(texts(20), finite_floats(), max_size=4),
        embedding=st.none() | vectors(),
        windows=st.lists(vectors(), max_size=2).map(tuple),
        codebase=st.none() | texts(20),
        owner_user_id=st.uuids(),
        visibility=st.sampled_from(Visibility),
        shared_with_groups=st.lists(st.uuids(), max_size=3).map(tuple),
        created_at=times(),
        updated_at=times(),
    )


def parties(kind: type[User | Group]) -> st.SearchStrategy[User | Group]:
    return st.builds(
        kind,
        id=st.uuids(),
        handle=texts(20),
        display_name=st.none() | texts(20),
        created_at=times(),
        metadata=json_objects(),
    )


ROWS: dict[TransferTable, st.SearchStrategy[TransferRow]] = {
    TransferTable.USERS: parties(User),
    TransferTable.GROUPS: parties(Group),
    TransferTable.GROUP_MEMBERSHIPS: st.builds(
        GroupMembership,
        user_id=st.uuids(),
        group_id=st.uuids(),
        joined_at=times(),
        role=st.sampled_from(["member", "admin"]),
    ),
    TransferTable.KNOWLEDGE_NODES: st.builds(
        ScheduledMemory, record=memories(), scheduling=states()
    ),
    TransferTable.EDGES: st.builds(
        MemoryEdge,
        source_id=st.uuids(),
        target_id=st.uuids(),
        created_at=times(),
        edge_type=texts(64),
        weight=st.floats(min_value=0, exclude_min=True, allow_infinity=False),
    ),
    TransferTable.REVIEW_EVENTS: st.builds(
        ReviewEvent,
        id=st.integers(1, 2**53 - 1),
        memory_id=st.uuids(),
        timestamp=times(),
        rating=st.sampled_from(Rating),
        prior_state=states(),
        new_state=states(),
    ),
    TransferTable.DOMAINS: st.builds(
        Domain,
        id=texts(20),
        label=texts(20),
        created_at=times(),
        centroid=st.none() | vectors(),
        top_terms=st.lists(texts(20), max_size=4).map(tuple),
        memory_count=counts(),
        metadata=json_objects(),
    ),
    TransferTable.INTENTIONS: st.builds(
        Intention,
        id=st.uuids(),
        content=texts(40),
        trigger_type=st.sampled_from(TriggerType),
        trigger_at=st.none() | times(),
        event=st.none() | texts(20),
        file_pattern=st.none() | texts(20),
        topic=st.none() | texts(20),
        codebase=st.none() | texts(20),
        deadline=st.none() | times(),
        priority=st.sampled_from(Priority),
        status=st.sampled_from(IntentionStatus),
        snoozed_until=st.none() | times(),
        closed_at=st.none() | times(),
        memory_ids=st.lists(st.uuids(), max_size=4).map(tuple),
        tags=st.lists(texts(20), max_size=4).map(tuple),
        metadata=json_objects(),
        owner_user_id=st.uuids(),
        created_at=times(),
        updated_at=times(),
    ),
    TransferTable.FSRS_WEIGHTS: st.builds(
        FsrsWeights,
        weights=st.lists(finite_floats(), max_size=21).map(tuple),
        review_count=counts(),
        log_loss_before=finite_floats(),
        log_loss_after=finite_floats(),
        fitted_at=times(),
    ),
    TransferTable.CHANGELOG: st.builds(
        ChangelogEntry,
        change_id=st.uuids(),
        memory_id=st.uuids(),
        action=st.sampled_from(ChangeAction),
        timestamp=times(),
        before=st.none() | json_objects(),
        after=st.none() | json_objects(),
        reason=st.none() | texts(20),
        client_id=st.none() | texts(20),
        session_id=st.none() | texts(20),
        undoes=st.none() | st.uuids(),
    ),
    TransferTable.TOMBSTONES: st.builds(Tombstone, memory_id=st.uuids(), purged_at=times()),
}


@pytest.mark.parametrize("table", TransferTable)
@given(data=st.data())
def test_a_row_comes_back_from_its_line_unchanged(
    table: TransferTable, data: st.DataObject
) -> None:
    row = data.draw(ROWS[table])
    text = json.dumps(row_object(table, row), allow_nan=False)
    line = cast("JsonObject", json.loads(text))
    assert line.pop("table") == table.value
    read = row_of(table, line)
    assert read == row
    # Equality lets 1 and 1.0 and the two zeros pass; the text of the line does not.
    assert canonical(row_object(table, read)) == canonical(json.loads(text))


def test_every_field_of_every_row_has_a_form() -> None:
    for form in TABLE_FORMS.values():
        assert {field.name for field in fields(form.kind)} == set(form.fields)
    assert {field.name for field in fields(SchedulingState)} == set(STATE_FIELDS)
    assert set(TABLE_FORMS) == set(TransferTable)


EDGE: JsonObject = {
    "source_id": str(an_id("a")),
    "target_id": str(an_id("b")),
    "edge_type": "related",
    "weight": 1.0,
    "created_at": "2026-01-31T10:00:00.000001Z",
}


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"extra": 1}, "line: has the unknown field 'extra'"),
        ({"source_id": "1"}, "source_id: '1' is not an id"),
        ({"source_id": str(an_id("a")).upper()}, "is not an id"),
        ({"source_id": None}, "source_id: must be text, not null"),
        ({"edge_type": 3}, "edge_type: must be text, not int"),
        ({"edge_type": "\ud800"}, "edge_type: is not valid Unicode"),
        ({"weight": "1"}, "weight: must be a number, not str"),
        ({"weight": True}, "weight: must be a number, not bool"),
        ({"weight": 10**400}, "weight: is larger than any number can be"),
        ({"created_at": "2026-01-31T10:00:00"}, "is no RFC 3339 time with a zone"),
        ({"created_at": "2026-01-31T10:00:00.0000001Z"}, "is no RFC 3339 time"),
        ({"created_at": "2026-02-30T10:00:00Z"}, "is no RFC 3339 time"),
        ({"created_at": 1}, "created_at: must be text"),
    ],
)
def test_a_value_that_is_not_of_its_form_is_named(changed: JsonObject, reason: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        row_of(TransferTable.EDGES, EDGE | changed)
    assert reason in str(caught.value)


def test_a_missing_field_is_named() -> None:
    without = {name: value for name, value in EDGE.items() if name != "weight"}
    with pytest.raises(InvalidInputError, match="has no field weight"):
        row_of(TransferTable.EDGES, without)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"embedding": "AACAPw="}, "embedding: is not base64"),
        ({"embedding": "AAC!Pw=="}, "embedding: is not base64"),
        ({"embedding": "é"}, "embedding: is not base64"),
        ({"embedding": "AACA"}, "embedding: has 3 bytes"),
        ({"windows": "AACAPw=="}, "windows: must be a list, not str"),
        ({"windows": [None]}, "windows: must be text, not null"),
        ({"tags": ["a", 1]}, "tags: must be text, not int"),
        ({"metadata": []}, "metadata: must be an object, not list"),
        ({"domain_scores": {"work": "x"}}, "domain_scores: must be a number, not str"),
        ({"visibility": "secret"}, "must be one of private, group, public, not 'secret'"),
        ({"scheduling": None}, "scheduling: must be an object"),
        ({"scheduling": {"reps": 1}}, "line: has no field"),
    ],
)
def test_a_wrong_value_of_a_memory_is_named(changed: JsonObject, reason: str) -> None:
    memory = a_memory("text")
    row = ScheduledMemory(record=memory, scheduling=a_scheduling(memory.id))
    value = row_object(TransferTable.KNOWLEDGE_NODES, row)
    del value["table"]
    with pytest.raises(InvalidInputError) as caught:
        row_of(TransferTable.KNOWLEDGE_NODES, value | changed)
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("field", "value"),
    [("rating", wrong) for wrong in (0, 5, True, 2.0, "3")]
    # A larger one would leave no ids for reviews to come.
    + [("id", wrong) for wrong in (0, -1, 2**53, True, "1")],
)
def test_an_event_of_no_rating_or_an_unusable_id_is_refused(field: str, value: object) -> None:
    state = a_scheduling(an_id("a"))
    event = ReviewEvent(
        id=1,
        memory_id=an_id("a"),
        timestamp=START,
        rating=Rating.GOOD,
        prior_state=state,
        new_state=state,
    )
    line = row_object(TransferTable.REVIEW_EVENTS, event)
    del line["table"]
    with pytest.raises(InvalidInputError, match=field):
        row_of(TransferTable.REVIEW_EVENTS, line | cast("JsonObject", {field: value}))
