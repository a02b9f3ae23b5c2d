import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from bench.store.layout import Store
from bench.store.read import read_predictions, read_trial
from bench.store.record import TrialRecord

MODEL = "cnn-mnist-wide-augmented"  # dropout and augmentation: both keep a state of their own
OPTIONS = {"epochs": 6, "train_images": 300, "batch_size": 50}


def start(store: Path, output: Path) -> "subprocess.Popen[bytes]":
    settings = [f"{MODEL}.{name}={value}" for name, value in OPTIONS.items()]
    sets = [part for setting in settings for part in ("--set", setting)]
    command = [sys.executable, "-m", "bench", "run", "-m", MODEL, "-d", "digits-uci"]
    with output.open("wb") as file:
        return subprocess.Popen(
            [*command, *sets, "--log-format", "json", "--store", str(store)],
            stdout=file,
            env=os.environ.copy(),
        )


def only_trial(store: Path) -> tuple[TrialRecord, np.ndarray]:
    (folder,) = [path for path in Store(store).trials.iterdir() if "--" not in path.name]
    record = read_trial(folder)
    evaluations = sorted(Store(store).evaluations.iterdir())
    return record, np.concatenate([read_predictions(each).probabilities for each in evaluations])


def epochs_in(output: Path) -> int:
    return output.read_text().count('"epoch_ended"')


def told(output: Path) -> list[str]:
    return [line for line in output.read_text().splitlines() if '"epoch_ended"' in line]


@pytest.mark.heavy
def test_a_network_killed_in_training_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    whole = start(tmp_path / "whole", tmp_path / "whole.txt")
    assert whole.wait(300) == 0

    killed = start(tmp_path / "killed", tmp_path / "killed.txt")
    deadline = time.monotonic() + 200
    while epochs_in(tmp_path / "killed.txt") < 2:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    time.sleep(2.0)
    again = start(tmp_path / "killed", tmp_path / "again.txt")
    assert again.wait(300) == 0

    first, second = only_trial(tmp_path / "whole"), only_trial(tmp_path / "killed")
    assert (first[0].resumed, second[0].resumed) == (False, True)
    # It tells again what it did not train again: with the seconds of the first time.
    before, after = told(tmp_path / "killed.txt"), told(tmp_path / "again.txt")
    assert after[:2] == before[:2]
    assert after != told(tmp_path / "whole.txt")
    assert second[0].epochs == OPTIONS["epochs"]
    assert (first[1] == second[1]).all()
    lines = (tmp_path / "again.txt").read_text().splitlines()
    counts = [json.loads(line) for line in lines if '"run_finished"' in line]
    assert counts[0]["counts"] == {"ok": 1}
