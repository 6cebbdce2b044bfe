"""`vestige codebase`: how things are done in a codebase, and what was decided."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from vestige.cli.options import (
    ConfigOption,
    DataDirOption,
    JsonOption,
    LimitOption,
    TagsOption,
    example,
    split_list,
)
from vestige.cli.output import note, print_json, print_line, print_table, print_text
from vestige.cli.recall import TokensOption
from vestige.cli.remember import SupersedesOption
from vestige.cli.rendering import GAP, day, print_nearest
from vestige.cli.session import configured, with_engine, with_store

if TYPE_CHECKING:
    from vestige.config import Config
    from vestige.engine.orientation_results import CodebaseContext
    from vestige.engine.results import RememberItem

NameOption = Annotated[
    str, typer.Option("--codebase", metavar="NAME", help="The codebase that it belongs to.")
]
PathsOption = Annotated[
    list[str] | None,
    typer.Option("--path", metavar="PATH", help="A file that it is about; repeatable."),
]

commands = typer.Typer(help="Remember how things are done in a codebase, and what was decided.")


@commands.callback()
def codebase_group(*, config_file: ConfigOption = None, data_dir: DataDirOption = None) -> None:
    """Remember how things are done in a codebase, and what was decided."""
    # The options that stand here are taken up by the command: see options.py.
    del config_file, data_dir


@commands.command(
    epilog=example(
        'vestige codebase pattern "Retries" "Wrap calls of the provider in retrying()"'
        " --codebase shop --path src/api/client.py"
    )
)
def pattern(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the pattern is called.")],
    description: Annotated[str, typer.Argument(metavar="DESCRIPTION", help="What to do, and why.")],
    *,
    codebase: NameOption,
    paths: PathsOption = None,
    tags: TagsOption = None,
    supersedes: SupersedesOption = None,
    config_file: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remember how something is done in a codebase."""
    from vestige.engine.codebase import pattern_item

    item = pattern_item(
        name,
        description,
        codebase=codebase,
        files=paths or (),
        tags=split_list(tags),
        supersedes=supersedes,
    )
    _remember(configured(config_file, data_dir), item, as_json=as_json)


@commands.command(
    epilog=example(
        'vestige codebase decision "The queue is in PostgreSQL" --codebase shop'
        ' --rationale "One backup" --alternative Redis --path src/queue.py'
    )
)
def decision(
    text: Annotated[str, typer.Argument(metavar="DECISION", help="What was decided.")],
    *,
    codebase: NameOption,
    rationale: Annotated[
        str | None, typer.Option("--rationale", metavar="TEXT", help="Why.")
    ] = None,
    alternatives: Annotated[
        list[str] | None,
        typer.Option("--alternative", metavar="TEXT", help="What else was possible; repeatable."),
    ] = None,
    paths: PathsOption = None,
    tags: TagsOption = None,
    supersedes: SupersedesOption = None,
    config_file: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remember what was decided in a codebase, why, and what else was possible."""
    from vestige.engine.codebase import decision_item

    item = decision_item(
        text,
        codebase=codebase,
        rationale=rationale,
        alternatives=alternatives or (),
        files=paths or (),
        tags=split_list(tags),
        supersedes=supersedes,
    )
    _remember(configured(config_file, data_dir), item, as_json=as_json)


@commands.command(
    epilog=example(
        "vestige codebase context --codebase shop --path src/api/client.py",
        'vestige codebase context --codebase shop --about "retries" --token-budget 1000 --json',
    )
)
def context(
    *,
    codebase: Annotated[
        str, typer.Option("--codebase", metavar="NAME", help="The codebase that is worked on.")
    ],
    paths: Annotated[
        list[str] | None,
        typer.Option("--path", metavar="PATH", help="A file that is worked on; repeatable."),
    ] = None,
    about: Annotated[
        str, typer.Option("--about", metavar="TEXT", help="What the work is about.")
    ] = "",
    limit: LimitOption = None,
    token_budget: TokensOption = None,
    config_file: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the patterns and decisions of a codebase that matter now, the most important first."""
    from vestige.engine.codebase import CONTEXT_TOKENS
    from vestige.engine.orientation_views import codebase_context_view

    config = configured(config_file, data_dir)
    found = with_engine(
        config,
        lambda engine: engine.codebase_context(
            codebase,
            files=paths or (),
            text=about,
            token_budget=token_budget or CONTEXT_TOKENS,
            limit=limit or config.defaults.limit,
        ),
    )
    if as_json:
        print_json(codebase_context_view(found))
    else:
        _print_context(found)
    _note_rest(found)


@commands.command("list", epilog=example("vestige codebase list"))
def list_codebases(
    *,
    config_file: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the codebases that memories belong to, those with most memories first."""
    from vestige.clock import SystemClock
    from vestige.engine.codebase import codebases
    from vestige.engine.orientation_views import codebase_count_view

    # Without an embedder: codebases can be counted whatever model is configured.
    found = with_store(
        configured(config_file, data_dir), lambda store: codebases(store, SystemClock().now())
    )
    if not found:
        note("no memory belongs to a codebase")
    if as_json:
        print_json({"codebases": [codebase_count_view(one) for one in found]})
    elif found:
        print_table(("codebase", "memories"), [(one.name, str(one.memory_count)) for one in found])


def _remember(config: Config, item: RememberItem, *, as_json: bool) -> None:
    from vestige.engine.views import remember_view
    from vestige.errors import VestigeError

    (result,) = with_engine(config, lambda engine: engine.remember_many([item]))
    if isinstance(result, VestigeError):
        raise result
    if as_json:
        print_json(remember_view(result))
        return
    print_line((result.action, "green"), f" {result.id}: {result.reason}")
    print_nearest(result)


def _print_context(found: CodebaseContext) -> None:
    from vestige.engine.orientation_results import RELATION_WORDS

    for memory in found.memories:
        record = memory.record
        print_line(
            (record.node_type, "bold"),
            GAP,
            day(record.created_at),
            GAP,
            (RELATION_WORDS[memory.relation], "cyan"),
            GAP,
            (str(record.id), "dim"),
        )
        print_text(memory.text)
        print_text()


def _note_rest(found: CodebaseContext) -> None:
    if not found.count:
        note("nothing was remembered of this codebase with `vestige codebase`")
    elif found.count > len(found.memories):
        note(f"{len(found.memories):,} of {found.count:,} patterns and decisions are shown")
    if found.left_out:
        note(f"{found.left_out:,} more were chosen, which do not fit into the budget of tokens")
