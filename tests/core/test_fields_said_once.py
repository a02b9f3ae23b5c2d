"""A field is said once: no file but the registry and a table's columns names one in quotes."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.board.rows import Row
from bench.store.fields import FIELDS
from bench.store.record import EvaluationRecord, TrialRecord
from bench.views import VERBS, get_view, view_names

BENCH = Path(__file__).parents[2] / "bench"
NAMES = {name for name in Row.__struct_fields__ if "_" in name}
REGISTRIES = {
    "store/fields.py": "the registry of fields",
    "scoring/metrics.py": "the registry of metrics: a row holds some under their own names",
}
NO_FIELDS = {
    ("planning/evaluations.py", "test_dataset"): "a key of a transform, part of stored ids",
    ("board/summary.py", "balanced_accuracy"): "a metric's name",
    ("board/summary.py", "macro_f1"): "a metric's name",
}


def names_in(tree: ast.AST) -> Iterator[str]:
    """Yield the fields' names in quotes that no ``columns=``, ``takes=`` or ``__all__`` holds."""
    allowed: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg in ("columns", "takes"):
            allowed |= {id(each) for each in ast.walk(node.value)}
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            allowed |= {id(each) for each in ast.walk(node.value)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and node.value in NAMES and id(node) not in allowed:
            yield str(node.value)


def test_a_name_in_quotes_is_found_and_a_column_is_none() -> None:
    tree = ast.parse("x = row['train_dataset']\nView(columns=('train_dataset',))\n")
    assert list(names_in(tree)) == ["train_dataset"]


def test_no_field_is_named_in_quotes_but_in_the_registry_and_in_columns() -> None:
    found = []
    for path in sorted(BENCH.rglob("*.py")):
        file = path.relative_to(BENCH).as_posix()
        if file in REGISTRIES:
            continue
        names = names_in(ast.parse(path.read_text(encoding="utf-8")))
        found += [(file, name) for name in names if (file, name) not in NO_FIELDS]
    assert found == []


@pytest.mark.parametrize("name", [pytest.param(name, id=name) for name in (*view_names(), *VERBS)])
def test_every_column_of_a_view_is_in_the_registry(name: str) -> None:
    view = get_view(name)
    assert [each for each in view.columns if each not in view.fields] == []


def test_every_field_of_rows_and_records_is_in_the_registry() -> None:
    own = {"identity", "machine"}
    for struct in (Row, TrialRecord, EvaluationRecord):
        unknown = [name for name in struct.__struct_fields__ if name not in FIELDS]
        assert [name for name in unknown if name not in own] == []
