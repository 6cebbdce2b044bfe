"""`vestige session start`: what an agent should know before it works."""

from __future__ import annotations

from typing import Annotated

import typer

from vestige.cli.options import ConfigOption, DataDirOption, JsonOption, example, split_list
from vestige.cli.output import note, print_json, print_text
from vestige.cli.recall import TokensOption
from vestige.cli.remember import TopicsOption
from vestige.cli.session import configured, with_engine

commands = typer.Typer(help="Begin a session with what an agent should know.")


@commands.callback()
def session_group(*, config_file: ConfigOption = None, data_dir: DataDirOption = None) -> None:
    """Begin a session with what an agent should know."""
    # The options that stand here are taken up by the command: see options.py.
    del config_file, data_dir


@commands.command(
    epilog=example(
        "vestige session start --codebase shop --path src/api/client.py",
        'vestige session start "how do we release?" --topics retries --token-budget 500 --json',
    )
)
def start(
    *,
    queries: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="QUERY", show_default=False, help="What may be needed: up to 10 questions."
        ),
    ] = None,
    codebase: Annotated[
        str | None,
        typer.Option("--codebase", metavar="NAME", help="The codebase that is worked on."),
    ] = None,
    paths: Annotated[
        list[str] | None,
        typer.Option("--path", metavar="PATH", help="A file that is worked on; repeatable."),
    ] = None,
    topics: TopicsOption = None,
    token_budget: TokensOption = None,
    config_file: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print reminders, patterns, decisions and memories that matter now, in few tokens."""
    from vestige.engine.orientation_views import session_view
    from vestige.engine.session_start import SESSION_TOKENS
    from vestige.engine.session_texts import session_text

    found = with_engine(
        configured(config_file, data_dir),
        lambda engine: engine.session_start(
            queries=queries or (),
            codebase=codebase,
            files=paths or (),
            topics=split_list(topics),
            token_budget=token_budget or SESSION_TOKENS,
        ),
    )
    if as_json:
        print_json(session_view(found))
    elif text := session_text(found):
        print_text(text.removesuffix("\n"))
    if found.left_out.notes:
        note(f"{found.tokens} of {found.token_budget} tokens are used, and not all fits into them")
