"""The vector index of SQLite: one bit per dimension, scanned whole, re-scored from the rows.

The sign of every value of a vector is one bit. The bits live in chunks of 256 slots that are
written in the transaction that writes the vector, so the index cannot disagree with the rows after
a crash. A search compares the bits of the query with all of them, takes the nearest by Hamming
distance and scores those exactly from the stored vectors.
Why this and nothing else: docs/adr/0003-sqlite-vector-index.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Final, Literal, LiteralString, NamedTuple, TypeAlias, cast

import numpy as np

from vestige.storage.sqlite.rows import list_text
from vestige.storage.vectors import cosine_similarities, matrix_of, unit, vector_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from vestige.models import Vector
    from vestige.storage.sqlite.connection import Session


Source: TypeAlias = Literal["memory", "window"]

CHUNK_SLOTS: Final = 256
# A search narrows down in three steps: so many of the nearest by Hamming distance, so many of these
# by the products of the query with their bits, and those exactly. Measured on 32,000 sentences of
# real text, the ten nearest are among the 300 left for 100.0 %; the nearest 200 by Hamming distance
# alone hold 99.2 % of them, and to read a vector costs as much as ten of the products.
CANDIDATES_MIN: Final = 1000
CANDIDATES_FACTOR: Final = 8  # times the depth
RESCORED_MIN: Final = 300
RESCORED_FACTOR: Final = 2  # times the depth

SELECT_CHUNK: Final = "SELECT owners, codes FROM vector_chunks WHERE source = ? AND chunk = ?"
UPSERT_CHUNK: Final = """
INSERT INTO vector_chunks (source, chunk, revision, owners, codes)
VALUES (?, ?, random(), ?, ?)
ON CONFLICT (source, chunk) DO UPDATE
SET revision = excluded.revision, owners = excluded.owners, codes = excluded.codes
"""
DIMENSION: Final = "SELECT dimension FROM embedding_model"
# Emptied and not deleted: another revision tells other processes to read the chunk again. It is
# random, because a count of the spare index could meet the same one when the two are swapped.
EMPTY_CHUNKS: Final = (
    "UPDATE vector_chunks SET revision = random(), owners = zeroblob(2048), codes = zeroblob(?)"
)
SELECT_REVISIONS: Final = "SELECT source, chunk, revision FROM vector_chunks"
HAS_INDEX: Final = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'vector_chunks'"
SELECT_MEMORY_VECTORS: Final = (
    "SELECT key, key, embedding FROM knowledge_nodes WHERE embedding IS NOT NULL ORDER BY key"
)
SELECT_WINDOW_VECTORS: Final = (
    "SELECT w.key, m.key, w.embedding FROM memory_windows AS w"
    " JOIN knowledge_nodes AS m ON m.id = w.memory_id ORDER BY w.key"
)
ALL_VECTORS: Final[dict[Source, LiteralString]] = {
    "memory": SELECT_MEMORY_VECTORS,
    "window": SELECT_WINDOW_VECTORS,
}
RESCORE: Final[dict[str, LiteralString]] = {
    "memory": (
        "SELECT m.key, m.embedding FROM json_each(?) AS slot"
        " CROSS JOIN knowledge_nodes AS m ON m.key = slot.value WHERE m.embedding IS NOT NULL"
    ),
    "window": (
        "SELECT m.key, w.embedding FROM json_each(?) AS slot"
        " CROSS JOIN memory_windows AS w ON w.key = slot.value"
        " CROSS JOIN knowledge_nodes AS m ON m.id = w.memory_id"
    ),
}


class Slot(NamedTuple):
    """A vector and where the index keeps it."""

    source: Source
    key: int  # of its row in knowledge_nodes or memory_windows
    owner: int  # key of its memory in knowledge_nodes
    vector: Vector


@dataclass(slots=True)
class _Bits:
    """The slots of one source as arrays: `owners` (n,) int64, `codes` (words, n) uint64."""

    owners: NDArray[np.int64]
    codes: NDArray[np.uint64]
    revisions: dict[int, int] = field(default_factory=dict)


@dataclass(slots=True)
class VectorIndex:
    """What a connection has read of the index, brought up to date before each search."""

    words: int  # uint64 words of a code
    state: tuple[int, int] = (-1, -1)  # of the connection when it was read
    sources: dict[str, _Bits] = field(default_factory=dict)


def write(session: Session, slots: Sequence[Slot], *, is_spare: bool = False) -> None:
    """Put vectors into the index, or into that of the spare ones."""
    for (source, chunk), members in groupby(sorted(slots, key=_place), key=_place):
        placed = list(members)
        written = _codes(np.stack([slot.vector for slot in placed]))
        owners, codes = _read_chunk(session, source, chunk, written.shape[1], is_spare=is_spare)
        places = [slot.key % CHUNK_SLOTS for slot in placed]
        owners[places] = [slot.owner for slot in placed]
        codes[places] = written
        values = (source, chunk, owners.tobytes(), codes.tobytes())
        session.db.run(_of(UPSERT_CHUNK, is_spare=is_spare), values)


def clear(
    session: Session,
    memory_keys: Iterable[int],
    window_keys: Iterable[int],
    *,
    is_spare: bool = False,
) -> None:
    """Take vectors out of the index, or out of that of the spare ones."""
    if not session.db.value(HAS_INDEX):
        return
    for source, keys in (("memory", memory_keys), ("window", window_keys)):
        for chunk, members in groupby(sorted(keys), key=lambda key: key // CHUNK_SLOTS):
            row = session.db.row(_of(SELECT_CHUNK, is_spare=is_spare), (source, chunk))
            if row is None:
                continue
            owners, codes = _arrays(row)
            owners[[key % CHUNK_SLOTS for key in members]] = 0
            values = (source, chunk, owners.tobytes(), codes.tobytes())
            session.db.run(_of(UPSERT_CHUNK, is_spare=is_spare), values)


def empty(session: Session) -> None:
    """Take all vectors out of the index, which then is of the registered model's dimension."""
    if session.db.value(HAS_INDEX):
        session.db.run(EMPTY_CHUNKS, (CHUNK_SLOTS * 8 * _words(session),))


