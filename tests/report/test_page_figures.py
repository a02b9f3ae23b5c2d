"""Every figure of the page is the one that its view gives as JSON: each table, and the numbers."""

import base64
import gzip
import json
import math
from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path
from statistics import fmean
from typing import Any

import html5lib
import pytest

from bench.render.console import clean

NAMESPACE = "{http://www.w3.org/1999/xhtml}"
Row = dict[str, Any]


class Page:
    """The page's tables as records, and its numbers."""

    def __init__(self, path: Path) -> None:
        self.tree = html5lib.HTMLParser(strict=True).parse(path.read_text("utf-8"))

    def tables(self) -> Iterator[tuple[str, list[dict[str, str]]]]:
        for table in self.tree.iter(NAMESPACE + "table"):
            name = table.get("data-table")
            if name:
                yield name, list(self._records(table))

    def _records(self, table: Any) -> Iterator[dict[str, str]]:
        names = [each.get("data-name") for each in _cells(next(table.iter(NAMESPACE + "tr")))]
        for row in table.find(NAMESPACE + "tbody").iter(NAMESPACE + "tr"):
            cells = _cells(row)
            yield {n: c.get("data-v") for n, c in zip(names, cells, strict=True) if n}

    @property
    def numbers(self) -> list[Row]:
        (held,) = [
            each for each in self.tree.iter(NAMESPACE + "script") if each.get("id") == "numbers"
        ]
        found: list[Row] = json.loads(gzip.decompress(base64.b64decode(held.text)))
        return found


def _cells(row: Any) -> list[Any]:
    return [each for each in row if each.tag in (NAMESPACE + "td", NAMESPACE + "th")]


class Views:
    """What the command line gives as JSON."""

    def __init__(self, run_bench: Callable[..., Any], store: Path) -> None:
        self._run, self._store, self._kept = run_bench, store, dict[tuple[str, ...], Any]()

    def __call__(self, *words: str) -> Any:
        if words not in self._kept:
            ended = self._run(*words, "--json", "--store", self._store)
            self._kept[words] = json.loads(ended.out) if ended.out else []
        return self._kept[words]

    def rows(self, view: str, **wanted: object) -> list[Row]:
        return [
            row
            for row in self("show", view)
            if all(row.get(name) == value for name, value in wanted.items())
        ]


def label_of(row: Row) -> str:
    return clean(f"{row['model']} ({row['variant']})" if row.get("variant") else row["model"])


def same(shown: str, value: object) -> bool:
    return shown == ("" if value is None else clean(str(value)))


def check_rows(shown: list[dict[str, str]], told: list[Row], *, apart: tuple[str, ...]) -> int:
    """Compare record by record; return how many figures were compared."""
    assert len(shown) == len(told)
    n = 0
    for mine, row in zip(shown, told, strict=True):
        for name in mine.keys() - {*apart}:
            value = label_of(row) if name == "model" else row[name]
            assert same(mine[name], value), (name, mine[name], value)
            n += 1
    return n


def check_board(shown: list[dict[str, str]], views: Views, name: str) -> int:
    told = views.rows("leaderboard", test_dataset=name, state="ok")
    for mine, row in zip(shown, told, strict=True):
        low, high = row["accuracy_low"], row["accuracy_high"]
        assert mine["interval"] == ("" if low is None else f"{low} to {high}")
    return check_rows(shown, told, apart=("rank", "interval")) + len(shown)


def check_glance(shown: list[dict[str, str]], views: Views) -> int:
    n = 0
    for mine in shown:
        for dataset in mine.keys() - {"model"}:
            found = [
                row
                for row in views.rows("leaderboard", test_dataset=dataset, state="ok")
                if label_of(row) == mine["model"] and row["train_dataset"] == dataset
            ]
            assert same(mine[dataset], found[0]["accuracy"] if found else None)
            n += 1
    return n


def check_away(shown: list[dict[str, str]], views: Views) -> int:
    told = {
        (label_of(r), r["train_dataset"], r["test_dataset"]): r for r in views("show", "matrix")
    }
    found = [told[row["model"], row["train_dataset"], row["test_dataset"]] for row in shown]
    return check_rows(shown, found, apart=())


def check_cost(shown: list[dict[str, str]], views: Views) -> int:
    told = {(label_of(r), r["test_dataset"]): r for r in views("show", "cost")}
    return check_rows(shown, [told[row["model"], row["test_dataset"]] for row in shown], apart=())


def check_classes(shown: list[dict[str, str]], views: Views, name: str) -> int:
    first = next(r for r in views.rows("leaderboard", test_dataset=name, state="ok") if labelled(r))
    told = views("show", "report", *named(first))["report"]
    for mine in shown:
        about = told[mine["class"]]
        for field in ("precision", "recall", "f1-score", "support"):
            assert math.isclose(float(mine[field]), about[field]), field
        assert math.isclose(float(mine["misread"]), 1 - about["recall"])
    return 5 * len(shown)


