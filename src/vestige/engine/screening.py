"""Keeping keys, tokens and passwords out of what is remembered; the only place that decides it.

Whatever a person or an agent gives to be stored passes through here before it is embedded, compared
or written, so that a secret reaches neither the model's server nor the store, its index of words,
its changelog or a log.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypeVar, cast

from vestige.cognition.secret_search import find_secrets, without_secrets
from vestige.errors import SecretFoundError
from vestige.models import SecretPlace

if TYPE_CHECKING:
    from collections.abc import Callable

    from vestige.engine.editing import Edit
    from vestige.engine.intentions import IntentionItem
    from vestige.engine.results import ImportText
    from vestige.models import Intention, JsonObject, JsonValue, MemoryRecord, SecretsPolicy

    Screened = TypeVar("Screened", MemoryRecord, Edit, IntentionItem)

# What may hold text, of a memory, a correction and an intention.
FIELDS: Final = (
    "content",
    "node_type",
    "tags",
    "metadata",
    "codebase",
    "event",
    "file_pattern",
    "topic",
)


def screened(
    value: Screened, policy: SecretsPolicy, check: Callable[[Screened], None]
) -> tuple[Screened, tuple[SecretPlace, ...]]:
    """Return what may be stored of a value, and which secrets were taken out of it.

    Args:
        value: a memory without vectors, a correction or an intention, inside the limits.
        policy: what happens to secrets.
        check: refuses what is outside the limits, which a text may be without its secrets.

    Raises:
        SecretFoundError: it holds secrets and the policy is to refuse, or two keys of its metadata
            would be the same without them.
    """
    if policy == "allow":
        return value, ()
    finding = _Finding()
    fields = {
        name: finding.cleaned(name, getattr(value, name))
        for name in FIELDS
        if getattr(value, name, None) is not None
    }
    if not finding.places:
        return value, ()
    if policy == "refuse" or finding.has_equal_keys:
        raise SecretFoundError(finding.places)
    clean = replace(value, **fields)
    check(clean)
    return clean, tuple(finding.places)


def screened_text(field: str, text: str, policy: SecretsPolicy) -> str:
    """Return what may be stored of a text that stands alone: a reason, the type of a link, a name.

    Raises:
        SecretFoundError: it holds secrets and the policy is to refuse.
    """
    if policy == "allow":
        return text
    finding = _Finding()
    clean = finding.text(field, text)
    if finding.places and policy == "refuse":
        raise SecretFoundError(finding.places)
    return clean


def cleaned(text: ImportText, record: MemoryRecord) -> ImportText:
    """Return a text of a file as it was stored, and its place without secrets."""
    place = screened_text("place", text.place, "mask")  # it names headings
    return replace(text, place=place, content=record.content, tags=record.tags)


def texts_of(value: MemoryRecord | Intention) -> JsonObject:
    """Return what may hold text of something that is stored, by the names of its fields."""
    return {
        name: [*item] if isinstance(item, tuple) else cast("JsonValue", item)
        for name in FIELDS
        if (item := cast("object", getattr(value, name, None))) is not None
    }


def places_in(field: str, value: JsonValue) -> list[SecretPlace]:
    """Return the secrets in a text, or in the keys and texts of a JSON value."""
    finding = _Finding()
    finding.cleaned(field, value)
    return finding.places


class _Finding:
    """The secrets found so far, and whether keys would be the same without them."""

    def __init__(self) -> None:
        self.places: list[SecretPlace] = []
        self.has_equal_keys = False

    def cleaned(self, field: str, value: object) -> object:
        """Return a value without the secrets in its texts; of other kinds it comes back as is."""
        if isinstance(value, str):
            return self.text(field, value)
        if isinstance(value, tuple):
            return tuple(self.cleaned(field, item) for item in cast("tuple[object, ...]", value))
        if isinstance(value, list):
            return [self.cleaned(field, item) for item in cast("list[object]", value)]
        if isinstance(value, dict):
            return self._object(field, cast("JsonObject", value))
        return value

    def text(self, field: str, text: str) -> str:
        """Return a text without its secrets, which are added to the places."""
        spans = find_secrets(text)
        line, done = 1, 0
        for span in spans:
            line += text.count("\n", done, span.start)
            done = span.start
            self.places.append(SecretPlace(kind=span.kind, field=field, line=line))
        return without_secrets(text, spans) if spans else text

    def _object(self, field: str, value: JsonObject) -> JsonObject:
        clean = {
            self.text(field, key): cast("JsonValue", self.cleaned(field, item))
            for key, item in value.items()
        }
        self.has_equal_keys |= len(clean) < len(value)
        return clean
