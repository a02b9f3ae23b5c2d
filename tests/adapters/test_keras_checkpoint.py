import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from bench import keras_classifier
from bench.spec import BuildContext, Epoch, FitContext, ImageSet

SHAPE = (8, 8, 1)
FILE = "checkpoint.npz"
OPTIONS = {
    "epochs": 5,
    "batch_size": 16,
    "augment": "published",
    "validation_fraction": 0.2,
    "reduce_lr_on_plateau": 1,
    "early_stopping": 4,
    "learning_rate": 0.01,
}


class _Stop(Exception):  # noqa: N818  # it is no error: it stands for a kill
    pass


def _network(context: BuildContext) -> Any:
    import keras
    from keras import layers

    return keras.Sequential(
        [
            keras.Input(context.image_shape),
            layers.Conv2D(4, 3),
            layers.BatchNormalization(),
            layers.Flatten(),
            layers.Dropout(0.4),
            layers.Dense(16, activation="relu"),
            layers.Dropout(0.2),
            layers.Dense(context.n_classes, activation="softmax"),
        ]
    )


def _train() -> ImageSet:
    generator = np.random.default_rng(1)
    pixels = generator.integers(0, 255, (90, *SHAPE)).astype(np.uint8)
    return ImageSet(pixels=pixels, labels=generator.integers(0, 3, 90))


def _fit(
    folder: Path | None,
    stop_after: int = 99,
    history: list[Epoch] | None = None,
    **changes: Any,
) -> npt.NDArray[np.float32]:
    """Fit, or be stopped after an epoch as a kill would: nothing more is done or written."""

    def report(epoch: Epoch) -> None:
        if history is not None:
            history.append(epoch)
        if epoch.epoch == stop_after:
            raise _Stop

    fields: dict[str, Any] = {
        "image_shape": SHAPE,
        "classes": ("0", "1", "2"),
        "options": OPTIONS,
        "threads": 2,
        "checkpoint_folder": folder,
        "report_epoch": report,
        **changes,
    }
    context = FitContext(**fields)
    classifier = keras_classifier(_network, context)
    classifier.fit(_train(), context)
    return classifier.predict_proba(_train().images)


@pytest.fixture(scope="module")
def whole() -> npt.NDArray[np.float32]:
    return _fit(None)


@pytest.mark.parametrize("precision", [pytest.param(p, id=p) for p in ("float32", "bfloat16")])
@pytest.mark.parametrize("optimizer", [pytest.param(o, id=o) for o in ("adam", "nadam")])
def test_an_interrupted_fit_ends_bit_for_bit_as_one_that_ran_through(
    tmp_path: Path, precision: str, optimizer: str
) -> None:
    options = {**OPTIONS, "optimizer": optimizer}
    changes: dict[str, Any] = {"precision": precision, "options": options}
    for epoch in (1, 3):
        with pytest.raises(_Stop):
            _fit(tmp_path, stop_after=epoch, **changes)
    resumed = _fit(tmp_path, **changes)
    np.testing.assert_array_equal(resumed, _fit(None, **changes))


def test_a_resumed_fit_reports_the_whole_history(tmp_path: Path) -> None:
    before: list[Epoch] = []
    with pytest.raises(_Stop):
        _fit(tmp_path, stop_after=2, history=before)
    after: list[Epoch] = []
    _fit(tmp_path, history=after)
    assert [epoch.epoch for epoch in after] == [1, 2, 3, 4, 5]
    assert after[:2] == before


def test_a_finished_fit_is_not_trained_again(
    tmp_path: Path, whole: npt.NDArray[np.float32]
) -> None:
    _fit(tmp_path)
    history: list[Epoch] = []
    started = time.time_ns()
    again = _fit(tmp_path, history=history)
    np.testing.assert_array_equal(again, whole)
    assert (tmp_path / FILE).stat().st_mtime_ns < started
    assert len(history) == 5


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda content: content[: len(content) // 2], id="torn"),
        pytest.param(lambda content: b"", id="empty"),
        pytest.param(
            lambda content: content[:2000] + bytes(100) + content[2100:], id="a-hole-in-it"
        ),
        pytest.param(lambda content: b"PK\x03\x04" + content[4:400], id="no-directory"),
    ],
)
def test_a_damaged_checkpoint_is_ignored(
    tmp_path: Path, whole: npt.NDArray[np.float32], damage: Any
) -> None:
    with pytest.raises(_Stop):
        _fit(tmp_path, stop_after=2)
    content = (tmp_path / FILE).read_bytes()
    (tmp_path / FILE).write_bytes(damage(content))
    np.testing.assert_array_equal(_fit(tmp_path), whole)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"seed": 7}, id="seed"),
        pytest.param({"options": {**OPTIONS, "batch_size": 20}}, id="options"),
        pytest.param({"precision": "bfloat16"}, id="precision"),
    ],
)
def test_a_checkpoint_of_another_fit_is_ignored(
    tmp_path: Path, whole: npt.NDArray[np.float32], changes: dict[str, Any]
) -> None:
    with pytest.raises(_Stop):
        _fit(tmp_path, stop_after=2, **changes)
    np.testing.assert_array_equal(_fit(tmp_path), whole)


def test_a_checkpoint_with_pickled_content_is_not_unpickled(
    tmp_path: Path, whole: npt.NDArray[np.float32]
) -> None:
    content = np.array([{"a": 1}], dtype=object)
    np.savez(tmp_path / FILE, header=content)
    np.testing.assert_array_equal(_fit(tmp_path), whole)


_KILLED = """
import importlib.util, pathlib, sys
spec = importlib.util.spec_from_file_location("resumed", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
report = lambda epoch: print(epoch.epoch, flush=True)
rows = module._fit(pathlib.Path(sys.argv[2]), options={**module.OPTIONS, "epochs": 40},
                   report_epoch=report)
module.np.save(sys.argv[3], rows)
"""


def _start(folder: Path, result: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", _KILLED, __file__, str(folder), str(result)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=Path(__file__).parents[2],
    )


@pytest.mark.heavy
def test_kill_9_at_random_moments_changes_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "checkpoint"
    generator = np.random.default_rng(11)
    for kills in range(3):
        process = _start(folder, tmp_path / "rows.npy")
        assert process.stdout is not None
        for _ in range(2 + 6 * kills):
            process.stdout.readline()
        time.sleep(float(generator.uniform(0, 0.1)))
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
    assert (folder / FILE).is_file()
    last = _start(folder, tmp_path / "resumed.npy")
    last.communicate(timeout=300)
    fresh = _start(tmp_path / "fresh", tmp_path / "whole.npy")
    fresh.communicate(timeout=300)
    np.testing.assert_array_equal(
        np.load(tmp_path / "resumed.npy"), np.load(tmp_path / "whole.npy")
    )
