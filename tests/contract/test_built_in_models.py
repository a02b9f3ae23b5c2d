"""Every built-in model keeps the contract."""

from collections.abc import Callable
from functools import cache

import pytest

from bench.plugins.discovery import load_plugins
from bench.testing import MODEL_CHECKS, ModelCase

_PLUGINS = load_plugins()
_FAST = ("baseline-majority", "mlp", "random-forest", "svm-ovo")
# Few trees: the contract does not depend on their number.
_SETTINGS = {"random-forest": {"n_estimators": 10}}


@cache
def case_of(name: str) -> ModelCase:
    home = _PLUGINS.homes[name]
    return ModelCase(
        _PLUGINS.models[name],
        module=home.module,
        file=home.file,
        settings=_SETTINGS.get(name, {}),
    )


@pytest.mark.parametrize("check", MODEL_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, id=name, marks=() if name in _FAST else pytest.mark.heavy)
        for name in sorted(_PLUGINS.models)
    ],
)
def test_built_in_model_keeps_the_contract(name: str, check: Callable[[ModelCase], None]) -> None:
    check(case_of(name))


def test_no_built_in_plugin_is_broken() -> None:
    assert [plugin.reason for plugin in _PLUGINS.plugins if plugin.reason] == []
