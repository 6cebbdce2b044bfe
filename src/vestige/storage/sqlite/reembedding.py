"""A change of the embedding model, and the memories that wait for its vectors."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final, Literal, LiteralString, cast
from uuid import UUID

import numpy as np

from vestige.models import Reembedding, RefusedMemory, UnencodedMemory
from vestige.storage.encoding import json_list, time_text, time_value
from vestige.storage.limits import check_encoded
from vestige.storage.sqlite import schema, vectors
from vestige.storage.sqlite.rows import signature_of
from vestige.storage.vectors import unit, vector_bytes, vector_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from vestige.models import EncodedMemory, ModelSignature
    from vestige.storage.reembedding_protocol import EncodeLast, Way
    from vestige.storage.sqlite.connection import Session

LAST_CLAIM: Final = UUID(int=0)  # of what is encoded while writers wait for the switch
# How long a claim lasts; it is renewed while a batch is encoded. One that ends later than a new one
# would is of before the clock was set back, and nobody waits for it.
LEASE: Final = timedelta(seconds=15)

SELECT: Final = (
    "SELECT old_name, old_dimension, old_hash, new_name, new_dimension, new_hash, started_at, way,"
    " phase, (SELECT count(*) FROM reembedding_queue), (SELECT count(failure)"
    " FROM reembedding_queue) FROM reembedding"
)
FILL: Final = "INSERT INTO reembedding_queue (memory_id) SELECT id FROM knowledge_nodes"
# In the order of the rows, so that those of a page are written together.
CLAIM: Final = """
UPDATE reembedding_queue SET claimed_by = :claim, claimed_until = :until
WHERE memory_id IN (
    SELECT q.memory_id FROM reembedding_queue AS q
    WHERE q.failure IS NULL AND (
        q.claimed_until IS NULL OR q.claimed_until <= :now OR q.claimed_until > :until
    )
    LIMIT :limit
)
"""
SELECT_CLAIMED: Final = (
    "SELECT m.id, m.content FROM reembedding_queue AS q"
    " JOIN knowledge_nodes AS m ON m.id = q.memory_id WHERE q.claimed_by = ? ORDER BY m.key"
)
RENEW: Final = "UPDATE reembedding_queue SET claimed_until = ? WHERE claimed_by = ?"
RELEASE: Final = (
    "UPDATE reembedding_queue SET claimed_by = NULL, claimed_until = NULL WHERE claimed_by = ?"
)
SELECT_OWN: Final = (
    "SELECT m.id, m.key FROM reembedding_queue AS q"
    " JOIN knowledge_nodes AS m ON m.id = q.memory_id WHERE q.claimed_by = ?"
)
SET_EMBEDDING: Final = "UPDATE knowledge_nodes SET embedding = ? WHERE key = ?"
DELETE_WINDOWS: Final = "DELETE FROM memory_windows WHERE memory_id = ?"
INSERT_WINDOW: Final = (
    "INSERT INTO memory_windows (memory_id, position, embedding) VALUES (?, ?, ?)"
)
LEAVE: Final = "DELETE FROM reembedding_queue WHERE memory_id = ?"
REFUSE: Final = (
    "UPDATE reembedding_queue SET failure = ?, claimed_by = NULL, claimed_until = NULL"
    " WHERE memory_id = ?"
)
RETRY: Final = "UPDATE reembedding_queue SET failure = NULL WHERE failure IS NOT NULL"
SELECT_REFUSED: Final = (
    "SELECT memory_id, failure FROM reembedding_queue WHERE failure IS NOT NULL ORDER BY memory_id"
)
COUNT_CLAIMED: Final = (
    "SELECT count(*) FROM reembedding_queue WHERE claimed_until > ? AND claimed_until <= ?"
)
SELECT_WAITING: Final = (
    "SELECT m.id, m.content FROM reembedding_queue AS q"
    " JOIN knowledge_nodes AS m ON m.id = q.memory_id WHERE q.failure IS NULL LIMIT ?"
)
CLAIM_WAITING: Final = (
    "UPDATE reembedding_queue SET claimed_by = :claim, claimed_until = :until WHERE failure IS NULL"
)
# After a switch: what the new model refused has a vector of the old one, or never had any.
TURN: Final = """
DELETE FROM reembedding_queue WHERE memory_id IN (
    SELECT id FROM knowledge_nodes WHERE spare_embedding IS NOT NULL
)
"""
SELECT_DIRECTIONS: Final = (
    "SELECT domains, embedding FROM knowledge_nodes"
    " WHERE domains <> '[]' AND embedding IS NOT NULL ORDER BY key"
)
WITHOUT_CENTROID: Final = "SELECT id FROM domains WHERE centroid IS NULL"
SET_CENTROID: Final = "UPDATE domains SET centroid = ? WHERE id = ?"


def current(session: Session) -> Reembedding | None:
    if not session.db.value(schema.HAS_TABLE, ("reembedding_queue",)):
        return None  # a store whose schema is not up to date is looked at, too
    row = session.db.row(SELECT)
    if row is None:
        return None
    return Reembedding(
        old=signature_of(row[:3]),
        new=signature_of(row[3:6]),
        started_at=time_value(cast("str", row[6])),
        way=cast("Way", row[7]),
        phase=cast("Literal['encoding', 'switched']", row[8]),
        queued=cast("int", row[9]),
        failed=cast("int", row[10]),
    )


def fill(session: Session) -> None:
    """Let all memories wait for a vector."""
    session.db.run(FILL)


def turn(session: Session) -> None:
    """Let only those wait that lack a vector of the model which was just switched off."""
    session.db.run(TURN)
    session.db.run(RETRY)


def claim_unencoded(
    session: Session, signature: ModelSignature, claim: UUID, limit: int
) -> list[UnencodedMemory]:
    if _filled(session, signature) is None:
        return []
    now = session.clock.now()
    values = {
        "claim": str(claim),
        "now": time_text(now),
        "until": time_text(now + LEASE),
        "limit": limit,
    }
    session.db.run(CLAIM, values)
    return _memories(session, SELECT_CLAIMED, str(claim))


def renew_claim(session: Session, claim: UUID) -> None:
    session.db.run(RENEW, (time_text(session.clock.now() + LEASE), str(claim)))


def release_claim(session: Session, claim: UUID) -> None:
    session.db.run(RELEASE, (str(claim),))


def write_encoded(
    session: Session,
    signature: ModelSignature,
    claim: UUID,
    encoded: Sequence[EncodedMemory],
    refused: Sequence[RefusedMemory],
) -> int:
    open_change = _filled(session, signature)
    if open_change is None:
        return 0
    check_encoded(encoded, signature)
    keys = {UUID(cast("str", row[0])): row[1] for row in session.db.rows(SELECT_OWN, (str(claim),))}
    is_spare = open_change.way == "online"
    slots: list[vectors.Slot] = []
    written = [memory for memory in encoded if memory.id in keys]
    for memory in written:
        slots += _write(session, memory, cast("int", keys[memory.id]), is_spare=is_spare)
    vectors.write(session, slots, is_spare=is_spare)
    for memory in refused:
        if memory.id in keys:
            session.db.run(REFUSE, (memory.reason, str(memory.id)))
    return len(written)


def list_refused(session: Session) -> list[RefusedMemory]:
    return [
        RefusedMemory(id=UUID(cast("str", memory_id)), reason=cast("str", reason))
        for memory_id, reason in session.db.rows(SELECT_REFUSED)
    ]


def retry_refused(session: Session) -> None:
    session.db.run(RETRY)


def fill_centroids(session: Session) -> None:
    open_change = current(session)
    is_spare = open_change is not None and open_change.way == "online"
    wanted = {name for (name,) in session.db.rows(_of(WITHOUT_CENTROID, is_spare=is_spare))}
    if not wanted:
        return
    sums: dict[str, NDArray[np.float64]] = {}
    for domains, embedding in session.db.stream(_of(SELECT_DIRECTIONS, is_spare=is_spare)):
        direction = unit(vector_of(cast("bytes", embedding)))
        for name in wanted.intersection(json_list(cast("str", domains))):
            domain = cast("str", name)
            sums[domain] = sums.get(domain, np.zeros(())) + direction
    for domain, total in sums.items():
        if total.any():
            centroid = vector_bytes(unit(total.astype(np.float32)))
            session.db.run(_of(SET_CENTROID, is_spare=is_spare), (centroid, domain))


def encode_last(
    session: Session, open_change: Reembedding, encode: EncodeLast | None, limit: int
) -> bool:
    """Write the last missing vectors, if they are few; say whether none is missing then."""
    now = session.clock.now()
    if session.db.value(COUNT_CLAIMED, (time_text(now), time_text(now + LEASE))):
        return False
    waiting = _memories(session, SELECT_WAITING, limit + 1)
    if not waiting:
        return True
    if encode is None or len(waiting) > limit:
        return False
    session.db.run(CLAIM_WAITING, {"claim": str(LAST_CLAIM), "until": time_text(now + LEASE)})
    write_encoded(session, open_change.filled, LAST_CLAIM, *encode(waiting))
    return True


def _filled(session: Session, signature: ModelSignature) -> Reembedding | None:
    """Return the open change when vectors of this model are waited for."""
    open_change = current(session)
    return open_change if open_change is not None and open_change.filled == signature else None


def _memories(session: Session, sql: LiteralString, value: str | int) -> list[UnencodedMemory]:
    return [
        UnencodedMemory(id=UUID(cast("str", memory_id)), content=cast("str", content))
        for memory_id, content in session.db.rows(sql, (value,))
    ]


def _write(
    session: Session, memory: EncodedMemory, key: int, *, is_spare: bool
) -> list[vectors.Slot]:
    """Store the vectors of a memory; return where their index keeps them."""
    memory_id = str(memory.id)
    session.db.run(_of(SET_EMBEDDING, is_spare=is_spare), (vector_bytes(memory.embedding), key))
    session.db.run(_of(DELETE_WINDOWS, is_spare=is_spare), (memory_id,))
    session.db.run(LEAVE, (memory_id,))
    slots = [vectors.Slot(source="memory", key=key, owner=key, vector=memory.embedding)]
    for position, window in enumerate(memory.windows):
        values = (memory_id, position, vector_bytes(window))
        window_key = session.db.insert(_of(INSERT_WINDOW, is_spare=is_spare), values)
        slots.append(vectors.Slot(source="window", key=window_key, owner=key, vector=window))
    return slots


def _of(sql: LiteralString, *, is_spare: bool) -> LiteralString:
    """Return a statement on vectors as one on the spare ones."""
    if not is_spare:
        return sql
    return (
        sql.replace("memory_windows", "spare_windows")
        .replace(" embedding ", " spare_embedding ")
        .replace(", embedding F", ", spare_embedding F")
        .replace("centroid", "spare_centroid")
    )
