"""Files of arrays that are broken, hostile or something else: one line each, and little memory."""

import gzip
import io
import itertools
import math
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import scipy.io
from PIL import Image

from bench_datasets._ladder.in_place import contiguous

Message = Callable[..., str]
LABELS = np.arange(30) % 10


@pytest.mark.parametrize("name", ["train.csv", "mnist.npz", "images.parquet"])
def test_a_pipe_is_refused_unopened(tmp_path: Path, message: Message, name: str) -> None:
    os.mkfifo(tmp_path / name)
    assert message("arrays", tmp_path / name) == (
        f"{name} is a pipe, not a file; save what it gives to a file and name that"
    )


@pytest.mark.parametrize("dataset", ["arrays", "mnist", "mnist-csv", "usps", "svhn-h5"])
def test_a_device_is_refused_unopened(tmp_path: Path, message: Message, dataset: str) -> None:
    (tmp_path / "data.csv").symlink_to("/dev/zero")
    assert "is a device, not a file" in message(dataset, tmp_path / "data.csv")


def test_pipes_and_devices_in_a_folder_are_passed_by(
    tmp_path: Path, load: Callable[..., Any], pixels: Callable[..., Any]
) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    os.mkfifo(folder / "more.csv")
    (folder / "zero.npy").symlink_to("/dev/zero")
    np.savez(folder / "digits.npz", x=pixels(), y=LABELS)
    assert load("arrays", folder).train.n == 24


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(
            b"version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 9\n",
            "is a Git LFS pointer, not the file itself: it holds three lines of text that say where"
            " the file is; run git lfs pull",
            id="git-lfs",
        ),
        pytest.param(b"<!DOCTYPE html><html>", "is a web page, not data", id="web-page"),
        pytest.param(b"\x80\x04\x95abc", "a pickle can run any code", id="pickle"),
        pytest.param(b"%PDF-1.7", "is a PDF", id="pdf"),
        pytest.param(b'[{"label": 3, "image": [0]}]', "is JSON", id="json"),
        pytest.param(b"% mnist\n@RELATION x\n", "is an ARFF table", id="arff"),
        pytest.param(b"5 153:3 154:18 155:18\n", "is a sparse table", id="libsvm"),
        pytest.param(b"\xfd7zXZ\0", "unpack it", id="xz"),
        pytest.param(b"", "is empty", id="empty"),
    ],
)
@pytest.mark.parametrize("name", ["a.csv", "a.npz", "a.h5", "a.mat", "train-images-idx3-ubyte.gz"])
def test_it_is_said_what_a_file_is_whatever_its_name(
    tmp_path: Path, message: Message, name: str, content: bytes, expected: str
) -> None:
    (tmp_path / name).write_bytes(content)
    assert expected in message("arrays", tmp_path / name)


def _header(label: bool = True) -> str:
    return ",".join(["label"] * label + [f"pixel{i}" for i in range(64)])


def _rows(n: int = 20) -> list[str]:
    return [",".join([str(i % 10), *["0", "255"] * 32]) for i in range(n)]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        pytest.param([_header(), _header(), *_rows()], "has two header lines", id="two-headers"),
        pytest.param(
            [_header(), *_rows(), "3,0"], "line 22: a row has 2 columns where", id="ragged"
        ),
        pytest.param(
            [_header(), _rows()[0].replace("255", "NaN", 1), *_rows()], "line 2: 'NaN'", id="nan"
        ),
        pytest.param(
            [_header(), _rows()[0].replace("255", "1e308", 1), *_rows()],
            "line 2: '1e308' in column 3 is no value of a pixel",
            id="1e308",
        ),
        pytest.param(
            [_header(), *("a long sentence on image"
            f" {i}," + row[2:] for i, row in enumerate(_rows(40)))],
            "different labels in 40 images",
            id="sentences",
        ),
        pytest.param(
            [_header(), *(f"{i + 100}," + row[2:] for i, row in enumerate(_rows(40)))],
            "that is a number of the image, no class",
            id="numbers-as-labels",
        ),
        pytest.param(
            [_header(), *(f"{i % 10 + 1}," + row[2:] for i, row in enumerate(_rows(40)))],
            "does 10 mean the digit 0, or is it a class of its own?",
            id="one-to-ten",
        ),
    ],
)  # fmt: skip
def test_a_bad_table_is_named_with_its_line(
    tmp_path: Path, message: Message, lines: list[str], expected: str
) -> None:
    (tmp_path / "a.csv").write_text("\n".join(lines) + "\n")
    assert expected in message("arrays", tmp_path / "a.csv")


