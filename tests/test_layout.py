"""The house is laid out as it says: imports go one way, modules are small, what is public says what it is."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

#: Package → those of ours that it may import.
MAY_IMPORT = {"rules": set(), "detectors": {"rules"}, "streams": {"detectors", "rules"}}
OURS = {*MAY_IMPORT, "console", "benchmarks", "deploy", "tests"}

MODULES = sorted(path for package in MAY_IMPORT for path in (ROOT / package).rglob("*.py"))

#: Lines of a module: more than the first is said, more than the second refused.
LONG, TOO_LONG = 400, 500

#: Names that say all there is to say: the registry rows of the simulated county.
TRIVIAL = {
    "streams/simulate/registry.py": {"institution", "practitioners", "catalogue", "death"},
}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imported(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and top-level package of every import, wherever it stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name.partition(".")[0]) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: a relative import"
            yield node.lineno, (node.module or "").partition(".")[0]


def public(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    """Functions and classes of a module that others may use.

    Not the scenes of the simulator (`@script.fraud()` and its like): nobody calls them by name, and the name is
    their sentence.
    """
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) or node.name[0] == "_":
            continue
        if not any(ast.unparse(one).startswith("script.") for one in node.decorator_list):
            yield node


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_go_one_way(path: Path) -> None:
    package = path.relative_to(ROOT).parts[0]
    forbidden = OURS - MAY_IMPORT[package] - {package}
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = [
        f"{name_of(path)}:{line}: {package} imports {name}"
        for line, name in imported(tree)
        if name in forbidden
    ]
    assert not found, "\n".join(found)


def test_modules_are_small() -> None:
    lengths = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    for name, length in lengths.items():
        if length > LONG:
            print(f"{name} has {length} lines")
    too_long = {name: length for name, length in lengths.items() if length > TOO_LONG}
    assert not too_long, f"more than {TOO_LONG} lines: {too_long}"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_what_is_public_says_what_it_is(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    silent = [
        f"{name_of(path)}:{node.lineno}: {node.name}"
        for node in public(tree)
        if not ast.get_docstring(node) and node.name not in TRIVIAL.get(name_of(path), ())
    ]
    if path.name != "__main__.py" and not ast.get_docstring(tree):
        silent.append(f"{name_of(path)}: the module")
    assert not silent, "\n".join(silent)
