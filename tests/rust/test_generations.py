"""Files of every generation, each with the rows that people have in one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

import pytest

from factories import a_vector
from rust.files import (
    CREATED,
    DIMENSION,
    GENERATIONS,
    Cell,
    a_file,
    add,
    add_access,
    add_link,
    add_node,
    add_vector,
    changes,
    everything,
    execute,
    memories,
    node_id,
    opened,
    read_all,
    the_memory,
)
from vestige.models import (
    LOCAL_USER_ID,
    Domain,
    GroupMembership,
    MemoryEdge,
    TransferTable,
    User,
    Visibility,
)
from vestige.storage.vectors import vector_bytes

if TYPE_CHECKING:
    from pathlib import Path

# As many rows as every generation can hold.
MEMORIES: Final = 5
CREATED_AT: Final = datetime(2026, 3, 14, 15, 7, 59, 857129, tzinfo=UTC)
DAY: Final = timedelta(days=1)


def fill(path: Path, generation: str) -> None:
    """Write memories, one with an odd id, and a row into most of the other tables there are."""
    for number in range(1, MEMORIES):
        add_vector(path, add_node(path, number))
    add_vector(path, add_node(path, MEMORIES, id="legacy_0042"))
    if generation == "first":
        return
    add_link(path, node_id(1), node_id(2))
    add_link(path, node_id(2), node_id(1), link_type="refinement")
    add_link(path, "legacy_0042", node_id(1))
    add_link(path, node_id(3), node_id(3))
    for kind in ("search_hit", "promote", "demote", "suppress", "reverse_suppress"):
        add_access(path, node_id(1), kind, CREATED)
    add(path, "fsrs_config", key="w20", value=0.1542, updated_at=CREATED)
    add(
        path,
        "intentions",
        id="a1",
        content="Rotate the key",
        trigger_type="time",
        trigger_data="{}",
        created_at=CREATED,
    )


@pytest.mark.parametrize("generation", GENERATIONS)
async def test_all_rows_of_a_file_go_or_are_named(generation: str, tmp_path: Path) -> None:
    path = a_file(tmp_path / "vestige.db", generation)
    fill(path, generation)
    async with opened(path) as source:
        counts = await source.counts()
        rows = await everything(source)
        report = source.report()
    has_more = generation != "first"
    assert len(rows[TransferTable.KNOWLEDGE_NODES]) == MEMORIES
    assert len(rows[TransferTable.EDGES]) == (3 if has_more else 0)
    assert len(rows[TransferTable.REVIEW_EVENTS]) == (3 if has_more else 0)
    for table in TransferTable:
        assert counts[table] == len(rows[table]) + report.failure_counts.get(table, 0)
    assert report.schema_version == GENERATIONS[generation][0]
    assert [failure.table for failure in report.failures] == [TransferTable.EDGES] * has_more


@pytest.mark.parametrize("generation", GENERATIONS)
async def test_every_table_with_rows_is_copied_or_skipped_with_its_count(
    generation: str, tmp_path: Path
) -> None:
    path = a_file(tmp_path / "vestige.db", generation)
    fill(path, generation)
    execute(path, "CREATE TABLE plans (name TEXT)")
    add(path, "plans", name="of a version that is not known")
    async with opened(path) as source:
        report = source.report()
    found = {(table.name, table.rows) for table in (*report.copied, *report.skipped)}
    expected = {("knowledge_nodes", 5), ("node_embeddings", 5), ("schema_version", 1), ("plans", 1)}
    if generation != "first":
        expected |= {("memory_connections", 4), ("fsrs_config", 1), ("intentions", 1)}
        # Two of the rows are about suppression and no reviews.
        expected |= {("memory_access_log", 3), ("memory_access_log", 2)}
    assert found == expected
    assert all(table.reason for table in report.skipped)


async def test_a_memory_goes_with_all_that_its_row_says(tmp_path: Path) -> None:
    path = a_file(tmp_path / "vestige.db", "connectors 18")
    add_node(
        path,
        content="Ship it",
        node_type="decision",
        tags='["release","日本語"]',
        domains='["work"]',
        domain_scores='{"work":0.91}',
        source="user",
        learning_state="review",
        storage_strength=1.4,
        scope="user",
        valid_until="2026-06-01T00:00:00+00:00",
        suppression_count=2,
        superseded_by=node_id(2),
        source_system="github",
        summary_parent_id=None,
    )
    memory, report = await the_memory(path)
    record, state = memory.record, memory.scheduling
    assert (record.id, record.content, record.node_type) == (
        UUID(node_id(1)),
        "Ship it",
        "decision",
    )
    assert (record.created_at, record.updated_at) == (CREATED_AT, CREATED_AT + DAY)
    assert (record.tags, record.domains) == (("release", "日本語"), ("work",))
    assert record.domain_scores == {"work": 0.91}
    assert (record.owner_user_id, record.visibility) == (LOCAL_USER_ID, Visibility.PRIVATE)
    assert (state.stability, state.difficulty, state.retrievability) == (2.5, 5.5, 0.75)
    assert (state.last_review, state.next_review) == (CREATED_AT + 2 * DAY, CREATED_AT + 6 * DAY)
    assert (state.reps, state.lapses) == (3, 1)
    kept = {
        "source": "user",
        "learning_state": "review",
        "storage_strength": 1.4,
        "scope": "user",
        "valid_until": "2026-06-01T00:00:00+00:00",
        "suppression_count": 2,
        "superseded_by": node_id(2),
        "source_system": "github",
    }
    assert {name: record.metadata.get(name) for name in kept} == kept
    assert not {"summary_parent_id", "stability", "tags", "content"} & record.metadata.keys()
    assert not report.adjusted


async def test_the_local_user_owns_what_others_owned_and_the_row_says_whose_it_was(
    tmp_path: Path,
) -> None:
    path = a_file(tmp_path / "vestige.db", "people 15")
    zoe = "00000000-0000-4000-8000-0000000000aa"
    team = "00000000-0000-4000-8000-0000000000bb"
    add(path, "users", id=zoe, handle="zoe", created_at=CREATED, metadata='{"city":"Ghent"}')
    add(path, "groups", id=team, handle="platform", created_at=CREATED)
    add(path, "group_memberships", user_id=zoe, group_id=team, role="admin", joined_at=CREATED)
    add_node(
        path,
        owner_user_id=zoe,
        visibility="group",
        shared_with_groups=f'["{team}"]',
        codebase="ledger",
    )
    async with opened(path) as source:
        rows = await everything(source)
        (memory,) = await memories(source)
        report = source.report()
    (user,) = rows[TransferTable.USERS]
    (membership,) = rows[TransferTable.GROUP_MEMBERSHIPS]
    assert isinstance(user, User)
    assert (user.id, user.handle, user.metadata) == (UUID(zoe), "zoe", {"city": "Ghent"})
    assert isinstance(membership, GroupMembership)
    assert (membership.user_id, membership.group_id, membership.role) == (
        UUID(zoe),
        UUID(team),
        "admin",
    )
    record = memory.record
    assert (record.owner_user_id, record.visibility) == (LOCAL_USER_ID, Visibility.PRIVATE)
    assert (record.shared_with_groups, record.codebase) == ((), "ledger")
    assert record.metadata["owner_user_id"] == zoe
    assert record.metadata["visibility"] == "group"
    assert record.metadata["shared_with_groups"] == [team]
    assert len(changes(report)) == 3


async def test_connections_keep_their_type_strength_and_time(tmp_path: Path) -> None:
    path = a_file(tmp_path / "vestige.db", "profiles 28")
    first, second = add_node(path, 1), add_node(path, 2)
    add_link(path, first, second, strength=0.87, link_type="causal", edge_meta="{}")
    async with opened(path) as source:
        (edge,) = await read_all(source, TransferTable.EDGES)
        report = source.report()
    assert edge == MemoryEdge(
        source_id=UUID(first),
        target_id=UUID(second),
        weight=0.87,
        edge_type="causal",
        created_at=CREATED_AT,
    )
    left = {(column.table, column.column): column.values for column in report.columns}
    assert left == {
        ("memory_connections", "activation_count"): 1,
        ("memory_connections", "edge_meta"): 1,
        ("memory_connections", "last_activated"): 1,
    }


async def test_domains_go_with_their_centroid(tmp_path: Path) -> None:
    path = a_file(tmp_path / "vestige.db")
    add_vector(path, add_node(path))
    centroid = vector_bytes(a_vector(3, dimension=DIMENSION))
    add(
        path,
        "domains",
        id="work",
        label="Work ⚙️",
        centroid=centroid,
        top_terms='["pool", "backup"]',
        memory_count=2,
        created_at=CREATED,
    )
    async with opened(path) as source:
        (domain,) = await read_all(source, TransferTable.DOMAINS)
    assert isinstance(domain, Domain)
    assert (domain.id, domain.label, domain.memory_count) == ("work", "Work ⚙️", 2)
    assert domain.top_terms == ("pool", "backup")
    assert domain.centroid is not None
    assert vector_bytes(domain.centroid) == centroid


async def test_a_card_of_the_scheduler_is_kept_with_its_memory(tmp_path: Path) -> None:
    path = a_file(tmp_path / "vestige.db")
    add(path, "fsrs_cards", memory_id=add_node(path), state="review", reps=4)
    add(path, "fsrs_cards", memory_id="gone")
    memory, report = await the_memory(path)
    assert memory.record.metadata["fsrs_cards"] == {
        "difficulty": 5.0,
        "stability": 1.0,
        "state": "review",
        "reps": 4,
        "lapses": 0,
    }
    assert {table.name: table.rows for table in report.copied}["fsrs_cards"] == 1
    assert {table.name: table.rows for table in report.skipped}["fsrs_cards"] == 1


async def test_an_empty_file_has_no_rows_and_no_model(tmp_path: Path) -> None:
    path = a_file(tmp_path / "vestige.db")
    async with opened(path) as source:
        assert await source.registered_model() is None
        assert not any((await source.counts()).values())
        assert not any((await everything(source)).values())
        assert {table.name for table in source.report().skipped} == {"schema_version"}


@pytest.mark.parametrize(
    ("cells", "codebase"),
    [
        ({"tags": '["pattern","codebase","codebase:ledger"]'}, "ledger"),
        ({"tags": '["a","codebase:first","codebase:second"]'}, "first"),
        ({"tags": '["codebase"]', "node_type": "pattern", "source": "ledger"}, "ledger"),
        ({"tags": '["codebase"]', "node_type": "fact", "source": "chat"}, None),
        ({"tags": '["pattern"]', "node_type": "pattern", "source": "chat"}, None),
        ({"tags": '["codebase:"]'}, None),
        ({"tags": '["codebase:tag"]', "codebase": "column"}, "column"),
        ({"codebase": ""}, None),
        ({"source": "chat"}, None),
    ],
)
async def test_the_codebase_is_what_a_tag_or_the_codebase_tool_names(
    cells: dict[str, Cell], codebase: str | None, tmp_path: Path
) -> None:
    path = a_file(tmp_path / "vestige.db", "people 15")
    add_node(path, 1, **cells)
    memory, report = await the_memory(path)
    assert memory.record.codebase == codebase
    assert not report.adjusted


async def test_a_codebase_that_is_too_long_is_kept_in_the_metadata(tmp_path: Path) -> None:
    path = a_file(tmp_path / "vestige.db", "people 15")
    add_node(path, codebase="x" * 257)
    memory, report = await the_memory(path)
    assert memory.record.codebase is None
    assert memory.record.metadata["codebase"] == "x" * 257
    assert changes(report) == {"codebase: too long, kept in metadata": 1}