def test_a_line_that_never_ends_is_refused(tmp_path: Path, message: Message) -> None:
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"0," * (5 << 20)))
    assert "has a line of more than 4 MiB" in message("arrays", tmp_path / "a.csv.gz")


def test_parquet_with_nested_lists_is_refused(tmp_path: Path, message: Message) -> None:
    table = pa.table({"image": [[[0, 1], [2, 3]]] * 20, "label": list(range(10)) * 2})
    pq.write_table(table, tmp_path / "a.parquet")
    assert "lists and not numbers" in message("arrays", tmp_path / "a.parquet")


def test_parquet_with_a_damaged_picture_names_its_row(tmp_path: Path, message: Message) -> None:
    table = pa.table({"image": [{"bytes": b"\x89PNG broken"}] * 20, "label": list(range(10)) * 2})
    pq.write_table(table, tmp_path / "a.parquet")
    assert "a.parquet, row 0: it is not a picture" in message("arrays", tmp_path / "a.parquet")


def test_objects_are_never_unpickled(tmp_path: Path, message: Message) -> None:
    marker = tmp_path / "executed"

    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return (marker.write_text, ("x",))

    np.save(tmp_path / "a.npy", np.array([Trap()] * 3, dtype=object), allow_pickle=True)
    assert "never unpickled" in message("arrays", tmp_path / "a.npy")
    assert not marker.exists()


@pytest.mark.parametrize("value", [1e308, np.inf, np.nan, -1e300])
def test_a_pixel_that_is_none_is_named(
    tmp_path: Path, message: Message, pixels: Callable[..., Any], value: float
) -> None:
    images = pixels().astype(np.float64)
    images[7, 3, 3] = value
    np.savez(tmp_path / "a.npz", x=images, y=LABELS)
    assert message("arrays", tmp_path / "a.npz").startswith("a.npz, x, image 7: ")


def test_a_mix_of_scales_is_named(
    tmp_path: Path, message: Message, pixels: Callable[..., Any]
) -> None:
    images = pixels().astype(np.float64)
    images[20:] /= 255
    np.savez(tmp_path / "a.npz", x=images, y=LABELS)
    assert "a mix of scales: 10 of 30 images reach 0 to 1" in message("arrays", tmp_path / "a.npz")


def test_a_zip_of_pictures_and_a_workbook_say_what_to_do(tmp_path: Path, message: Message) -> None:
    for name, member in (("photos.zip", "a/1.png"), ("table.csv", "[Content_Types].xml")):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            archive.writestr(member, b"\x89PNG\r\n")
    assert "holds 1 pictures; name the archive itself" in message("arrays", tmp_path / "photos.zip")
    assert "is an Excel workbook" in message("arrays", tmp_path / "table.csv")


_PEAK = """
import resource, sys
from pathlib import Path
import numpy, pyarrow.csv, h5py, psutil
from bench.errors import BenchError
from bench.spec import LoadContext
from bench_datasets import arrays
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
path = Path(sys.argv[1])
try:
    arrays.load(LoadContext(paths=(path,), options={}, work_dir=path.parent, name="arrays"))
    print("read", end=" ")
except BenchError as error:
    print("refused", end=" ")
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)
"""


