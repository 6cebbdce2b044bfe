"""Which vectors of a file go with their memories: those of the model that most of them are of."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

import numpy as np

from vestige.errors import InvalidInputError
from vestige.models import ModelSignature
from vestige.storage.limits import check_signature
from vestige.storage.rust.findings import SkippedTable
from vestige.storage.rust.layout import (
    OF_NO_MEMORY,
    PROFILE_STATE,
    PROFILE_VECTORS,
    REGISTRY,
    VECTORS,
)
from vestige.storage.vectors import FLOAT32, check_vector, vector_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vestige.models import Vector
    from vestige.storage.rust.connection import Cell, Reader
    from vestige.storage.rust.findings import RowNotes
    from vestige.storage.rust.layout import Layout

# The profile whose vectors may still stand in the old table only.
LEGACY_PROFILE: Final = "nomic-v1.5-legacy-raw-256"
GROUPS_MAX: Final = 1_000  # of model and length; real files have one to three

ACTIVE_PROFILE: Final = "SELECT active_profile_id FROM embedding_profile_state LIMIT 1"
READ_REGISTRY: Final = "SELECT name, dimension FROM embedding_model LIMIT 1"

# LIMIT -1 keeps the inner SELECT apart: else the vectors themselves would be sorted.
GROUPS_OF_NODES: Final = (
    "SELECT model, size, count(*) FROM (SELECT model, length(embedding) AS size"
    " FROM node_embeddings WHERE typeof(embedding) = 'blob' LIMIT -1)"
    " GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT ?"
)
GROUPS_OF_PROFILE: Final = (
    "SELECT model, size, count(*) FROM (SELECT model, length(embedding) AS size"
    " FROM embedding_profile_vectors WHERE profile_id = ? AND typeof(embedding) = 'blob' LIMIT -1)"
    " GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT ?"
)

# Only a vector of the length that is wanted is loaded, whatever else stands in the column.
# CROSS JOIN keeps the order of the tables: a page is a range of the memories' rows.
_PAGE: Final = (
    "SELECT n.rowid, e.model, typeof(e.embedding), length(e.embedding),"
    " CASE WHEN typeof(e.embedding) = 'blob' AND length(e.embedding) = ? THEN e.embedding END"
    " FROM knowledge_nodes AS n CROSS JOIN "
)
_RANGE: Final = " WHERE n.rowid >= ? AND n.rowid <= ? ORDER BY n.rowid"
PAGE_OF_NODES: Final = _PAGE + "node_embeddings AS e ON e.node_id = n.id" + _RANGE
PAGE_OF_PROFILE: Final = (
    _PAGE + "embedding_profile_vectors AS e ON e.profile_id = ? AND e.node_id = n.id" + _RANGE
)
COUNT_OTHER_PROFILES: Final = "SELECT count(*) FROM embedding_profile_vectors WHERE profile_id <> ?"
COUNT_MIRRORED: Final = (
    "SELECT count(*) FROM node_embeddings AS m WHERE EXISTS"
    " (SELECT 1 FROM embedding_profile_vectors WHERE profile_id = ? AND node_id = m.node_id)"
)
COUNT_PROFILE_ORPHANS: Final = (
    "SELECT count(*) FROM embedding_profile_vectors AS e WHERE profile_id = ? AND NOT EXISTS"
    " (SELECT 1 FROM knowledge_nodes WHERE id = e.node_id)"
)
COUNT_ORPHANS: Final = (
    "SELECT count(*) FROM node_embeddings AS e WHERE NOT EXISTS"
    " (SELECT 1 FROM knowledge_nodes WHERE id = e.node_id)"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredVector:
    """What a file holds as the vector of a memory; the data only if its length is the usual one."""

    model: Cell
    kind: str
    length: int
    data: bytes | None


@dataclass(frozen=True, kw_only=True, slots=True)
class VectorSource:
    """Where the valid vectors stand, and of which model they are.

    Attributes:
        signature: of the model that most of the vectors are of, None without any.
        model: its name as the file spells it.
        profile: the active embedding profile, None in a file without profiles.
        reads_nodes: whether `node_embeddings` holds valid vectors.
        skipped: tables, or parts of tables, whose vectors are not valid.
        fits_domains: whether the centroids of domains may be of this model as well.
    """

    signature: ModelSignature | None
    model: str | None
    profile: str | None
    reads_nodes: bool
    skipped: tuple[SkippedTable, ...]
    fits_domains: bool

    def page(self, reader: Reader, first: int, last: int) -> dict[int, StoredVector]:
        """Return the vectors of the memories whose rowid is in a range, by rowid."""
        dimension = 0 if self.signature is None else self.signature.dimension
        size = dimension * FLOAT32.itemsize
        found: dict[int, StoredVector] = {}
        if self.reads_nodes:
            _collect(found, reader.rows(PAGE_OF_NODES, (size, first, last)))
        if self.profile is not None:  # a vector of the profile comes before that of the mirror
            _collect(found, reader.rows(PAGE_OF_PROFILE, (size, self.profile, first, last)))
        return found


def find_vectors(reader: Reader, layout: Layout) -> VectorSource:
    """Return where the vectors stand and which model most of them are of."""
    profile = _active_profile(reader, layout)
    reads_nodes = layout.has(VECTORS) and profile in {None, LEGACY_PROFILE}
    groups: Counter[tuple[str, int]] = Counter()
    if reads_nodes:
        _count_groups(groups, reader.rows(GROUPS_OF_NODES, (GROUPS_MAX,)))
    if profile is not None:
        _count_groups(groups, reader.rows(GROUPS_OF_PROFILE, (profile, GROUPS_MAX)))
    registered = _registered(reader, layout)
    signature, model = _majority(groups, registered)
    return VectorSource(
        signature=signature,
        model=model,
        profile=profile,
        reads_nodes=reads_nodes,
        skipped=_skipped(reader, layout, profile),
        fits_domains=registered is None
        or (signature is not None and registered == (model, signature.dimension)),
    )


def vector_for(
    notes: RowNotes, stored: StoredVector | None, source: VectorSource, *, is_trusted: bool
) -> Vector | None:
    """Return the vector that goes with a memory; None, and the reason noted, when none does.

    Args:
        notes: of the memory.
        stored: what the file holds.
        source: where from, and of which model the vectors are that go.
        is_trusted: whether the memory's own row says that its vector is up to date.
    """
    if stored is None:
        return None
    if not is_trusted:
        return _left_out(notes, "older than its text", stored)
    if stored.kind != "blob" or stored.length % FLOAT32.itemsize:
        return _left_out(notes, "not of float32 numbers", stored)
    if stored.model != source.model or stored.data is None:
        return _left_out(notes, "of another model or length than most", stored)
    vector = vector_of(stored.data)
    try:
        check_vector("embedding", vector)
    except InvalidInputError as error:
        return _left_out(notes, error.problem, stored)
    return vector.astype(np.float32, copy=False)


def centroid_of(notes: RowNotes, cell: Cell, source: VectorSource) -> Vector | None:
    """Return the centroid of a domain; None, and the reason noted, when it is of another model."""
    if cell is None:
        return None
    expected = None if source.signature is None else source.signature.dimension * FLOAT32.itemsize
    if not isinstance(cell, bytes) or len(cell) != expected or not source.fits_domains:
        notes.adjust(
            "centroid: of another model or length than the vectors, left out", cell, "none"
        )
        return None
    vector = vector_of(cell)
    try:
        check_vector("centroid", vector)
    except InvalidInputError as error:
        notes.adjust(f"centroid: {error.problem}, left out", cell, "none")
        return None
    return vector.astype(np.float32, copy=False)


def signature_of(name: str, dimension: int) -> ModelSignature:
    """Return a signature for vectors that the Rust program made with a model.

    Its hash is that of no embedder of ours, so these vectors are never taken for those of one. It
    is the same for every file of that model: the hash in the file changes with each release.
    """
    described = f"Rust Vestige vectors\n{name}\n{dimension}"
    return ModelSignature(
        name=name,
        dimension=dimension,
        hash=hashlib.sha256(described.encode("utf-8", "surrogateescape")).hexdigest(),
    )


def _left_out(notes: RowNotes, why: str, stored: StoredVector) -> None:
    described = f"{stored.model}, {stored.length} bytes as {stored.kind}"
    notes.adjust(f"vector: {why}, left out", described, "none")


def _collect(found: dict[int, StoredVector], rows: Iterable[tuple[Cell, ...]]) -> None:
    for rowid, model, kind, length, data in rows:
        found[cast("int", rowid)] = StoredVector(
            model=model,
            kind=cast("str", kind),
            length=cast("int", length or 0),
            data=cast("bytes | None", data),
        )


def _active_profile(reader: Reader, layout: Layout) -> str | None:
    if not (layout.has(PROFILE_VECTORS) and layout.has(PROFILE_STATE)):
        return None
    profile = reader.value(ACTIVE_PROFILE)
    return profile if isinstance(profile, str) else None


def _count_groups(groups: Counter[tuple[str, int]], rows: Iterable[tuple[Cell, ...]]) -> None:
    for model, size, count in rows:
        dimension, rest = divmod(cast("int", size), FLOAT32.itemsize)
        if isinstance(model, str) and rest == 0:
            groups[model, dimension] += cast("int", count)


def _registered(reader: Reader, layout: Layout) -> tuple[str, int] | None:
    rows = reader.rows(READ_REGISTRY) if layout.has(REGISTRY) else []
    for name, dimension in rows:
        if isinstance(name, str) and isinstance(dimension, int):
            return name, dimension
    return None


def _majority(
    groups: Counter[tuple[str, int]], registered: tuple[str, int] | None
) -> tuple[ModelSignature | None, str | None]:
    def rank(group: tuple[str, int]) -> tuple[int, bool, tuple[str, int]]:
        return -groups[group], group != registered, group

    for name, dimension in (*sorted(groups, key=rank), *([registered] if registered else ())):
        signature = signature_of(name, dimension)
        try:
            check_signature(signature)
        except InvalidInputError:  # no name, no numbers: nothing that a store could register
            continue
        return signature, name
    return None, None


def _skipped(reader: Reader, layout: Layout, profile: str | None) -> tuple[SkippedTable, ...]:
    found: list[SkippedTable] = []
    if layout.has(PROFILE_VECTORS):
        if profile is None:
            rows, reason = layout.rows[PROFILE_VECTORS], "no embedding profile is active"
        else:
            rows = cast("int", reader.value(COUNT_OTHER_PROFILES, (profile,)))
            reason = f"vectors of embedding profiles other than the active one, {profile}"
            orphans = cast("int", reader.value(COUNT_PROFILE_ORPHANS, (profile,)))
            found.append(SkippedTable(name=PROFILE_VECTORS, rows=orphans, reason=OF_NO_MEMORY))
        found.append(SkippedTable(name=PROFILE_VECTORS, rows=rows, reason=reason))
    if layout.has(VECTORS):
        if profile is None:
            rows, reason = cast("int", reader.value(COUNT_ORPHANS)), OF_NO_MEMORY
        elif profile == LEGACY_PROFILE:
            rows = cast("int", reader.value(COUNT_MIRRORED, (profile,)))
            reason = f"the same vectors stand in {PROFILE_VECTORS}"
        else:
            rows = layout.rows[VECTORS]
            reason = f"not the vectors of the active embedding profile, {profile}"
        found.append(SkippedTable(name=VECTORS, rows=rows, reason=reason))
    return tuple(table for table in found if table.rows)
