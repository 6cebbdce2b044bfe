"""How rare words and values are: what the server's own statistics say, kept for a while.

Full-text search weighs words by their rarity and reads the rarest first. Counting them anew would
cost more than the search, and ANALYZE has counted them already. A store that is small or was never
analysed needs none of this: there, search counts inside its statement.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from vestige.storage.postgres.connection import Session

# Up to this many memories the words of a query are counted exactly, in the search itself: it takes
# about a millisecond per thousand memories.
COUNTED_BELOW: Final = 2_000
KEPT_SECONDS: Final = 300.0  # how long statistics are believed,
KEPT_SECONDS_SMALL: Final = 20.0  # and how long that a store is small
SAMPLED_PAGES: Final = 300  # from which the average length of a memory is taken
AVERAGE_LENGTH: Final = 250.0  # bytes of a memory's content, where no page was sampled
WORDS_KEPT: Final = 20_000

SELECT_SIZE: Final = """
SELECT c.reltuples::float8, c.relpages::float8,
    (pg_relation_size(c.oid) / current_setting('block_size')::int)::float8
FROM pg_class AS c WHERE c.oid = to_regclass('knowledge_nodes')
"""
SELECT_STATISTICS: Final = """
SELECT s.attname::text, s.null_frac::float8, s.n_distinct::float8,
    coalesce(s.most_common_elems, s.most_common_vals)::text::text[],
    coalesce(s.most_common_elem_freqs, s.most_common_freqs)::float8[]
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_stats AS s ON s.schemaname = n.nspname AND s.tablename = c.relname
WHERE c.oid = to_regclass('knowledge_nodes') AND NOT s.inherited
AND s.attname IN ('search_vec', 'tags', 'domains', 'node_type', 'codebase')
"""
SELECT_AVERAGE_LENGTH: Final = """
SELECT avg(octet_length(content))::float8
FROM knowledge_nodes TABLESAMPLE SYSTEM (:percent::float8) REPEATABLE (0)
"""
SELECT_LEXEMES: Final = """
SELECT word, tsvector_to_array(to_tsvector(vestige_text_search(), word))
FROM unnest(:words::text[]) AS word
"""
# Which column a filter is about.
COLUMNS: Final = {
    "codebase": "codebase",
    "node_types": "node_type",
    "tags": "tags",
    "domains": "domains",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """What ANALYZE found in a column.

    Attributes:
        shares: of the memories that hold a value, for the most common values.
        rest: the share of any other value.
    """

    shares: dict[str, float]
    rest: float


@dataclass(kw_only=True, slots=True)
class WordStatistics:
    """What a store's process knows of its words; one for all its connections.

    Other processes may write at any time, and the statistics are those of the last ANALYZE: they
    decide how much work a search does and how words are weighed, never what may be found.

    Attributes:
        memory_count: about how many memories there are; None while nobody has counted.
        average_length: bytes of a memory's content.
        columns: by name; empty before the first ANALYZE.
        lexemes: what the store's text search configuration makes of a word.
        expires_at: of the monotonic clock, seconds.
    """

    memory_count: float | None = None
    average_length: float = AVERAGE_LENGTH
    columns: dict[str, Column] = field(default_factory=dict)
    lexemes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    expires_at: float = 0.0

    @property
    def can_be_used(self) -> bool:
        """Whether the store is too large to count the words of a query in each search."""
        return (
            self.memory_count is not None
            and self.memory_count > COUNTED_BELOW
            and "search_vec" in self.columns
        )

    def expire(self) -> None:
        """Read everything again before the next search."""
        self.expires_at = 0.0

    def share(self, values: Mapping[str, object]) -> float | None:
        """Return what share of the memories filters keep; None where that is not known."""
        share = 1.0
        for name, value in values.items():
            column = self.columns.get(COLUMNS.get(name, ""))
            if column is None:
                return None
            wanted = [cast("str", value)] if name == "codebase" else cast("list[str]", value)
            share *= min(1.0, sum(column.shares.get(item, column.rest) for item in wanted))
        return share


async def current(session: Session) -> WordStatistics:
    """Return the statistics of a store, read again when they are old."""
    statistics = session.statistics
    now = time.monotonic()
    if now < statistics.expires_at:
        return statistics
    # Others that search meanwhile go on with what is there.
    statistics.expires_at = now + KEPT_SECONDS_SMALL
    row = await session.db.row(SELECT_SIZE)
    counted, pages_counted, pages = cast("tuple[float, float, float]", row or (-1.0, 0.0, 0.0))
    if counted < 0 or pages_counted == 0:
        statistics.memory_count = None
        return statistics
    # Rows per page stay about the same while a table grows, so this follows its size.
    statistics.memory_count = counted / pages_counted * pages
    if statistics.memory_count > COUNTED_BELOW:
        await _read(session, statistics, pages)
        statistics.expires_at = now + KEPT_SECONDS
    return statistics


async def holders(session: Session, words: Iterable[str]) -> dict[str, float]:
    """Return about how many memories hold each of these words; stop words are left out."""
    statistics = session.statistics
    column = statistics.columns["search_vec"]
    await _learn(session, words)
    return {
        word: min(column.shares.get(lexeme, column.rest) for lexeme in lexemes)
        * (statistics.memory_count or 0.0)
        for word in words
        if (lexemes := statistics.lexemes.get(word))
    }


async def _learn(session: Session, words: Iterable[str]) -> None:
    """Ask what the configuration makes of words that were not met yet."""
    known = session.statistics.lexemes
    unknown = [word for word in words if word not in known]
    if not unknown:
        return
    if len(known) > WORDS_KEPT:
        known.clear()
        unknown = list(words)
    for row in await session.db.rows(SELECT_LEXEMES, {"words": unknown}):
        word, lexemes = cast("tuple[str, list[str]]", row)
        known[word] = tuple(lexemes)


async def _read(session: Session, statistics: WordStatistics, pages: float) -> None:
    rows = await session.db.rows(SELECT_STATISTICS)
    statistics.columns = {cast("str", row[0]): _column(row) for row in rows if row[3] is not None}
    percent = min(100.0, 100.0 * SAMPLED_PAGES / pages)
    length = await session.db.value(SELECT_AVERAGE_LENGTH, {"percent": percent})
    statistics.average_length = cast("float | None", length) or AVERAGE_LENGTH


def _column(row: Sequence[object]) -> Column:
    name, null_share, distinct, common, shares = cast(
        "tuple[str, float, float, list[str], list[float]]", row
    )
    known = dict(zip(common, shares, strict=False))  # of elements, some totals follow the shares
    if name in {"node_type", "codebase"}:
        others = distinct - len(known) if distinct > 0 else 1.0 / max(-distinct, 1e-9)
        rest = max(0.0, 1.0 - null_share - sum(known.values())) / max(others, 1.0)
    else:
        rest = min(known.values(), default=0.0) / 2
    return Column(shares=known, rest=rest)
