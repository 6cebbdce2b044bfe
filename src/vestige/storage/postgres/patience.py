"""Work that locks whole tables: it waits for moments only, and is tried again later.

Whoever waits for a lock holds up all who come after, also those who only read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Concatenate, Final, ParamSpec, TypeVar

from tenacity import (
    AsyncRetrying,
    retry_if_exception_type,
    stop_after_delay,
    wait_random_exponential,
)

from vestige.errors import TableBusyError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from vestige.storage.postgres.connection import Database, Session

P = ParamSpec("P")
T = TypeVar("T")

BUSY_SECONDS: Final = 60.0  # for which a table that others use is tried again
LONGEST_WAIT_SECONDS: Final = 1.0  # between two tries

# Only writers wait for this one, so it may take so long that the server ends an autovacuum, which
# it does after a second.
PATIENTLY: Final = "SET LOCAL lock_timeout = '2500ms'"
LOCK_WRITERS_OUT: Final = "LOCK TABLE knowledge_nodes IN SHARE ROW EXCLUSIVE MODE"
# Less than the second after which the server looks for a deadlock, and fails one of the two.
IMPATIENTLY: Final = "SET LOCAL lock_timeout = '200ms'"


async def write_when_free(
    database: Database,
    function: Callable[Concatenate[Session, P], Awaitable[T]],
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    """Run a function as `Database.write` does, until the tables that it locks are free.

    Raises:
        TableBusyError: others used them all the time.
    """
    return await AsyncRetrying(
        retry=retry_if_exception_type(TableBusyError),
        stop=stop_after_delay(BUSY_SECONDS),
        wait=wait_random_exponential(multiplier=0.02, max=LONGEST_WAIT_SECONDS),
        reraise=True,
    )(database.write, function, *args, **kwargs)


async def lock_writers_out(session: Session) -> None:
    """Let those who write memories wait until the transaction ends; readers go on."""
    await session.db.run(PATIENTLY)
    await session.db.run(LOCK_WRITERS_OUT)
    await session.db.run(IMPATIENTLY)
