"""`vestige migrate reembed --rollback` and `--forget-old`: what comes after a change online."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from vestige.cli.inputs import ask, need_terminal
from vestige.cli.output import note, print_json, print_line, report
from vestige.cli.progress import advancing
from vestige.cli.reembed_config import configure, edit_for
from vestige.cli.session import with_store

if TYPE_CHECKING:
    from vestige.config import Config
    from vestige.models import Reembedding
    from vestige.storage.protocol import MemoryStore
    from vestige.transfer.reembedding import ReembedPlan, ReembedReport


@dataclass(frozen=True, kw_only=True, slots=True)
class Back:
    """What the options ask for."""

    config: Config
    plan: ReembedPlan
    is_confirmed: bool
    as_json: bool


def go_back(back: Back, *, write_config: bool) -> None:
    """Give an online change up before its switch, or go back to the old model after it."""
    from vestige.transfer.model_choice import choose_model
    from vestige.transfer.reembedding import ReembedReport
    from vestige.transfer.views import reembed_view

    done = ReembedReport()
    _run_back(back, done)
    if back.as_json:
        print_json(reembed_view(done) | {"rolled_back": True})
    elif not done.is_needed:
        print_line("given up: the vectors of the new model are gone, the store has those of")
        print_line(f"  {done.new_model}, as before")
    else:
        print_line(("back", "green"), f": the store has vectors of {done.new_model} again")
        print_line(f"{done.switch_seconds * 1000:.0f} ms for the switch")
        note(f"the vectors of {done.old_model} are kept until --forget-old drops them")
    if done.new_model is not None and done.is_needed:
        choice = choose_model(back.config.embeddings, done.new_model.name, None, None)
        configure(back.config, choice, edit_for(back.config, choice) if write_config else None)
    report_refused(done)


def forget(back: Back) -> None:
    """Drop the vectors that are kept since a switch."""

    async def work(store: MemoryStore) -> Reembedding | None:
        change = await store.reembedding()
        if change is not None and change.phase == "switched":
            _confirm(
                back,
                f"the vectors of {change.old} are dropped; then there is no way back to them",
                f"Drop the vectors of {change.old}?",
            )
        await store.forget_old_vectors()
        return change

    change = with_store(back.config, work)
    old = None if change is None else change.old
    if back.as_json:
        print_json({"forgotten": None if old is None else old.name})
    else:
        print_line(("dropped", "red"), f": the vectors of {old}")


def report_refused(done: ReembedReport) -> None:
    """End with an exit code of 1 when memories were left without a vector."""
    if done.failures:
        report(
            f"memories left without a vector: {len(done.failures)}",
            "They are found by their words; `vestige doctor --repair` tries them again.",
        )
        raise typer.Exit(1)


def _run_back(back: Back, done: ReembedReport) -> None:
    from functools import partial

    from vestige.embedding import embedder_of
    from vestige.errors import VestigeError
    from vestige.transfer.reembedding import roll_back

    async def work(store: MemoryStore) -> None:
        await _confirm_back(back, store)
        with advancing("encoding memories") as advance:
            done.on_rows = lambda count: advance(count, done.rows)
            await roll_back(store, partial(embedder_of, back.config.embeddings), back.plan, done)

    try:
        with_store(back.config, work)
    except (VestigeError, KeyboardInterrupt):
        if done.is_begun:
            note("the store has its model as before; the same command goes on with going back")
        raise


async def _confirm_back(back: Back, store: MemoryStore) -> None:
    change = await store.reembedding()
    if change is None or change.way == "offline":
        return  # what is refused needs no answer
    if change.phase == "encoding":
        said = f"the vectors of {change.new} that are made already are dropped"
        _confirm(back, said, f"Give the change to {change.new} up?")
    else:
        said = f"the model changes back to {change.old} for all who use the store"
        _confirm(back, said, f"Go back to {change.old}?")


def _confirm(back: Back, warning: str, question: str) -> None:
    note(warning)
    if back.is_confirmed:
        return
    need_terminal("this")
    if not ask(question):
        note("nothing was changed")
        raise typer.Exit(1)
