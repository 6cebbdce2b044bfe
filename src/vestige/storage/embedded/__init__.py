"""A private PostgreSQL with pgvector: what `[storage.postgres] url = "embedded"` means.

The processes of one user that use the same data dir share one server. The first to come starts it
and the last to leave stops it, also when that one is killed: a small watchdog sees to it.
"""

from __future__ import annotations

import sys

from vestige.errors import ConfigError

if sys.platform == "win32":  # which has neither the locks nor the sockets that this is built on
    raise ConfigError(
        'url = "embedded" does not work on Windows',
        "Use SQLite, or give the url of a PostgreSQL server in [storage.postgres].",
    )

from vestige.storage.embedded.server import EmbeddedServer, start
from vestige.storage.embedded.status import ServerStatus, status

__all__ = ["EmbeddedServer", "ServerStatus", "start", "status"]
