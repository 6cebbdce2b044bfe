"""Write the engine that is not async from the one that is: the same methods, which wait.

python tools/sync_engine.py            names the modules that are not up to date
python tools/sync_engine.py --write    writes them

Of each class that `Engine` inherits from, also by way of another one, there is a twin in
`src/vestige/sync`, in a module of the same name; `EngineBase` has one that is written by hand.
"""

from __future__ import annotations

import argparse
import ast
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
SOURCE: Final = ROOT / "src"
ENGINE: Final = SOURCE / "vestige" / "engine" / "engine.py"
BASE: Final = "EngineBase"
SYNC: Final = SOURCE / "vestige" / "sync"

MODULE: Final = '''"""{summary}

Written by `python tools/sync_engine.py --write` from `{source}`.
"""

from __future__ import annotations

{needed_now}
{needed_for_types}

class {name}({bases}):
{docstring}

{methods}
'''
ENGINE_MODULE: Final = '''"""The engine that is not async, in one class.

Written by `python tools/sync_engine.py --write` from `{source}`.
"""

from __future__ import annotations

{imports}


class SyncEngine({names}):
    """Long-term memory like `Engine`, with methods that wait for their answers.

    Several threads may use it at once. Functions that it calls, such as those that are told how far
    a consolidation is, run on its own thread and must not call it.
    """
'''


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """A class that the engine inherits from, the module it is in, and what it inherits from."""

    name: str
    module: str
    bases: tuple[Part, ...]

    @property
    def path(self) -> Path:
        return _path(self.module)

    @property
    def twin(self) -> Path:
        return SYNC / self.path.name

    @property
    def twin_module(self) -> str:
        return f"vestige.sync.{self.path.stem}"


def generated() -> dict[Path, str]:
    """Return what each module of the twin has to be."""
    parts = _parts(ENGINE, "Engine")
    texts: dict[Path, str] = {}
    waiting = [*parts]
    while waiting:
        part = waiting.pop()
        texts[part.twin] = _module(part)
        waiting += part.bases
    texts[SYNC / ENGINE.name] = ENGINE_MODULE.format(
        source=_shown(ENGINE),
        imports="\n".join(f"from {part.twin_module} import {part.name}" for part in parts),
        names=", ".join(part.name for part in parts),
    )
    return {path: _formatted(path, text) for path, text in sorted(texts.items())}


def _parts(path: Path, name: str) -> tuple[Part, ...]:
    """Return what a class inherits from, but for the base of all."""
    tree = _tree(path)
    modules = _imports(tree)
    names = [base.id for base in _class(tree, name).bases if isinstance(base, ast.Name)]
    return tuple(
        Part(name=base, module=modules[base], bases=_parts(_path(modules[base]), base))
        for base in names
        if base != BASE
    )


def _module(part: Part) -> str:
    tree = _tree(part.path)
    source = part.path.read_text(encoding="utf-8").splitlines()
    twin = _class(tree, part.name)
    methods = [
        node
        for node in twin.body
        if isinstance(node, ast.AsyncFunctionDef) and not node.name.startswith("_")
    ]
    modules = _imports(tree) | dict.fromkeys(_defined(tree), part.module)
    defaults = {name for method in methods for name in _names(_defaults(method))}
    types = {name for method in methods for name in _names(_annotations(method))}
    modules |= {"SyncBase": "vestige.sync.parts", "TYPE_CHECKING": "typing"}
    modules |= {base.name: base.twin_module for base in part.bases}
    bases = [base.name for base in part.bases] or ["SyncBase"]
    for_types = _import_lines(types - defaults, modules, "    ")
    needed_now = {*defaults, *bases, *(["TYPE_CHECKING"] if for_types else [])}
    return MODULE.format(
        summary=(ast.get_docstring(tree) or "").splitlines()[0],
        source=_shown(part.path),
        needed_now=_import_lines(needed_now, modules, ""),
        needed_for_types=f"\nif TYPE_CHECKING:\n{for_types}\n" if for_types else "",
        name=twin.name,
        bases=", ".join(bases),
        docstring="\n".join(source[twin.body[0].lineno - 1 : twin.body[0].end_lineno]),
        methods="\n\n".join(_method(method, source) for method in methods),
    )


def _method(method: ast.AsyncFunctionDef, source: list[str]) -> str:
    """Return the signature and docstring as they are, and a call of the async method."""
    arguments = method.args
    if arguments.vararg or arguments.kwarg or arguments.posonlyargs:
        raise SystemExit(f"{method.name}: arguments of this kind cannot be passed on")
    lines = source[method.lineno - 1 : method.body[0].end_lineno]
    given = [argument.arg for argument in arguments.args[1:]]
    given += [f"{argument.arg}={argument.arg}" for argument in arguments.kwonlyargs]
    call = f"self.run(lambda engine: engine.{method.name}({', '.join(given)}))"
    return "\n".join(
        (lines[0].replace("async def", "def", 1), *lines[1:], f"        return {call}")
    )


def _defaults(method: ast.AsyncFunctionDef) -> list[ast.expr]:
    return [
        default
        for default in (*method.args.defaults, *method.args.kw_defaults)
        if default is not None
    ]


def _annotations(method: ast.AsyncFunctionDef) -> list[ast.expr]:
    arguments = (*method.args.args, *method.args.kwonlyargs)
    annotations = [argument.annotation for argument in arguments]
    return [found for found in (*annotations, method.returns) if found is not None]


def _names(expressions: list[ast.expr]) -> set[str]:
    nodes = (node for expression in expressions for node in ast.walk(expression))
    return {node.id for node in nodes if isinstance(node, ast.Name)}


def _imports(tree: ast.Module) -> dict[str, str]:
    """Return the module that each imported name is from."""
    return {
        alias.name: node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }


def _defined(tree: ast.Module) -> set[str]:
    """Return the names that a module defines itself."""
    names: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
    return names


def _import_lines(names: set[str], modules: dict[str, str], indent: str) -> str:
    return "\n".join(
        sorted(f"{indent}from {modules[name]} import {name}" for name in names if name in modules)
    )


def _class(tree: ast.Module, name: str) -> ast.ClassDef:
    return next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name)


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def _path(module: str) -> Path:
    return SOURCE.joinpath(*module.split(".")).with_suffix(".py")


def _shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _formatted(path: Path, text: str) -> str:
    ruff = [sys.executable, "-m", "ruff"]
    for command in (["check", "--select", "I", "--fix", "--quiet"], ["format"]):
        result = subprocess.run(  # noqa: S603  # our own tool, with paths of this project
            [*ruff, *command, "--stdin-filename", str(path), "-"],
            capture_output=True,
            check=True,
            cwd=ROOT,
            input=text,
            text=True,
        )
        text = result.stdout
    return text


def main() -> None:
    """Write the modules, or name those that are not up to date."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--write", action="store_true", help="write src/vestige/sync")
    is_written = bool(parser.parse_args().write)
    texts = generated()
    stale = [
        path
        for path, text in texts.items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    for path in stale:
        if is_written:
            path.write_text(texts[path], encoding="utf-8")
        print(f"{_shown(path)} {'written' if is_written else 'is not up to date'}")
    if stale and not is_written:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
