"""A change of the embedding model, and the memories that wait for its vectors."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Literal, LiteralString, cast
from uuid import UUID

from vestige.models import Reembedding, RefusedMemory, UnencodedMemory
from vestige.storage.limits import check_encoded
from vestige.storage.postgres import schema
from vestige.storage.postgres.rows import signature_of, uuid_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from vestige.models import EncodedMemory, ModelSignature
    from vestige.storage.postgres.connection import Session
    from vestige.storage.postgres.driver import Row
    from vestige.storage.reembedding_protocol import EncodeLast, Way

LAST_CLAIM: Final = UUID(int=0)  # of what is encoded while writers wait for the switch
# How long a claim lasts, by the server's clock; it is renewed while a batch is encoded. One that
# ends later than a new one would is of before that clock was set back, and nobody waits for it.
LEASE: Final[LiteralString] = "clock_timestamp() + interval '15 seconds'"

SELECT: Final = """
SELECT old_name, old_dimension, old_hash, new_name, new_dimension, new_hash, started_at, way, phase,
    (SELECT count(*) FROM reembedding_queue), (SELECT count(failure) FROM reembedding_queue)
FROM reembedding
"""
# Who writes vectors keeps the change as it is until the transaction ends.
SELECT_TO_WRITE: Final = """
SELECT old_name, old_dimension, old_hash, new_name, new_dimension, new_hash, started_at, way, phase,
    0::bigint, 0::bigint
