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
ROLL_BACK: Final = "vestige migrate reembed --rollback"
FORGET_OLD: Final = "vestige migrate reembed --forget-old"

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


def unfinished_reembedding(open_change: Reembedding | None) -> list[Problem]:
    """Return the problem of a change of the model that did not come to its end, if there is one.

    Old vectors that are kept are none.
    """
    if open_change is None or open_change.phase == "switched":
        return []
    return [Problem(problem=f"{open_change} is unfinished", repair=_resume(open_change))]


def kept_vectors(open_change: Reembedding, size_bytes: int) -> str:
    """Return what is kept after a switch, in words."""
    return f"{size_bytes:,} bytes of {open_change.old}; `{FORGET_OLD}` drops them"


def is_filling_searched(open_change: Reembedding | None) -> bool:
    """Say whether a change is unfinished that took away what searches compare with."""
    return open_change is not None and open_change.way == "offline"


def refuse_second_reembedding(
    open_change: Reembedding, signature: ModelSignature, way: str
) -> None:
    """Refuse to begin a change of the embedding model while another one is open.

    Raises:
        StoreError: it is to another model, goes another way, or is switched.
    """
    if open_change.phase == "switched":
        if open_change.new == signature:
            return  # it is there
        raise StoreError(
            f"the vectors of {open_change.old} are kept since the change to {open_change.new},"
            f" so none to {signature} can begin",
            f"Drop them with `{FORGET_OLD}`, or go back to them with `{ROLL_BACK}`.",
        )
    if (open_change.new, open_change.way) != (signature, way):
        raise StoreError(
            f"{open_change} is unfinished, so none to {signature} can begin {way}",
            f"Finish it with `{_resume(open_change)}`{_or_abandon(open_change)}.",
        )


def refuse_to_abandon(open_change: Reembedding | None) -> None:
    """Refuse to give up what was not begun online, or is switched.

    Raises:
        StoreError: says what there is instead.
    """
    if open_change is None:
        raise StoreError(
            "no change of the model is unfinished, and no old vectors are kept",
            "To go back, run `vestige migrate reembed --model NAME` with the old model.",
        )
    if open_change.way == "offline":
        raise StoreError(
            f"{open_change} took the old vectors away, so there is nothing to go back to",
            f"Finish it with `{_resume(open_change)}`, then change the model back.",
        )
    if open_change.phase == "switched":
        raise StoreError(
            f"{open_change} is switched, and cannot be given up", f"Go back with `{ROLL_BACK}`."
        )


def refuse_to_forget(open_change: Reembedding | None) -> None:
    """Refuse to forget old vectors where none are kept.

    Raises:
        StoreError: says what there is instead.
    """
    if open_change is None:
        raise StoreError("no old vectors are kept", "There is nothing to forget.")
    if open_change.phase != "switched":
        raise StoreError(
            f"{open_change} is unfinished, and keeps no old vectors",
            f"Finish it with `{_resume(open_change)}`{_or_abandon(open_change)}.",
        )


def refuse_to_switch(open_change: Reembedding | None, signature: ModelSignature) -> None:
    """Refuse to switch to a model whose vectors are not made.

    Raises:
        StoreError: no change leads to it.
    """
    if open_change is None or open_change.way == "offline" or open_change.filled != signature:
        raise StoreError(
            f"no change of the model leads to {signature}",
            "Begin one with `vestige migrate reembed --online`.",
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


def memories(count: int) -> str:
    """Return how many memories there are, in words."""
    return "1 memory" if count == 1 else f"{count:,} memories"


def _resume(reembedding: Reembedding) -> str:
    return f"vestige migrate reembed --model {reembedding.new.name} --resume"


def _or_abandon(reembedding: Reembedding) -> str:
    return f", or give it up with `{ROLL_BACK}`" if reembedding.way == "online" else ""
