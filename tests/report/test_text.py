"""Markdown and LaTeX: whole tables, names escaped; and figures as files."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.report.columns import BOARD, names_of
from bench.report.tables import _tex, as_latex, as_markdown
from bench.store.fields import format_value
from bench.store.formats import share


def test_markdown_has_a_row_for_each_row_of_a_board(
    content_of: Callable[..., Any], sample_store: Path
) -> None:
    content = content_of(sample_store)
    text = as_markdown(content)
    for part in content.parts:
        assert f"## {part.board.test_dataset}" in text
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    heads = len(content.parts)
    assert len(lines) == heads + sum(len(part.board.rows) for part in content.parts)
    widths = {line.replace(r"\|", "").count("|") for line in lines}
    assert widths <= {9, 10}
    assert r"\[red\]odd" in text
    assert "\x1b" not in text


def test_latex_escapes_names_and_marks_what_may_be_first(
    content_of: Callable[..., Any], sample_store: Path
) -> None:
    text = as_latex(content_of(sample_store))
    assert text.count(r"\toprule") == text.count(r"\end{table}") == 3
    assert r"\textbf{" in text
    assert "\x1b" not in text
    body = [line for line in text.splitlines() if line.endswith(r"\\")]
    assert all(line.count("&") in (8, 9) for line in body)


@pytest.mark.parametrize("way", ["markdown", "latex"])
def test_every_figure_is_that_of_the_leaderboards_json(
    way: str, reference: Path, content_of: Callable[..., Any], run_bench: Callable[..., Any]
) -> None:
    content = content_of(reference)
    text = as_markdown(content) if way == "markdown" else as_latex(content)
    unmarked = re.sub(r"\*\*|\\textbf\{|[\\}]", "", text)
    ends = ("|",) if way == "markdown" else (r"\\",)
    sign = "|" if way == "markdown" else "&"
    shown = [
        [cell.strip() for cell in bare.strip("| ").split(sign)]
        for line, bare in zip(text.splitlines(), unmarked.splitlines(), strict=True)
        if line.endswith(ends) and re.match(r"[|\s]*[0-9–-]+ ", line)
    ]
    told = json.loads(run_bench("show", "leaderboard", "--json", "--store", reference).out)
    rows = {
        (r["test_dataset"], r["model"], r["variant"], r["train_dataset"]): r
        for r in told
        if r["state"] == "ok"
    }
    assert len(shown) == len(rows)
    figures = [(part, row) for part in content.parts for row in part.rows]
    for cells, (part, row) in zip(shown, figures, strict=True):
        said = rows[row.test_dataset, row.model, row.variant, row.train_dataset]
        digits = part.board.digits
        low, high = (share(said[name], digits) for name in ("accuracy_low", "accuracy_high"))
        found = " ".join(cells)
        assert f"{share(said['accuracy'], digits)}" in found
        assert f"[{low}, {high}]" in found
        last = [format_value(n, said[n], digits=digits) for n in names_of(BOARD)]
        wanted = last if way == "markdown" else [_tex(each).strip("\\") for each in last]
        assert cells[-len(last) :] == [re.sub(r"[\\}]", "", each) for each in wanted]


def test_latex_special_signs_are_written_out() -> None:
    assert _tex(r"a_b & 50 % of {x}^2~$") == (
        r"a\_b \& 50 \% of \{x\}\textasciicircum{}2\textasciitilde{}\$"
    )


def test_text_can_be_printed(run_bench: Callable[..., Any], sample_store: Path) -> None:
    ended = run_bench("report", "--store", sample_store, "--md", "-")
    assert ended.code == 0
    assert ended.out.startswith("# ")
    assert "wrote" not in ended.out


def test_figures_are_written_in_three_formats_and_the_same_again(
    run_bench: Callable[..., Any], sample_store: Path, tmp_path: Path
) -> None:
    for folder in ("a", "b"):
        ended = run_bench(
            "report", "--store", sample_store, "--figures", tmp_path / folder, "-d", "home"
        )
        assert ended.code == 0, ended.err
    first = sorted((tmp_path / "a").iterdir())
    assert {path.suffix for path in first} == {".svg", ".png", ".pdf"}
    assert {path.stem for path in first} >= {"home-accuracy", "home-confusions", "home-size"}
    assert [p.read_bytes() for p in first] == [
        p.read_bytes() for p in sorted((tmp_path / "b").iterdir())
    ]
    again = run_bench("report", "--store", sample_store, "--figures", tmp_path / "a")
    assert again.code == 2
    assert "--force" in again.err


_PLUGIN = """
from pathlib import Path
from bench import ReporterSpec, hookimpl

def write(views, path):
    lines = [f"{n}: {len(v.records)} rows of {len(v.columns)}" for n, v in views.items()]
    Path(path).write_text("\\n".join(lines))

def fail(views, path):
    raise RuntimeError("no paper left")

@hookimpl
def bench_register_reporters(register):
    register(ReporterSpec(name="counts", summary="how many rows", write=write))
    register(ReporterSpec(name="jammed", summary="fails", write=fail))
"""


@pytest.fixture
def with_reporters(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(_PLUGIN)
    (tmp_path / "bench.toml").write_text('plugins = ["mine.py"]\n')


@pytest.mark.usefixtures("with_reporters")
def test_a_plugins_reporter_gets_the_computed_views(
    run_bench: Callable[..., Any], sample_store: Path, tmp_path: Path
) -> None:
    ended = run_bench("report", "--store", sample_store, "--format", "counts=out/counts.txt")
    assert ended.code == 0, ended.err
    told = dict(line.split(": ") for line in (tmp_path / "out/counts.txt").read_text().splitlines())
    assert told["leaderboard"].startswith("13 rows of 28") or "rows of 28" in told["leaderboard"]
    assert "matrix" in told


@pytest.mark.usefixtures("with_reporters")
def test_a_reporter_that_fails_is_named(run_bench: Callable[..., Any], sample_store: Path) -> None:
    ended = run_bench("report", "--store", sample_store, "--format", "jammed=x")
    assert ended.code == 2
    assert "reporter 'jammed' failed" in ended.err
    assert "no paper left" in ended.err