def rebuild(session: Session) -> None:
    """Fill an empty index from the stored vectors, chunk by chunk."""
    for source, sql in ALL_VECTORS.items():
        for _, members in groupby(
            session.db.stream(sql), key=lambda row: cast("int", row[0]) // CHUNK_SLOTS
        ):
            write(
                session,
                [
                    Slot(
                        source=source,
                        key=cast("int", key),
                        owner=cast("int", owner),
                        vector=vector_of(cast("bytes", embedding)),
                    )
                    for key, owner, embedding in members
                ],
            )


def nearest(
    session: Session, query: Vector, depth: int, allowed: NDArray[np.int64] | None
) -> dict[int, float]:
    """Return memories by cosine similarity to a query.

    Args:
        session: the connection, inside a transaction.
        query: float32 of shape (dimension,).
        depth: how many memories are wanted.
        allowed: keys of the memories that a filter keeps; None keeps all.

    Returns:
        Similarity by memory key: the best `depth` memories and all that tie with the last one.
    """
    if not session.db.value(HAS_INDEX):
        return {}
    index = _current(session)
    best: dict[int, float] = {}
    for source, bits in index.sources.items():
        slots = _candidates(bits, query, max(CANDIDATES_MIN, CANDIDATES_FACTOR * depth), allowed)
        slots = _closest(bits, slots, query, max(RESCORED_MIN, RESCORED_FACTOR * depth))
        for owner, similarity in _scores(session, source, slots, query):
            if similarity > best.get(owner, -2.0):
                best[owner] = similarity
    if len(best) <= depth:
        return best
    last = sorted(best.values(), reverse=True)[depth - 1]
    return {owner: similarity for owner, similarity in best.items() if similarity >= last}


def _scores(
    session: Session, source: str, slots: NDArray[np.int64], query: Vector
) -> list[tuple[int, float]]:
    """Return the memories of slots with their cosine similarity, from the stored vectors."""
    rows = session.db.rows(RESCORE[source], (list_text(slots.tolist()),))
    if not rows:
        return []
    matrix = matrix_of([cast("bytes", embedding) for _, embedding in rows])
    similarities = cosine_similarities(matrix, query)
    owners = [cast("int", owner) for owner, _ in rows]
    return list(zip(owners, similarities.tolist(), strict=True))


def _candidates(
    bits: _Bits, query: Vector, wanted: int, allowed: NDArray[np.int64] | None
) -> NDArray[np.int64]:
    """Return the keys of the slots that are nearest by Hamming distance."""
    kept = bits.owners > 0
    if allowed is not None:
        flags = np.zeros(int(bits.owners.max(initial=0)) + 1, dtype=np.bool_)
        flags[allowed[allowed < flags.size]] = True
        kept &= flags[bits.owners]
    if np.count_nonzero(kept) <= wanted:
        return np.flatnonzero(kept)
    (code,) = _codes(query[np.newaxis])
    distances = np.zeros(bits.owners.size, dtype=np.uint16)
    for word, column in zip(code, bits.codes, strict=True):
        distances += np.bitwise_count(np.bitwise_xor(column, word))
    distances[~kept] = 64 * code.size + 1
    # All that tie with the last one come along, so equal vectors are not cut apart.
    reached = np.cumsum(np.bincount(distances))
    return np.flatnonzero(distances <= np.searchsorted(reached, wanted))


