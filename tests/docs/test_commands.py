"""Every command in the documentation is run, page by page, in the order shown."""

import csv
import os
import re
import runpy
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

REPOSITORY = Path(__file__).parents[2]
PAGES = sorted(
    path.relative_to(REPOSITORY).as_posix()
    for folder in ("docs/tutorials", "docs/how-to")
    for path in (REPOSITORY / folder).glob("*.md")
)
SCRIPT = re.compile(r"```python\n(import bench\n.*?)```", re.DOTALL)
FILE = re.compile(r"`(\w+\.py)`[^`]*:\n\n```python\n(.*?)```", re.DOTALL)


def write_train_csv(path: Path) -> None:
    """Write 300 of scikit-learn's digits in the layout of Kaggle's ``train.csv``."""
    images, labels = load_digits(return_X_y=True)
    enlarged = np.kron(images[:300].reshape(-1, 8, 8), np.ones((3, 3)))
    padded = np.pad(enlarged * 15, ((0, 0), (2, 2), (2, 2))).astype(int)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["label", *(f"pixel{i}" for i in range(784))])
        writer.writerows(
            [label, *image.ravel()] for image, label in zip(padded, labels[:300], strict=True)
        )


def write_predictions(path: Path) -> None:
    """Write a class for each of the 360 test images of ``digits-uci``."""
    path.write_text("".join(["name,predicted\n", *(f"{i},7\n" for i in range(360))]))


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A working folder with the files that the documentation's readers have."""
    write_train_csv(tmp_path / "train.csv")
    samples = REPOSITORY / "datasets/bench_datasets/samples/ids"
    # Without one person: the same images as sample-ids would be the same evaluation.
    folder = shutil.copytree(samples, tmp_path / "my_ids")
    shutil.rmtree(folder / "person-d")
    lines = (folder / "ids.csv").read_text().splitlines(keepends=True)
    (folder / "ids.csv").write_text("".join(x for x in lines if not x.startswith("person-d")))
    write_predictions(tmp_path / "preds.csv")
    photo = next(path for path in sorted(samples.rglob("*")) if path.suffix in (".png", ".jpg"))
    Image.open(photo).convert("L").save(tmp_path / "photo.jpg")
    drawn = runpy.run_path(str(REPOSITORY / "script/handwriting_pictures.py"))
    Image.fromarray(drawn["id_photo"]()).save(tmp_path / "my_id.jpg")
    return tmp_path


def run(words: list[str], desk: Path) -> subprocess.CompletedProcess[str]:
    """Run one command of a page with the smallest budget, as a reader would type it."""
    if words[0] == "run" and "--budget" not in words:
        words = [*words, "--budget", "smoke"]
    if "TRIAL" in words:
        trials = sorted((desk / "results/local/trials").iterdir())
        words = [trials[0].name[:8] if word == "TRIAL" else word for word in words]
    if ">" not in words:
        return python(["-m", "bench", *words], desk)
    place = words.index(">")
    done = python(["-m", "bench", *words[:place]], desk)
    (desk / words[place + 1]).write_text(done.stdout)
    return done


def python(arguments: list[str], desk: Path) -> subprocess.CompletedProcess[str]:
    """Run Python at the reader's desk, with nothing set that a reader has not."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("BENCH_")}
    cache = desk.parent / f"{desk.name}-cache"  # a page may clean it, and it is not the user's
    return subprocess.run(
        [sys.executable, "-P", *arguments],
        cwd=desk,
        env={**env, "BENCH_PROG": "bench", "COLUMNS": "100", "XDG_CACHE_HOME": str(cache)},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


@pytest.mark.heavy
@pytest.mark.parametrize("page", ["README.md", *PAGES], ids=lambda page: str(page))
def test_commands_of_the_page_work(
    page: str, desk: Path, shown_commands: Callable[..., list[list[str]]]
) -> None:
    text = (REPOSITORY / page).read_text(encoding="utf-8")
    for name, source in FILE.findall(text):
        (desk / name).write_text(source)

    for words in shown_commands(REPOSITORY / page, with_files=True):
        done = run(words, desk)
        assert done.returncode == 0, f"bench {' '.join(words)}\n{done.stdout}\n{done.stderr}"
    for script in SCRIPT.findall(text):
        done = python(["-c", script], desk)
        assert done.returncode == 0, f"{script}\n{done.stderr}"


@pytest.mark.parametrize("page", ["README.md", "docs/tutorials/add-a-model.md"])
def test_whole_plugins_shown_are_ten_lines_that_load(page: str, desk: Path) -> None:
    text = (REPOSITORY / page).read_text(encoding="utf-8")
    name, source = FILE.findall(text)[0]
    (desk / name).write_text(source)
    done = run(["list", "models", "knn", "--plugin", name], desk)

    assert done.returncode == 0, done.stderr
    assert "k nearest neighbours" in done.stdout
    assert len([line for line in source.splitlines() if line.strip()]) <= 10
