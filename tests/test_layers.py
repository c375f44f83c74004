"""Imports point inwards, without a cycle, and every module has its twin test."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Iterator

import pytest

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "aiproxy"

# From the innermost outwards; a module may import its own layer and all above it,
# but of the three in the third line each knows nothing of the others.
LAYERS = (
    ("errors", "records"),
    ("protocol",),
    ("security", "upstream", "store"),
    ("core",),
    ("web",),
    ("edge",),
)
STRANGERS = {"security", "upstream", "store"}
EDGE = {
    *("config", "log", "serving", "cli", "actions", "launch", "commands", "demo"),
    "__main__",
}
PACKAGES = {"protocol", "security", "upstream", "store", "web", "serving"}

NOT_PURE = {
    "asyncio", "http", "logging", "os", "random", "secrets", "select", "socket",
    "sqlite3", "ssl", "subprocess", "tempfile", "threading", "time", "urllib.request",
}  # fmt: skip
# Who may import what is not ours or opens something.
HOMES = {
    "bcrypt": {"security"},
    "bottle": {"web"},
    "waitress": {"serving"},
    "dataclasses": {"records"},  # slow to start, as is what it imports
}


def modules() -> dict[str, Path]:
    """Dotted name to file, of all of aiproxy."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(p for p in parts if p != "__init__")] = path
    return found


MODULES = modules()


def layer_of(module: str) -> str:
    """The layer that a module of ours belongs to."""
    parts = module.split(".")
    first = parts[1] if len(parts) > 1 else "errors"  # aiproxy itself: the version
    if first in EDGE:
        return "edge"
    return first if first in PACKAGES or first in LAYERS[0] else "core"


def rank(layer: str) -> int:
    return next(number for number, names in enumerate(LAYERS) if layer in names)


def imports_of(path: Path) -> Iterator[tuple[str, bool]]:
    """(module, is it imported when this one runs) for every import in a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing_only = {
        id(child)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for child in ast.walk(node)
    }
    for node in ast.walk(tree):
        runs = id(node) not in typing_only
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, runs
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield (whole if whole in MODULES else node.module), runs


def own_imports(module: str) -> set[str]:
    found = imports_of(MODULES[module])
    return {name for name, runs in found if runs and name in MODULES}


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_its_own_layer_and_those_further_in(module: str) -> None:
    own = layer_of(module)
    for name, _ in imports_of(MODULES[module]):
        if name not in MODULES:
            continue
        other = layer_of(name)
        assert rank(other) <= rank(own), f"{module} imports {name}"
        if own in STRANGERS and other in STRANGERS:
            assert own == other, f"{module} imports {name}"


@pytest.mark.parametrize("module", [m for m in MODULES if layer_of(m) == "protocol"])
def test_the_protocol_opens_nothing_and_knows_no_clock(module: str) -> None:
    imported = {name for name, _ in imports_of(MODULES[module])}
    used = {
        name
        for name in NOT_PURE
        for i in imported
        if i == name or i.startswith(name + ".")
    }

    assert not used


@pytest.mark.parametrize("library", HOMES)
def test_a_library_is_imported_in_one_place(library: str) -> None:
    users = {
        module
        for module, path in MODULES.items()
        for name, _ in imports_of(path)
        if name.split(".")[0] == library
    }
    homes = HOMES[library]

    assert {module.split(".")[1] for module in users} <= homes


def test_no_module_imports_itself_by_way_of_others() -> None:
    graph = {module: own_imports(module) for module in MODULES}
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " -> ".join((*path, module))
        if module in done:
            return
        for other in sorted(graph[module]):
            visit(other, (*path, module))
        done.add(module)

    for module in graph:
        visit(module, ())


# One stream has no life without the pump that carries it: one file tests both.
SHARED_TWINS = {"serving/running.py": "serving/test_pump.py"}


def test_every_module_has_its_twin_test() -> None:
    without = []
    for path in MODULES.values():
        if path.name.startswith("__"):
            continue
        place = path.relative_to(PACKAGE)
        own = place.with_name(f"test_{place.name}").as_posix()
        twin = ROOT / "tests" / SHARED_TWINS.get(place.as_posix(), own)
        if not twin.exists():
            without.append(str(place))

    assert without == []


def test_files_and_functions_stay_readable() -> None:
    """The budgets: a file 400 lines, a function 60."""
    long = []
    for path in MODULES.values():
        text = path.read_text(encoding="utf-8")
        if text.count("\n") > 400:
            long.append(f"{path.name}: {text.count(chr(10))} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                size = (node.end_lineno or node.lineno) - node.lineno + 1
                if size > 60:
                    long.append(f"{path.name}: {node.name} has {size} lines")

    assert long == []
