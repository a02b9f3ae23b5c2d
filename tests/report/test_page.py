"""The page as a file: its figures are the views', its links lead somewhere, names are only text."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import html5lib
import pytest

from bench.render.console import clean

NAMESPACE = "{http://www.w3.org/1999/xhtml}"


def tree_of(page: Path) -> Any:
    """Return the page's tree; html5lib raises at the first error in it."""
    return html5lib.HTMLParser(strict=True).parse(page.read_text("utf-8"))


def cells(row: Any) -> list[Any]:
    return [each for each in row if each.tag in (NAMESPACE + "td", NAMESPACE + "th")]


def table_of(tree: Any, name: str) -> list[dict[str, str]]:
    """Return a table of the page as records: what its cells hold under their stable names."""
    (table,) = [t for t in tree.iter(NAMESPACE + "table") if t.get("data-table") == name]
    names = [head.get("data-name") for head in cells(next(table.iter(NAMESPACE + "tr")))]
    rows = table.find(NAMESPACE + "tbody").iter(NAMESPACE + "tr")
    return [
        {n: cell.get("data-v") for n, cell in zip(names, cells(row), strict=True) if n}
        for row in rows
    ]


@pytest.mark.parametrize("store", ["sample", "reference"])
def test_every_figure_of_a_board_is_that_of_the_leaderboards_json(
    page_of: Callable[..., Path],
    run_bench: Callable[..., Any],
    sample_store: Path,
    reference: Path,
    store: str,
) -> None:
    root = sample_store if store == "sample" else reference
    tree = tree_of(page_of(root))
    told = json.loads(run_bench("show", "leaderboard", "--json", "--store", root).out)
    checked = 0
    for dataset in {row["test_dataset"] for row in told}:
        expected = [r for r in told if r["test_dataset"] == dataset and r["state"] == "ok"]
        shown = table_of(tree, f"board-{dataset}")
        assert len(shown) == len(expected)
        for mine, row in zip(shown, expected, strict=True):
            label = f"{row['model']} ({row['variant']})" if row["variant"] else row["model"]
            assert mine["model"] == clean(label)
            for name in ("accuracy", "macro_f1", "train_accuracy", "fit_seconds", "model_bytes"):
                assert mine[name] == ("" if row[name] is None else str(row[name])), name
                checked += 1
    assert checked > 20


def test_the_page_is_valid_and_every_link_in_it_leads_somewhere(
    page_of: Callable[..., Path], reference: Path
) -> None:
    page = page_of(reference)
    tree = tree_of(page)
    ids = [each.get("id") for each in tree.iter() if each.get("id")]
    assert len(ids) == len(set(ids))
    links = {each.get("href") for each in tree.iter(NAMESPACE + "a")}
    assert {link for link in links if not link.startswith("#")} == set()
    assert {link[1:] for link in links} - set(ids) == set()


def test_nothing_is_loaded_and_only_the_pages_own_script_may_run(
    page_of: Callable[..., Path], sample_store: Path
) -> None:
    text = page_of(sample_store).read_text("utf-8")
    assert "http:" not in re.sub(r"http://www\.w3\.org/\S+", "", text)
    assert "https:" not in text
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]+)"', text)
    assert "default-src &#39;none&#39;" in policy
    assert "unsafe" not in policy
    assert " style=" not in text
    script = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    assert len(script) == 1
    assert len(script[0].encode()) <= 12_288


def test_the_summary_is_written_with_blanks_and_the_leader_is_marked(
    page_of: Callable[..., Path], reference: Path
) -> None:
    tree = tree_of(page_of(reference, "-d", "usps"))
    words = ["".join(p.itertext()) for p in tree.iter(NAMESPACE + "p") if p.get("class") == "lead"]
    assert words == [
        "On usps, cnn-mnist-4pool is clearly first: it reads 96.0\N{NO-BREAK SPACE}% of 2,007 "
        "images right, 1.3 points more than svm-ovo."
    ]
    rows = [row for row in tree.iter(NAMESPACE + "tr") if "lead1" in row.get("class", "").split()]
    assert ["".join(row.find(NAMESPACE + "th").itertext()) for row in rows] == ["cnn-mnist-4pool"]


