"""Write docs/reference/python-signatures.md from the signatures and docstrings of the code.

python tools/reference.py            prints the page
python tools/reference.py --write    writes it

The page holds every name of `vestige.__all__` and every value that their signatures mention.
"""

from __future__ import annotations

import argparse
import enum
import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from importlib import import_module
from pathlib import Path
from typing import Final, cast

import vestige
from vestige.integrations.langgraph import VestigeStore

ROOT: Final = Path(__file__).resolve().parent.parent
PAGE: Final = ROOT / "docs" / "reference" / "python-signatures.md"
WIDTH: Final = 96
# Where the values are that a signature may mention without being in `vestige.__all__`.
MODULES_OF_VALUES: Final = (
    "vestige.models",
    "vestige.embedding.protocol",
    "vestige.cognition.ingest_gate",
    "vestige.engine.codebase",
    "vestige.engine.fitting",
    "vestige.engine.intentions",
    "vestige.engine.orientation_results",
    "vestige.engine.parts",
    "vestige.engine.results",
    "vestige.engine.session_results",
    "vestige.engine.upkeep_results",
)
ENTRY: Final = re.compile(r"^    (?P<names>[\w*][\w*, ]*): (?P<text>.+)$")
CLASS_NAME: Final = re.compile(r"\b[A-Z]\w+")
HEAD: Final = """\
# Signatures

After reading this page you know how each public name of Python is called, and what its values hold.

Written by `python tools/reference.py --write` from the code; a test compares the two.
[Python API](python-api.md) says in fewer words what there is.

- The methods of `Engine` are awaited; those of `SyncEngine` have the same arguments without that.
- Values are frozen, and made with keywords only; times have to be aware.
- Every error is a `VestigeError`; [Errors](errors.md) has all of them.
"""

Function = Callable[..., object]


@dataclass(frozen=True, kw_only=True, slots=True)
class Documented:
    """A docstring taken apart: its first sentence, and its sections of named entries."""

    summary: str
    entries: dict[str, list[tuple[str, str]]]


def page() -> str:
    """Return the whole page."""
    parts = [HEAD, "\n## Opening\n"]
    parts += [_function(name) for name in ("open", "open_engine", "open_store", "load_config")]
    parts += ["\n## `Engine`\n", *_methods(vestige.Engine)]
    parts += ["\n## What `SyncEngine` has besides\n", *_own_methods_of_the_sync_engine()]
    parts += ["\n## Values\n", *(_value(kind) for kind in _values())]
    parts += ["\n## Stores\n", _section("SqliteStore.open", vestige.SqliteStore.open)]
    parts += [_section("VestigeStore", VestigeStore, VestigeStore.__doc__), _contract()]
    return "".join(parts)


def signature(name: str, function: object) -> str:
    """Return the call of a function as a stub would say it, on as many lines as it needs."""
    found = inspect.signature(cast("Function", function))
    arguments = list(_arguments(found))
    result = _annotation(found.return_annotation)
    ending = f") -> {result}" if result else ")"
    line = f"{name}({', '.join(arguments)}{ending}"
    if len(line) <= WIDTH:
        return line
    return "\n".join((f"{name}(", *(f"    {argument}," for argument in arguments), ending))


def documented(text: str | None) -> Documented:
    """Take a docstring in the style of Google apart."""
    summary, _, rest = inspect.cleandoc(text or "").partition("\n")
    entries: dict[str, list[tuple[str, str]]] = {}
    section = ""
    for line in rest.splitlines():
        if line.endswith(":") and not line.startswith(" "):
            section = line.removesuffix(":")
            entries[section] = []
        elif section and (match := ENTRY.match(line)):
            entries[section].append((match["names"], match["text"]))
        elif section and entries[section] and line.startswith("     "):
            name, known = entries[section][-1]
            entries[section][-1] = (name, f"{known} {line.strip()}")
    return Documented(summary=summary, entries=entries)


def _function(name: str) -> str:
    return _section(name, cast("object", getattr(vestige, name)))


def _section(name: str, called: object, text: str | None = None) -> str:
    of_it = documented(text or inspect.getdoc(called))
    block = f"```pyi\n{signature(name, called)}\n```\n"
    return f"\n### `{name}`\n\n{of_it.summary}\n\n{block}{_lists(of_it)}"


def _lists(of_it: Documented) -> str:
    lists = [
        f"\n{title}:\n\n" + "".join(f"- {_names(names)}: {text}\n" for names, text in entries)
        for title, entries in of_it.entries.items()
        if entries and title in {"Args", "Attributes", "Raises"}
    ]
    return "".join(lists)


def _names(names: str) -> str:
    return ", ".join(f"`{name.strip()}`" for name in names.split(","))


def _methods(kind: type) -> Iterator[str]:
    for name, member in sorted(_members(kind).items()):
        if isinstance(member, property):
            of_it = documented(member.__doc__)
            block = f"```pyi\n{name}: {_result(member)}\n```\n"
            yield f"\n### `{name}`\n\n{of_it.summary}\n\n{block}"
        else:
            yield _section(name, member)


