"""Every built-in model keeps the contract."""

import pytest

from bench.plugins.discovery import load_plugins
from bench.testing import MODEL_CHECKS, ModelCase, run_checks

_PLUGINS = load_plugins()
_FAST = ("baseline-majority", "mlp", "svm-ovo")
# Few trees: the contract does not depend on their number.
_SETTINGS = {"random-forest": {"n_estimators": 10}}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, id=name, marks=() if name in _FAST else pytest.mark.heavy)
        for name in sorted(_PLUGINS.models)
    ],
)
def test_built_in_model_keeps_the_contract(name: str) -> None:
    home = _PLUGINS.homes[name]
    case = ModelCase(
        _PLUGINS.models[name],
        module=home.module,
        file=home.file,
        settings=_SETTINGS.get(name, {}),
    )
    faults = [r for r in run_checks(MODEL_CHECKS, case) if r.state.is_fault]
    assert [(r.name, r.lines, r.trace) for r in faults] == []


def test_no_built_in_plugin_is_broken() -> None:
    assert [plugin.reason for plugin in _PLUGINS.plugins if plugin.reason] == []