def test_a_trial_that_failed_stands_with_its_cause(
    page_of: Callable[..., Path], sample_store: Path
) -> None:
    failed = table_of(tree_of(page_of(sample_store)), "failed")
    assert {row["model"]: row["state"] for row in failed} == {"broken": "failed", "slow": "timeout"}
    assert "ResourceExhaustedError" in failed[0]["reason"]


def test_persons_are_numbered_and_ids_masked_where_the_page_is_anonymous(
    page_of: Callable[..., Path], sample_store: Path
) -> None:
    named = page_of(sample_store).read_text("utf-8")
    assert "writer-a" in named
    anonymous = page_of(sample_store, "--anonymous", "--force").read_text("utf-8")
    assert "writer-" not in anonymous
    assert "person 1" in anonymous
    assert str(sample_store.parent) not in anonymous


def test_a_command_on_the_page_holds_no_path_of_this_machine(
    run_bench: Callable[..., Any], sample_store: Path, tmp_path: Path
) -> None:
    asked = ("report", "--store", sample_store, "--html", "page.html")
    assert run_bench(*asked, prog="/home/ann/script/bench").code == 0
    text = (tmp_path / "page.html").read_text("utf-8")
    assert "bench run -m alpha -d home --seeds 1,2" in text
    assert "/home/ann" not in text
    assert str(sample_store.parent) not in text


def test_a_link_among_ones_own_folders_is_followed(
    run_bench: Callable[..., Any], sample_store: Path, tmp_path: Path
) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "public_html").symlink_to(tmp_path / "real")
    ended = run_bench("report", "--store", sample_store, "--html", "public_html/page.html")
    assert ended.code == 0, ended.err
    assert (tmp_path / "real" / "page.html").is_file()


def test_the_end_of_a_log_is_on_no_anonymous_page(
    page_of: Callable[..., Path], sample_store: Path
) -> None:
    store = shutil.copytree(sample_store, page_of(sample_store).parent / "with-log")
    failed = next(p for p in store.glob("trials/*/record.json") if b'"broken"' in p.read_bytes())
    (failed.parent / "log.txt").write_text("reading /somewhere/of/mine\n")
    assert "reading /somewhere/of/mine" in page_of(store, "--force").read_text("utf-8")
    anonymous = page_of(store, "--force", "--anonymous").read_text("utf-8")
    assert "reading /somewhere/of/mine" not in anonymous


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        pytest.param(["--html", "-"], 2, "a page needs a file", id="stdout"),
        pytest.param(["--html", "there.html"], 2, "exists already", id="exists"),
        pytest.param(["--html", "/proc/no/page.html"], 2, "cannot be written", id="unwritable"),
        pytest.param(["--format", "odd"], 2, "NAME=PATH", id="format"),
        pytest.param(["--format", "odd=x"], 2, "no reporter 'odd'", id="reporter"),
        pytest.param(["-d", "hom"], 2, "did you mean home?", id="dataset"),
        pytest.param(["-m", "nothing-*"], 2, "no results of 'nothing-*'", id="model"),
    ],
)
def test_a_mistake_is_told_in_one_line(
    run_bench: Callable[..., Any], sample_store: Path, tmp_path: Path,
    arguments: list[str], code: int, said: str,
) -> None:  # fmt: skip
    (tmp_path / "there.html").write_text("mine")
    ended = run_bench("report", "--store", sample_store, *arguments, columns=200)
    assert ended.code == code
    assert said in ended.err
    assert len(ended.err.strip().splitlines()) == 1
    assert (tmp_path / "there.html").read_text() == "mine"


def test_an_empty_store_is_said(run_bench: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    ended = run_bench("report", "--store", "empty")
    assert ended.code == 2
    assert "it holds no records" in ended.err
