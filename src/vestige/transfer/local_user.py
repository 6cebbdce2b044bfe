"""The local user, which every store has of its own, takes over what is known of it elsewhere."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING

from vestige.models import LOCAL_USER_ID, TransferTable, User
from vestige.storage.row_objects import LOCAL_USER
from vestige.transfer.copy_plan import BATCH_ROWS
from vestige.transfer.pages import pages_of

if TYPE_CHECKING:
    from vestige.models import TransferRow
    from vestige.storage.protocol import MemoryStore
    from vestige.transfer.copy_plan import RowSource


def is_local(row: TransferRow) -> bool:
    """Say whether a row is the local user."""
    return isinstance(row, User) and row.id == LOCAL_USER_ID


async def local_user_of(source: RowSource) -> User | None:
    """Return what a source says of the local user, None when it has none."""
    found: User | None = None
    async with aclosing(pages_of(source, TransferTable.USERS, BATCH_ROWS)) as pages:
        # To the end: a file goes on with the next page, which is read ahead, on another thread.
        async for page in pages:
            for row in page.rows:
                if isinstance(row, User) and is_local(row):
                    found = row
    return found


async def take_local_user(store: MemoryStore, user: User) -> bool:
    """Say of the local user what another store says, unless the store says something itself.

    Returns:
        Whether anything was written.

    Raises:
        InvalidInputError: the handle is taken.
    """
    known = await store.get_user(LOCAL_USER_ID)
    if known is None:
        return False
    untouched = replace(LOCAL_USER, created_at=known.created_at)
    wanted = replace(user, created_at=known.created_at)
    if known != untouched or wanted == known:
        return False
    await store.upsert_user(wanted)
    return True
