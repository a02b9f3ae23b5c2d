"""Writes sound data files of every kind, for the tries to spoil: ``sound.py FOLDER``.

A process of its own, for writers start threads. It prints, of each kind, which commands read each
file: ``{place}`` stands for the kind's folder.
"""

import gzip
import json
import shutil
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

N = 60
Commands = list[list[str]]


def digits() -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.random.default_rng(3).integers(0, 256, (N, 28, 28), dtype=np.uint8)


def idx(array: np.ndarray[Any, Any]) -> bytes:
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes((0, 0, 8, array.ndim)) + sizes + array.astype(np.uint8).tobytes()


def inspect(path: Path, name: str = "") -> Commands:
    return [["data", "inspect", f"{name}={path}" if name else str(path)]]


def tables(folder: Path) -> dict[Path, Commands]:
    """Write tables of pixels: plain, without labels, packed."""
    images, labels = digits(), np.arange(N) % 10
    head = "label," + ",".join(f"pixel{i}" for i in range(784))
    rows = [",".join(map(str, [k, *row.ravel()])) for k, row in zip(labels, images, strict=True)]
    text = "\n".join([head, *rows]) + "\n"
    plain, unlabelled = folder / "train.csv", folder / "test.csv"
    packed, archive = folder / "packed.csv.gz", folder / "archive.zip"
    plain.write_text(text)
    unlabelled.write_text("\n".join(line.partition(",")[2] for line in (head, *rows)) + "\n")
    packed.write_bytes(gzip.compress(text.encode()))
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("train.csv", text)
    return {
        plain: inspect(plain, "mnist-csv") + inspect(plain),
        unlabelled: [["predict", str(unlabelled)]],
        packed: inspect(packed, "mnist-csv"),
        archive: inspect(archive, "mnist-csv") + inspect(archive),
    }


def arrays(folder: Path) -> dict[Path, Commands]:
    """Write files of arrays, one of each kind that is read."""
    import h5py
    import pyarrow as pa
    import pyarrow.parquet as pq
    from scipy.io import savemat

    images, labels = digits(), np.arange(N) % 10
    made = {name: folder / name for name in ("mnist.npz", "svhn.h5", "usps.h5", "own.mat")}
    test = {"x_test": images[:20], "y_test": labels[:20]}
    np.savez(made["mnist.npz"], x_train=images, y_train=labels, **test)  # type: ignore[arg-type]
    with h5py.File(made["svhn.h5"], "w") as file:
        for part in ("train", "test"):
            file[f"X_{part}"] = np.pad(images, ((0, 0), (2, 2), (2, 2))).astype(np.float32)
            file[f"y_{part}"] = labels
    with h5py.File(made["usps.h5"], "w") as file:
        for part in ("train", "test"):
            file[f"{part}/data"] = images[:, :16, :16].reshape(N, 256) / 255
            file[f"{part}/target"] = labels
    savemat(made["own.mat"], {"X": images, "y": labels})
    parquet = folder / "own.parquet"
    columns = {"label": labels} | {f"pixel{i}": images.reshape(N, -1)[:, i] for i in range(784)}
    pq.write_table(pa.table(columns), parquet)
    pair, four = folder / "pair", folder / "four"
    pair.mkdir()
    four.mkdir()
    np.save(pair / "images.npy", images)
    np.save(pair / "labels.npy", labels)
    for name, pack in (("train", gzip.compress), ("t10k", bytes)):
        ending = ".gz" if name == "train" else ""
        (four / f"{name}-images-idx3-ubyte{ending}").write_bytes(pack(idx(images)))
        (four / f"{name}-labels-idx1-ubyte{ending}").write_bytes(pack(idx(labels)))
    return {
        made["mnist.npz"]: inspect(made["mnist.npz"], "mnist") + inspect(made["mnist.npz"]),
        made["svhn.h5"]: inspect(made["svhn.h5"], "svhn-h5") + inspect(made["svhn.h5"]),
        made["usps.h5"]: inspect(made["usps.h5"], "usps"),
        made["own.mat"]: inspect(made["own.mat"]),
        parquet: inspect(parquet),
        **{path: inspect(pair) for path in pair.iterdir()},
        **{path: inspect(four, "mnist") + inspect(four) for path in four.iterdir()},
    }


def pictures(folder: Path) -> dict[Path, Commands]:
    """Write folders of pictures with the tables that label them, and a ``bench.toml``."""
    from openpyxl import Workbook
    from PIL import Image

    own, classes, ids = folder / "own", folder / "classes", folder / "ids"
    own.mkdir()
    endings = ("png", "jpg", "gif", "bmp", "tiff", "webp")
    for number, image in enumerate(digits()[:12]):
        for place in (classes / f"{number % 10}", ids / f"person{number % 3}"):
            place.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(place / f"{number}.{endings[number % 6]}")
        Image.fromarray(image).save(own / f"{number}.png")
    for place in ids.iterdir():
        (place / "id.txt").write_text("0" * len(list(place.iterdir())))
    labelled = [("file", "label"), *((f"{i}.png", i % 10) for i in range(12))]
    (own / "labels.csv").write_text("".join(f"{name},{label}\n" for name, label in labelled))
    sheet = folder / "sheet"
    shutil.copytree(own, sheet)
    (sheet / "labels.csv").unlink()
    book = Workbook()
    for line in labelled:
        book.active.append(line)
    book.save(sheet / "labels.xlsx")
    config = folder / "bench.toml"
    config.write_text('disable = ["sample_ids"]\n[options.svm-ovo]\nc = 2.0\n')
    photo = own / "0.png"
    return {
        photo: [["predict", str(photo)], *inspect(own)],
        own / "labels.csv": [*inspect(own), ["predict", str(own)]],
        sheet / "labels.xlsx": inspect(sheet),
        **{path: [["predict", str(path)], *inspect(classes)] for path in classes.rglob("*.*")},
        **{path: inspect(ids) for path in ids.rglob("id.txt")},
        config: [["list", "models"], ["doctor", "--json"]],
    }


KINDS: tuple[Callable[[Path], dict[Path, Commands]], ...] = (tables, arrays, pictures)


def write(folder: Path) -> list[dict[str, Commands]]:
    """Write each kind into a folder of its own; return the commands that read each file."""
    found = []
    for number, kind in enumerate(KINDS):
        place = folder / f"{number}"
        place.mkdir()
        found.append(
            {
                str(path.relative_to(place)): [
                    [word.replace(str(place), "{place}") for word in command]
                    for command in commands
                ]
                for path, commands in kind(place).items()
            }
        )
    return found


if __name__ == "__main__":
    json.dump(write(Path(sys.argv[1])), sys.stdout)
