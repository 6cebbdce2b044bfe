"""How both backends say what is wrong with a store, and what repairs it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from vestige.errors import StoreError
from vestige.models import Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vestige.models import ModelSignature, Reembedding
    from vestige.storage.migrations import MigrationStatus

REPAIR: Final = "vestige doctor --repair"
MIGRATE: Final = "vestige migrate up"

MendT = TypeVar("MendT")


@dataclass(frozen=True, slots=True)
class Finding(Generic[MendT]):
    """A problem, and the function of a session that repairs it; None when the store cannot."""

    problem: Problem
    mend: MendT | None = None


def repairable(findings: Sequence[Finding[MendT]]) -> list[tuple[Problem, MendT]]:
    """Return what the store can repair itself."""
    return [(found.problem, found.mend) for found in findings if found.mend is not None]


def without_tables() -> Problem:
    """Return the problem of a database that no store was made in yet."""
    return Problem(problem="the store has no tables yet", repair=MIGRATE)


def pending_step(step: MigrationStatus) -> Problem:
    """Return the problem of a step that could be applied."""
    return Problem(
        problem=f"the schema step {step} is not applied", repair=MIGRATE, is_repairable=True
    )


def missing_indexes(names: Sequence[str]) -> Problem:
    """Return the problem of indexes that somebody dropped."""
    what = f"the index {names[0]} is" if len(names) == 1 else f"the indexes {', '.join(names)} are"
    return Problem(problem=f"{what} missing", repair=REPAIR, is_repairable=True)


def without_scheduling(count: int) -> Problem:
    """Return the problem of memories that never come due."""
    have = "1 memory has" if count == 1 else f"{memories(count)} have"
    text = f"{have} no scheduling, and cannot become due"
    return Problem(problem=text, repair=REPAIR, is_repairable=True)


def without_vector(count: int) -> Problem:
    """Return the problem of memories that are not found by meaning; an embedder repairs it."""
    have = "1 memory has" if count == 1 else f"{memories(count)} have"
    return Problem(problem=f"{have} no vector, and cannot be found by meaning", repair=REPAIR)


def unfinished_reembedding(reembedding: Reembedding) -> Problem:
    """Return the problem of a change of the embedding model that did not come to its end."""
    return Problem(problem=f"{reembedding} is unfinished", repair=_resume(reembedding))


def refuse_second_reembedding(unfinished: Reembedding, signature: ModelSignature) -> None:
    """Refuse to begin a change of the embedding model before another one is at its end.

    Raises:
        StoreError: the unfinished one is to another model.
    """
    if unfinished.new != signature:
        raise StoreError(
            f"{unfinished} is unfinished, so none to {signature} can begin",
            f"Finish it with `{_resume(unfinished)}`.",
        )


def of_other_dimension(count: int, model: ModelSignature) -> Problem:
    """Return the problem of vectors that cannot be of the registered model."""
    what = "1 vector is" if count == 1 else f"{count:,} vectors are"
    return Problem(
        problem=f"{what} not of the {model.dimension} dimensions of the registered {model.name}",
        repair="Restore a backup: the registered model was changed by hand.",
    )


def needs_embedder(problem: Problem) -> bool:
    """Say whether `vestige doctor --repair` repairs a problem and the store alone does not."""
    return problem.repair == REPAIR and not problem.is_repairable


def unapplied(steps: Sequence[MigrationStatus]) -> str:
    """Return the steps that are not applied, each with why not, in words."""
    rest = [f"{step} ({step.state})" for step in steps if step.state != "applied"]
    return ", ".join(rest) or "none"


def _resume(reembedding: Reembedding) -> str:
    return f"vestige migrate reembed --model {reembedding.new.name} --resume"


def memories(count: int) -> str:
    """Return how many memories there are, in words."""
    return "1 memory" if count == 1 else f"{count:,} memories"
