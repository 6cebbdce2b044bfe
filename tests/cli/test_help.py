from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Final

import pytest

from command_line import run_process
from command_tree import COMMANDS, GROUPS, epilog_of
from example_store import (
    EXAMPLE_ID,
    EXAMPLE_INTENTION_ID,
    OTHER_EXAMPLE_ID,
    make_example_store,
)
from vestige.cli import intention, options

if TYPE_CHECKING:
    from pathlib import Path

    from command_line import CommandLine

# What a command line may not import before a command runs: each costs more than the whole help.
HEAVY: Final = (
    *("apsw", "asyncio", "httpx", "mcp", "numpy", "onnxruntime", "rich", "tokenizers"),
    *("vestige.config", "vestige.engine", "vestige.models", "vestige.storage", "vestige.embedding"),
)
REPORT: Final = """
import json, sys
from vestige.cli.app import main
try:
    main()
except SystemExit as stop:
    assert not stop.code, stop.code
print(json.dumps(sorted(sys.modules)), file=sys.stderr)
"""


@pytest.mark.parametrize("name", ["", *GROUPS, *COMMANDS])
def test_every_help_has_a_sentence_and_an_example(vestige: CommandLine, name: str) -> None:
    ran = vestige(*name.split(), "--help")
    assert (ran.code, ran.err) == (0, "")
    assert "Example:\n" in ran.out
    assert f"vestige {name}".strip() in ran.out


def test_without_a_command_the_help_is_shown(vestige: CommandLine) -> None:
    assert vestige().out == vestige("--help").out


@pytest.mark.parametrize("name", ["", *GROUPS, *COMMANDS])
async def test_every_example_of_the_help_works(
    vestige: CommandLine, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    await make_example_store(vestige.folder, monkeypatch)
    lines = [line.strip() for line in epilog_of(name).splitlines()]
    examples = [line for line in lines if line.startswith("vestige ")]
    assert examples
    for line in examples:
        ran = run_process(vestige.environ, *shlex.split(line)[1:])
        assert ran.code == 0, f"{line}: {ran.err}"


def test_the_example_store_has_the_ids_of_the_examples() -> None:
    assert options.EXAMPLE_ID == EXAMPLE_ID
    assert options.OTHER_EXAMPLE_ID == OTHER_EXAMPLE_ID
    assert intention.EXAMPLE_INTENTION_ID == EXAMPLE_INTENTION_ID


@pytest.mark.parametrize("name", ["", "recall", "migrate revert"])
def test_help_imports_nothing_heavy(vestige: CommandLine, tmp_path: Path, name: str) -> None:
    # typer itself reads the options before a command with pydantic.
    heavy = {*HEAVY, "pydantic"} if name == "" else set(HEAVY)
    ran = run_process(vestige.environ, *name.split(), "--help", program=REPORT)
    assert ran.code == 0, ran.err
    loaded: list[str] = json.loads(ran.err)
    assert "vestige.cli.app" in loaded
    assert not heavy & set(loaded)
    assert not list(tmp_path.iterdir())


def test_the_constants_that_a_start_may_not_import_are_those_of_the_models() -> None:
    from vestige.models import MAX_LIMIT, MemoryOrder, Rating  # noqa: PLC0415  # told side by side
    from vestige.storage import limits  # noqa: PLC0415  # as above

    assert options.DEPTH_MAX == limits.DEPTH_MAX
    assert options.LIMIT_MAX == MAX_LIMIT
    assert tuple(MemoryOrder) == options.ORDERS
    assert {rating.name.lower(): rating.value for rating in Rating} == options.RATINGS
