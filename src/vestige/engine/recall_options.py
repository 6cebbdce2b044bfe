"""What a recall is narrowed to, and how it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vestige.errors import InvalidInputError
from vestige.storage import limits

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class RecallFilter:
    """What a recall is narrowed to; the lists mean any of, the times are of creation."""

    tags: tuple[str, ...] = ()
    node_types: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    codebase: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    min_retrievability: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class RecallOptions:
    """How a recall answers.

    Attributes:
        as_of: what was known at this time, aware, and held then; by default now. Contents are those
            of today: what was edited since is not taken back.
        include_superseded: also what another memory has replaced, and what holds no longer, each
            below what took its place.
        include_suppressed: also what was hidden.
        token_budget: tokens of a language model that the contents may cost, 1 or more, estimated;
            the last content is cut where it has to be. None for no bound.
        shown_characters: how much of each content will be shown and so counts for the budget.
        reinforce: count a review rated good for each memory that is returned. Without it a recall
            writes nothing.
    """

    as_of: datetime | None = None
    include_superseded: bool = False
    include_suppressed: bool = False
    token_budget: int | None = None
    shown_characters: int | None = None
    reinforce: bool = False


def check_options(options: RecallOptions) -> None:
    """Refuse a time without a zone and a number that is not 1 or more.

    Raises:
        InvalidInputError: names the option.
    """
    if options.as_of is not None:
        limits.check_time("as_of", options.as_of)
    for name in ("token_budget", "shown_characters"):
        number: object = getattr(options, name)
        if number is None:
            continue
        if isinstance(number, bool) or not isinstance(number, int) or number < 1:
            raise InvalidInputError(name, f"must be a whole number of 1 or more, not {number}")
