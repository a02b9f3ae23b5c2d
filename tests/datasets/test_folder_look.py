"""A look at a large folder checks every file, counts all, and reads an even sample."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bench.errors import DataError
from bench.images.decode import check_photo, read_photo
from bench.loading.describe import summarise
from bench.loading.load import load_dataset
from bench.options import resolve_options
from bench.spec import Dataset, DatasetSpec
from bench_datasets.image_folder import OPTIONS, load, load_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """60 pictures of class 0, 40 of 1, one of 7; their ink is a bar."""
    for label, count in (("0", 60), ("1", 40), ("7", 1)):
        (tmp_path / "in" / label).mkdir(parents=True)
        for i in range(count):
            pixels = np.full((32, 32), 255, dtype=np.uint8)
            pixels[6:26, 12 + i % 5 : 16 + i % 5] = 0
            Image.fromarray(pixels).save(tmp_path / "in" / label / f"p{label}{i:03d}.png")
    return tmp_path / "in"


def look(folder: Path, most: int | None = 10, **settings: Any) -> Dataset:
    return load_folder(folder, resolve_options("x", OPTIONS, settings), look_at_most=most)


def test_a_look_reads_a_sample_and_counts_all(folder: Path) -> None:
    seen = look(folder)
    assert seen.test is not None
    assert seen.whole is not None
    assert len(seen.test) == 10
    assert (seen.whole.n, seen.whole.class_counts) == (101, {"0": 60, "1": 40, "7": 1})
    assert any("10 of 101 pictures were looked at closely" in note for note in seen.notes)


def test_the_sample_is_even_and_its_images_are_those_of_the_whole(folder: Path) -> None:
    seen, whole = look(folder).test, look(folder, None).test
    assert seen is not None
    assert whole is not None
    places = [whole.names.index(name) for name in seen.names]
    assert (places[0], places[-1]) == (0, 100)
    assert max(np.diff(places)) <= 12
    assert np.array_equal(seen.pixels, whole.pixels[places])


def test_a_class_that_the_sample_misses_is_no_missing_class(folder: Path) -> None:
    first = folder / "8"
    first.mkdir()
    (folder / "7" / "p7000.png").rename(first / "p8000.png")
    (folder / "9").mkdir()
    for i in range(30):
        (folder / "1" / f"p1{i:03d}.png").rename(folder / "9" / f"p9{i:03d}.png")
    spec = DatasetSpec(name="image-folder", summary="s", load=load, options=OPTIONS)
    loaded = load_dataset(spec, path=folder, look_at=10)
    summary = summarise(spec, loaded)
    assert summary.test is not None
    assert summary.test.class_counts is not None
    assert summary.test.class_counts["8"] == 1
    assert (summary.test.n, summary.test.n_looked_at, summary.test.fingerprint) == (101, 10, "")
    assert not any("none is" in note and "8" in note.split("none is")[1] for note in loaded.notes)


def test_a_file_outside_the_sample_that_cannot_be_read_is_a_finding(folder: Path) -> None:
    broken = folder / "0" / "p0001.png"
    broken.write_bytes(broken.read_bytes()[:60])
    seen = look(folder)
    assert seen.whole is not None
    assert [f.sample for f in seen.findings if f.code == "unreadable"] == ["0/p0001.png"]
    assert seen.whole.n == 100


@pytest.mark.parametrize(
    ("most", "settings"),
    [
        pytest.param(None, {}, id="no-look"),
        pytest.param(60, {}, id="few"),
        pytest.param(10, {"train": True}, id="to-train-on"),
    ],
)
def test_all_is_read_where(folder: Path, most: int | None, settings: dict[str, Any]) -> None:
    (folder / "7" / "p7000.png").unlink()
    assert look(folder, most, labels="folder", **settings).whole is None


def test_a_look_in_the_cache_never_stands_for_the_whole(folder: Path) -> None:
    spec = DatasetSpec(name="image-folder", summary="s", load=load, options=OPTIONS)
    counts = []
    for look_at in (10, None, 10):
        loaded = load_dataset(spec, path=folder, look_at=look_at)
        assert loaded.test is not None
        counts.append(loaded.test.n)
    assert counts == [10, 101, 101]  # the whole, once it is there, serves a look


@pytest.mark.parametrize("ending", ["png", "jpg", "gif", "bmp", "tif", "webp", "pgm"])
def test_a_check_and_a_reading_say_the_same(tmp_path: Path, ending: str) -> None:
    whole = tmp_path / f"a.{ending}"
    noise = np.random.default_rng(0).integers(0, 256, (40, 40), dtype=np.uint8)
    Image.fromarray(noise).save(whole)
    data = whole.read_bytes()
    for size in (0, 5, 30, len(data) // 2, len(data) - 40, len(data)):
        whole.write_bytes(data[:size])
        assert _why(check_photo, whole) == _why(read_photo, whole)
    whole.write_bytes(data + b"\0" * 10)
    assert _why(check_photo, whole) == _why(read_photo, whole)


def _why(call: Callable[[Path], Any], path: Path) -> str:
    try:
        call(path)
    except DataError as error:
        return str(error)
    return ""