FROM reembedding FOR SHARE
"""
FILL: Final = "INSERT INTO reembedding_queue (memory_id) SELECT id FROM knowledge_nodes"
CLAIM: Final = f"""
WITH free AS MATERIALIZED (
    SELECT memory_id FROM reembedding_queue
    WHERE failure IS NULL AND (
        claimed_until IS NULL OR claimed_until <= clock_timestamp() OR claimed_until > {LEASE}
    )
    ORDER BY memory_id LIMIT $2 FOR UPDATE SKIP LOCKED
), claimed AS (
    UPDATE reembedding_queue AS q SET claimed_by = $1, claimed_until = {LEASE}
    FROM free AS f WHERE q.memory_id = f.memory_id
    RETURNING q.memory_id
)
SELECT m.id, m.content FROM claimed AS c JOIN knowledge_nodes AS m ON m.id = c.memory_id
ORDER BY m.id
"""
RENEW: Final = f"UPDATE reembedding_queue SET claimed_until = {LEASE} WHERE claimed_by = $1"
RELEASE: Final = (
    "UPDATE reembedding_queue SET claimed_by = NULL, claimed_until = NULL WHERE claimed_by = $1"
)
# The memory first and then its place in the queue, as when its text changes.
LOCK: Final = (
    "SELECT id FROM knowledge_nodes WHERE id = ANY($1::uuid[]) ORDER BY id FOR NO KEY UPDATE"
)
SELECT_OWN: Final = (
    "SELECT memory_id FROM reembedding_queue WHERE claimed_by = $1 AND memory_id = ANY($2::uuid[])"
)
SET_EMBEDDING: Final = "UPDATE knowledge_nodes SET embedding = :embedding WHERE id = :id"
SET_SPARE_EMBEDDING: Final = (
    "UPDATE knowledge_nodes SET spare_embedding = :embedding WHERE id = :id"
)
DELETE_WINDOWS: Final = "DELETE FROM memory_windows WHERE memory_id = ANY($1::uuid[])"
DELETE_SPARE_WINDOWS: Final = "DELETE FROM spare_windows WHERE memory_id = ANY($1::uuid[])"
LEAVE: Final = "DELETE FROM reembedding_queue WHERE memory_id = ANY($1::uuid[])"
REFUSE: Final = """
UPDATE reembedding_queue AS q SET failure = r.reason, claimed_by = NULL, claimed_until = NULL
FROM unnest($1::uuid[], $2::text[]) AS r (id, reason) WHERE q.memory_id = r.id
"""
RETRY: Final = "UPDATE reembedding_queue SET failure = NULL WHERE failure IS NOT NULL"
SELECT_REFUSED: Final = (
    "SELECT memory_id, failure FROM reembedding_queue WHERE failure IS NOT NULL ORDER BY memory_id"
)
COUNT_CLAIMED: Final = f"""
SELECT count(*) FROM reembedding_queue
WHERE claimed_until > clock_timestamp() AND claimed_until <= {LEASE}
"""
SELECT_WAITING: Final = """
SELECT m.id, m.content FROM reembedding_queue AS q JOIN knowledge_nodes AS m ON m.id = q.memory_id
WHERE q.failure IS NULL LIMIT $1
"""
CLAIM_WAITING: Final = (
    f"UPDATE reembedding_queue SET claimed_by = $1, claimed_until = {LEASE} WHERE failure IS NULL"
)
# After a switch: what the new model refused has a vector of the old one, or never had any.
TURN: Final = """
DELETE FROM reembedding_queue AS q USING knowledge_nodes AS m
WHERE m.id = q.memory_id AND m.spare_embedding IS NOT NULL
"""
FILL_CENTROIDS: Final = """
UPDATE domains AS d SET centroid = l2_normalize(c.total)
FROM (
    SELECT n.name, sum(l2_normalize(m.embedding)) AS total
    FROM knowledge_nodes AS m CROSS JOIN LATERAL unnest(m.domains) AS n (name)
    WHERE m.embedding IS NOT NULL GROUP BY n.name
) AS c
WHERE c.name = d.id AND d.centroid IS NULL AND vector_norm(c.total) > 0
"""
FILL_SPARE_CENTROIDS: Final = """
UPDATE domains AS d SET spare_centroid = l2_normalize(c.total)
FROM (
    SELECT n.name, sum(l2_normalize(m.spare_embedding)) AS total
    FROM knowledge_nodes AS m CROSS JOIN LATERAL unnest(m.domains) AS n (name)
    WHERE m.spare_embedding IS NOT NULL GROUP BY n.name
) AS c
WHERE c.name = d.id AND d.spare_centroid IS NULL AND vector_norm(c.total) > 0
"""


async def current(session: Session) -> Reembedding | None:
    if not await session.db.value(schema.HAS_TABLE, ("reembedding_queue",)):
        return None  # a store whose schema is not up to date is looked at, too
    row = await session.db.row(SELECT)
    return None if row is None else _change_of(row)


async def fill(session: Session) -> None:
    """Let all memories wait for a vector."""
    await session.db.run(FILL)


async def turn(session: Session) -> None:
    """Let only those wait that lack a vector of the model which was just switched off."""
    await session.db.run(TURN)
    await session.db.run(RETRY)


async def claim_unencoded(
    session: Session, signature: ModelSignature, claim: UUID, limit: int
) -> list[UnencodedMemory]:
    row = await session.db.row(SELECT)
    if row is None or _change_of(row).filled != signature:
        return []
    return _memories(await session.db.rows(CLAIM, (claim, limit)))


async def renew_claim(session: Session, claim: UUID) -> None:
    await session.db.run(RENEW, (claim,))


async def release_claim(session: Session, claim: UUID) -> None:
    await session.db.run(RELEASE, (claim,))


async def write_encoded(
    session: Session,
    signature: ModelSignature,
    claim: UUID,
    encoded: Sequence[EncodedMemory],
    refused: Sequence[RefusedMemory],
) -> int:
    row = await session.db.row(SELECT_TO_WRITE)
    if row is None or _change_of(row).filled != signature:
        return 0
    ids = [memory.id for memory in (*encoded, *refused)]
    await session.db.rows(LOCK, (ids,))
    own = {uuid_of(row[0]) for row in await session.db.rows(SELECT_OWN, (claim, ids))}
    written = [memory for memory in encoded if memory.id in own]
    await _write(session, written, is_spare=_change_of(row).way == "online")
    reasons = [(memory.id, memory.reason) for memory in refused if memory.id in own]
    if reasons:
        await session.db.run(REFUSE, [list(column) for column in zip(*reasons, strict=True)])
    return len(written)


async def list_refused(session: Session) -> list[RefusedMemory]:
    return [
        RefusedMemory(id=uuid_of(memory_id), reason=cast("str", reason))
        for memory_id, reason in await session.db.rows(SELECT_REFUSED)
    ]


async def retry_refused(session: Session) -> None:
    await session.db.run(RETRY)


async def fill_centroids(session: Session) -> None:
    await session.db.run(schema.UNBOUNDED)
    row = await session.db.row(SELECT_TO_WRITE)
    is_spare = row is not None and _change_of(row).way == "online"
    await session.db.run(FILL_SPARE_CENTROIDS if is_spare else FILL_CENTROIDS)


async def encode_last(
    session: Session, open_change: Reembedding, encode: EncodeLast | None, limit: int
) -> bool:
    """Write the last missing vectors, if they are few; say whether none is missing then."""
    if await session.db.value(COUNT_CLAIMED):
        return False
    waiting = _memories(await session.db.rows(SELECT_WAITING, (limit + 1,)))
    if not waiting:
        return True
    if encode is None or len(waiting) > limit:
        return False
    await session.db.run(CLAIM_WAITING, (LAST_CLAIM,))
    encoded, refused = await asyncio.to_thread(encode, waiting)
    check_encoded(encoded, open_change.filled)
    await write_encoded(session, open_change.filled, LAST_CLAIM, encoded, refused)
    return True


async def _write(session: Session, memories: Sequence[EncodedMemory], *, is_spare: bool) -> None:
    if not memories:
        return
    ids = [memory.id for memory in memories]
    values = [{"id": memory.id, "embedding": memory.embedding} for memory in memories]
    await session.db.run(DELETE_SPARE_WINDOWS if is_spare else DELETE_WINDOWS, (ids,))
    await session.db.run_many(SET_SPARE_EMBEDDING if is_spare else SET_EMBEDDING, values)
    windows = [
        {"memory_id": memory.id, "position": position, "embedding": window}
        for memory in memories
        for position, window in enumerate(memory.windows)
    ]
    await session.db.copy("spare_windows" if is_spare else "memory_windows", windows)
    await session.db.run(LEAVE, (ids,))


def _change_of(row: Row) -> Reembedding:
    values = tuple(row)
    return Reembedding(
        old=signature_of(values[:3]),
        new=signature_of(values[3:6]),
        started_at=cast("datetime", values[6]),
        way=cast("Way", values[7]),
        phase=cast("Literal['encoding', 'switched']", values[8]),
        queued=cast("int", values[9]),
        failed=cast("int", values[10]),
    )


def _memories(rows: Sequence[Row]) -> list[UnencodedMemory]:
    return [
        UnencodedMemory(id=uuid_of(memory_id), content=cast("str", content))
        for memory_id, content in rows
    ]
