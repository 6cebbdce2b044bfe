"""Current facts over superseded ones: questions about facts that have changed, asked twice.

The facts are those of tests/engine/changing_facts.toml. All versions are stored and every question
is asked: first while nothing says which version holds, then with each version superseded by the
next. Printed is the share of questions whose first hit is the version that holds.
Usage: python bench/currency.py [--url postgresql://...]   (by default SQLite, built-in model)
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import tomllib
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from vestige import MemoryEdge, load_config, open_engine

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from vestige import Engine

FACTS: Final = Path(__file__).resolve().parent.parent / "tests" / "engine" / "changing_facts.toml"
START: Final = datetime(2026, 1, 1, tzinfo=UTC)
BETWEEN_VERSIONS: Final = timedelta(days=30)
LOOKED_AT: Final = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Fact:
    """A question and the ids of the versions that answer it, oldest first."""

    question: str
    ids: tuple[UUID, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """Of how many questions the first ten hits hold a version, and of how many what is first."""

    found: int
    first: int
    current_first: int


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", help="an empty PostgreSQL database; it is left filled")
    url: str | None = parser.parse_args().url
    environ = (
        {}
        if url is None
        else {"VESTIGE_STORAGE_BACKEND": "postgres", "VESTIGE_STORAGE_POSTGRES_URL": url}
    )
    with tempfile.TemporaryDirectory() as folder:
        async with open_engine(load_config(None, Path(folder), environ)) as engine:
            facts = await remember_facts(engine)
            before = await ask(engine, facts)
            await supersede(engine, facts)
            report(facts, before, await ask(engine, facts))


async def remember_facts(engine: Engine) -> list[Fact]:
    """Store all versions of all facts, a month apart."""
    facts: list[Fact] = []
    for fact in tomllib.loads(FACTS.read_text(encoding="utf-8"))["fact"]:
        stored = [
            await engine.remember(
                version, created_at=START + number * BETWEEN_VERSIONS, force_create=True
            )
            for number, version in enumerate(fact["versions"])
        ]
        ids = tuple(result.id for result in stored)
        facts.append(Fact(question=fact["question"], ids=ids))
    return facts


async def supersede(engine: Engine, facts: Sequence[Fact]) -> None:
    """Let each version supersede the one before it."""
    for fact in facts:
        for older, newer in zip(fact.ids, fact.ids[1:], strict=False):
            record, _ = await engine.get(older)
            at = record.created_at + BETWEEN_VERSIONS
            await engine.store.update(replace(record, superseded_at=at))
            edge = MemoryEdge(
                source_id=newer, target_id=older, edge_type="supersedes", created_at=at
            )
            await engine.store.add_edge(edge)


async def ask(engine: Engine, facts: Sequence[Fact]) -> Counts:
    """Ask every question."""
    found = first = current_first = 0
    for fact in facts:
        hits = [hit.record.id for hit in await engine.recall(fact.question, limit=LOOKED_AT)]
        found += bool({*fact.ids} & {*hits})
        first += hits[0] in fact.ids
        current_first += hits[0] == fact.ids[-1]
    return Counts(found=found, first=first, current_first=current_first)


def report(facts: Sequence[Fact], before: Counts, after: Counts) -> None:
    versions = sum(len(fact.ids) for fact in facts)
    print(f"{len(facts)} facts in {versions} versions; of the questions")
    for name, counts in (("before", before), ("after", after)):
        shares = [
            f"{100 * count / len(facts):.1f} %"
            for count in (counts.current_first, counts.first, counts.found)
        ]
        print(
            f"{name:>6}: the first hit is the current version of {shares[0]}, any version of"
            f" {shares[1]}; among the first {LOOKED_AT} of {shares[2]}"
        )


if __name__ == "__main__":
    asyncio.run(main())
