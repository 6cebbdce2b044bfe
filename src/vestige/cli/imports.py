"""`vestige import` of Markdown notes and of plain texts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import typer

from vestige.cli.files import reading
from vestige.cli.output import note, print_json, print_line, print_table, report, shortened
from vestige.cli.progress import counting
from vestige.cli.session import missing_store, with_engine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from vestige.config import Config
    from vestige.engine.engine import Engine
    from vestige.engine.results import ImportedText, ImportFailure, ImportText
    from vestige.models import SecretsPolicy

NOTE_TYPE: Final = "note"
TEXT_TYPE: Final = "fact"
SHOWN_CHARACTERS: Final = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportAbout:
    """What a command says about all the texts of an import."""

    node_type: str | None = None
    tags: tuple[str, ...] = ()
    codebase: str | None = None
    is_dry_run: bool = False


@dataclass(kw_only=True, slots=True)
class _Outcome:
    """What became of the texts, as far as the import has come."""

    on_failure: Callable[[ImportFailure], None]
    on_text: Callable[[ImportedText], None]
    on_removed: Callable[[ImportedText], None]
    created: int = 0
    known: int = 0
    failed: int = 0

    def fail(self, failure: ImportFailure) -> None:
        from vestige.engine.screening import screened_text

        self.failed += 1
        # Both may quote the file: headings, a time that is none, a line of YAML that is wrong.
        self.on_failure(
            replace(
                failure,
                place=screened_text("place", failure.place, "mask"),
                reason=screened_text("reason", failure.reason, "mask"),
            )
        )

    def add(self, imported: ImportedText) -> None:
        if imported.action == "created":
            self.created += 1
        else:
            self.known += 1
        self.on_text(imported)
        if imported.removed:
            self.on_removed(imported)

    @property
    def read(self) -> int:
        return self.created + self.known + self.failed


def import_notes(config: Config, source: Path, about: ImportAbout, *, as_json: bool) -> None:
    """Remember the sections of the Markdown notes in a folder, or of one of them."""
    from vestige.engine.notes import note_files, read_notes
    from vestige.errors import TransferError

    is_folder = source.is_dir()
    files = note_files(source) if is_folder else [source]
    if not files:
        raise TransferError(
            f"there is no Markdown file in {source}", "Name a folder with files that end in .md."
        )
    found = read_notes(
        source if is_folder else source.parent, files, codebase=about.codebase, tags=about.tags
    )
    _import(config, found, about, about.node_type or NOTE_TYPE, as_json=as_json)


def import_texts(config: Config, source: str, about: ImportAbout, *, as_json: bool) -> None:
    """Remember the texts of a file of JSON lines."""
    from vestige.engine.texts import read_texts
    from vestige.storage.jsonl import LineReader

    with reading(source) as stream:
        found = read_texts(LineReader(stream), codebase=about.codebase, tags=about.tags)
        _import(config, found, about, about.node_type or TEXT_TYPE, as_json=as_json)


def _import(
    config: Config,
    found: Iterator[ImportText | ImportFailure],
    about: ImportAbout,
    node_type: str,
    *,
    as_json: bool,
) -> None:
    texts: list[ImportedText] = []
    failures: list[ImportFailure] = []
    outcome = _Outcome(
        on_failure=_print_failure,
        on_text=_print_text if about.is_dry_run else _skip,
        on_removed=_print_removed,
    )
    if as_json:
        outcome.on_failure, outcome.on_text = failures.append, texts.append
    try:
        with counting("importing", is_shown=not about.is_dry_run) as advance:
            _remember(config, found, outcome, advance, node_type, is_dry_run=about.is_dry_run)
    except BaseException:
        # What is stored is stored, and has to be said also when the rest failed.
        if outcome.read:
            _print(outcome, texts, failures, is_dry_run=about.is_dry_run, as_json=as_json)
        raise
    _print(outcome, texts, failures, is_dry_run=about.is_dry_run, as_json=as_json)
    if outcome.failed:
        report(
            f"{outcome.failed} of {outcome.read} could not be imported",
            "Correct them and import again: what is known already is left as it is.",
        )
        raise typer.Exit(1)


def _remember(
    config: Config,
    found: Iterator[ImportText | ImportFailure],
    outcome: _Outcome,
    advance: Callable[[int], None],
    node_type: str,
    *,
    is_dry_run: bool,
) -> None:
    if is_dry_run and missing_store(config) is not None:
        # Opening a store would make its file.
        for item in found:
            _check(item, outcome, node_type, config.secrets.policy)
        return

    async def remember(engine: Engine) -> None:
        for item in found:
            await _remember_one(engine, item, outcome, node_type, is_dry_run=is_dry_run)
            advance(1)

    with_engine(config, remember)


async def _remember_one(
    engine: Engine,
    item: ImportText | ImportFailure,
    outcome: _Outcome,
    node_type: str,
    *,
    is_dry_run: bool,
) -> None:
    from vestige.engine.results import ImportFailure
    from vestige.errors import EmbeddingError, InvalidInputError

    if isinstance(item, ImportFailure):
        outcome.fail(item)
        return
    try:
        imported = await engine.import_text(item, node_type=node_type, is_dry_run=is_dry_run)
    except (EmbeddingError, InvalidInputError) as error:
        outcome.fail(ImportFailure(place=item.place, reason=str(error)))
    else:
        outcome.add(imported)


def _check(
    item: ImportText | ImportFailure, outcome: _Outcome, node_type: str, secrets: SecretsPolicy
) -> None:
    from vestige.clock import SystemClock
    from vestige.engine.ingest import check_memory, imported_record
    from vestige.engine.results import ImportedText, ImportFailure
    from vestige.engine.screening import cleaned, screened
    from vestige.errors import InvalidInputError

    if isinstance(item, ImportFailure):
        outcome.fail(item)
        return
    try:
        record = imported_record(item, node_type, SystemClock())
        record, removed = screened(record, secrets, check_memory)
    except InvalidInputError as error:
        outcome.fail(ImportFailure(place=item.place, reason=str(error)))
    else:
        if removed:
            item = cleaned(item, record)
        outcome.add(ImportedText(text=item, action="created", id=None, removed=removed))


def _print_failure(failure: ImportFailure) -> None:
    note(f"{failure.place}: {failure.reason}")


def _print_removed(imported: ImportedText) -> None:
    from vestige.engine.views import removal_note

    note(f"{imported.text.place}: {removal_note(imported.removed)}")


def _print_text(imported: ImportedText) -> None:
    text = imported.text
    action = "would remember" if imported.action == "created" else "known"
    about = f" [{', '.join(text.tags)}]" if text.tags else ""
    print_line((action, "green"), f" {text.place}{about}")
    print_line("   ", shortened(text.content, SHOWN_CHARACTERS), fit=True)


def _skip(imported: ImportedText) -> None:
    """Say nothing of a text: the counts at the end are enough."""
    del imported


def _print(
    outcome: _Outcome,
    texts: list[ImportedText],
    failures: list[ImportFailure],
    *,
    is_dry_run: bool,
    as_json: bool,
) -> None:
    from vestige.engine.views import imported_view

    counts = (outcome.read, outcome.created, outcome.known, outcome.failed)
    names = ("read", "created", "known", "failed")
    if not as_json:
        headings = tuple("would be created" if n == "created" and is_dry_run else n for n in names)
        print_table(headings, [tuple(map(str, counts))])
        return
    print_json(
        {
            "dry_run": is_dry_run,
            **dict(zip(names, counts, strict=True)),
            "memories": [imported_view(text) for text in texts],
            "failures": [{"place": one.place, "reason": one.reason} for one in failures],
        }
    )
