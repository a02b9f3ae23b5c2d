"""The data cache: content hashes, memory-mapped splits, duplicates, cleaning."""

import errno
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.errors import BenchError, DataError
from bench.loading.cache import cache_folder, image_hashes, is_whole, open_split, write_split
from bench.loading.cache_contents import cache_entries, clean_cache
from bench.spec import ImageSet

CLASSES = tuple("0123456789")
MakeSplit = Callable[..., ImageSet]


@pytest.mark.parametrize(
    "floats", [pytest.param(False, id="uint8"), pytest.param(True, id="float32")]
)
def test_a_split_comes_back_as_it_was(make_split: MakeSplit, tmp_path: Path, floats: bool) -> None:
    names = tuple(f"p{i % 3}/ü{i}.png" for i in range(20))
    groups = tuple(f"p{i % 3}" for i in range(20))
    split = make_split(floats=floats, names=names, groups=groups)
    ref = write_split(split, CLASSES, tmp_path)
    opened = open_split(ref)
    assert opened.pixels.dtype == split.pixels.dtype
    assert np.array_equal(opened.pixels, split.pixels)
    assert split.labels is not None
    assert opened.labels is not None
    assert np.array_equal(opened.labels, split.labels)
    assert (opened.names, opened.groups) == (names, groups)
    assert (ref.n, ref.shape, ref.labelled, ref.has_names, ref.has_groups) == (
        20, (4, 4, 1), True, True, True
    )  # fmt: skip


def test_what_was_not_read_is_kept_and_changes_the_content_hash(
    make_split: MakeSplit, tmp_path: Path
) -> None:
    whole = make_split()
    unread = np.zeros(len(whole), dtype=np.bool_)
    none = write_split(replace(whole, unread=unread), CLASSES, tmp_path)
    assert none.content_hash == write_split(whole, CLASSES, tmp_path).content_hash
    unread[[2, 5]] = True
    ref = write_split(replace(whole, unread=unread), CLASSES, tmp_path)
    assert ref.content_hash != none.content_hash
    opened = open_split(ref)
    assert opened.unread is not None
    assert np.flatnonzero(opened.unread).tolist() == [2, 5]
    part = opened.take(np.array([1, 2])).unread
    assert part is not None
    assert part.tolist() == [False, True]


def test_pixels_are_memory_mapped_and_read_only(make_split: MakeSplit, tmp_path: Path) -> None:
    pixels = open_split(write_split(make_split(), CLASSES, tmp_path)).pixels
    assert isinstance(pixels, np.memmap)
    assert not pixels.flags.writeable


def test_double_precision_is_kept_as_float32(make_split: MakeSplit, tmp_path: Path) -> None:
    split = make_split(floats=True)
    doubles = replace(split, pixels=split.pixels.astype(np.float64))
    ref = write_split(doubles, CLASSES, tmp_path)
    assert ref.dtype == "float32"
    assert ref.content_hash == write_split(split, CLASSES, tmp_path).content_hash


def test_an_unlabelled_split_has_no_labels(make_split: MakeSplit, tmp_path: Path) -> None:
    ref = write_split(make_split(labels=None), CLASSES, tmp_path)
    assert not ref.labelled
    assert open_split(ref).labels is None


def _changed_pixel(split: ImageSet) -> ImageSet:
    pixels = split.pixels.copy()
    pixels[3, 2, 1, 0] ^= 1
    return replace(split, pixels=pixels)


def _changed_label(split: ImageSet) -> ImageSet:
    assert split.labels is not None
    labels = split.labels.copy()
    labels[-1] = 0
    return replace(split, labels=labels)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(_changed_pixel, id="one-pixel"),
        pytest.param(_changed_label, id="one-label"),
        pytest.param(lambda split: replace(split, labels=None), id="no-labels"),
        pytest.param(
            lambda split: replace(split, pixels=split.pixels.reshape(20, 2, 8, 1)), id="shape"
        ),
        pytest.param(lambda split: replace(split, pixels=split.images), id="type"),
        pytest.param(lambda split: replace(split, groups=("a",) * 20), id="writers"),
        pytest.param(lambda split: replace(split, names=("a",) * 20), id="names"),
    ],
)
def test_the_content_hash_changes_with(
    make_split: MakeSplit, tmp_path: Path, change: Callable[[ImageSet], ImageSet]
) -> None:
    split = make_split()
    before = write_split(split, CLASSES, tmp_path).content_hash
    assert write_split(change(split), CLASSES, tmp_path).content_hash != before


def test_the_content_hash_changes_with_the_classes(make_split: MakeSplit, tmp_path: Path) -> None:
    first = write_split(make_split(), CLASSES, tmp_path)
    second = write_split(make_split(), CLASSES[::-1], tmp_path)
    assert first.content_hash != second.content_hash


