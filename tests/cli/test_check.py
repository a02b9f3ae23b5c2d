"""``bench check``: rows, exit codes, JSON, and the speed of a model."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

GOOD = """
from bench import ModelSpec, Option, hookimpl, sklearn_classifier


def build(context):
    from sklearn.neighbors import KNeighborsClassifier

    return sklearn_classifier(KNeighborsClassifier(context.options["k"], algorithm="brute"))


@hookimpl
def bench_register_models(register):
    options = {"k": Option(default=5, minimum=1, help="neighbours")}
    register(ModelSpec(name="knn", summary="k nearest neighbours", build=build, options=options))
"""
BARE = GOOD.replace('Option(default=5, minimum=1, help="neighbours")', "5")
BAD = GOOD.replace("minimum=1", "minimum=9")


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "knn.py"
    path.write_text(GOOD)
    return path


def test_a_sound_plugin_passes(plugin: Path, check_apart: Callable[..., Any]) -> None:
    said = check_apart("knn", "--plugin", str(plugin))
    assert (said.code, said.err) == (0, "")
    lines = said.out.splitlines()
    assert lines[0] == "knn · the contract of a model"
    assert lines[1] == "✓ Import no engine together with the plugin."
    assert lines[-1] == (
        "26 run, 2 not applicable (it does not say that it is deterministic; "
        "it has no option epochs), 0 skipped"
    )


def test_a_bare_default_is_advised_on_and_passes(
    plugin: Path, check_apart: Callable[..., Any]
) -> None:
    plugin.write_text(BARE)
    said = check_apart("knn", "--plugin", str(plugin))
    assert said.code == 0
    at = said.out.splitlines().index(
        "✓ Give every option a default within its own limits; a line of help is advised."
    )
    assert said.out.splitlines()[at + 1 : at + 3] == [
        "    advice: bench list models shows no help for 'k'",
        '    Option(default=5, help="…") in place of the bare default would give it',
    ]
    assert said.out.splitlines()[-1] == (
        "26 run, 2 not applicable (it does not say that it is deterministic; "
        "it has no option epochs), 0 skipped"
    )


def test_a_broken_plugin_fails_with_two_lines(
    plugin: Path, check_apart: Callable[..., Any]
) -> None:
    plugin.write_text(BAD)
    said = check_apart("knn", "--plugin", str(plugin), "--json", "rows.json")
    assert said.code == 1
    at = said.out.splitlines().index(
        "✗ Give every option a default within its own limits; a line of help is advised. "
        "[options-are-sound]"
    )
    assert said.out.splitlines()[at + 1 : at + 3] == [
        "    the default is refused: k=5: k is at least 9 (build, knn.py:5)",
        "    widen the limits",
    ]
    rows = json.loads(Path("rows.json").read_text(encoding="utf-8"))
    assert [row["check"] for row in rows if row["state"] == "failed"] == ["options-are-sound"]
    assert len(rows) == 28


def test_a_file_is_checked_by_what_it_registers(
    plugin: Path, check_apart: Callable[..., Any]
) -> None:
    said = check_apart("knn.py")
    assert said.code == 0
    assert said.out.splitlines()[0] == "knn · the contract of a model"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param(
            "x = 1\n",
            "bench: bench check knn.py: it registers no model and no dataset\n",
            id="nothing",
        ),
        pytest.param(
            GOOD + "    register(ModelSpec(name='two', summary='', build=build))\n",
            "bench: bench check knn.py: it registers knn, two; "
            "name one of them: bench check knn --plugin knn.py\n",
            id="two",
        ),
        pytest.param(
            "1 / 0\n",
            "bench: plugin knn.py: ZeroDivisionError: division by zero (knn.py, line 1)\n",
            id="broken",
        ),
    ],
)
def test_a_file_that_names_no_one_thing_is_refused(
    plugin: Path, check_apart: Callable[..., Any], text: str, line: str
) -> None:
    plugin.write_text(text)
    said = check_apart("knn.py")
    assert (said.code, said.err) == (2, line)


def test_a_dataset_is_checked_as_one(plugin: Path, check_apart: Callable[..., Any]) -> None:
    said = check_apart("digits-uci")
    assert said.code == 0
    assert said.out.splitlines()[0] == "digits-uci · the contract of a dataset"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        pytest.param(
            ["svm-ov"],
            "bench: unknown model or dataset 'svm-ov': did you mean svm-ovo? "
            "All names: bench list\n",
            id="unknown-name",
        ),
        pytest.param(
            ["svm-ovo", "--set", "mlp.epochs=2"],
            "bench: --set mlp.epochs=2: only svm-ovo is checked here\n",
            id="option-of-another",
        ),
        pytest.param(
            ["svm-ovo", "--set", "svm-ovo.C=-1"],
            "bench: svm-ovo.C=-1.0: svm-ovo.C is at least 1e-06\n",
            id="option-out-of-range",
        ),
        pytest.param(
            ["digits-uci", "--benchmark"],
            "bench: digits-uci is a dataset: only a model's speed is measured\n",
            id="speed-of-a-dataset",
        ),
        pytest.param(
            ["svm-ovo", "mlp"],
            "bench: bench check svm-ovo mlp: one name at a time is checked; "
            "arguments of pytest need --benchmark\n",
            id="two-names",
        ),
        pytest.param(
            ["svm-ovo", "--benchmark", "--json", "nowhere/x.json"],
            "bench: --json nowhere/x.json: there is no such folder\n",
            id="json-in-no-folder",
        ),
    ],
)
def test_a_mistake_is_one_line(
    arguments: list[str],
    line: str,
    check_apart: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BENCH_PROG", "bench")
    assert check_apart(*arguments) == (2, "", line)


def test_a_dataset_that_is_not_here_says_how_to_get_it(
    check_apart: Callable[..., Any],
) -> None:
    said = check_apart("usps")
    assert said.code == 2
    assert said.err.startswith("bench: usps is not on this machine; ")


def test_without_pytest_the_benchmark_says_how_to_install_it(
    run_bench: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.cli.check_views._NEEDED", ("pytest", "no_such_distribution"))
    said = run_bench("check", "svm-ovo", "--benchmark")
    assert said.code == 2
    assert "bench check --benchmark: no-such-distribution is not installed; " in said.err
    assert said.err.rstrip().endswith("-m pip install pytest pytest-benchmark")


@pytest.mark.heavy
def test_the_benchmark_writes_pytest_benchmarks_json_and_can_fail_a_comparison(
    plugin: Path, check_apart: Callable[..., Any]
) -> None:
    asked = ["knn", "--plugin", str(plugin), "--benchmark", "--json", "before.json"]
    assert check_apart(*asked).code == 0
    measured = json.loads(Path("before.json").read_text(encoding="utf-8"))
    assert sorted(row["name"] for row in measured["benchmarks"]) == [
        "test_fit_1000_images",
        "test_predict[1000]",
        "test_predict[1]",
        "test_predict[32]",
    ]
    info = {row["name"]: row["extra_info"] for row in measured["benchmarks"]}
    assert info["test_predict[32]"]["images"] == 32
    assert info["test_fit_1000_images"]["model"] == "knn"
    for row in measured["benchmarks"]:
        for figure in ("min", "max", "mean", "median"):
            row["stats"][figure] /= 1e6  # so much faster that this machine must fall behind
    Path("faster.json").write_text(json.dumps(measured), encoding="utf-8")
    compared = ["--benchmark-compare=faster.json", "--benchmark-compare-fail=mean:5%"]
    assert check_apart(*asked[:4], "--", *compared).code == 1


JOBLIB_PLUGIN = """
import numpy as np
from bench import ModelSpec, hookimpl

class Pieces:
    def one(self, images, labels, k):
        chosen = images[labels == k]
        return chosen.mean(axis=0).ravel() if len(chosen) else np.full(images[0].size, 9.0)
    def fit(self, train, context):
        from joblib import Parallel, delayed
        parts = (delayed(self.one)(train.images, train.labels, k) for k in range(context.n_classes))
        self.means = np.stack(Parallel(n_jobs=2)(parts))
    def predict_proba(self, images):
        flat = images.reshape(len(images), 1, -1)
        far = ((flat - self.means) ** 2).sum(axis=2)
        return np.eye(len(self.means), dtype=np.float32)[far.argmin(axis=1)]

@hookimpl
def bench_register_models(register):
    register(ModelSpec(name="pieces", summary="means by joblib", build=lambda context: Pieces()))
"""


def test_a_plugin_file_with_a_class_of_its_own_may_use_joblib(
    plugin: Path, check_apart: Callable[..., Any]
) -> None:
    plugin.write_text(JOBLIB_PLUGIN)

    said = check_apart("pieces", "--plugin", str(plugin))

    assert (said.code, " 0 failed" in said.out) == (0, True), said
