"""The house: few rooms, few ways between them, none of them up or in a circle, no long file."""

import ast
import tomllib
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = {
    "bench": ROOT / "bench",
    "bench_plugins": ROOT / "plugins" / "bench_plugins",
    "bench_datasets": ROOT / "datasets" / "bench_datasets",
    "digitbench": ROOT / "digitbench",
}
# Doors of one or two lines, that hold nothing: `python -m bench`, and a name notebooks import.
DOORS = {"bench", "bench.__main__", "bench.discovery"}
ROOMS_MAX = 25
EDGES_MAX = 145
LINES_MAX = 350


@cache
def modules() -> dict[str, Path]:
    found = {}
    for package, folder in PACKAGES.items():
        for path in sorted(folder.rglob("*.py")):
            parts = [package, *path.relative_to(folder).with_suffix("").parts]
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imported(tree: ast.AST) -> Iterator[str]:
    """Yield the modules of ours that a file imports, also within functions and for types alone."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules())
        if isinstance(node, ast.ImportFrom) and node.module:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            yield from names & modules().keys() or {node.module} & modules().keys()


def when_it_runs(tree: ast.AST) -> set[str]:
    """Return the modules of ours that a file imports not for types alone."""
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            node.body = []
    return set(imported(tree))


@cache
def graph(reads: Callable[[ast.AST], Iterable[str]] = imported) -> dict[str, set[str]]:
    return {
        name: set(reads(ast.parse(path.read_text(encoding="utf-8")))) - {name}
        for name, path in modules().items()
    }


def room(module: str) -> str:
    package, _, rest = module.partition(".")
    return f"bench.{rest.split('.')[0]}".rstrip(".") if package == "bench" else package


def edges(reads: Callable[[ast.AST], Iterable[str]] = imported) -> set[tuple[str, str]]:
    pairs = {(room(a), room(b)) for a, targets in graph(reads).items() for b in targets}
    return {(a, b) for a, b in pairs if a != b and not {a, b} & DOORS}


def test_an_import_within_a_function_or_for_types_alone_counts() -> None:
    code = "if TYPE_CHECKING:\n    import bench.spec\ndef f():\n    from bench import config\n"
    assert sorted(imported(ast.parse(code))) == ["bench.config", "bench.spec"]
    assert when_it_runs(ast.parse(code)) == {"bench.config"}


def test_the_house_has_at_most_25_rooms() -> None:
    rooms = {room(module) for module in modules()} - DOORS
    assert len(rooms) <= ROOMS_MAX, sorted(rooms)


def test_no_file_is_longer_than_350_lines() -> None:
    lines = {name: path.read_bytes().count(b"\n") for name, path in modules().items()}
    assert {name: n for name, n in lines.items() if n > LINES_MAX} == {}


def test_at_most_145_ways_lead_from_room_to_room() -> None:
    ways = edges(when_it_runs)
    assert len(ways) <= EDGES_MAX, sorted(ways)


def test_no_circle_of_imports_arises() -> None:
    try:
        TopologicalSorter(graph()).prepare()
    except CycleError as error:
        raise AssertionError(" imports ".join(reversed(error.args[1]))) from error


def test_no_import_runs_up() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = (c for c in settings["tool"]["importlinter"]["contracts"] if "layers" in c)
    level = {
        name.strip(): depth
        for depth, layer in enumerate(contract["layers"])
        for name in layer.split(":")
    }
    inside = {pair for pair in edges() if {*pair} <= level.keys()}
    assert {name for pair in edges() for name in pair} - level.keys() == set(PACKAGES) - {"bench"}
    assert [(a, b) for a, b in sorted(inside) if level[b] < level[a]] == []