def test_the_content_hash_does_not_depend_on_the_memory_layout(
    make_split: MakeSplit, tmp_path: Path
) -> None:
    split = make_split(40)
    strided = replace(
        split, pixels=np.asfortranarray(split.pixels), labels=np.repeat(np.arange(40) % 10, 2)[::2]
    )
    assert (
        write_split(strided, CLASSES, tmp_path).content_hash
        == write_split(split, CLASSES, tmp_path).content_hash
    )


@pytest.mark.parametrize("part", ["pixels.npy", "labels.npy", "samples.json"])
def test_a_torn_split_is_seen_and_written_again(
    make_split: MakeSplit, tmp_path: Path, part: str
) -> None:
    split = make_split(names=("a",) * 20)
    ref = write_split(split, CLASSES, tmp_path)
    torn = Path(ref.folder) / part
    torn.write_bytes(torn.read_bytes()[: 0 if part == "samples.json" else 100])
    assert not is_whole(ref)
    with pytest.raises(DataError, match="cannot be read from the data cache"):
        open_split(ref)
    assert write_split(split, CLASSES, tmp_path) == ref
    assert is_whole(ref)
    assert np.array_equal(open_split(ref).pixels, split.pixels)


def test_what_killed_writers_left_is_swept_when_it_is_old(
    make_split: MakeSplit, tmp_path: Path
) -> None:
    old, young = tmp_path / "splits" / ".new-old", tmp_path / "splits" / ".new-young"
    for left in (old, young):
        left.mkdir(parents=True)
        (left / "pixels.npy").write_bytes(b"half")
    two_hours_ago = time.time() - 7200
    os.utime(old, (two_hours_ago, two_hours_ago))
    write_split(make_split(), CLASSES, tmp_path)
    assert not old.exists()
    assert young.exists()


def test_a_full_disk_is_one_line(
    make_split: MakeSplit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(BenchError) as caught:
        write_split(make_split(), CLASSES, tmp_path)
    assert str(caught.value) == (
        f"cannot write the data cache in {tmp_path}: No space left on device; "
        "make room, or name another folder in BENCH_CACHE_DIR"
    )
    assert list((tmp_path / "splits").iterdir()) == []


def test_equal_images_have_equal_hashes_whatever_their_format(
    make_split: MakeSplit, tmp_path: Path
) -> None:
    split = make_split()
    as_bytes = image_hashes(write_split(split, CLASSES, tmp_path))
    as_floats = image_hashes(write_split(replace(split, pixels=split.images), CLASSES, tmp_path))
    assert as_bytes.dtype == np.uint64
    assert as_bytes.shape == (20,)
    assert np.array_equal(as_bytes, as_floats)


def test_different_images_and_shapes_have_different_hashes(
    make_split: MakeSplit, tmp_path: Path
) -> None:
    split = make_split(500)
    hashes = image_hashes(write_split(split, CLASSES, tmp_path))
    assert len(set(hashes.tolist())) == 500
    wide = replace(split, pixels=split.pixels.reshape(500, 2, 8, 1))
    assert not set(hashes.tolist()) & set(
        image_hashes(write_split(wide, CLASSES, tmp_path)).tolist()
    )


def test_hashes_are_computed_once_and_again_when_torn(
    make_split: MakeSplit, tmp_path: Path
) -> None:
    ref = write_split(make_split(), CLASSES, tmp_path)
    first = image_hashes(ref)
    stored = Path(ref.folder) / "hashes.npy"
    np.save(stored, first + np.uint64(1))
    assert np.array_equal(image_hashes(ref), first + np.uint64(1))
    stored.write_bytes(stored.read_bytes()[:40])
    assert np.array_equal(image_hashes(ref), first)


def test_the_cache_is_where_the_environment_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("BENCH_CACHE_DIR", str(tmp_path / "here"))
    assert cache_folder() == tmp_path / "here"
    assert cache_folder(tmp_path / "there") == tmp_path / "there"
    monkeypatch.delenv("BENCH_CACHE_DIR")
    assert cache_folder().name == "digitbench"


def test_the_cache_is_listed_with_sizes_and_cleaned(make_split: MakeSplit, tmp_path: Path) -> None:
    assert cache_entries(tmp_path) == []
    ref = write_split(make_split(), CLASSES, tmp_path)
    keep = tmp_path / "not-ours.txt"
    keep.write_text("kept")
    (entry,) = cache_entries(tmp_path)
    size_bytes = sum(file.stat().st_size for file in Path(ref.folder).iterdir())
    assert (entry.kind, entry.name, entry.size_bytes) == ("split", ref.content_hash, size_bytes)
    assert clean_cache(tmp_path) == size_bytes
    assert cache_entries(tmp_path) == []
    assert keep.read_text() == "kept"
