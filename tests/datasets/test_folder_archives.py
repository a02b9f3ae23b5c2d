"""A zip archive of pictures is read like the folder it holds, and can do no harm."""

import io
import stat
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw

from bench.loading.load import load_dataset
from bench.loading.refs import LoadedDataset
from bench.loading.sniff import Own, name_of, sniff
from bench.spec import DatasetSpec

Load = Callable[..., LoadedDataset]
Bench = Callable[..., Any]


def picture(shift: int = 0) -> bytes:
    """Return a PNG of a seven."""
    photo = Image.new("L", (60, 60), 220)
    pen = ImageDraw.Draw(photo)
    pen.line([(15 + shift, 15), (42, 15), (25, 48)], fill=40, width=4)
    file = io.BytesIO()
    photo.save(file, format="PNG")
    return file.getvalue()


def zipped(path: Path, members: Mapping[Any, bytes]) -> Path:
    """Write an archive."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


@pytest.fixture
def load_photos(specs: dict[str, DatasetSpec], tmp_path: Path) -> Load:
    """Return ``load_photos(path)``, with a cache of the test's own."""

    def load_(path: Path, **settings: Any) -> LoadedDataset:
        return load_dataset(
            specs["image-folder"], settings=settings, path=path, cache_dir=tmp_path / "cache"
        )

    return load_


def test_class_folders_in_a_zip_are_read(load_photos: Load, tmp_path: Path) -> None:
    members = {f"photos/{d}/{k}.png": picture(d + k) for d in range(10) for k in range(2)}
    members |= {"__MACOSX/photos/0/._0.png": b"x", "photos/.DS_Store": b"x"}
    path = zipped(tmp_path / "photos.zip", members)
    assert sniff(path) is Own.PHOTOS
    assert name_of(path) == "photos"
    loaded = load_photos(path)
    assert loaded.test is not None
    assert loaded.test.n == 20
    assert "class folders 0 … 9" in loaded.notes[0]
    assert not [f for f in loaded.findings if f.code in ("outside", "unreadable", "no-picture")]


def test_what_lies_outside_is_a_link_or_comes_twice_is_left_out_and_named(
    load_photos: Load, tmp_path: Path
) -> None:
    link = zipfile.ZipInfo("1/link.png")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    members: dict[str | zipfile.ZipInfo, bytes] = {
        "../../evil.png": picture(),
        "/tmp/evil.png": picture(),
        "..\\evil.png": picture(),
        link: b"/etc/passwd",
        "1/inner.zip": b"PK\x03\x04",
        **{f"{d}/a.png": picture(d) for d in range(10)},
    }
    path = zipped(tmp_path / "bad.zip", members)
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("7/a.png", picture())
    loaded = load_photos(path)
    assert loaded.test is not None
    assert loaded.test.n == 10
    found = Counter(f.code for f in loaded.findings)
    assert found["outside"] == 4
    assert found["unreadable"] == 1
    assert found["no-picture"] == 1
    assert not list(tmp_path.parent.glob("evil*"))
    assert not list((tmp_path / "cache" / "work").rglob("*.png"))


def test_an_archive_that_unpacks_to_too_much_is_refused(
    load_photos: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench_datasets._folder.archive._MOST_BYTES", 1 << 20)
    path = zipped(tmp_path / "bomb.zip", {"0/a.png": b"\0" * (1 << 22)})
    with pytest.raises(Exception, match=r"bomb\.zip is refused: it unpacks to more than"):
        load_photos(path)


def test_a_damaged_or_locked_archive_is_one_line(load_photos: Load, tmp_path: Path) -> None:
    whole = zipped(tmp_path / "whole.zip", {f"{d}/a.png": picture(d) for d in range(10)})
    (tmp_path / "cut.zip").write_bytes(whole.read_bytes()[:-200])
    with pytest.raises(Exception, match=r"cut\.zip cannot be unpacked"):
        load_photos(tmp_path / "cut.zip")
    raw = bytearray(whole.read_bytes())
    for mark in (b"PK\x03\x04", b"PK\x01\x02"):
        place = raw.find(mark)
        raw[place + (6 if mark == b"PK\x03\x04" else 8)] |= 1
    (tmp_path / "locked.zip").write_bytes(raw)
    with pytest.raises(Exception, match="locked with a password"):
        load_photos(tmp_path / "locked.zip")


def test_a_workbook_with_pictures_and_a_competition_s_archive_are_no_photos(tmp_path: Path) -> None:
    book = zipped(tmp_path / "b.xlsx", {"[Content_Types].xml": b"", "xl/media/1.png": picture()})
    competition = {"train.csv": b"label\n", "test.csv": b"", "sample.csv": b"", "logo.png": b""}
    assert sniff(book) is Own.ARRAYS
    assert sniff(zipped(tmp_path / "digits.zip", competition)) is Own.ARRAYS


def test_a_zip_is_inspected_run_and_read(run_bench: Bench, tmp_path: Path) -> None:
    members = {f"{d}/{k}.png": picture(k) for d in range(10) for k in range(12)}
    path = zipped(tmp_path / "photos.zip", members)
    shown = run_bench("data", "inspect", path)
    assert shown.code == 0
    assert "class folders 0 … 9" in shown.out
    plan = run_bench("run", "-m", "baseline-majority", "-d", path, "--dry-run")
    assert plan.code == 0
    assert "photos" in plan.out
    read = run_bench("predict", path, "--csv")
    assert read.code == 0
    assert "7/0.png,7" in read.out