def _contract() -> str:
    members = sorted(_members(vestige.MemoryStore).items())
    block = "\n".join(signature(name, member) for name, member in members)
    return (
        "\n### `MemoryStore`\n\n"
        "All methods are awaited; `src/vestige/storage/protocol.py` says what they do.\n\n"
        f"```pyi\n{block}\n```\n"
    )


def _members(kind: type) -> dict[str, object]:
    return {
        name: member
        for base in reversed(kind.__mro__[:-1])
        for name, member in vars(base).items()
        if not name.startswith("_") and (inspect.isfunction(member) or isinstance(member, property))
    }


def _own_methods_of_the_sync_engine() -> Iterator[str]:
    known = _members(vestige.Engine)
    for name, member in sorted(_members(vestige.SyncEngine).items()):
        if name not in known and not isinstance(member, property):
            yield _section(name, member)


def _values() -> list[type]:
    """Return the values of the API and those that they or the methods mention, by name."""
    known = _known_values()
    found: set[str] = set()
    waiting = known.keys() & {*vestige.__all__, *_mentioned_by_methods()}
    while waiting:
        name = waiting.pop()
        found.add(name)
        waiting |= (known.keys() & CLASS_NAME.findall(_class_block(known[name]))) - found
    return [known[name] for name in sorted(found)]


def _known_values() -> dict[str, type]:
    spaces = [vars(import_module(name)) for name in MODULES_OF_VALUES]
    spaces.append({name: cast("object", getattr(vestige, name)) for name in vestige.__all__})
    return {
        name: value
        for space in spaces
        for name, value in cast("dict[str, object]", space).items()
        if isinstance(value, type)
        and value.__module__.startswith("vestige.")
        and (is_dataclass(value) or issubclass(value, enum.Enum))
    }


def _mentioned_by_methods() -> list[str]:
    kinds = (vestige.Engine, vestige.MemoryStore)
    texts = [
        signature(name, member)
        for kind in kinds
        for name, member in _members(kind).items()
        if not isinstance(member, property)
    ]
    return sorted(set(CLASS_NAME.findall("\n".join(texts))))


def _result(member: property) -> str:
    return _annotation(inspect.signature(cast("Function", member.fget)).return_annotation)


def _value(kind: type) -> str:
    of_it = documented(kind.__doc__)
    head = f"\n### `{kind.__name__}`\n\n{of_it.summary}\n"
    return f"{head}{_place(kind)}\n```pyi\n{_class_block(kind)}\n```\n{_lists(of_it)}"


def _place(kind: type) -> str:
    if kind.__name__ in vestige.__all__:
        return ""
    modules = (name for name in MODULES_OF_VALUES if hasattr(import_module(name), kind.__name__))
    return f"It is in `{next(modules)}`.\n"


def _class_block(kind: type) -> str:
    lines = _members_of_enum(kind) if enum.Enum in kind.__mro__ else _fields_of_value(kind)
    base = "" if kind.__base__ in {None, object} else f"({kind.__mro__[1].__name__})"
    return "\n".join((f"class {kind.__name__}{base}:", *(f"    {line}" for line in lines)))


def _members_of_enum(kind: type) -> list[str]:
    members = cast("type[enum.Enum]", kind)
    return [f"{member.name} = {_literal(cast('object', member.value))}" for member in members]


def _fields_of_value(kind: type) -> list[str]:
    lines = [_field(field) for field in fields(cast("type[vestige.MemoryEdge]", kind))]
    return lines + [f"{name}: {result}  # computed" for name, result in _computed(kind)]


def _field(field: Field[object]) -> str:
    start = f"{field.name}: {_annotation(cast('object', field.type))}"
    if field.default is not MISSING:
        return f"{start} = {_default(field.default)}"
    if field.default_factory is not MISSING:
        return f"{start} = {_default(field.default_factory())}"
    return start


def _computed(kind: type) -> Iterator[tuple[str, str]]:
    for name, member in sorted(vars(kind).items()):
        if isinstance(member, property):
            yield name, _result(member)


def _arguments(found: inspect.Signature) -> Iterator[str]:
    is_starred = False
    for parameter in found.parameters.values():
        if parameter.name == "self":
            continue
        if parameter.kind is parameter.KEYWORD_ONLY and not is_starred:
            is_starred = True
            yield "*"
        annotation = _annotation(cast("object", parameter.annotation))
        text = f"{parameter.name}: {annotation}" if annotation else parameter.name
        if parameter.default is parameter.empty:
            yield text
        else:
            yield f"{text} = {_default(cast('object', parameter.default))}"


def _default(value: object) -> str:
    if isinstance(value, enum.Enum):
        return f"{type(value).__name__}.{value.name}"
    if inspect.isfunction(value):
        return value.__name__
    return _literal(value)


def _literal(value: object) -> str:
    return repr(value).replace("'", '"')


def _annotation(annotation: object) -> str:
    if annotation is inspect.Signature.empty:
        return ""
    return annotation if isinstance(annotation, str) else str(annotation)


def main() -> None:
    """Print the page or write it."""
    parser = argparse.ArgumentParser(description="Write the page of signatures.")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.relative_to(ROOT)}")
    if parser.parse_args().write:
        PAGE.write_text(page(), encoding="utf-8")
    else:
        print(page(), end="")


if __name__ == "__main__":
    main()
