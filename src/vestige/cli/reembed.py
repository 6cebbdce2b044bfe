"""`vestige migrate reembed`: another embedding model for the memories of a store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from vestige.cli.inputs import ask, need_terminal
from vestige.cli.options import ConfigOption, DataDirOption, JsonOption
from vestige.cli.output import note, print_json, print_line, print_pairs
from vestige.cli.progress import advancing
from vestige.cli.reembed_back import Back, forget, go_back, report_refused
from vestige.cli.reembed_config import configure, edit_for
from vestige.cli.session import configured, need_store, with_store

if TYPE_CHECKING:
    from vestige.config import Config
    from vestige.embedding import Embedder
    from vestige.models import ModelSignature
    from vestige.storage.protocol import MemoryStore
    from vestige.transfer.model_choice import ModelChoice
    from vestige.transfer.reembedding import ReembedPlan, ReembedReport

ModelOption = Annotated[
    str | None, typer.Option("--model", metavar="NAME", help="The new model, or PROVIDER:NAME.")
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
OnlineOption = Annotated[
    bool,
    typer.Option(
        "--online", help="Make the vectors beside the old ones, and switch when all are there."
    ),
]
WorkersOption = Annotated[
    int,
    typer.Option(
        "--workers", metavar="COUNT", min=1, max=64, help="How many batches are encoded at once."
    ),
]
DropIndexOption = Annotated[
    bool,
    typer.Option(
        "--drop-hnsw-first/--keep-hnsw",
        help="PostgreSQL, offline: build the index at the end, or keep it up meanwhile.",
    ),
]
ConcurrentOption = Annotated[
    bool,
    typer.Option(
        "--concurrent-index", help="PostgreSQL, offline: build the index while others write."
    ),
]
ResumeOption = Annotated[
    bool,
    typer.Option(
        "--resume", help="Go on with a change that did not come to its end, or share the work."
    ),
]
RollbackOption = Annotated[
    bool, typer.Option("--rollback", help="Give an online change up, or go back after its switch.")
]
ForgetOption = Annotated[
    bool, typer.Option("--forget-old", help="Drop the old vectors that an online change keeps.")
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
    model: ModelOption = None,
    provider: ProviderOption = None,
    dimension: DimensionOption = None,
    online: OnlineOption = False,
    workers: WorkersOption = 1,
    batch_size: BatchSizeOption = 128,
    drop_hnsw_first: DropIndexOption = True,
    concurrent_index: ConcurrentOption = False,
    resume: ResumeOption = False,
    rollback: RollbackOption = False,
    forget_old: ForgetOption = False,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    write_config: WriteConfigOption = False,
    config_file: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Encode every memory anew with another model; ids, texts and times stay as they are.

    The old vectors are taken away first. Until the end, memories are found by their words, and by
    meaning as far as they have their new vector. With --online nothing is missing meanwhile: the
    new vectors are made beside the old ones.
    """
    from vestige.transfer.reembedding import ReembedPlan

    config = configured(config_file, data_dir)
    plan = ReembedPlan(
        batch_size=batch_size,
        is_resumed=resume,
        is_dry_run=dry_run,
        way="online" if online else "offline",
        workers=workers,
        keeps_index=not drop_hnsw_first,
        builds_concurrently=concurrent_index,
    )
    _check_options(model, online=online, resume=resume, rollback=rollback, forget_old=forget_old)
    need_store(config)
    if rollback or forget_old:
        if dry_run:
            raise typer.BadParameter("not with --rollback or --forget-old", param_hint="--dry-run")
        back = Back(config=config, plan=plan, is_confirmed=yes, as_json=as_json)
        forget(back) if forget_old else go_back(back, write_config=write_config)
        return
    _note_unused(config, plan)
    choice = _choice(config, model, provider, dimension)
    run = _Run(
        config=config,
        choice=choice,
        embedder=choice.open(config.embeddings),
        plan=plan,
        dimension=dimension,
        is_confirmed=yes,
    )
    # Before anything is changed: a file that cannot be edited is no surprise for the end.
    edit = edit_for(config, choice) if write_config and not dry_run else None
    done = _reembed(run)
    _print(run, done, as_json=as_json)
    if not dry_run:
        configure(config, choice, edit)
    report_refused(done)


def _check_options(
    model: str | None, *, online: bool, resume: bool, rollback: bool, forget_old: bool
) -> None:
    """Refuse options that contradict each other."""
    if rollback and forget_old:
        raise typer.BadParameter("not with --forget-old", param_hint="--rollback")
    if rollback or forget_old:
        for name, is_given in (("--model", model), ("--online", online), ("--resume", resume)):
            if is_given:
                raise typer.BadParameter("not with --rollback or --forget-old", param_hint=name)
    elif model is None:
        raise typer.BadParameter("names the new model, and is missing", param_hint="--model")


def _note_unused(config: Config, plan: ReembedPlan) -> None:
    """Say which options change nothing here."""
    given = {
        "--keep-hnsw": plan.keeps_index,
        "--concurrent-index": plan.builds_concurrently,
    }
    for name, is_given in given.items():
        if is_given and config.storage.backend == "sqlite":
            note(f"{name} changes nothing on SQLite, where every vector brings its index along")
        elif is_given and plan.way == "online":
            note(f"{name} changes nothing with --online, which builds the index beside the old one")


def _choice(
    config: Config, model: str | None, provider: str | None, dimension: int | None
) -> ModelChoice:
    from vestige.transfer.model_choice import choose_model

    return choose_model(config.embeddings, model or "", provider, dimension)


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
    if run.plan.way == "online":
        note(
            f"the texts of {count} are encoded anew, and then the model changes for all who use it"
        )
        note(f"the vectors of {stored} are kept; --rollback goes back, --forget-old drops them")
    else:
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
        if done.way == "online":
            print_line(f"{done.switch_seconds * 1000:.0f} ms for the switch")
            note(f"the vectors of {done.old_model} are kept; go back with --rollback, or drop")
            note("them with --forget-old once nobody wants to")


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
