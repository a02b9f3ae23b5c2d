"""Own handwriting on the page: the photo, what the models saw, what they read; or nothing of it."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import html5lib
import numpy as np
import pytest
from PIL import Image

from bench.board.rows import PersonReading
from bench.loading.pixels import photo_of
from bench.report.people import _chosen

DIGITS = Path(__file__).parents[2] / "datasets" / "bench_datasets" / "samples" / "ids"
NAMESPACE = "{http://www.w3.org/1999/xhtml}"


@pytest.fixture
def mine(
    tmp_path: Path, run_bench: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., str]:
    """Return ``mine(*options)``: the page of a run on a folder of two persons' photos."""
    monkeypatch.setenv("BENCH_CACHE_DIR", str(tmp_path / "cache"))
    for person in ("person-a", "person-b"):
        shutil.copytree(DIGITS / person, tmp_path / "mine" / person)
    (tmp_path / "mine" / "ids.csv").write_text("\n".join(_first_lines(3)))
    run = ["run", "-m", "baseline-majority", "-d", "digits-uci", "--no-isolation"]
    ended = run_bench(*run, "--folder", tmp_path / "mine", "--store", tmp_path / "store")
    assert ended.code == 0, ended.err

    def page(*options: str) -> str:
        place = tmp_path / "page.html"
        named = ["--store", tmp_path / "store", "-d", "mine"]
        done = run_bench("report", "--html", place, "--force", *named, *options)
        assert done.code == 0, done.err
        text = place.read_text("utf-8")
        html5lib.HTMLParser(strict=True).parse(text)
        return text

    return page


def _first_lines(n: int) -> list[str]:
    return (DIGITS / "ids.csv").read_text().splitlines()[:n]


def rows_of(page: str, caption: str) -> dict[str, list[str]]:
    """Return the rows of a person's table by their heading: what each cell says or shows."""
    tree = html5lib.parse(page)
    for table in tree.iter(NAMESPACE + "table"):
        head = table.find(NAMESPACE + "caption")
        if head is not None and "".join(head.itertext()).startswith(caption):
            break
    else:
        raise AssertionError(caption)
    return {
        "".join(row.find(NAMESPACE + "th").itertext()): [
            "".join(cell.itertext()).strip()
            or ("picture" if any(True for _ in cell.iter() if _.tag.endswith("}svg")) else "")
            for cell in row.iter(NAMESPACE + "td")
        ]
        for row in table.iter(NAMESPACE + "tr")
    }


def test_each_person_has_the_photos_what_was_seen_and_what_was_read(
    mine: Callable[..., str],
) -> None:
    rows = rows_of(mine(), "person-a · wrote 05126707")
    assert rows["photo"] == ["picture"] * 8 + [""]
    assert rows["what the models saw"] == ["picture"] * 8 + [""]
    assert rows["wrote"] == [*"05126707", ""]
    assert rows["baseline-majority"][-1] == f"{'05126707'.count(rows['baseline-majority'][0])} of 8"


def test_an_anonymous_page_has_neither_names_nor_photos_nor_digits(
    mine: Callable[..., str],
) -> None:
    page = mine("--anonymous")
    assert "person-a" not in page
    assert "05126707" not in page
    assert "#photos" not in page
    rows = rows_of(page, "person 1")
    assert rows["wrote"] == ["•"] * 8 + [""]
    assert set(rows["baseline-majority"][:-1]) == {"•"}


def test_a_photo_that_was_changed_since_is_not_shown(
    mine: Callable[..., str], tmp_path: Path
) -> None:
    changed = tmp_path / "mine" / "person-a" / "1.png"
    Image.fromarray(np.zeros((40, 40), np.uint8)).save(changed)
    os.utime(changed, (4e9, 4e9))
    (tmp_path / "mine" / "person-a" / "2.png").unlink()
    assert rows_of(mine(), "person-a")["photo"] == ["–", "–"] + ["picture"] * 6 + [""]


@pytest.mark.parametrize(
    "name", ["../secret.png", "/etc/hostname", "a/../../secret.png", "no.png", "a\0b", "x" * 5000]
)
def test_a_name_of_a_store_leads_to_no_photo_elsewhere(name: str, tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_text("mine")
    (tmp_path / "folder").mkdir()
    assert photo_of(tmp_path / "folder", 4e9, name) is None


def test_of_many_digits_those_misread_are_shown() -> None:
    truth = tuple("0123456789" * 3)
    read = list(truth)
    read[7], read[29] = "x", "y"
    found = _chosen([PersonReading(person="ann", truth=truth, read=tuple(read))])
    assert len(found) == 12
    assert {7, 29} <= set(found)
    assert found == sorted(found)
