"""Times as people write them, to aware times in UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from vestige.cli.output import UsageProblem
from vestige.clock import SystemClock

TIME_HELP: Final = "RFC 3339 with a zone, or a date, which means midnight UTC"
AGO_HELP: Final = f"{TIME_HELP}; or how long ago: 12h, 7d, 2w"
AHEAD_HELP: Final = f"{TIME_HELP}; or how long from now: 30m, 12h, 7d, 2w"
EXAMPLES: Final = "2026-01-31, 2026-01-31T10:00:00Z or 2026-01-31T10:00:00+02:00"

_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_TIME: Final = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?(?P<zone>[Zz]|[+-]\d\d:\d\d)?", re.ASCII
)
_SPAN: Final = re.compile(r"(?P<count>\d{1,9})(?P<unit>[mhdw])", re.ASCII)
_UNITS: Final = {
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}


def parse_time(text: str) -> datetime:
    """Return the time that a text names, in UTC.

    Args:
        text: RFC 3339 with a zone, or a date, which means midnight UTC.

    Raises:
        UsageProblem: it is neither, has no zone, or does not exist.
    """
    stripped = text.strip()
    match = _TIME.fullmatch(stripped)
    if match is None and not _DATE.fullmatch(stripped):
        raise UsageProblem(f"{text!r} is no time", f"Write it as {EXAMPLES}.")
    try:
        time = datetime.fromisoformat(stripped.upper())
        if match is None:
            return time.replace(tzinfo=UTC)
        if match["zone"] is None:
            raise UsageProblem(
                f"{text!r} is a time without a zone",
                f"Write {stripped}Z for UTC, or the offset: {stripped}+02:00.",
            )
        return time.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise UsageProblem(f"{text!r} is no time: {error}", f"Write it as {EXAMPLES}.") from error


def parse_time_or_ago(text: str) -> datetime:
    """Return the time that a text names, which may be counted back from now: `12h`, `7d`, `2w`.

    Raises:
        UsageProblem: it is neither, or reaches back before the year 1.
    """
    span = _span(text)
    if span is None:
        return _parse_with_hint(text, "how long ago: 12h, 7d, 2w")
    try:
        return SystemClock().now() - span
    except OverflowError:
        raise UsageProblem(
            f"{text!r} is before the year 1", "Give fewer hours, days or weeks."
        ) from None


def parse_time_or_ahead(text: str) -> datetime:
    """Return the time that a text names, which may be counted from now: `30m`, `12h`, `7d`, `2w`.

    Raises:
        UsageProblem: it is neither, or is after the year 9999.
    """
    span = _span(text)
    if span is None:
        return _parse_with_hint(text, "how long from now: 30m, 12h, 7d, 2w")
    try:
        return SystemClock().now() + span
    except OverflowError:
        raise UsageProblem(
            f"{text!r} is after the year 9999", "Give fewer hours, days or weeks."
        ) from None


def _span(text: str) -> timedelta | None:
    match = _SPAN.fullmatch(text.strip())
    if match is None:
        return None
    try:
        return int(match["count"]) * _UNITS[match["unit"]]
    except OverflowError:
        return timedelta.max


def _parse_with_hint(text: str, span: str) -> datetime:
    try:
        return parse_time(text)
    except UsageProblem as problem:
        if _TIME.fullmatch(text.strip()):
            raise
        raise UsageProblem(problem.message, f"Write it as {EXAMPLES}, or as {span}.") from None
