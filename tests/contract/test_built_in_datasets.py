"""Every built-in dataset whose data is embedded keeps the contract."""

from collections.abc import Callable
from functools import cache

import pytest

from bench.plugins.discovery import load_plugins
from bench.testing import DATASET_CHECKS, DatasetCase

_PLUGINS = load_plugins()


@cache
def case_of(name: str) -> DatasetCase:
    home = _PLUGINS.homes[name]
    return DatasetCase(_PLUGINS.datasets[name], module=home.module, file=home.file)


@pytest.mark.parametrize("check", DATASET_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize(
    "name", sorted(name for name, spec in _PLUGINS.datasets.items() if spec.embedded)
)
def test_embedded_dataset_keeps_the_contract(
    name: str, check: Callable[[DatasetCase], None]
) -> None:
    check(case_of(name))


@pytest.mark.parametrize("name", sorted(_PLUGINS.datasets))
def test_a_dataset_of_files_tells_how_to_get_them(name: str) -> None:
    spec = _PLUGINS.datasets[name]
    assert spec.summary
    if spec.files:
        assert spec.source
        assert spec.how_to_get
