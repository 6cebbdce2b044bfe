"""The examples of README.md and of the pages below docs/ run.

The convention is the language of a fenced block:

- `python`: a whole program; each is run in a folder of its own.
- `console`: lines that start with `$ ` are commands; those of a page are run one after the other in
  one folder. What they print need not be what the page shows, but every id that the page shows
  stands for the one that was printed in its place.
- `toml`: a `vestige.toml`, which has to be accepted.
- `json`: has to be JSON.
- `sql`: a query, which has to run on a store, behind `<!-- on: postgres -->` on one of PostgreSQL;
  those of the runbook are run by `test_runbook.py`.
- `pyi`: a signature, which `tools/reference.py` writes.
- `text`: only shown; behind `<!-- not run: REASON -->` where it holds a command.

The embedder is the one for tests, which needs no model: the examples are about commands and calls.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import asyncpg
import pytest
from apsw import SQLITE_OPEN_READWRITE

from page_steps import steps_of
from pages import PAGES, ROOT, blocks_in, blocks_of, name_of
from postgres_server import a_store_database
from vestige.config import load_config
from vestige.storage.sqlite.driver import Connection
from vestige.storage.sqlite.store import SqliteStore

if TYPE_CHECKING:
    from page_steps import Step
    from pages import Block

SCRIPTS: Final = Path(sys.executable).parent
ID: Final = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")
PROMPT: Final = "$ "
CONSOLE_PAGES: Final = list(dict.fromkeys(block.page for block in blocks_in("console")))
RUNBOOKS: Final = ROOT / "docs" / "runbook"
QUERIES: Final = [
    step
    for page in PAGES
    for step in steps_of(page)
    if step.language == "sql" and page.parent != RUNBOOKS
]
# A line of a shell, of cron, or of a query.
COMMAND: Final = re.compile(
    r"^(?:\$ |(?:[\d*]+ ){5})?(?:\S*/)?"
    r"(?:vestige|vestige-mcp|pip|python3|make|claude|codex|gemini|code|podman|docker|SELECT) \S",
    re.MULTILINE,
)
# The others are run by `forked_programs`.
STARTED_AS_INSTALLED: Final = {"README.md", "start-a-session.md"}
SECONDS: Final = 60  # for one program


def run(command: list[str], folder: Path, programs: Path = SCRIPTS) -> str:
    """Run a program as somebody would who has only this folder; return what it printed."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("VESTIGE_", "COVERAGE_", "COV_", "XDG_", "CLAUDE_", "CODEX_"))
    }
    environ = {
        "HOME": str(folder),
        "PATH": os.pathsep.join((str(programs), str(SCRIPTS), os.environ["PATH"])),
        "PYTHONPATH": str(ROOT / "src"),
        "VESTIGE_EMBEDDINGS_PROVIDER": "hashing",
        "VESTIGE_EMBEDDINGS_MODEL": "hashing-384",
    }
    result = subprocess.run(
        command,
        capture_output=True,
        check=False,
        cwd=folder,
        env=inherited | environ,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=SECONDS,
    )
    assert result.returncode == 0, f"{command}\n{result.stdout}\n{result.stderr}"
    return result.stdout


def commands_of(block: Block) -> list[tuple[str, str]]:
    """Return each command of a console block with the output that the page shows."""
    parts = re.split(r"^\$ ", block.text, flags=re.MULTILINE)
    assert not parts[0].strip(), f"{block} does not start with a command"
    commands: list[tuple[str, str]] = []
    for part in parts[1:]:
        lines = part.splitlines()
        length = next(i for i, line in enumerate(lines, start=1) if not line.endswith("\\"))
        commands.append(("\n".join(lines[:length]), "\n".join(lines[length:])))
    return commands


def test_commands_are_told_from_what_they_print() -> None:
    page = ROOT / "README.md"
    text = "$ one \\\n  --two\nprinted\n$ three\n"
    block = next(iter(blocks_of(page)))
    found = commands_of(type(block)(page=page, line=1, language="console", text=text))
    assert found == [("one \\\n  --two", "printed"), ("three", "")]


@pytest.mark.parametrize("block", blocks_in("python"), ids=str)
def test_a_program_of_the_documentation_runs(block: Block, tmp_path: Path) -> None:
    run([sys.executable, "-W", "error", "-c", block.text], tmp_path)


@pytest.mark.timeout(600)  # forty processes, each of which has its own time
@pytest.mark.parametrize("page", CONSOLE_PAGES, ids=name_of)
def test_the_commands_of_a_page_run_one_after_the_other(
    page: Path, tmp_path: Path, quick_programs: Path
) -> None:
    programs = SCRIPTS if page.name in STARTED_AS_INSTALLED else quick_programs
    real_ids: dict[str, str] = {}
    for block in blocks_of(page):
        for command, shown in commands_of(block) if block.language == "console" else []:
            real = ID.sub(lambda match: real_ids.get(match[0], match[0]), command)
            printed = run(["bash", "-euc", real], tmp_path, programs)
            for shown_id, printed_id in zip(ID.findall(shown), ID.findall(printed), strict=False):
                real_ids.setdefault(shown_id, printed_id)


@pytest.mark.parametrize("block", blocks_in("toml"), ids=str)
def test_a_configuration_of_the_documentation_is_accepted(block: Block, tmp_path: Path) -> None:
    file = tmp_path / "vestige.toml"
    file.write_text(block.text, encoding="utf-8")
    environ = dict.fromkeys(re.findall(r"\$\{(\w+)\}", block.text), "a-value")
    assert load_config(file, tmp_path, environ).config_file == file


@pytest.mark.parametrize("block", blocks_in("json"), ids=str)
def test_json_of_the_documentation_is_json(block: Block) -> None:
    assert json.loads(block.text)


@pytest.mark.parametrize("query", QUERIES, ids=str)
async def test_a_query_of_the_documentation_runs_on_a_store(query: Step, tmp_path: Path) -> None:
    if query.marks.get("on") == "postgres":
        async with a_store_database() as url:
            conn = await asyncpg.connect(url)
            await conn.execute(query.text)
            await conn.close()
        return
    path = tmp_path / "vestige.db"
    store = await SqliteStore.open(path)
    await store.close()
    db = Connection(str(path), SQLITE_OPEN_READWRITE)
    db.run_script(query.text)
    db.close()


def test_no_page_hides_a_program_in_a_block_that_is_only_shown() -> None:
    suspicious = re.compile(r"^\$ vestige|^import |^from .* import ", re.MULTILINE)
    shown = [block for page in PAGES for block in blocks_of(page) if block.language == "text"]
    assert not [str(block) for block in shown if suspicious.search(block.text)]


def test_a_command_that_is_not_run_has_its_reason() -> None:
    shown = [step for page in PAGES for step in steps_of(page) if step.language == "text"]
    commands = [step for step in shown if COMMAND.search(step.text)]
    assert commands
    without = [step for step in commands if len(step.marks.get("not run", "").split()) < 4]
    assert not [str(step) for step in without]
