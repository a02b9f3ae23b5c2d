"""Files of arrays in generated layouts whose truth is known: read right, or refused; never wrong.

``BENCH_LAYOUTS=5000`` draws more than the 500 of every run.
"""

import gzip
import io
import os
import struct
import zipfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.io import savemat

from bench.errors import BenchError
from bench.spec import Dataset, LoadContext
from bench_datasets import arrays
from bench_datasets.digits_uci import enlarge, read_scans

N_DRAWN = int(os.environ.get("BENCH_LAYOUTS", "500"))
_SCANS, _DIGITS = read_scans()
_PIXELS = enlarge(_SCANS[:400])[..., 0]
_SMALL = np.rint(_SCANS[:400] * 16).astype(np.uint8)

SCALES: dict[str, Callable[[Any], Any]] = {
    "bytes": lambda x: x,
    "unit": lambda x: np.round(x / 255, 3),
    "signed": lambda x: np.round(x / 127.5 - 1, 3),
    "sixteen": lambda x: np.rint(x / 255 * 16).astype(np.int64),
    "twelve-bit": lambda x: np.rint(x / 255 * 4095).astype(np.int64),
    "sixteen-bit": lambda x: x.astype(np.int64) * 257,
    "binary": lambda x: (x > 127).astype(np.int64),
    "inverted": lambda x: 255 - x,
    "inverted-unit": lambda x: np.round(1 - x / 255, 3),
    "whole-floats": lambda x: x.astype(np.float64),
}
LABELLED_KEYS = (
    ("x_train", "y_train", "x_test", "y_test"),
    ("X_train", "Y_train", "X_test", "Y_test"),
    ("train_images", "train_labels", "test_images", "test_labels"),
    ("trainX", "trainY", "testX", "testY"),
    ("Xtrain", "ytrain", "Xtest", "ytest"),
    ("training_data", "training_labels", "validation_data", "validation_labels"),
    ("train/data", "train/target", "test/data", "test/target"),
)
WHOLE_KEYS = (
    ("x", "y"), ("X", "y"), ("images", "labels"), ("data", "target"), ("features", "labels"),
    ("arr_0", "arr_1"), ("imgs", "classes"), ("inputs", "targets"), ("pixels", "label"),
)  # fmt: skip
SPELLED = {
    "English": ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"],
    "German": ["null", "eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun"],
    "digit_3": [f"digit_{n}" for n in range(10)],
    "Arabic-Indic": list("٠١٢٣٤٥٦٧٨٩"),
    "Chinese": list("零一二三四五六七八九"),
    "Roman": ["0", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX"],
    "plurals": [
        *("zeros", "ones", "twos", "threes", "fours"),
        *("fives", "sixes", "sevens", "eights", "nines"),
    ],
}
PIXEL_NAMES = (
    "pixel{}", "p{}", "{}", "col_{}", "px-{}", "{row}x{column}", "row{row}_col{column}",
    "x{column}y{row}", "none",
)  # fmt: skip
BESIDE = ("y_pred", "predictions", "index", "fold", "scores")
KINDS = (
    "csv", "csv", "csv", "npz", "npz", "npy", "idx", "mat", "h5", "parquet", "zip", "own labels",
    "a class each", "struct",
)  # fmt: skip
SHAPES = ("hw", "flat", "chw", "hwc", "last", "flat-last")
LABELS = ("plain", "float", "column", "row", "one-hot", "text", "int8")


def _shaped(images: Any, shape: str) -> Any:
    n = len(images)
    made: dict[str, Callable[[], Any]] = {
        "hw": lambda: images,
        "flat": lambda: images.reshape(n, -1),
        "chw": lambda: images[:, np.newaxis],
        "hwc": lambda: images[..., np.newaxis],
        "last": lambda: np.ascontiguousarray(images.transpose(1, 2, 0)),
        "flat-last": lambda: np.ascontiguousarray(images.reshape(n, -1).T),
    }
    return made[shape]()


def _labelled(labels: Any, form: str) -> Any:
    made: dict[str, Callable[[], Any]] = {
        "plain": lambda: labels,
        "float": lambda: labels.astype(np.float64),
        "column": lambda: labels[:, np.newaxis],
        "row": lambda: labels[np.newaxis],
        "one-hot": lambda: np.eye(10)[labels],
        "text": lambda: np.array([str(each) for each in labels.tolist()]),
        "int8": lambda: labels.astype(np.int8),
    }
    return made[form]()


def _csv(draw: Any, path: Path, images: Any, labels: Any) -> None:
    flat = images.reshape(len(images), -1)
    n_pixels = flat.shape[1]
    names = draw(st.sampled_from(PIXEL_NAMES))
    start = draw(st.integers(0, 1))
    side = images.shape[1]
    header = [
        names.format(i + start, row=i // side + start, column=i % side + start)
        for i in range(n_pixels)
    ]
    columns = {name: flat[:, i].tolist() for i, name in enumerate(header)}
    if names == "none":
        header = [f"#{i}" for i in range(n_pixels)]
        columns = {name: flat[:, i].tolist() for i, name in enumerate(header)}
    order = list(header)
    if names not in ("none", "{row}x{column}"):
        how = draw(st.sampled_from(("as-is", "sorted", "shuffled")))
        if how == "sorted":
            order.sort()
        elif how == "shuffled":
            order = np.random.default_rng(draw(st.integers(0, 99))).permutation(order).tolist()
    place = draw(st.sampled_from(("first", "last", "middle", "hot")))
    label = draw(st.sampled_from(("label", "class", "target", "Label", "digit", "y")))
    words = draw(st.sampled_from(tuple(SPELLED.values())))
    values = [words[i] for i in labels] if draw(st.integers(0, 3)) == 0 else labels.tolist()
    if place == "hot":
        hot = [f"is_{d}" for d in range(10)]
        columns |= {name: (labels == d).astype(int).tolist() for d, name in enumerate(hot)}
        order += hot
    else:
        columns[label] = values
        at = {"first": 0, "last": len(order), "middle": len(order) // 2}[place]
        order.insert(at, label)
    if draw(st.booleans()):
        columns["id"] = list(range(len(labels)))
        order.insert(0, "id")
    separator = draw(st.sampled_from((",", ";", "\t", ", ", " ")))
    has_header = names != "none"
    form = draw(st.sampled_from(("{}", "{}", "{:.4e}", '"{}"', "{:g}")))

    def text(value: Any) -> str:
        return value if isinstance(value, str) else form.format(value)

    rows = list(zip(*(columns[name] for name in order), strict=True))
    lines = [separator.join(order)] if has_header else []
    lines += [separator.join(map(text, row)) for row in rows]
    ending = draw(st.sampled_from(("\n", "\r\n", "\n\n")))
    content = (draw(st.sampled_from(("", "\ufeff"))) + ending.join(lines) + ending).encode()
    if draw(st.integers(0, 7)) == 0:
        content = (ending.join(lines) + ending).encode("utf-16")
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


def _own_labels(draw: Any, folder: Path, images: Any, labels: Any) -> Path:
    """Images and labels in two tables, each in its own order, joined by a number."""
    (folder / "set").mkdir()
    n, first = len(images), draw(st.sampled_from((0, 1, 500)))
    order = np.random.default_rng(draw(st.integers(0, 99))).permutation(n)
    rows, own = (order if draw(st.booleans()) else np.arange(n) for _ in range(2))
    header = ",".join(["id", *(f"pixel{i}" for i in range(images[0].size))])
    lines = [",".join(map(str, [i + first, *images[i].reshape(-1).tolist()])) for i in rows]
    (folder / "set" / "images.csv").write_text("\n".join([header, *lines]) + "\n")
    lines = [f"{i + first},{labels[i]}" for i in own]
    (folder / "set" / "labels.csv").write_text("\n".join(["id,label", *lines]) + "\n")
    return folder / "set"


def _by_class(draw: Any, folder: Path, images: Any, labels: Any) -> Path:
    """An array for each class: keys of an archive, or files of a folder."""
    form = draw(st.sampled_from(("{}", "train{}", "class_{}", "digit{}")))
    parts = {form.format(d): images[labels == d] for d in sorted(set(labels.tolist()))}
    if draw(st.booleans()):
        np.savez(folder / "digits.npz", **parts)
        return folder / "digits.npz"
    (folder / "set").mkdir()
    for key, value in parts.items():
        np.save(folder / "set" / f"{key}.npy", value)
    return folder / "set"


def _struct(draw: Any, folder: Path, images: Any, labels: Any, half: int) -> Path:
    """EMNIST's nested struct, its images stored column by column; or MATLAB's 10 for 0."""
    if draw(st.booleans()):
        tens = np.where(labels == 0, 10, labels)[:, np.newaxis]
        content: dict[str, Any] = {"X": images.transpose(1, 2, 0), "y": tens.astype(np.float64)}
    else:
        flat = images.transpose(0, 2, 1).reshape(len(images), -1)
        part = {
            name: {"images": flat[rows], "labels": labels[rows, np.newaxis]}
            for name, rows in (("train", slice(half)), ("test", slice(half, None)))
        }
        mapping = np.array([(d, 48 + d) for d in range(10)])
        content = {"dataset": {**part, "mapping": mapping}}
    savemat(folder / "digits.mat", content)
    return folder / "digits.mat"


def _idx(path: Path, array: Any) -> None:
    kind, dtype = (0x08, ">u1") if array.dtype.itemsize == 1 else (0x0C, ">i4")
    content = struct.pack(f">BBBB{array.ndim}I", 0, 0, kind, array.ndim, *array.shape)
    content += array.astype(dtype).tobytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


def _written(draw: Any, folder: Path, images: Any, labels: Any) -> Path:
    kind = draw(st.sampled_from(KINDS))
    half = len(images) * 2 // 3
    if kind == "own labels":
        return _own_labels(draw, folder, images, labels)
    if kind == "a class each":
        return _by_class(draw, folder, images, labels)
    if kind == "struct":
        return _struct(draw, folder, images, labels, half)
    if kind in ("csv", "zip"):
        path: Path = folder / draw(st.sampled_from(("train.csv", "digits.txt", "data.csv.gz")))
        _csv(draw, path, images, labels)
        if kind == "csv":
            return path
        with zipfile.ZipFile(folder / "competition.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(path, path.name)
        return folder / "competition.zip"
    if kind == "parquet":
        return _parquet(draw, folder / "digits.parquet", images, labels)
    if kind == "idx":
        if images.dtype.kind == "f":
            images = images.astype(np.float64)
            return _arrays(draw, folder, "npz", images, labels, half)
        dot, end = draw(st.sampled_from((".", "-"))), draw(st.sampled_from(("", ".gz", " (1).gz")))
        test = draw(st.sampled_from(("t10k", "test")))
        for split, rows in (("train", slice(0, half)), (test, slice(half, None))):
            _idx(folder / "set" / f"{split}-images{dot}idx3-ubyte{end}", images[rows])
            _idx(
                folder / "set" / f"{split}-labels{dot}idx1-ubyte{end}",
                labels[rows].astype(np.uint8),
            )
        return folder / "set"
    return _arrays(draw, folder, kind, images, labels, half)


def _parquet(draw: Any, path: Path, images: Any, labels: Any) -> Path:
    if images.dtype == np.uint8 and draw(st.booleans()):
        pictures = []
        for image in images:
            file = io.BytesIO()
            Image.fromarray(image).save(file, format="PNG")
            pictures.append({"bytes": file.getvalue(), "path": None})
        table = pa.table({"image": pictures, "label": labels})
    else:
        flat = images.reshape(len(images), -1)
        table = pa.table(
            {"label": labels, **{f"pixel{i}": flat[:, i] for i in range(flat.shape[1])}}
        )
    pq.write_table(table, path)
    return path


def _arrays(draw: Any, folder: Path, kind: str, images: Any, labels: Any, half: int) -> Path:
    shape, form = draw(st.sampled_from(SHAPES)), draw(st.sampled_from(LABELS))
    if kind in ("h5", "mat") and form == "text":
        form = "plain"
    if draw(st.booleans()):
        keys = draw(st.sampled_from(LABELLED_KEYS))
        parts = {
            keys[0]: _shaped(images[:half], shape), keys[1]: _labelled(labels[:half], form),
            keys[2]: _shaped(images[half:], shape), keys[3]: _labelled(labels[half:], form),
        }  # fmt: skip
    else:
        keys = draw(st.sampled_from(WHOLE_KEYS))
        parts = {keys[0]: _shaped(images, shape), keys[1]: _labelled(labels, form)}
    if draw(st.integers(0, 3)) == 0:
        parts[draw(st.sampled_from(BESIDE))] = (labels + 1) % 10
    parts = dict(draw(st.permutations(list(parts.items()))))
    if kind == "h5":
        path = folder / "digits.h5"
        with h5py.File(path, "w") as file:
            for key, value in parts.items():
                file[key] = value
        return path
    parts = {key.replace("/", "_"): value for key, value in parts.items()}
    if kind == "mat":
        savemat(folder / "digits.mat", parts, do_compression=draw(st.booleans()))
        return folder / "digits.mat"
    if kind == "npz":
        np.savez_compressed(folder / "digits.npz", **parts)
        return folder / "digits.npz"
    for key, value in parts.items():
        (folder / "set").mkdir(exist_ok=True)
        np.save(folder / "set" / f"{key}.npy", value)
    return folder / "set"


def _read(path: Path, folder: Path) -> Dataset | None:
    """Return what is made of a file; None where it is refused, in one line with a remedy."""
    try:
        return arrays.load(LoadContext(paths=(path,), options={}, work_dir=folder, name="arrays"))
    except BenchError as error:
        is_told = bool(error.fix) and "\n" not in str(error)
    assert is_told
    return None


def _wrong(dataset: Any, images: Any, labels: Any) -> str:
    """Return what of a reading contradicts the truth; empty where all is right."""
    splits = [split for split in (dataset.train, dataset.test) if split is not None]
    seen = np.concatenate([split.images[..., 0] for split in splits])
    if seen.shape != images.shape:
        return f"images of shape {seen.shape} instead of {images.shape}"
    if any(split.labels is None for split in splits):
        return "no labels"
    read = np.concatenate([split.labels for split in splits])
    truth = images.astype(np.float32) / np.float32(images.max())
    for image, label in zip(seen, read, strict=True):
        distance = np.abs(truth - image).mean(axis=(1, 2))
        nearest = int(distance.argmin())
        if distance[nearest] > 0.05:
            return "an image that is none of the file's"
        same = np.flatnonzero(distance <= distance[nearest] + 1e-6)
        if dataset.classes[label] not in {str(labels[i]) for i in same}:
            return f"label {dataset.classes[label]} instead of {labels[nearest]}"
    return ""


@given(data=st.data())
@settings(
    max_examples=N_DRAWN,
    deadline=None,
    database=None,
    derandomize=N_DRAWN <= 500,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_a_generated_layout_is_read_right_or_refused(
    data: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    draw = data.draw
    folder = tmp_path_factory.mktemp("layout")
    n = draw(st.integers(12, 40))
    rows = np.random.default_rng(draw(st.integers(0, 10**6))).permutation(400)[:n]
    if draw(st.booleans()):
        rows = rows[np.argsort(_DIGITS[rows], kind="stable")]
    images = (_PIXELS if draw(st.integers(0, 2)) else _SMALL)[rows]
    scale = draw(st.sampled_from(tuple(SCALES))) if images.max() > 16 else "bytes"
    stored = SCALES[scale](images)
    path = _written(draw, folder, stored, _DIGITS[rows])
    dataset = _read(path, folder)
    if dataset is None:
        return
    truth = (images > 127).astype(np.uint8) if scale == "binary" else images
    assert not _wrong(dataset, truth, _DIGITS[rows]), (path.name, scale, dataset.notes)


def _examples() -> list[Any]:
    modules = ("csv_table", "npy", "idx", "parquet", "mat", "hdf5")
    found = [import_module(f"bench_datasets._ladder.{module}").EXAMPLES for module in modules]
    return [example for examples in found for example in examples]


@pytest.mark.parametrize("example", _examples(), ids=lambda example: str(example.title))
def test_every_example_of_the_page_is_read_right(example: Any, tmp_path: Path) -> None:
    images, labels = _PIXELS[:60], _DIGITS[:60]
    dataset = _read(example.write(tmp_path, images, labels), tmp_path)
    assert dataset is not None
    assert not _wrong(dataset, images, labels)
