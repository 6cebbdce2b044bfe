"""Ids that are no UUIDs: mapped, the same way in every run, and every reference with them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from rust.files import (
    CREATED,
    Cell,
    a_file,
    add,
    add_access,
    add_link,
    add_node,
    add_vector,
    changes,
    execute,
    memories,
    node_id,
    opened,
    read_all,
    the_memory,
)
from vestige.models import GroupMembership, MemoryEdge, ReviewEvent, TransferTable

if TYPE_CHECKING:
    from pathlib import Path

UPPER = "ABCDEF01-2345-4789-8ABC-DEF012345678"
MAPPED = "id: not a UUID, mapped"


async def test_an_id_that_is_no_uuid_is_the_same_uuid_in_every_file(tmp_path: Path) -> None:
    found: list[UUID] = []
    for name in ("one.db", "two.db"):
        path = a_file(tmp_path / name)
        add_node(path, id="legacy_0042")
        memory, report = await the_memory(path)
        found.append(memory.record.id)
        assert memory.record.metadata["id"] == "legacy_0042"
        assert changes(report) == {MAPPED: 1}
        assert (report.adjusted[0].before, report.adjusted[0].after) == (
            "legacy_0042",
            str(memory.record.id),
        )
    # Another value would bring every such memory a second time into stores that have it.
    assert found == [UUID("8d83155d-29a1-5d7b-84d0-55fbf8d99ed7")] * 2


async def test_everything_that_names_a_mapped_memory_follows_it(tmp_path: Path) -> None:
    path = a_file(tmp_path / "vestige.db")
    add_vector(path, add_node(path, 1))
    add_vector(path, add_node(path, id="legacy_0042"))
    add_link(path, "legacy_0042", node_id(1))
    add_link(path, node_id(1), "legacy_0042")
    add_access(path, "legacy_0042", "promote", CREATED)
    async with opened(path) as source:
        _, mapped = await memories(source)
        edges = await read_all(source, TransferTable.EDGES)
        (event,) = await read_all(source, TransferTable.REVIEW_EVENTS)
        assert not source.report().failures
    new_id = mapped.record.id
    assert mapped.record.embedding is not None
    assert mapped.scheduling.memory_id == new_id
    ends = [(edge.source_id, edge.target_id) for edge in edges if isinstance(edge, MemoryEdge)]
    assert ends == [(new_id, UUID(node_id(1))), (UUID(node_id(1)), new_id)]
    assert isinstance(event, ReviewEvent)
    assert event.memory_id == event.prior_state.memory_id == event.new_state.memory_id == new_id


async def test_a_uuid_in_upper_case_stays_that_uuid(tmp_path: Path) -> None:
    path = a_file(tmp_path / "vestige.db")
    add_node(path, id=UPPER)
    memory, report = await the_memory(path)
    assert memory.record.id == UUID(UPPER)
    assert changes(report) == {"id: a UUID in upper case": 1}


async def test_ids_that_differ_in_case_only_stay_two_memories(tmp_path: Path) -> None:
    path = a_file(tmp_path / "vestige.db")
    for number, memory_id in enumerate((UPPER, UPPER.lower(), UPPER.title())):
        add_node(path, number, id=memory_id)
    add_link(path, UPPER, UPPER.lower())
    async with opened(path) as source:
        ids = {memory.record.content: memory.record.id for memory in await memories(source)}
        (edge,) = await read_all(source, TransferTable.EDGES)
        (what,) = changes(source.report())
    assert len(set(ids.values())) == 3
    assert ids["memory 1"] == UUID(UPPER)
    assert isinstance(edge, MemoryEdge)
    assert (edge.source_id, edge.target_id) == (ids["memory 0"], ids["memory 1"])
    assert what == "id: the same UUID as another row's but for upper case, mapped"


@pytest.mark.parametrize(
    "cell",
    [
        "",
        "{0f34cbfa-1f36-43be-8db0-6b50f3a3c3a1}",
        "0f34cbfa1f3643be8db06b50f3a3c3a1",
        "0f34cbfa-1f36-43be-8db0-6b50f3a3c3a1\0and more",
        "0f34cbfa-1f36-43be-8db0-6b50f3a3c3aé",
        "x" * 5000,
        b"\x01" * 16,
        None,
    ],
    ids=["empty", "braces", "no dashes", "nul", "accent", "long", "bytes", "null"],
)
async def test_whatever_stands_in_the_id_the_memory_goes(cell: Cell, tmp_path: Path) -> None:
    path = a_file(tmp_path / "vestige.db")
    add_node(path, id=cell)
    first, report = await the_memory(path)
    second, _ = await the_memory(path)
    assert first.record.id == second.record.id
    assert first.record.id.version == 5
    assert changes(report)[MAPPED] == 1


async def test_ids_that_are_no_utf_8_stay_apart(tmp_path: Path) -> None:
    path = a_file(tmp_path / "vestige.db")
    for number, digits in enumerate(("ff41", "fe41")):
        add_node(path, number, id=f"plain {number}")
        execute(
            path,
            "UPDATE knowledge_nodes SET id = CAST(? AS TEXT) WHERE id = ?",
            (bytes.fromhex(digits), f"plain {number}"),
        )
    execute(
        path,
        "INSERT INTO memory_connections SELECT a.id, b.id, 1.0, 'semantic', ?, ?, 0"
        " FROM knowledge_nodes AS a, knowledge_nodes AS b WHERE a.rowid = 1 AND b.rowid = 2",
        (CREATED, CREATED),
    )
    async with opened(path) as source:
        ids = [memory.record.id for memory in await memories(source)]
        (edge,) = await read_all(source, TransferTable.EDGES)
    assert isinstance(edge, MemoryEdge)
    assert len(set(ids)) == 2
    assert [edge.source_id, edge.target_id] == ids


async def test_users_and_groups_with_other_ids_keep_their_memberships(tmp_path: Path) -> None:
    path = a_file(tmp_path / "vestige.db", "people 15")
    add(path, "users", id="zoe", handle="zoe", created_at=CREATED)
    add(path, "groups", id="zoe", handle="zoe", created_at=CREATED)
    add(path, "group_memberships", user_id="zoe", group_id="zoe", joined_at=CREATED)
    add(path, "group_memberships", user_id="zoe", group_id="gone", joined_at=CREATED)
    async with opened(path) as source:
        (membership,) = await read_all(source, TransferTable.GROUP_MEMBERSHIPS)
        (failure,) = source.report().failures
    assert isinstance(membership, GroupMembership)
    assert membership.user_id != membership.group_id
    assert failure.key == "zoe gone"
    assert failure.reason == "group_id: names a group that is not in the file"
