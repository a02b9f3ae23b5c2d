"""Sound plugins as people write them: ``bench check`` finds nothing."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from bench.plugins.discovery import load_plugins
from bench.testing import MODEL_CHECKS, ModelCase, run_checks

_PLUGINS = Path(__file__).parent / "plugins"
ESTIMATORS = (
    "knn",
    "logistic",
    "lda",
    "bayes",
    "tree",
    "extra",
    "linear",
    "sgd",
    "mlp",
    "centroid",
    "boosting",
    "pipeline",
)
NETWORKS = (
    "functional",
    "subclassed",
    "own-train-step",
    "backbone",
    "recurrent",
    "preprocessing",
)
BOOSTERS = ("lightgbm", "xgboost", "catboost")
MODULES = ("convolutions", "residual", "recurrent")


def faults(file: str, name: str) -> list[tuple[str, tuple[str, ...], str]]:
    """Return what the checks find in a model of one of the files beside."""
    path = str(_PLUGINS / file)
    spec = load_plugins([path]).models[name]
    results = run_checks(MODEL_CHECKS, ModelCase(spec, file=path))
    return [(r.name, r.lines, r.trace) for r in results if r.state.is_fault]


@pytest.mark.parametrize("name", ESTIMATORS)
@pytest.mark.heavy
def test_no_estimator_of_scikit_learn_raises_a_false_alarm(name: str) -> None:
    assert faults("twelve_estimators.py", f"my-{name}") == []


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.heavy
def test_no_keras_network_raises_a_false_alarm(name: str) -> None:
    assert faults("six_keras_networks.py", f"k-{name}") == []


@pytest.mark.parametrize("name", MODULES)
@pytest.mark.heavy
@pytest.mark.skipif(find_spec("torch") is None, reason="torch is not installed")
def test_no_torch_module_raises_a_false_alarm(name: str) -> None:
    assert faults("three_torch_modules.py", f"t-{name}") == []


@pytest.mark.parametrize("name", BOOSTERS)
@pytest.mark.heavy
def test_no_boosting_model_raises_a_false_alarm(name: str) -> None:
    if find_spec(name) is None:
        pytest.skip(f"{name} is not installed")
    assert faults("three_boosting_models.py", f"b-{name}") == []
