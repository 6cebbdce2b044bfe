"""Looking up domains."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vestige.errors import InvalidInputError
from vestige.storage import limits

if TYPE_CHECKING:
    from vestige.models import Domain
    from vestige.storage.protocol import MemoryStore


async def domain(store: MemoryStore, domain_id: str) -> Domain:
    """Return a domain.

    Raises:
        InvalidInputError: the id is unknown.
    """
    limits.check_text("domain_id", domain_id, max_characters=limits.NAME_MAX_CHARACTERS)
    found = await store.get_domain(domain_id)
    if found is None:
        raise InvalidInputError(
            "domain_id",
            f"no domain has the id {domain_id!r}",
            "Look the id up with `vestige domains list`.",
        )
    return found
