"""Each dataset check passes a sound dataset and fails one that breaks just its claim."""

from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any
from unittest import SkipTest

import numpy as np
import pytest

from bench.options import Option
from bench.spec import Dataset, DatasetSpec, ImageSet, LoadContext
from bench.testing import DATASET_CHECKS, CheckState, DatasetCase, run_checks
from bench.testing.cases import draw_images

_CHECKS = {check.__name__.removeprefix("check_"): check for check in DATASET_CHECKS}
TRAIN, TEST = draw_images(30, (8, 8, 1), 3), draw_images(9, (8, 8, 1), 3, seed=1)
DATA = Dataset(classes=("a", "b", "c"), train=TRAIN, test=TEST)
CALLS = count()


def spec(data: Dataset | Callable[[LoadContext], Dataset], **changes: Any) -> DatasetSpec:
    load = data if callable(data) else lambda context: data
    return DatasetSpec(**{"name": "blocks", "summary": "three patterns", "load": load, **changes})


def drifting(context: LoadContext) -> Dataset:
    return replace(DATA, test=draw_images(9, (8, 8, 1), 3, seed=1 + next(CALLS)))


def without_labels(split: ImageSet) -> ImageSet:
    return replace(split, labels=None)


BROKEN = [
    pytest.param(
        "origin_is_told",
        spec(DATA, files=(("blocks.npz",),), source="me"),
        "its registration has no how_to_get",
        id="no-way-to-get-it",
    ),
    pytest.param(
        "options_are_sound",
        spec(DATA, options={"fraction": Option(default=0.8, maximum=0.5)}),
        "the default is refused: fraction=0.8: fraction is at most 0.5",
        id="default-outside-limits",
    ),
    pytest.param(
        "splits_are_those_promised",
        spec(replace(DATA, train=None)),
        "provides names train, test, load returned test",
        id="no-training-split",
    ),
    pytest.param(
        "images_and_labels_are_sound",
        spec(replace(DATA, test=replace(TEST, labels=np.full(9, 7)))),
        "blocks, test split",
        id="label-outside",
    ),
    pytest.param(
        "splits_have_one_shape",
        spec(replace(DATA, test=draw_images(9, (6, 8, 1), 3))),
        "its splits have the shapes (6, 8, 1) and (8, 8, 1)",
        id="two-shapes",
    ),
    pytest.param(
        "labels_are_int64",
        spec(replace(DATA, test=replace(TEST, labels=np.asarray(TEST.labels, np.int32)))),
        "labels of the test split are int32",
        id="int32",
    ),
    pytest.param(
        "classes_are_texts",
        spec(replace(DATA, classes=(0, 1, 2))),  # type: ignore[arg-type]  # the mistake under test
        "0 is a class name",
        id="numbers-for-names",
    ),
    pytest.param(
        "loading_twice_gives_the_same",
        spec(drifting),
        "the test split differs when it is loaded again",
        id="drifts",
    ),
    pytest.param(
        "splits_share_no_image",
        spec(replace(DATA, test=TRAIN.take(np.arange(3)))),
        "3 test images are also training images",
        id="leak",
    ),
]


@pytest.mark.parametrize("check", DATASET_CHECKS, ids=lambda check: check.__name__)
def test_a_sound_dataset_passes(check: Callable[[DatasetCase], None]) -> None:
    case = DatasetCase(
        spec(DATA, options={"fraction": Option(default=0.8, help="share for training")})
    )
    if check.__name__ == "check_import_is_cheap":
        with pytest.raises(SkipTest):
            check(case)
    else:
        check(case)


@pytest.mark.parametrize(("name", "broken", "said"), BROKEN)
def test_a_broken_dataset_fails_with_two_lines(name: str, broken: DatasetSpec, said: str) -> None:
    (result,) = run_checks([_CHECKS[name]], DatasetCase(broken))
    assert result.state is CheckState.FAILED
    assert len(result.lines) == 2
    assert result.lines[0] == said


def test_every_check_has_a_dataset_that_fails_it() -> None:
    assert {str(param.values[0]) for param in BROKEN} | {"import_is_cheap"} == set(_CHECKS)


def test_an_expensive_import_fails(tmp_path: Path) -> None:
    plugin = tmp_path / "mine.py"
    plugin.write_text("import pandas\n")
    (result,) = run_checks([_CHECKS["import_is_cheap"]], DatasetCase(spec(DATA), file=str(plugin)))
    assert result.state is CheckState.FAILED
    assert "imports pandas" in result.lines[0]


def test_checks_that_need_missing_files_could_not_run() -> None:
    absent = spec(DATA, files=(("blocks.npz",),), source="me", how_to_get="ask me")
    states = {r.name: r for r in run_checks(DATASET_CHECKS, DatasetCase(absent))}
    assert states["labels-are-int64"].state is CheckState.SKIPPED
    assert states["labels-are-int64"].lines == (
        "could not run: its files are not on this machine",
        "ask me",
    )
    assert states["origin-is-told"].state is CheckState.PASSED


def test_a_bare_default_passes_with_advice() -> None:
    bare = DatasetCase(spec(DATA, options={"fraction": 0.8}))
    (result,) = run_checks([_CHECKS["options_are_sound"]], bare)
    assert result.state is CheckState.PASSED
    assert result.lines[0] == "advice: bench list models shows no help for 'fraction'"


def test_unlabelled_evaluation_data_is_sound() -> None:
    only = spec(replace(DATA, train=None, test=without_labels(TEST)), provides=("test",))
    states = [r.state for r in run_checks(DATASET_CHECKS, DatasetCase(only))]
    assert CheckState.FAILED not in states
