"""An item of LangGraph as a memory, and back.

An item is one memory: its text is what is searched for, its metadata hold namespace, key and value
as they were given, and its tags name each namespace that it is in, the outermost first. Its id
follows from namespace and key, so that an item is found by its id, on every store alike.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, cast
from uuid import UUID, uuid5

from langgraph.store.base import get_text_at_path

from vestige.engine.results import PutItem
from vestige.errors import InvalidInputError
from vestige.storage import limits
from vestige.storage.encoding import json_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vestige.integrations.langgraph.matching import Namespace
    from vestige.models import JsonObject, JsonValue, MemoryRecord

TAG: Final = "langgraph"
METADATA: Final = "langgraph"  # the name under which the metadata of a memory hold an item
WHOLE: Final = "$"  # the path of a value itself
IDS: Final = UUID("2f4f2c5e-8d0b-5a5c-9f35-6c1d7c0a4e11")  # of all items, made up for this
DEPTH_MAX: Final = limits.TAGS_MAX - 1  # labels of a namespace: each is a tag, beside TAG
DIGEST_DIGITS: Final = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """Where an item is: its namespace, and its key there."""

    namespace: Namespace
    key: str


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredItem:
    """What a memory holds of an item, and the memory.

    Attributes:
        address: where it is.
        value: as it was put.
        is_indexed: whether a search looks into it.
        record: the memory.
    """

    address: Address
    value: JsonObject
    is_indexed: bool
    record: MemoryRecord


def memory_id(address: Address, generation: int = 0) -> UUID:
    """Return the id of an item's memory.

    Args:
        address: where the item is.
        generation: how many of its memories were purged, whose ids are never used again.
    """
    labels: list[str | int] = [*address.namespace, address.key]
    return uuid5(IDS, json.dumps([*labels, generation] if generation else labels))


def tag_of(namespace: Namespace) -> str:
    """Return the tag of all items in a namespace and below it: `langgraph:users/ada`."""
    path = "/".join(_escaped(label) for label in namespace)
    tag = f"{TAG}:{path}" if namespace else TAG
    if len(tag) <= limits.TAG_MAX_CHARACTERS:
        return tag
    digest = hashlib.sha256(path.encode("utf-8", "surrogatepass")).hexdigest()[:DIGEST_DIGITS]
    return f"{TAG}:{path[: limits.TAG_MAX_CHARACTERS - DIGEST_DIGITS - 12]}#{digest}"


def put_item(
    item_id: UUID,
    address: Address,
    value: Mapping[str, object],
    *,
    index: Literal[False] | Sequence[str],
) -> PutItem:
    """Return the memory of an item.

    Args:
        item_id: the id of the memory.
        address: where the item is.
        value: a JSON object; tuples become lists.
        index: paths of what is searched for, `$` for all of it; False: nothing of it is embedded
            or found by words, and the text of the memory is the name of the item.

    Raises:
        InvalidInputError: the namespace, the key or the value cannot be stored.
    """
    if not 0 < len(address.namespace) <= DEPTH_MAX:
        raise InvalidInputError("namespace", f"must have 1 to {DEPTH_MAX} labels")
    for label in address.namespace:
        limits.check_text("namespace", label)
    limits.check_text("key", address.key, may_be_empty=True)
    plain = _plain(value)
    json_text("value", plain)
    text = "" if index is False else _text(cast("JsonObject", plain), index)
    kept: JsonObject = {
        "namespace": list(address.namespace),
        "key": address.key,
        "value": plain,
        "is_indexed": bool(text),
    }
    depths = range(len(address.namespace) + 1)
    return PutItem(
        id=item_id,
        content=text or " / ".join((*address.namespace, address.key)),
        tags=tuple(tag_of(address.namespace[:depth]) for depth in depths),
        metadata={METADATA: kept},
    )


def stored_item(record: MemoryRecord) -> StoredItem | None:
    """Return the item of a memory; None for one that was not put by `put_item`."""
    match record.metadata.get(METADATA):
        case {"namespace": list() as labels, "key": str() as key, "value": dict() as value, **rest}:
            namespace = tuple(label for label in labels if isinstance(label, str))
        case _:
            return None
    return StoredItem(
        address=Address(namespace=namespace, key=key),
        value=value,
        is_indexed=rest.get("is_indexed") is True,
        record=record,
    )


def _text(value: JsonObject, paths: Sequence[str]) -> str:
    """Return the texts at the paths, a line each."""
    texts: list[str] = []
    for path in paths:
        texts += [_readable(value)] if path == WHOLE else get_text_at_path(value, path)
    return "\n".join(filter(None, texts)).strip()


def _readable(value: JsonObject) -> str:
    """Return a value as people and embedding models read it: a line for each field."""
    fields = {
        name: field if isinstance(field, str) else json.dumps(field, ensure_ascii=False)
        for name, field in value.items()
    }
    if len(fields) == 1 and isinstance(next(iter(value.values())), str):
        return next(iter(fields.values()))
    return "\n".join(f"{name}: {text}" for name, text in fields.items())


def _plain(value: object) -> JsonValue:
    """Return a value with dicts and lists for what JSON writes as such."""
    if isinstance(value, Mapping):
        items = cast("Mapping[str, object]", value).items()
        return {name: _plain(item) for name, item in items}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in cast("Sequence[object]", value)]
    return cast("JsonValue", value)


def _escaped(label: str) -> str:
    """Return a label without what stands between labels."""
    return label.replace("%", "%25").replace("/", "%2F").replace("#", "%23")
