"""``bench list``: what is there, what is missing and what to put where, what is broken and why."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import bench

Run = Callable[..., Any]

PLUGIN = """
from bench import Description, ModelSpec, Option, hookimpl


class Small:
    def fit(self, train, context):
        pass

    def predict_proba(self, images):
        pass

    def describe(self):
        return Description(parameters=12, trainable_parameters=10, engine="none 1.0")


@hookimpl
def bench_register_models(register):
    options = {"depth": Option(default=3, minimum=1, maximum=9, help="how deep")}
    register(ModelSpec(name="small", summary="a small one", build=lambda context: Small(),
                       options=options))
"""


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    """A file with a model of one option."""
    path = tmp_path / "small_plugin.py"
    path.write_text(PLUGIN)
    return path


def test_every_built_in_model_and_dataset_is_listed(run_bench: Run) -> None:
    out = run_bench("list", columns=120).out
    for name in ("svm-ovo", "cnn-svhn-deep", "digits-uci", "svhn-h5"):
        assert f"\n {name} " in out


def test_a_missing_dataset_says_what_to_put_where(run_bench: Run) -> None:
    lines = run_bench("list", "datasets", columns=120).out.splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith(" svhn-h5"))
    assert "missing" in lines[at]
    assert "→ put SVHN_single_grey1.h5 in a data folder" in lines[at + 1]


def test_a_dataset_that_is_there_is_present(run_bench: Run, tmp_path: Path) -> None:
    (tmp_path / "usps.npz").write_bytes(b"not read to be listed")
    out = run_bench("list", "datasets", "--data-dir", tmp_path, "--json").out
    found = {each["name"]: each for each in json.loads(out)}
    assert found["usps"]["present"]
    assert found["usps"]["paths"] == [str(tmp_path / "usps.npz")]
    assert not found["mnist"]["present"]


def test_embedded_data_is_named_as_what_it_is(run_bench: Run) -> None:
    out = " ".join(run_bench("list", "datasets", columns=200).out.split())
    assert "synthetic-house-numbers embedded" in out
    assert "synthetic, not SVHN" in out


def test_a_model_shows_its_size_and_options(run_bench: Run, plugin: Path) -> None:
    out = run_bench("list", "models", "small", "--plugin", plugin, columns=100).out
    assert out.splitlines()[0] == "small · a small one"
    assert "12 (10 trainable)" in out
    assert " depth   3        1 to 9  how deep" in out
    assert "--set small.depth=3" in out


@pytest.mark.heavy
def test_a_network_shows_its_layers(run_bench: Run) -> None:
    out = run_bench("list", "models", "cnn-svhn-deep", "--shape", "32x32", columns=100).out
    assert "164,362 (164,170 trainable)" in out
    # Keras numbers layers through the life of the process.
    assert re.search(r"conv2d_\d+ +Conv2D +16 × 16 × 64 +18,496", out)


def test_a_model_in_json_has_typed_options(run_bench: Run, plugin: Path) -> None:
    value = json.loads(run_bench("list", "models", "small", "--plugin", plugin, "--json").out)
    assert value["parameters"] == 12
    assert value["options"]["depth"] == {
        "type": "whole number",
        "default": 3,
        "choices": [],
        "minimum": 1,
        "maximum": 9,
        "help": "how deep",
    }


def test_a_model_that_cannot_be_built_still_shows_its_options(
    run_bench: Run, tmp_path: Path
) -> None:
    path = tmp_path / "odd.py"
    path.write_text(PLUGIN.replace("lambda context: Small()", "lambda context: 1 / 0"))
    out = run_bench("list", "models", "small", "--plugin", path, columns=100).out
    assert "it cannot be built: ZeroDivisionError: division by zero" in out
    assert " depth " in out


def test_a_broken_plugin_is_listed_with_its_reason(run_bench: Run, tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("import no_such_module\n")
    (tmp_path / "bench.toml").write_text('plugins = ["broken.py"]\n')
    out = " ".join(run_bench("list", "plugins", columns=120).out.split())
    assert "broken file broken" in out
    assert "broken is broken: ModuleNotFoundError: No module named 'no_such_module'" in out
    listed = run_bench("list")
    assert "is broken: ModuleNotFoundError" in listed.err
    assert "(broken.py, line 1)" in listed.err
    assert listed.err.count("\n") == 1


@pytest.mark.parametrize(
    "command", [("list", "models", "mine"), ("run", "-m", "mine"), ("check", "mine")], ids=" ".join
)
def test_who_asks_for_a_broken_plugins_model_is_told_file_and_line(
    run_bench: Run, tmp_path: Path, command: tuple[str, ...]
) -> None:
    (tmp_path / "own.py").write_text("NAME = 'mine'\nimport no_such_module\n")
    (tmp_path / "bench.toml").write_text('plugins = ["own.py"]\n')
    ended = run_bench(*command)
    assert ended.code == 2
    assert "nothing is called 'mine': plugin" in ended.err
    assert "own.py is broken: ModuleNotFoundError" in ended.err
    assert "(own.py, line 2)" in ended.err


def test_each_plugin_says_what_decided_over_it(run_bench: Run, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(PLUGIN)
    (tmp_path / "spot.py").write_text("x = 1\n")
    (tmp_path / "bench.toml").write_text('plugins = ["own.py"]\ndisable = ["mlp"]\n')
    told = ("list", "plugins", "--plugin", tmp_path / "spot.py")
    rows = {row["name"]: row for row in json.loads(run_bench(*told, "--json").out)}
    config = str(tmp_path / "bench.toml")
    assert rows["own"] | {"file": ""} == {
        "name": "own",
        "origin": "file",
        "version": "",
        "module": "",
        "file": "",
        "state": "loaded",
        "enabled": True,
        "decided_by": config,
        "reason": "",
        "n_models": 1,
        "n_datasets": 0,
        "models": ["small"],
        "datasets": [],
        "metrics": [],
        "reporters": [],
    }
    assert (rows["mlp"]["enabled"], rows["mlp"]["decided_by"]) == (False, config)
    assert rows["spot"]["decided_by"] == "--plugin"
    assert rows["svm_ovo"]["version"] == bench.__version__
    assert rows["svm_ovo"]["decided_by"] == "digitbench"
    out = run_bench(*told, columns=120).out
    assert out.splitlines()[0].split() == [
        "plugin", "origin", "version", "state", "models", "datasets", "by",
    ]  # fmt: skip


def test_only_the_built_in_ones_are_listed(run_bench: Run, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(PLUGIN)
    (tmp_path / "bench.toml").write_text('plugins = ["own.py"]\n')
    for kind, name in (("plugins", "own"), ("models", "small")):
        listed = {row["name"] for row in json.loads(run_bench("list", kind, "--json").out)}
        only = run_bench("list", kind, "--builtin-only", "--json").out
        assert listed - {row["name"] for row in json.loads(only)} == {name}


def test_two_plugins_with_one_name_are_named_and_prefer_decides(
    run_bench: Run, tmp_path: Path
) -> None:
    for file in ("one.py", "two.py"):
        (tmp_path / file).write_text(PLUGIN)
    (tmp_path / "bench.toml").write_text('plugins = ["one.py", "two.py"]\n')
    said = run_bench("list", "models", "small").err
    assert "'small' is registered by" in said
    assert "one.py and by" in said
    assert "two.py" in said
    (tmp_path / "bench.toml").write_text(
        'plugins = ["one.py", "two.py"]\n[prefer]\nsmall = "two.py"\n'
    )
    ended = run_bench("list", "models", "small")
    assert (ended.code, ended.err) == (0, "")
    assert "two.py (file)" in " ".join(ended.out.split())


def test_each_metric_says_what_it_needs(run_bench: Run) -> None:
    out = " ".join(run_bench("list", "metrics").out.split())
    assert "accuracy labels share of the images read right" in out
    assert "log_loss calibrated probabilities" in out


def test_an_unknown_name_is_told_the_close_ones(run_bench: Run) -> None:
    assert run_bench("list", "datasets", "mnits") == (
        2,
        "",
        "bench: unknown dataset 'mnits': did you mean mnist or qmnist or kmnist? All"
        " names: bench list datasets\n",
    )


def test_a_broken_plugin_named_on_the_spot_is_a_row(run_bench: Run, tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("import no_such_module\n")
    ended = run_bench("list", "plugins", "--plugin", tmp_path / "broken.py", columns=120)
    assert ended.code == 0
    assert "No module named 'no_such_module'" in ended.out


@pytest.mark.parametrize(
    ("kind", "start"),
    [
        pytest.param((), "kind,name,summary,", id="all"),
        pytest.param(("models",), "name,summary", id="models"),
        pytest.param(("datasets",), "name,summary,", id="datasets"),
        pytest.param(("plugins",), "name,origin,version,module,file,state,", id="plugins"),
        pytest.param(("metrics",), "name,summary", id="metrics"),
    ],
)
def test_each_list_is_a_table_in_csv(run_bench: Run, kind: tuple[str, ...], start: str) -> None:
    ended = run_bench("list", *kind, "--csv")
    assert ended.code == 0
    assert ended.out.startswith(start)
    assert len(ended.out.splitlines()) > 5


def test_a_data_folder_that_is_not_there_is_one_line(run_bench: Run, tmp_path: Path) -> None:
    ended = run_bench("list", "--data-dir", "nowhere")
    assert ended == (2, "", "bench: --data-dir nowhere: there is no such folder\n")


def test_json_and_csv_together_are_refused(run_bench: Run) -> None:
    ended = run_bench("list", "--json", "--csv")
    assert ended == (2, "", "bench: --json and --csv: one table has one format; leave one out\n")
