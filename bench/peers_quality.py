"""How well Vestige answers beside other memory systems, with the same texts and vectors.

Each FOLDER is an evaluation folder as bench/quality.py describes it. Every document has the one
vector that the built-in model gives it, and a question is asked within its group, in the way each
system has for that. Systems answer with their best ten.
Usage: python bench/peers_quality.py FOLDER ... --environments PLACE --out PLACE
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import numpy as np
from _peers import (
    SYSTEMS,
    PeerFailedError,
    PeerProcess,
    Server,
    System,
    a_peer,
    a_server,
    is_installed,
)
from quality import Document, Question, read_documents, read_questions, score

from vestige.embedding.minilm import MiniLMEmbedder

if TYPE_CHECKING:
    from collections.abc import Sequence

CONTROL: Final = System(name="bm25s", adapter="bm25", environment="bm25")
LIMIT: Final = 10
LONGEST_SECONDS: Final = 600.0


async def _run(arguments: argparse.Namespace) -> None:
    systems = [
        system
        for system in (*SYSTEMS, CONTROL)
        if (not arguments.systems or system.adapter in arguments.systems)
        and is_installed(system, arguments.environments)
    ]
    async with a_server(arguments.out / "server") as server:
        for number, folder in enumerate(arguments.folders):
            documents = [one for one in read_documents(folder) if one.text]
            questions = read_questions(folder)
            data = arguments.out / f"set-{number}"
            _prepare(data, documents, questions)
            print(f"\n### {len(documents):,} documents, {len(questions)} questions\n")
            print("| system, search | recall@10 | nDCG@10 |\n|---|---|---|", flush=True)
            results: dict[str, Any] = {}
            for system in systems:
                try:
                    runs = await _ask(system, server, data, arguments, len(documents))
                except PeerFailedError as error:
                    print(f"| {system.name}: failed, {error} | | |", flush=True)
                    continue
                for mode, found in runs.items():
                    scores = _score(documents, questions, found)
                    results[f"{system.name}, {mode}"] = scores
                    print(f"| {system.name}, {mode} | {scores[0]:.3f} | {scores[1]:.3f} |")
            _write(arguments.out / f"quality-{number}.json", results)


def _write(path: Path, results: dict[str, Any]) -> None:
    path.write_text(json.dumps(results), encoding="utf-8")


def _prepare(data: Path, documents: Sequence[Document], questions: Sequence[Question]) -> None:
    """Lay texts, vectors and groups out as the processes read them."""
    if (data / "groups.json").exists():
        return
    data.mkdir(parents=True, exist_ok=True)
    embedder = MiniLMEmbedder()
    names = {group: f"group{number}" for number, group in enumerate(_groups(documents))}
    for name, rows in (("documents", documents), ("queries", questions)):
        texts = [row.text for row in rows]
        (data / f"{name}.json").write_text(json.dumps(texts), encoding="utf-8")
        np.save(data / f"{name}.npy", embedder.embed_documents(texts))
    groups = {
        "documents": [names[document.group] for document in documents],
        "queries": [names[question.group] for question in questions],
    }
    (data / "groups.json").write_text(json.dumps(groups), encoding="utf-8")


def _groups(documents: Sequence[Document]) -> list[str | None]:
    return list(dict.fromkeys(document.group for document in documents))


async def _ask(
    system: System, server: Server, data: Path, arguments: argparse.Namespace, count: int
) -> dict[str, dict[str, list[str]]]:
    """Fill a store of a system, ask every question in each of its ways, and remove the store."""
    name = f"{system.adapter}_{data.name}"
    folder = _emptied(arguments.out / "stores" / name)
    place = await server.make(name) if system.is_server else str(folder)
    log = arguments.out / f"{system.adapter}.log"
    async with a_peer(system, arguments.environments, data, log) as peer:
        opened = await peer.ask("open", place=place, is_new=True)
        await peer.ask("load", start=0, stop=count, seconds=LONGEST_SECONDS)
        await peer.ask("finish", rows=count)
        if system.is_server:
            await server.settle(name)
        runs = {mode: await _found(peer, mode) for mode in opened["modes"]}
        await peer.end()
    if system.is_server:
        await server.drop(name)
    return runs


async def _found(peer: PeerProcess, mode: str) -> dict[str, list[str]]:
    answer = await peer.ask(
        "search", mode=mode, clients=1, count=1 << 30, seconds=LONGEST_SECONDS, limit=LIMIT
    )
    return answer["found"]


def _emptied(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _score(
    documents: Sequence[Document], questions: Sequence[Question], found: dict[str, list[str]]
) -> tuple[float, float]:
    """Score documents, or sessions where only these are known."""
    by_session = not any(question.gold for question in questions)
    keys = [(one.session or one.doc_id) if by_session else one.doc_id for one in documents]
    scores = score(
        [
            (
                question.gold_sessions if by_session else question.gold,
                list(dict.fromkeys(keys[UUID(one).int - 1] for one in found[str(number)])),
            )
            for number, question in enumerate(questions)
        ]
    )
    assert scores is not None
    return scores[:2]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", type=Path, nargs="+", help="evaluation folders")
    parser.add_argument("--environments", type=Path, required=True, help="of the other systems")
    parser.add_argument("--out", type=Path, required=True, help="stores, logs and results")
    parser.add_argument("--systems", nargs="+", help="names of adapters; all by default")
    if len(sys.argv) == 1:
        parser.print_help()  # `make bench` has none of these folders
        return
    arguments = parser.parse_args()
    (arguments.out / "server").mkdir(parents=True, exist_ok=True)
    asyncio.run(_run(arguments))


if __name__ == "__main__":
    main()
