"""`vestige migrate reembed`: another embedding model for the memories of a store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from vestige.cli.inputs import ask, need_terminal
from vestige.cli.options import ConfigOption, DataDirOption, JsonOption
from vestige.cli.output import note, print_json, print_line, print_pairs, report
from vestige.cli.progress import advancing
from vestige.cli.session import configured, need_store, with_store

if TYPE_CHECKING:
    from vestige.config import Config
    from vestige.config.editing import Edit
    from vestige.embedding import Embedder
    from vestige.models import ModelSignature
    from vestige.storage.protocol import MemoryStore
    from vestige.transfer.model_choice import ModelChoice
    from vestige.transfer.reembedding import ReembedPlan, ReembedReport

ModelOption = Annotated[
    str, typer.Option("--model", metavar="NAME", help="The new model, or PROVIDER:NAME.")
]
ProviderOption = Annotated[
    str | None,
    typer.Option(
        "--provider", metavar="NAME", help="Whose model it is, where its name does not say it."
    ),
]
DimensionOption = Annotated[
    int | None,
    typer.Option(
        "--dimension",
        metavar="NUMBER",
        min=1,
        help="Nothing is done unless its vectors are so long.",
    ),
]
BatchSizeOption = Annotated[
    int,
    typer.Option(
        "--batch-size", metavar="TEXTS", min=1, max=1000, help="How many texts it gets at once."
    ),
]
ResumeOption = Annotated[
    bool, typer.Option("--resume", help="Go on with a change that did not come to its end.")
]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Count, measure the time it takes, and change nothing.")
]
# The second name for scripts that are written for other programs, too.
YesOption = Annotated[bool, typer.Option("--yes", "--no-confirm", help="Do it without asking.")]
WriteConfigOption = Annotated[
    bool,
    typer.Option("--write-config", help="Name the model in vestige.toml, and keep a backup of it."),
]


def reembed(
    *,
    model: ModelOption,
    provider: ProviderOption = None,
    dimension: DimensionOption = None,
    batch_size: BatchSizeOption = 128,
    resume: ResumeOption = False,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    write_config: WriteConfigOption = False,
    config_file: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Encode every memory anew with another model; ids, texts and times stay as they are.

    The old vectors are taken away first. Until the end, memories are found by their words, and by
    meaning as far as they have their new vector.
    """
    from vestige.transfer.model_choice import choose_model
    from vestige.transfer.reembedding import ReembedPlan

    config = configured(config_file, data_dir)
    need_store(config)
    choice = choose_model(config.embeddings, model, provider, dimension)
    run = _Run(
        config=config,
        choice=choice,
        embedder=choice.open(config.embeddings),
        plan=ReembedPlan(batch_size=batch_size, is_resumed=resume, is_dry_run=dry_run),
        dimension=dimension,
        is_confirmed=yes,
    )
    # Before anything is changed: a file that cannot be edited is no surprise for the end.
    edit = _edit(run) if write_config and not dry_run else None
    done = _reembed(run)
    _print(run, done, as_json=as_json)
    if not dry_run:
        _configure(run, edit)
    if done.failures:
        report(
            f"memories left without a vector: {len(done.failures)}",
            "They are found by their words; `vestige doctor --repair` tries them again.",
        )
        raise typer.Exit(1)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Run:
    """One change of the model, as the options ask for it."""

    config: Config
    choice: ModelChoice
    embedder: Embedder
    plan: ReembedPlan
    dimension: int | None
    is_confirmed: bool


def _reembed(run: _Run) -> ReembedReport:
    from vestige.errors import VestigeError
    from vestige.transfer.reembedding import ReembedReport, reembed

    async def work(store: MemoryStore) -> None:
        if not run.plan.is_dry_run:
            await _confirm(run, store)
        with advancing("encoding memories", is_shown=not run.plan.is_dry_run) as advance:
            done.on_rows = lambda count: advance(count, done.rows)
            await reembed(store, run.embedder, run.plan, done)

    _check_dimension(run)
    done = ReembedReport()
    try:
        with_store(run.config, work, migrate=not run.plan.is_dry_run)
    except (VestigeError, KeyboardInterrupt):
        if done.is_begun:
            note("the change is unfinished; the same command with --resume goes on with it")
        raise
    return done


