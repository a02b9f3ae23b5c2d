import json
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bench.cli import main


@pytest.fixture
def say(run_bench: Callable[..., Any]) -> Callable[..., Any]:
    """Run a command line on a wide terminal."""
    return partial(run_bench, columns=120)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with two trained trials and one that failed, made by the real command."""
    store = tmp_path_factory.mktemp("made") / "store"
    trained = ("-m", "debug-good", "-m", "debug-raise", "--plugin", "bench.testing.debug")
    with pytest.raises(SystemExit) as ended:
        main(
            [
                *("run", *trained, "-d", "digits-uci", "--seeds", "1,2"),
                *("--no-isolation", "--store", str(store)),
            ]
        )
    assert ended.value.code == 1
    return store


@pytest.fixture
def store(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "store"))


def test_verify_says_that_a_store_is_as_it_was_written(
    say: Callable[..., Any], store: Path
) -> None:
    said = say("results", "verify", "--store", store)
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith(f"{store}: as it was written (4 trials, ")


def test_verify_names_each_change_and_exits_with_1(say: Callable[..., Any], store: Path) -> None:
    trial = min(path for path in (store / "trials").iterdir() if "--" not in path.name)
    (trial / "log.txt").write_text("changed")

    said = say("results", "verify", "--store", store)
    assert said.code == 1
    lines = said.out.splitlines()
    assert lines[0] == f"  trials/{trial.name}: log.txt was changed"
    assert lines[-1] == "Remove such a folder and bench run makes it again."
    told = json.loads(say("results", "verify", "--store", store, "--json").out)
    assert told["problems"] == [{"folder": f"trials/{trial.name}", "what": "log.txt was changed"}]


def test_verify_trains_a_sample_again_and_compares(say: Callable[..., Any], store: Path) -> None:
    said = say(
        "results", "verify", "--rerun", "1", "--plugin", "bench.testing.debug", "--store", store
    )
    assert said.code == 0, said
    assert said.out.splitlines()[-1] == "  trained again  debug-good  identical"


def test_a_trial_whose_plugin_is_not_here_cannot_be_trained_again(
    say: Callable[..., Any], store: Path
) -> None:
    said = say("results", "verify", "--rerun", "1", "--store", store)
    assert said.code == 0
    assert "debug-good  not possible: unknown model 'debug-good'" in said.out


def test_predictions_that_do_not_come_out_again_are_different(
    say: Callable[..., Any], store: Path
) -> None:
    import numpy as np

    for path in (store / "evaluations").glob("*/predictions.npz"):
        with np.load(path) as file:
            arrays = dict(file)
        arrays["probabilities"] = np.roll(arrays["probabilities"], 1, axis=1)
        arrays["predicted"] = arrays["probabilities"].argmax(axis=1)
        np.savez(path, **arrays)

    said = say(
        "results", "verify", "--rerun", "2", "--plugin", "bench.testing.debug", "--store", store
    )
    assert said.code == 1
    assert "debug-good  different: " in said.out
    assert "on the same machine all must be" in said.out


def _computed_by(store: Path, **machine: str) -> None:
    """Say in every trial's record that another machine computed it."""
    for path in (store / "trials").glob("*/record.json"):
        record = json.loads(path.read_text())
        record["machine"] |= machine
        path.write_text(json.dumps(record))


def _shift_last_digits(store: Path) -> None:
    import numpy as np

    for path in (store / "evaluations").glob("*/predictions.npz"):
        with np.load(path) as file:
            arrays = dict(file)
        arrays["probabilities"] = arrays["probabilities"] * np.float32(1 + 1e-6)
        np.savez(path, **arrays)


@pytest.mark.parametrize(
    ("machine", "words"),
    [
        pytest.param(
            {"instruction_set": "AVX512_CORE_AMX"}, "not AVX512_CORE_AMX", id="instructions"
        ),
        pytest.param({"processor": "Abacus 9000"}, "not Abacus 9000", id="name"),
    ],
)
def test_what_another_processor_computed_is_not_called_changed(
    say: Callable[..., Any], store: Path, machine: dict[str, str], words: str
) -> None:
    _computed_by(store, **machine)
    _shift_last_digits(store)
    said = say(
        "results", "verify", "--rerun", "2", "--plugin", "bench.testing.debug", "--store", store
    )
    line = next(line for line in said.out.splitlines() if "trained again" in line)
    assert "debug-good  other processor: 1.0000 of the predictions are equal; " in line
    assert words in " ".join(said.out.split())


def test_clean_lists_first_and_removes_with_yes(say: Callable[..., Any], store: Path) -> None:
    listed = say("results", "clean", "--state", "failed", "--store", store)
    assert listed.code == 0
    assert listed.out.count("debug-raise on digits-uci") == 2
    assert listed.out.splitlines()[-1].endswith("Nothing was removed: add --yes")
    assert len(list((store / "trials").iterdir())) == 4

    removed = say("results", "clean", "--state", "failed", "--yes", "--store", store)
    assert removed.out.splitlines()[-1].startswith("2 removed, ")
    assert len(list((store / "trials").iterdir())) == 2
    assert say("results", "verify", "--store", store).code == 0
    again = say("results", "clean", "--state", "failed", "--store", store)
    assert again.out == f"{store}: nothing to remove\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(
            ("clean", "--state", "fialed"),
            "bench: --state fialed: the states are ok, failed, timeout, out_of_memory, crashed, "
            "interrupted, code_changed\n",
            id="no such state",
        ),
        pytest.param(
            ("clean", "--older-than", "soon"),
            "bench: --older-than soon: is not a duration; write 90s, 30m or 2h\n",
            id="no duration",
        ),
        pytest.param(
            ("verify", "--store", "no-such-store"),
            "bench: there is no store no-such-store; make one with bench run, or name another\n",
            id="no store",
        ),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    say: Callable[..., Any], arguments: tuple[str, ...], message: str
) -> None:
    assert tuple(say("results", *arguments)) == (2, "", message)
