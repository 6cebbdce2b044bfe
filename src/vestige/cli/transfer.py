"""`vestige export` and `vestige import`: memories out of a store and into one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from vestige.cli.files import STANDARD, reading, writing
from vestige.cli.imports import ImportAbout, import_notes, import_texts
from vestige.cli.options import (
    CodebaseOption,
    ConfigOption,
    DataDirOption,
    JsonOption,
    TagsOption,
    TypeOption,
    example,
    split_list,
)
from vestige.cli.output import UsageProblem, note, print_json, print_line, print_table, report
from vestige.cli.progress import counting
from vestige.cli.session import configured, missing_store, with_store

if TYPE_CHECKING:
    from vestige.config import Config
    from vestige.storage.protocol import MemoryStore
    from vestige.transfer.restore import LineFailure, RestoreReport

STORE_FILES: Final = ("", "-wal", "-shm", "-journal")  # what SQLite calls them
NOTE_ENDINGS: Final = (".md", ".markdown")  # engine.notes.ENDINGS, which a start should not import

commands = typer.Typer()


@commands.command(epilog=example("vestige export --output memories.jsonl"))
def export(
    *,
    output: Annotated[
        str, typer.Option("--output", metavar="FILE", help="Where to; - is standard output.")
    ] = STANDARD,
    config_file: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Write the whole store as lines of JSON, which `vestige import` reads."""
    from vestige.errors import StoreUnavailableError

    config = configured(config_file, data_dir)
    missing = missing_store(config)
    if missing is not None:
        raise StoreUnavailableError(
            f"there is no store at {missing} yet",
            "Name the data dir of the store with --data-dir FOLDER.",
        )
    _refuse_store_files(config, output)
    count = _export(config, output)
    if output != STANDARD:
        print_line(("exported", "green"), f" {count} rows to {output}")


@commands.command(
    "import",
    epilog=example("vestige export --output memories.jsonl", "vestige import memories.jsonl"),
)
def import_(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="A file that `export` wrote, - for standard input; or a folder of Markdown notes.",
        ),
    ],
    *,
    texts: Annotated[
        bool, typer.Option("--texts", help="The file holds plain texts, one as JSON a line.")
    ] = False,
    tags: TagsOption = None,
    node_type: TypeOption = None,
    codebase: CodebaseOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be remembered; write nothing.")
    ] = False,
    config_file: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Bring memories into the store; what it has already is left as it is."""
    about = ImportAbout(
        node_type=node_type, tags=split_list(tags), codebase=codebase, is_dry_run=dry_run
    )
    is_notes = source != STANDARD and _is_notes(Path(source))
    if not texts and not is_notes and about != ImportAbout():
        raise UsageProblem(
            "an export says itself what its memories are",
            "Leave --tags, --type, --codebase and --dry-run out, or add --texts for plain texts.",
        )
    if texts and is_notes:
        raise UsageProblem(f"{source} holds notes", "Leave --texts out.")
    config = configured(config_file, data_dir)
    if is_notes:
        import_notes(config, Path(source), about, as_json=as_json)
    elif texts:
        import_texts(config, source, about, as_json=as_json)
    else:
        _import_export(config, source, as_json=as_json)


def _is_notes(path: Path) -> bool:
    return path.is_dir() or (path.is_file() and path.suffix.lower() in NOTE_ENDINGS)


def _export(config: Config, output: str) -> int:
    from vestige.transfer.export import export_lines

    async def write(store: MemoryStore) -> int:
        rows = -1  # the first line is the header
        async for line in export_lines(store):
            stream.write(line)
            advance(1)
            rows += 1
        return rows

    with writing(output) as stream, counting("exporting", is_shown=output != STANDARD) as advance:
        return with_store(config, write)


def _refuse_store_files(config: Config, output: str) -> None:
    store = config.storage.sqlite.path.resolve()
    if Path(output).resolve() in [store.with_name(store.name + end) for end in STORE_FILES]:
        raise UsageProblem(
            f"{output} is a file of the store itself", "Name another file with --output."
        )


def _import_export(config: Config, source: str, *, as_json: bool) -> None:
    from vestige.storage.jsonl import LineReader
    from vestige.transfer.restore import RestoreReport, read_header, restore

    failures: list[LineFailure] = []
    with reading(source) as stream, counting("importing") as advance:
        lines = LineReader(stream)
        model = read_header(lines)  # before a store is opened, which would make its file
        done = RestoreReport(on_batch=advance, on_failure=failures.append)
        if not as_json:
            done.on_failure = _print_failure
        try:
            with_store(config, lambda store: restore(store, model, lines, done))
        except BaseException:
            # What is written is written, and has to be said also when the rest failed.
            if done.has_begun:
                _print_restored(done, failures, as_json=as_json)
            raise
        _print_restored(done, failures, as_json=as_json)
    if done.failed:
        report(
            f"{_lines(done.failed)} could not be imported",
            "Correct them in the file and import it again: what is there is left as it is.",
        )
        raise typer.Exit(1)


def _print_failure(failure: LineFailure) -> None:
    table = "" if failure.table is None else f" ({failure.table.value})"
    note(f"line {failure.line}{table}: {failure.reason}")


def _print_restored(done: RestoreReport, failures: list[LineFailure], *, as_json: bool) -> None:
    from vestige.transfer.views import restore_view

    if as_json:
        print_json(restore_view(done, failures))
        return
    rows = [
        (table.value, *map(str, (counts.read, counts.written, counts.present, counts.failed)))
        for table, counts in done.tables.items()
        if counts.read
    ]
    if done.unreadable:
        rows.append(("other lines", str(done.unreadable), "0", "0", str(done.unreadable)))
    print_table(("table", "read", "written", "present", "failed"), rows)


def _lines(count: int) -> str:
    return "1 line" if count == 1 else f"{count} lines"
