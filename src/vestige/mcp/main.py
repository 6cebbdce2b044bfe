"""The program `vestige-mcp`: the MCP server on standard input and output."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

from vestige.config import load_config
from vestige.errors import ConfigError
from vestige.mcp.watchdog import parent_is_gone
from vestige.telemetry.extras import check_telemetry
from vestige.telemetry.logs import configure_logging
from vestige.telemetry.starting import telemetry

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

    from vestige.config import Config

DESCRIPTION: Final = (
    "Long-term memory for AI agents, as an MCP server on standard input and output. "
    "It is started by an MCP client, not by hand."
)
EXAMPLE: Final = "example: claude mcp add vestige -- vestige-mcp --data-dir ~/.vestige"
EXIT_USAGE: Final = 2

logger = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until the client goes away or a signal ends it, and exit.

    Args:
        arguments: those of the command line by default.
    """
    parent_id = os.getppid()  # first, so that a parent which dies from here on is missed
    # Until it is served, an interrupt ends the process at once instead of with a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    options = _parser().parse_args(arguments)
    try:
        config = load_config(options.config, options.data_dir, os.environ)
        check_telemetry(config.telemetry)
    except ConfigError as error:
        print(f"error: {error}\nhint: {error.hint}", file=sys.stderr)  # noqa: T201  # not a log
        sys.exit(EXIT_USAGE)
    configure_logging(config.logging)
    asyncio.run(_serve(config, parent_id))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="vestige-mcp", description=DESCRIPTION, epilog=EXAMPLE, allow_abbrev=False
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="the vestige.toml to read")
    parser.add_argument("--data-dir", type=Path, metavar="FOLDER", help="default: ~/.vestige")
    parser.add_argument("--version", action="version", version=f"vestige-mcp {version('vestige')}")
    return parser


async def _serve(config: Config, parent_id: int) -> NoReturn:
    """Serve until standard input ends, a signal arrives, or the parent is gone."""
    from vestige.mcp.memory_handle import MemoryHandle  # noqa: PLC0415  # the SDK costs .5 s, ...
    from vestige.mcp.server import build_server  # noqa: PLC0415  # ... which --help need not wait

    handle = MemoryHandle(config)
    with telemetry(config.telemetry, is_server=True):
        serving = asyncio.create_task(build_server(config, handle).run_stdio_async())
        endings = {
            serving,
            asyncio.create_task(_signal_arrives()),
            asyncio.create_task(parent_is_gone(parent_id)),
        }
        done, _ = await asyncio.wait(endings, return_when=asyncio.FIRST_COMPLETED)
        await handle.close()
        error = serving.exception() if serving in done else None
        if error is not None:
            logger.error("the server has failed", exc_info=error)
    # Without going back to asyncio.run, which would wait for the threads.
    _exit(0 if error is None else 1)


async def _signal_arrives() -> None:
    arrived = asyncio.Event()
    loop = asyncio.get_running_loop()

    def note(_number: int, _frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(arrived.set)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, note)  # Windows has no loop.add_signal_handler
    await arrived.wait()


def _exit(status: int) -> NoReturn:
    """End the process without waiting for its threads.

    One waits for standard input, which nothing but input can end; others may be embedding a long
    text or waiting for a locked file. A write is a transaction, so none of them leaves a half.
    """
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
