"""Search quality: run the questions of an evaluation folder through the public API.

The folder holds `documents.jsonl` (doc_id, group, speaker, text, timestamp, session) and
`queries.jsonl` (query_id, group, text, gold, gold_sessions), each plain or with `.gz`. One document
becomes one memory whose codebase is the document's group; nothing is merged. A question is asked
within its group. The run, {query_id: [doc_id, best first]}, goes to a file for any scorer;
recall@10 and nDCG@10 are printed as well.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import hashlib
import json
import math
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from vestige import IngestContext, RecallFilter, SearchQuery, load_config, open_engine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vestige import Engine, MemoryRecord

    Ranked = Sequence[tuple[Sequence[str], Sequence[str]]]  # what is right, and what was found

MODES: Final = ("recall", "words", "vector")
MARKER: Final = "complete.json"  # written last, so a store that it lies beside is whole
SCORED_RANKS: Final = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    doc_id: str
    group: str | None
    session: str | None
    text: str
    created_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    query_id: str
    group: str | None
    text: str
    gold: tuple[str, ...]
    gold_sessions: tuple[str, ...]


class StandingClock:
    """A clock that always says the same."""

    def __init__(self, at: datetime) -> None:
        self._at = at

    def now(self) -> datetime:
        return self._at


def main() -> None:
    parser = _parser()
    if len(sys.argv) == 1:
        parser.print_help()  # `make bench` has no evaluation folder
        return
    arguments = parser.parse_args()
    asyncio.run(_run(arguments))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="the evaluation folder")
    parser.add_argument("--mode", choices=MODES, default="recall", help="what answers")
    parser.add_argument("--out", type=Path, help="where the run is written")
    parser.add_argument("--limit", type=int, default=100, help="answers per question")
    parser.add_argument(
        "--store", type=Path, help="keep the store in this folder and use it again (it takes long)"
    )
    parser.add_argument(
        "--url", help="an empty PostgreSQL database, which is used instead of a file; kept as it is"
    )
    parser.add_argument(
        "--at-newest",
        action="store_true",
        help="ask at the time of the newest document, so that recency tells them apart",
    )
    return parser


async def _run(arguments: argparse.Namespace) -> None:
    folder: Path = arguments.folder
    documents = read_documents(folder)
    questions = read_questions(folder)
    with tempfile.TemporaryDirectory() as temporary:
        store: Path = arguments.store or Path(temporary)
        config = load_config(None, store, _environment(arguments.url))
        clock = _newest(documents) if arguments.at_newest else None
        async with open_engine(config, clock=clock) as engine:
            await _build(engine, store, documents)
            started = time.perf_counter()
            run = {
                question.query_id: await _answers(
                    engine, question, mode=arguments.mode, limit=arguments.limit
                )
                for question in questions
            }
            seconds = time.perf_counter() - started
    if arguments.out is not None:
        arguments.out.write_text(json.dumps(run), encoding="utf-8")
    _report(f"{folder.name} {arguments.mode}", documents, questions, run, seconds)


def _newest(documents: Sequence[Document]) -> StandingClock:
    times = [document.created_at for document in documents if document.created_at is not None]
    if not times:
        raise SystemExit("no document has a time: leave --at-newest out")
    return StandingClock(max(times))


def _environment(url: str | None) -> dict[str, str]:
    """Return the variables that name the backend of the store."""
    if url is None:
        return {}
    return {"VESTIGE_STORAGE_BACKEND": "postgres", "VESTIGE_STORAGE_POSTGRES_URL": url}


async def _build(engine: Engine, folder: Path, documents: Sequence[Document]) -> None:
    """Fill the store, unless it holds these documents with these vectors already."""
    marker = folder / MARKER
    wanted = {
        "documents": hashlib.sha256(repr(documents).encode()).hexdigest(),
        "model": engine.embedder.signature.hash,
    }
    if marker.exists():
        if json.loads(marker.read_text(encoding="utf-8")) != wanted:
            raise SystemExit(f"{folder} holds other documents or vectors: choose another --store")
        return
    if (await engine.stats()).memory_count:
        raise SystemExit(f"{folder} holds a store that was not finished: delete the folder")
    for number, document in enumerate(documents, start=1):
        if not document.text:
            print(f"{document.doc_id} is empty and cannot be a memory", file=sys.stderr)
            continue
        await engine.remember(
            document.text,
            context=IngestContext(codebase=document.group),
            metadata={"doc_id": document.doc_id},
            created_at=document.created_at,
            force_create=True,
        )
        if number % 500 == 0:
            print(f"{number} of {len(documents)} remembered", file=sys.stderr)
    marker.write_text(json.dumps(wanted), encoding="utf-8")


async def _answers(engine: Engine, question: Question, *, mode: str, limit: int) -> list[str]:
    text, codebase = question.text, question.group
    if mode == "recall":
        narrowed = RecallFilter(codebase=codebase)
        hits = await engine.recall(text, narrowed=narrowed, limit=limit)
        return [_doc_id(hit.record) for hit in hits]
    if mode == "words":
        query = SearchQuery(text=text, codebase=codebase, limit=limit)
    else:
        vector = await asyncio.to_thread(engine.embedder.embed_query, text)
        query = SearchQuery(embedding=vector[0], codebase=codebase, limit=limit)
    return [_doc_id(result.record) for result in await engine.store.search(query)]


def _doc_id(record: MemoryRecord) -> str:
    return cast("str", record.metadata["doc_id"])


def _report(
    title: str,
    documents: Sequence[Document],
    questions: Sequence[Question],
    run: dict[str, list[str]],
    seconds: float,
) -> None:
    groups = {document.doc_id: document.group for document in documents}
    leaks = sum(
        groups[doc_id] != question.group
        for question in questions
        if question.group is not None
        for doc_id in run[question.query_id]
    )
    speed = f"{1000 * seconds / len(questions):.1f} ms a question, embedding it included"
    print(
        f"{title}: {len(documents)} documents, {len(questions)} questions, {leaks} leaks, {speed}"
    )
    ranked = [(question.gold, run[question.query_id]) for question in questions]
    _print_scores("documents", ranked)
    sessions = {document.doc_id: document.session for document in documents}
    by_session = [
        (
            question.gold_sessions,
            list(dict.fromkeys(sessions[doc_id] or doc_id for doc_id in run[question.query_id])),
        )
        for question in questions
    ]
    _print_scores("sessions", by_session)


def _print_scores(level: str, ranked: Ranked) -> None:
    scores = score(ranked)
    if scores is None:
        return
    recall, gain, count = scores
    print(f"  {level:<9} recall@10 {recall:.4f}  nDCG@10 {gain:.4f}  ({count} questions)")


def score(ranked: Ranked) -> tuple[float, float, int] | None:
    """Return recall@10, nDCG@10 and of how many questions, None where none has an answer."""
    scored = [(gold, found[:SCORED_RANKS]) for gold, found in ranked if gold]
    if not scored:
        return None
    recall = sum(len({*gold} & {*found}) / len(gold) for gold, found in scored) / len(scored)
    gain = sum(_ndcg(gold, found) for gold, found in scored) / len(scored)
    return recall, gain, len(scored)


def _ndcg(gold: Sequence[str], found: Sequence[str]) -> float:
    """Return the discounted gain of the first ten over that of the best order possible."""
    gain = sum(1 / math.log2(rank + 1) for rank, key in enumerate(found, start=1) if key in gold)
    best = sum(1 / math.log2(rank + 1) for rank in range(1, min(SCORED_RANKS, len(gold)) + 1))
    return gain / best


def read_documents(folder: Path) -> list[Document]:
    """Return the documents of an evaluation folder."""
    return [
        Document(
            doc_id=row["doc_id"],
            group=row.get("group"),
            session=row.get("session"),
            text=f"{row['speaker']}: {row['text']}" if row.get("speaker") else row["text"],
            created_at=_time(row.get("timestamp")),
        )
        for row in _rows(folder / "documents.jsonl")
    ]


def read_questions(folder: Path) -> list[Question]:
    """Return the questions of an evaluation folder."""
    return [
        Question(
            query_id=row["query_id"],
            group=row.get("group"),
            text=row["text"],
            gold=tuple(row.get("gold", ())),
            gold_sessions=tuple(row.get("gold_sessions", ())),
        )
        for row in _rows(folder / "queries.jsonl")
    ]


def _time(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        time_given = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time_given if time_given.tzinfo else time_given.replace(tzinfo=UTC)


def _rows(path: Path) -> list[dict[str, Any]]:
    packed = path.with_name(f"{path.name}.gz")
    if path.exists():
        lines = path.read_text(encoding="utf-8").split("\n")
    elif packed.exists():
        lines = gzip.decompress(packed.read_bytes()).decode().split("\n")
    else:
        raise SystemExit(f"neither {path} nor {packed} exists")
    return [json.loads(line) for line in lines if line.strip()]


if __name__ == "__main__":
    main()
