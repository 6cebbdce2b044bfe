"""Logging to standard error, the same for the command line and the server."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, TextIO, cast

from vestige.telemetry.slow import log_slow

if TYPE_CHECKING:
    from vestige.config import LoggingSettings

# What every record has; anything else on it was given as `extra`, and is a field.
STANDARD: Final = frozenset(
    {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"}  # the last from 3.12 on
)
PLAIN_TYPES: Final = (str, int, float, bool, type(None))


class JsonFormatter(logging.Formatter):
    """One JSON object per line, with the fields that were given as `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, object] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_fields(record),
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False)


class TextFormatter(logging.Formatter):
    """One line for people, the fields at its end as `name=value`; an exception on lines below."""

    def format(self, record: logging.LogRecord) -> str:
        message = f"{_time(record)} {record.levelname} {record.name}: {record.getMessage()}"
        given = (f"{name}={_shown(value)}" for name, value in _fields(record).items())
        line = " ".join((message, *given))
        if record.exc_info:
            return f"{line}\n{self.formatException(record.exc_info)}"
        return line


class StandardErrorHandler(logging.StreamHandler[TextIO]):
    """Writes to what is standard error at that moment; standard output belongs to the program."""

    def __init__(self) -> None:
        super().__init__(sys.stderr)

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = cast("TextIO", sys.stderr)
        # Without standard error (`2>&-`) Python has no stream at all.
        if cast("TextIO | None", sys.stderr) is not None:
            super().emit(record)


def configure_logging(settings: LoggingSettings) -> None:
    """Log at the configured level and in the configured form; a second call replaces the first."""
    root = logging.getLogger()
    for handler in tuple(root.handlers):
        if isinstance(handler, StandardErrorHandler):
            root.removeHandler(handler)
    handler = StandardErrorHandler()
    handler.setFormatter(JsonFormatter() if settings.format == "json" else TextFormatter())
    root.addHandler(handler)
    root.setLevel(settings.level.upper())
    log_slow(settings.slow_ms)


def _time(record: logging.LogRecord) -> str:
    """Return when it was logged, in UTC to the millisecond, as ISO 8601 has it."""
    created = datetime.fromtimestamp(record.created, UTC)
    return f"{created:%Y-%m-%dT%H:%M:%S}.{created.microsecond // 1000:03}Z"


def _fields(record: logging.LogRecord) -> dict[str, object]:
    return {
        name: value if isinstance(value, PLAIN_TYPES) else str(value)
        for name, value in vars(record).items()
        if name not in STANDARD
    }


def _shown(value: object) -> str:
    text = str(value)
    is_plain = bool(text) and text.isprintable() and not any(char in text for char in ' "=')
    return text if is_plain else json.dumps(text, ensure_ascii=False)
