"""Noticing that the process that started this one is gone."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Final

POLL_SECONDS: Final = 1.0


async def parent_is_gone(parent_id: int) -> None:
    """Return when this process has got another parent than the one it had; on Windows, never.

    A client that is killed closes the standard input of its server, unless another process has
    inherited the other end of it: then the server would stay for ever.
    Asking for the parent is preferred to Linux's PR_SET_PDEATHSIG, which is sent when the *thread*
    ends that started the process, and so would end servers whose client lives.

    Args:
        parent_id: the parent's process id, read as early as possible.
    """
    while sys.platform == "win32" or os.getppid() == parent_id:  # noqa: ASYNC110  # nobody tells
        await asyncio.sleep(POLL_SECONDS)