def _closest(
    bits: _Bits, slots: NDArray[np.int64], query: Vector, wanted: int
) -> NDArray[np.int64]:
    """Return the slots whose bits, taken as signs, have the largest products with the query."""
    if slots.size <= wanted:
        return slots
    columns = np.ascontiguousarray(bits.codes[:, slots].T).view(np.uint8)
    signs = np.unpackbits(columns, axis=1, count=query.size)
    # Not a matrix product: BLAS may round equal rows differently, and equal bits must tie.
    products = np.einsum("ij,j->i", signs, unit(query))
    return slots[products >= np.partition(products, -wanted)[-wanted]]


def _current(session: Session) -> VectorIndex:
    words = _words(session)
    index = session.vector_index
    if index is None or index.words != words:
        index = session.vector_index = VectorIndex(words=words)
    state = session.db.state
    if state != index.state:
        _refresh(session, index)
        index.state = state
    return index


def _refresh(session: Session, index: VectorIndex) -> None:
    stored: dict[str, dict[int, int]] = {}
    for source, chunk, revision in session.db.rows(SELECT_REVISIONS):
        stored.setdefault(cast("str", source), {})[cast("int", chunk)] = cast("int", revision)
    for source, revisions in stored.items():
        bits = _sized(index.sources.get(source), max(revisions) + 1, index.words)
        for chunk, revision in revisions.items():
            if bits.revisions.get(chunk) != revision:
                owners, codes = _read_chunk(session, source, chunk, index.words)
                place = slice(chunk * CHUNK_SLOTS, (chunk + 1) * CHUNK_SLOTS)
                bits.owners[place] = owners
                bits.codes[:, place] = codes.T
                bits.revisions[chunk] = revision
        index.sources[source] = bits
    for source in index.sources.keys() - stored.keys():
        del index.sources[source]


def _sized(bits: _Bits | None, chunks: int, words: int) -> _Bits:
    """Return arrays with room for so many chunks, holding what was read before."""
    slots = chunks * CHUNK_SLOTS
    if bits is not None and bits.owners.size == slots:
        return bits
    grown = _Bits(
        owners=np.zeros(slots, dtype=np.int64), codes=np.zeros((words, slots), dtype=np.uint64)
    )
    if bits is not None and bits.owners.size < slots:
        grown.owners[: bits.owners.size] = bits.owners
        grown.codes[:, : bits.owners.size] = bits.codes
        grown.revisions = bits.revisions
    return grown


def _read_chunk(
    session: Session, source: str, chunk: int, words: int, *, is_spare: bool = False
) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    """Return the owners (256,) and codes (256, words) of a chunk, to be changed by the caller."""
    row = session.db.row(_of(SELECT_CHUNK, is_spare=is_spare), (source, chunk))
    if row is None:
        return (
            np.zeros(CHUNK_SLOTS, dtype=np.int64),
            np.zeros((CHUNK_SLOTS, words), dtype=np.uint64),
        )
    return _arrays(row)


def _of(sql: LiteralString, *, is_spare: bool) -> LiteralString:
    """Return a statement on the index as one on that of the spare vectors."""
    return sql.replace("vector_chunks", "spare_chunks") if is_spare else sql


def _arrays(row: Sequence[object]) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    owners, codes = cast("tuple[bytes, bytes]", row)
    return (
        np.frombuffer(owners, dtype=np.int64).copy(),
        np.frombuffer(codes, dtype=np.uint64).reshape(CHUNK_SLOTS, -1).copy(),
    )


def _codes(matrix: NDArray[np.float32]) -> NDArray[np.uint64]:
    """Return the signs of vectors (n, dimension) as bits (n, words), padded with zeros."""
    count, dimension = matrix.shape
    packed = np.packbits(matrix > 0, axis=1)
    padded = np.zeros((count, -(-dimension // 64) * 8), dtype=np.uint8)
    padded[:, : packed.shape[1]] = packed
    return padded.view(np.uint64)


def _words(session: Session) -> int:
    dimension = session.db.value(DIMENSION)
    return -(-cast("int", dimension) // 64)


def _place(slot: Slot) -> tuple[str, int]:
    return slot.source, slot.key // CHUNK_SLOTS
