"""A dataset plugin's own files: whatever decided its images is noticed when it changes."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.loading.load import load_dataset
from bench.loading.refs import LoadedDataset
from bench.plugins.discovery import load_plugins

PLUGIN = """
import importlib
import os
from pathlib import Path

import numpy as np
from bench import Dataset, DatasetSpec, ImageSet, hookimpl

HERE = Path(__file__).parent


def shade():
    {body}


def load(context):
    with (HERE / "calls.txt").open("a") as calls:
        calls.write("x")
    labels = np.arange(20) % 2
    pixels = np.full((20, 8, 8, 1), 10 * shade(), dtype=np.uint8)
    pixels[:, 0, 0, 0] = labels
    return Dataset(classes=("0", "1"), train=ImageSet(pixels=pixels, labels=labels))


@hookimpl
def bench_register_datasets(register):
    register(DatasetSpec(name="mine", summary="", load=load))
"""
Change = Callable[[Path], object]


def write(name: str, text: str = "7") -> Change:
    def change(folder: Path) -> None:
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        later = time.time() + 5
        os.utime(path, (later, later))

    return change


WAYS = {
    "file": ("return int((HERE / 'c.txt').read_text())", "c.txt"),
    "file that comes": ("return 7 if (HERE / 'new.txt').exists() else 3", "new.txt"),
    "file that comes, opened": (
        "try:\n        return int((HERE / 'new.txt').read_text())\n"
        "    except OSError:\n        return 3",
        "new.txt",
    ),
    "folder": ("return len(os.listdir(HERE / 'photos'))", "photos/2.txt"),
    "folder that is walked": (
        "return sum(len(names) for _, _, names in os.walk(HERE / 'photos'))",
        "photos/deep/2.txt",
    ),
    "helper that only running shows": (
        "return importlib.import_module('tints' + str(os.getpid())).SHADE",
        "tints.py",
    ),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "plugin"
    home.mkdir()
    for name in ("c.txt", "photos/1.txt"):
        write(name, "3")(home)
    monkeypatch.syspath_prepend(str(home))
    return home


def loaded(home: Path) -> LoadedDataset:
    spec = load_plugins([str(home / "mine.py")]).datasets["mine"]
    return load_dataset(spec, cache_dir=home.parent / "cache")


def calls(home: Path) -> int:
    return len((home / "calls.txt").read_text())


@pytest.mark.parametrize(("body", "changed"), WAYS.values(), ids=list(WAYS))
def test_what_decided_a_plugins_images_is_noticed_when_it_changes(
    folder: Path, body: str, changed: str
) -> None:
    tints = f"tints{os.getpid()}.py"
    changed = tints if changed == "tints.py" else changed
    write(tints, "SHADE = 3\n")(folder)
    write("mine.py", PLUGIN.format(body=body))(folder)
    before = loaded(folder)
    assert (loaded(folder), calls(folder)) == (before, 1)

    write(changed, "SHADE = 7\n" if changed == tints else "7")(folder)
    after = loaded(folder)

    assert before.train is not None
    assert after.train is not None
    assert calls(folder) == 2
    assert before.train.content_hash != after.train.content_hash
    assert (loaded(folder), calls(folder)) == (after, 2)