def _npz_bomb(path: Path, shape: tuple[int, ...], *, value: int = 0) -> None:
    """An archive of images of one value and their labels: a thousandth of its size."""
    n = max(shape)
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "|u1", "fortran_order": False, "shape": shape}
    )
    labels = io.BytesIO()
    np.save(labels, (np.arange(n) % 10).astype(np.uint8))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("y.npy", labels.getvalue())
        with archive.open("x.npy", "w", force_zip64=True) as member:
            member.write(header.getvalue())
            for _ in range(math.prod(shape) // 784_000):
                member.write(bytes([value]) * 784_000)


@pytest.mark.parametrize(
    "kind", ["npz", "last.npz", "colours.npz", "paper.npz", "idx.gz", "csv.gz"]
)
def test_what_unpacks_to_much_takes_no_more_than_half_as_much_again(
    tmp_path: Path, kind: str
) -> None:
    n = 250_000 if kind != "csv.gz" else 130_000
    path = tmp_path / f"train-images.{kind}"
    if kind.endswith("npz"):
        shapes = {"last.npz": (28, 28, n), "colours.npz": (n // 4, 4, 28, 28)}
        _npz_bomb(path, shapes.get(kind, (n, 28, 28)), value=255 * (kind == "paper.npz"))
    elif kind == "idx.gz":
        path = tmp_path / f"images.{kind}"
        with gzip.open(path, "wb", compresslevel=1) as file:
            file.write(b"\0\0\x08\x03" + b"".join(x.to_bytes(4, "big") for x in (n, 28, 28)))
            for _ in range(n // 1000):
                file.write(bytes(784_000))
    else:
        rows = b"".join(b"%d" % (i % 10) + b",0" * 783 + b",255\n" for i in range(1000))
        with gzip.open(path, "wb", compresslevel=1) as file:
            for _ in range(n // 1000):
                file.write(rows)
    done = subprocess.run(
        [sys.executable, "-c", _PEAK, path], capture_output=True, text=True, check=True
    )
    outcome, peak = done.stdout.split()
    assert outcome == "read"
    assert int(peak) < 1.5 * n * 784 + (40 << 20)


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
@pytest.mark.parametrize("shape", [(70, 5, 4, 3), (33, 6, 6, 1), (3, 4, 5, 1)])
def test_images_are_put_in_order_in_their_own_memory(
    monkeypatch: pytest.MonkeyPatch, shape: tuple[int, ...], order: tuple[int, ...]
) -> None:
    monkeypatch.setattr("bench_datasets._ladder.in_place.COPIED_MAX", 0)
    stored = np.arange(np.prod(shape), dtype=np.float32).reshape([shape[axis] for axis in order])
    stack = stored.transpose(np.argsort(order))
    wanted = stack.copy()
    found = contiguous(stack)
    assert found.flags.c_contiguous
    assert np.array_equal(found, wanted)
    assert np.shares_memory(found, stored) or 0 not in (order[0], order[-1])


def test_a_large_table_is_split_as_a_small_one_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from bench.spec import LoadContext
    from bench_datasets import arrays

    rows = [",".join(map(str, [i % 10, i, *[255] * 63])) for i in range(90)]
    path = tmp_path / "a.csv"
    path.write_text("\n".join([_header(), *rows]) + "\n")
    context = LoadContext(paths=(path,), options={}, work_dir=tmp_path, name="arrays")
    copied = arrays.load(context)
    monkeypatch.setattr("bench_datasets._ladder.in_place.COPIED_MAX", 0)
    in_place = arrays.load(context)
    for one, other in ((copied.train, in_place.train), (copied.test, in_place.test)):
        assert one is not None
        assert other is not None
        assert np.array_equal(one.pixels, other.pixels)
        assert one.labels is not None
        assert other.labels is not None
        assert np.array_equal(one.labels, other.labels)


@pytest.mark.heavy
@pytest.mark.parametrize("kind", ["mat", "parquet"])
def test_doubles_and_pictures_take_no_more_than_half_as_much_again(
    tmp_path: Path, kind: str
) -> None:
    n = 30_000 if kind == "mat" else 120_000
    path = tmp_path / f"digits.{kind}"
    images = np.zeros((n, 28, 28), dtype=np.uint8)
    images[:, 10, :] = 255
    labels = np.arange(n) % 10
    if kind == "mat":
        content = {"X": images.transpose(1, 2, 0).astype(np.float64), "y": labels[:, np.newaxis]}
        scipy.io.savemat(path, content)
        held_bytes = n * 784 * 8
    else:
        picture = io.BytesIO()
        Image.fromarray(images[0]).save(picture, format="PNG")
        table = pa.table({"image": [picture.getvalue()] * n, "label": labels})
        pq.write_table(table, path)
        held_bytes = n * 784
    done = subprocess.run(
        [sys.executable, "-c", _PEAK, path], capture_output=True, text=True, check=True
    )
    outcome, peak = done.stdout.split()
    assert outcome == "read"
    assert int(peak) < 1.5 * held_bytes + (60 << 20)
