"""`vestige doctor`: what is wrong with the store, what repairs it, and repairing it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from vestige.cli.inputs import ask, need_terminal
from vestige.cli.options import ConfigOption, DataDirOption, JsonOption, YesOption, example
from vestige.cli.output import note, print_json, print_line
from vestige.cli.progress import counting
from vestige.cli.session import configured, need_store, with_engine, with_store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vestige.config import Config
    from vestige.embedding.missing import EncodeResult
    from vestige.models import Problem
    from vestige.storage.protocol import MemoryStore

commands = typer.Typer()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Outcome:
    """What became of the problems.

    Attributes:
        problems: what is wrong, or still wrong after repairing.
        repaired: what the store has repaired.
        encoding: what became of the memories without a vector, None when there were none.
    """

    problems: Sequence[Problem]
    repaired: Sequence[Problem] = ()
    encoding: EncodeResult | None = None


@commands.command(epilog=example("vestige doctor", "vestige doctor --repair --yes"))
def doctor(
    *,
    repair: Annotated[
        bool, typer.Option("--repair", help="Repair what can be repaired; it asks first.")
    ] = False,
    yes: YesOption = False,
    config_file: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find what is wrong with the store: exit code 0 when nothing is or all was repaired."""
    config = configured(config_file, data_dir)
    need_store(config)
    problems, kept = with_store(config, _look, migrate=False)
    outcome = _Outcome(problems=problems)
    if repair and _can_repair(problems):
        if not yes:
            need_terminal("repairing the store")
            for problem in problems:
                note(f"problem: {problem.problem}")
            if not ask("Repair what can be repaired? Others wait meanwhile before they write."):
                note("nothing was repaired")
                raise typer.Exit(1)
        outcome = _repair(config, problems)
    if as_json:
        _print_json(outcome)
    else:
        _print(outcome)
    if kept is not None:
        note(kept)
    if outcome.problems:
        raise typer.Exit(1)


async def _look(store: MemoryStore) -> tuple[Sequence[Problem], str | None]:
    """Return what is wrong, and what to know of old vectors that are kept, which is no fault."""
    from vestige.clock import SystemClock

    problems = await store.find_problems()
    change = await store.reembedding()
    if change is None or change.phase != "switched":
        return problems, None
    stats = await store.get_stats(SystemClock().now())
    return problems, f"kept since the change of the model: {stats.details['old_vectors']}"


def _can_repair(problems: Sequence[Problem]) -> bool:
    from vestige.storage.problems import needs_embedder

    return any(problem.is_repairable or needs_embedder(problem) for problem in problems)


def _repair(config: Config, problems: Sequence[Problem]) -> _Outcome:
    from vestige.storage.problems import needs_embedder

    tried: Sequence[Problem] = ()
    encoding = None
    if any(problem.is_repairable for problem in problems):
        tried = with_store(config, lambda store: store.repair(), migrate=False)
    if any(needs_embedder(problem) for problem in problems):
        encoding = _encode(config)
    rest = with_store(config, lambda store: store.find_problems(), migrate=False)
    repaired = [problem for problem in tried if problem not in rest]
    return _Outcome(problems=rest, repaired=repaired, encoding=encoding)


def _encode(config: Config) -> EncodeResult:
    from vestige.embedding.missing import encode_missing

    with counting("memories encoded") as advance:
        return with_engine(
            config, lambda engine: encode_missing(engine.store, engine.embedder, advance)
        )


def _print(outcome: _Outcome) -> None:
    from vestige.storage.problems import memories

    for problem in outcome.repaired:
        print_line(("repaired", "green"), f": {problem.problem}")
    if outcome.encoding is not None:
        print_line(("encoded", "green"), f": {memories(outcome.encoding.encoded)}")
        for failure in outcome.encoding.failures:
            note(f"{failure.id} got no vector: {failure.reason}")
    _print_problems(outcome.problems)
    if not (outcome.problems or outcome.repaired or outcome.encoding):
        print_line("nothing is wrong")


def _print_problems(problems: Sequence[Problem]) -> None:
    for problem in problems:
        print_line(("problem", "red"), f": {problem.problem}")
        print_line("  repair: ", problem.repair)


def _print_json(outcome: _Outcome) -> None:
    from vestige.embedding.missing import EncodeResult
    from vestige.engine.views import problem_view
    from vestige.transfer.views import encode_failure_view

    encoding = outcome.encoding or EncodeResult()
    print_json(
        {
            "problems": [problem_view(problem) for problem in outcome.problems],
            "repaired": [problem_view(problem) for problem in outcome.repaired],
            "encoded": encoding.encoded,
            "failures": [encode_failure_view(failure) for failure in encoding.failures],
        }
    )
