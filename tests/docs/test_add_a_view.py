"""The how-to about views, followed to the letter: one file, and the command is there."""

import csv
import io
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import bench.views
from bench.render.field_table import fields_table
from bench.store.fields import FIELDS, Field
from bench.views import get_view, view_names

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "add-a-view.md"


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The page's file, in a folder that stands beside those of the built-in views."""
    text = PAGE.read_text(encoding="utf-8")
    name = re.findall(r"`bench/views/(\w+)\.py`", text)[0]
    (tmp_path / f"{name}.py").write_text(re.findall(r"```python\n(.*?)```", text, re.DOTALL)[0])
    monkeypatch.setattr(bench.views, "__path__", [*bench.views.__path__, str(tmp_path)])
    return str(name)


def test_one_file_is_a_command_with_a_screen_and_a_table(
    written: str, run_bench: Callable[..., Any], sample_store: Path
) -> None:
    assert written in view_names()
    screen = run_bench("show", written, "-d", "home", "--store", sample_store)
    assert (screen.code, screen.err) == (0, "")
    assert screen.out.splitlines()[0].split() == ["model", "on", "gap,", "in", "points"]
    table = run_bench("show", written, "-m", "alpha", "--csv", "--store", sample_store)
    rows = list(csv.DictReader(io.StringIO(table.out)))
    assert tuple(rows[0]) == get_view(written).columns
    assert {row["model"] for row in rows} == {"alpha"}
    assert set(rows[0]) <= set(FIELDS)
    assert "how far models overfit" in run_bench("show", "--help").out


def test_an_existing_field_is_shown_by_its_name_in_the_view_alone(
    written: str, run_bench: Callable[..., Any], sample_store: Path
) -> None:
    file = Path(bench.views.__path__[-1]) / f"{written}.py"
    file.write_text(file.read_text().replace('"gap",\n    ),', '"gap",\n        "budget",\n    ),'))
    sys.modules.pop(f"bench.views.{written}", None)
    table = run_bench("show", written, "-m", "alpha", "--csv", "--store", sample_store)
    rows = list(csv.DictReader(io.StringIO(table.out)))
    assert {row["budget"] for row in rows} == {"full"}


def test_a_new_field_is_its_definition_and_the_view(
    written: str,
    run_bench: Callable[..., Any],
    sample_store: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    new = Field(name="letters", type="whole number", summary="letters of the model's name")
    monkeypatch.setitem(FIELDS, "letters", new)
    file = Path(bench.views.__path__[-1]) / f"{written}.py"
    text = file.read_text().replace('"gap",\n    ),', '"gap",\n        "letters",\n    ),')
    rows = 'rows=lambda value: [{"letters": len(row.model)} for row in value],'
    file.write_text(text.replace("    draw=draw,", f"    draw=draw,\n    {rows}"))
    sys.modules.pop(f"bench.views.{written}", None)
    table = run_bench("show", written, "-m", "alpha", "--csv", "--store", sample_store)
    assert {row["letters"] for row in csv.DictReader(io.StringIO(table.out))} == {"5"}
    assert "| `letters` | whole number |  | letters of the model's name |" in fields_table(
        ("letters",)
    )