def _check_dimension(run: _Run) -> None:
    from vestige.errors import ConfigError

    signature = run.embedder.signature
    if run.dimension is not None and run.dimension != signature.dimension:
        raise ConfigError(
            f"{signature.name} gives vectors of {signature.dimension} dimensions,"
            f" not {run.dimension}",
            "Leave --dimension out, or name the model that you mean; nothing was changed.",
        )


async def _confirm(run: _Run, store: MemoryStore) -> None:
    """Warn and ask, where vectors are about to be taken away."""
    from vestige.storage.problems import memories

    stored = await store.registered_model()
    is_begun = run.plan.is_resumed or await store.reembedding() is not None
    if is_begun or stored in (None, run.embedder.signature):
        return
    count = memories(await store.count())
    note(f"the vectors of {stored} are taken away, and the texts of {count} encoded anew")
    note(f"end what uses the store, and back it up first: {_backup_command(run.config)}")
    if run.is_confirmed:
        return
    need_terminal("changing the model")
    if not ask(f"Change the model to {run.embedder.signature}?"):
        note("nothing was changed")
        raise typer.Exit(1)


def _backup_command(config: Config) -> str:
    import shlex

    words = ["vestige", "backup", "--data-dir", str(config.data_dir)]
    if config.config_file is not None:
        words += ["--config", str(config.config_file)]
    return shlex.join(words)


def _print(run: _Run, done: ReembedReport, *, as_json: bool) -> None:
    from vestige.storage.problems import memories
    from vestige.transfer.views import reembed_view

    if as_json:
        view = reembed_view(done)
        view |= {"batches": _batches(run, done), "dry_run": run.plan.is_dry_run}
        view["column_type_changes"] = _changes_columns(run, done)
        print_json(view)
        return
    for failure in done.failures:
        note(f"{failure.id} got no vector: {failure.reason}")
    if not done.is_needed:
        print_line(f"nothing to do: the store has vectors of {done.new_model} already")
    elif run.plan.is_dry_run:
        _print_preview(run, done)
    else:
        print_line(("encoded", "green"), f": {memories(done.updated)} by {done.new_model}")
        print_line(
            f"{done.encode_seconds:.1f} s encoding, {done.index_seconds:.1f} s for the index"
        )


def _print_preview(run: _Run, done: ReembedReport) -> None:
    print_pairs(
        [
            ("from", _name(done.old_model)),
            ("to", _name(done.new_model)),
            ("memories", f"{done.rows} to encode, {done.skipped} done already"),
            ("batches", str(_batches(run, done))),
            ("time", f"about {done.encode_seconds:.0f} s"),
            ("column type", "changes" if _changes_columns(run, done) else "stays"),
        ]
    )


def _batches(run: _Run, done: ReembedReport) -> int:
    return -(-done.rows // run.plan.batch_size)


def _changes_columns(run: _Run, done: ReembedReport) -> bool:
    """Say whether the columns of vectors get another type; those of SQLite have no dimension."""
    models = (done.old_model, done.new_model)
    dimensions = {model.dimension for model in models if model is not None}
    return run.config.storage.backend == "postgres" and len(dimensions) > 1


def _name(model: ModelSignature | None) -> str:
    return "no model" if model is None else str(model)


def _edit(run: _Run) -> Edit | None:
    """Return the change of the configuration that names the model, None when it does already."""
    from vestige.config.editing import edit_embeddings
    from vestige.config.sources import CONFIG_FILE_NAME

    settings = run.config.embeddings
    if run.choice.is_configured(settings):
        return None
    path = run.config.config_file or run.config.data_dir / CONFIG_FILE_NAME
    return edit_embeddings(path, run.choice.values(settings))


def _configure(run: _Run, edit: Edit | None) -> None:
    """Write what the configuration has to name from now on, or say it."""
    from vestige.config import VARIABLES
    from vestige.config.editing import embeddings_lines

    if run.choice.is_configured(run.config.embeddings):
        return
    if edit is None:
        note("so that the next start knows the model, vestige.toml has to say:")
        for line in ("[embeddings]", *embeddings_lines(run.choice.values(run.config.embeddings))):
            note(f"  {line}")
    else:
        backup = edit.write()
        note(f"{edit.path} names the model now{f'; {backup} is as it was' if backup else ''}")
    for variable, key in VARIABLES.items():
        source = run.config.sources[key]
        if key.startswith("embeddings.") and source.startswith("environment"):
            note(f"the variable {variable} is stronger than vestige.toml: change it, too")