def labelled(row: Row) -> bool:
    return row["accuracy"] is not None


def named(row: Row) -> tuple[str, ...]:
    words = (row["model"], f"{row['train_dataset']}:{row['test_dataset']}")
    return (*words, "--variant", row["variant"]) if row["variant"] else words


def check_people(shown: list[dict[str, str]], views: Views, name: str) -> int:
    told = views.rows("leaderboard", test_dataset=name, state="ok")
    by_name = {(label_of(row), row["train_dataset"]): row for row in told}
    for mine in shown:
        row = by_name[mine["model"], mine["train_dataset"]]
        people = views("show", "report", *named(row))["people"]
        whole = [each for each in people if each["whole_id"]]
        assert int(mine["digits_right"]) == sum(each["right"] for each in people)
        expected = str(sum(each["is_right"] for each in whole)) if whole else ""
        assert mine["ids_right"] == expected
    return 2 * len(shown)


def check_robustness(shown: list[dict[str, str]], views: Views) -> int:
    told = views("show", "robustness")
    for mine in shown:
        of_row = [
            r for r in told if (r["model"], r["test_dataset"]) == (mine["model"], mine["dataset"])
        ]
        for name in mine.keys() - {"model", "dataset", "clean_accuracy"}:
            found = [r["accuracy"] for r in of_row if r["corruption"] == name]
            assert mine[name] == (str(fmean(found)) if found else "")
    return len(shown)


def check_datasets(shown: list[dict[str, str]], views: Views) -> int:
    for mine in shown:
        told = views.rows("leaderboard", test_dataset=mine["dataset"])
        assert {str(row["n_test"]) for row in told if row["state"] == "ok"} <= {mine["n_test"]}
    return len(shown)


def check_failed(shown: list[dict[str, str]], views: Views) -> int:
    told = [row for row in views("show", "leaderboard") if row["state"] != "ok"]
    found = {(label_of(row), row["state"]) for row in told}
    assert {(mine["model"], mine["state"]) for mine in shown} == found
    return len(shown)


WHOLE = {
    "glance": check_glance,
    "away": check_away,
    "cost": check_cost,
    "robustness": check_robustness,
    "datasets": check_datasets,
    "failed": check_failed,
}
PARTS = {"board": check_board, "classes": check_classes, "people": check_people}


@pytest.mark.parametrize("which", ["sample_store", "reference"])
def test_every_table_holds_the_figures_of_its_view(
    which: str,
    request: pytest.FixtureRequest,
    page_of: Callable[..., Path],
    run_bench: Callable[..., Any],
) -> None:
    store = request.getfixturevalue(which)
    page, views = Page(page_of(store)), Views(run_bench, store)
    names = {part["key"]: part["name"] for part in page.numbers}
    seen, n = set(), 0
    for table, shown in page.tables():
        kind, _, key = table.partition("-")
        seen.add(kind)
        n += PARTS[kind](shown, views, names[key]) if key else WHOLE[kind](shown, views)
    assert {"board", "away", "cost", "classes", "datasets", "people"} <= seen
    assert n > 100


def test_robustness_is_the_mean_over_the_strengths_of_its_view(
    page_of: Callable[..., Path], run_bench: Callable[..., Any], tmp_path: Path
) -> None:
    run = ["run", "-m", "baseline-majority", "-d", "digits-uci", "--no-isolation"]
    ended = run_bench(*run, "--corruptions", "contrast,inverse", "--store", tmp_path / "store")
    assert ended.code == 0, ended.err
    shown = dict(Page(page_of(tmp_path / "store")).tables())["robustness"]
    assert [row["model"] for row in shown] == ["baseline-majority"]
    assert len(shown[0]) > 3
    check_robustness(shown, Views(run_bench, tmp_path / "store"))


def test_the_numbers_of_its_script_are_those_of_report_and_compare(
    page_of: Callable[..., Path], run_bench: Callable[..., Any], reference: Path
) -> None:
    page, views = Page(page_of(reference, "-d", "mnist")), Views(run_bench, reference)
    (part,) = page.numbers
    rows = views.rows("leaderboard", test_dataset="mnist", state="ok")
    assert [row["model"] for row in part["rows"]] == [label_of(row) for row in rows]
    for packed, row in zip(part["rows"], rows, strict=True):
        told = views("show", "report", *named(row))["confusion"]["counts"]
        dense = [[0] * len(told[0]) for _ in told]
        for truth, read, count in packed["confusion"]:
            dense[truth][read] = count
        assert dense == told
        assert packed["accuracy"] == row["accuracy"]
    pairs = list(combinations(rows, 2))
    assert len(part["p_values"]) == len(pairs)
    for p, (one, other) in zip(part["p_values"], pairs, strict=True):
        told = views("compare", one["model"], other["model"], "-d", "mnist")
        assert p == pytest.approx(told[0]["p_value"], abs=1e-6)
