"""The schemas of tools in few bytes, because a model reads them in every session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from vestige.models import JsonObject, JsonValue

# An error has these, too, and some clients check an error against the schema of the result.
ALWAYS_THERE: Final[list[JsonValue]] = ["store", "scope"]
# Defaults of arguments that mean "not given".
NO_VALUES: Final[tuple[JsonValue, ...]] = (None, "", [], False)

NEVER_WANTED: Final = frozenset({"$defs", "title"})
NOT_WANTED_IN_RESULTS: Final = NEVER_WANTED | {"default", "required"}
# What is in a list or an object shows in each of them; to say it before would cost a quarter of all
# bytes.
FLAT: Final = ("type", "enum", "description")


def input_schema(schema: JsonObject) -> JsonObject:
    """Return the schema of arguments, which allows none that it does not name."""
    return {**_compact(schema, schema, NEVER_WANTED), "additionalProperties": False}


def output_schema(schema: JsonObject) -> JsonObject:
    """Return the schema of a result, which requires only what an error has, too."""
    whole = _compact(schema, schema, NOT_WANTED_IN_RESULTS)
    fields = cast("dict[str, JsonObject]", whole["properties"])
    flat: JsonObject = {
        name: {key: field[key] for key in FLAT if key in field} for name, field in fields.items()
    }
    return {**whole, "properties": flat, "required": ALWAYS_THERE}


def _compact(part: JsonObject, whole: JsonObject, unwanted: frozenset[str]) -> JsonObject:
    """Write a part of a schema without references, alternatives to null and unwanted keys."""
    reference = part.get("$ref")
    if isinstance(reference, str):
        definitions = cast("dict[str, JsonObject]", whole["$defs"])
        return _compact(definitions[reference.removeprefix("#/$defs/")], whole, unwanted)
    alternatives = cast("list[JsonObject]", part.get("anyOf", []))
    values = [option for option in alternatives if option.get("type") != "null"]
    if len(values) == 1:
        others = {key: value for key, value in part.items() if key != "anyOf"}
        return _compact({**values[0], **others}, whole, unwanted)
    return {
        key: _compact_value(key, value, whole, unwanted)
        for key, value in part.items()
        if key not in unwanted
        and not (key == "default" and value in NO_VALUES)
        # What describes an object is the docstring of its class, which is for us.
        and not (key == "description" and "properties" in part)
        and not (key == "additionalProperties" and value is True)
    }


def _compact_value(
    key: str, value: JsonValue, whole: JsonObject, unwanted: frozenset[str]
) -> JsonValue:
    if not isinstance(value, dict):
        return value
    if key == "properties":
        parts = cast("dict[str, JsonObject]", value)
        return {name: _compact(part, whole, unwanted) for name, part in parts.items()}
    return _compact(value, whole, unwanted)
