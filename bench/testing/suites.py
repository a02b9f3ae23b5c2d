"""The contract as a test of pytest: ``test_contract = model_suite("mine", plugin="mine.py")``."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from bench.errors import unknown
from bench.options import Options
from bench.plugins.discovery import Plugins, load_plugins
from bench.spec import DatasetSpec, ModelSpec
from bench.testing.cases import DatasetCase
from bench.testing.datasets import DATASET_CHECKS
from bench.testing.model_case import ModelCase
from bench.testing.models import MODEL_CHECKS
from bench.testing.running import CheckState, name_of, run_checks

__all__ = ["dataset_suite", "model_suite"]


def model_suite(
    model: str | ModelSpec,
    *,
    plugin: str = "",
    settings: Options | None = None,
    threads: int = 1,
) -> Callable[..., None]:
    """Return a test function for pytest, parametrised by the checks of a model.

    Parameters
    ----------
    model : str or ModelSpec
        A model by its name, or the registration itself.
    plugin : str
        The plugin's file or module; without it the installed ones are searched.
    settings : mapping
        Option values to check with.
    """

    @cache
    def case() -> ModelCase:
        if isinstance(model, ModelSpec):
            return ModelCase(model, settings=settings, threads=threads)
        plugins = _plugins(plugin, model)
        if model not in plugins.models:
            raise unknown("model", model, plugins.models, where="bench list models")
        home = plugins.homes[model]
        where = {"module": home.module, "file": home.file}
        return ModelCase(plugins.models[model], **where, settings=settings, threads=threads)

    return _suite(MODEL_CHECKS, case)


def dataset_suite(
    dataset: str | DatasetSpec, *, plugin: str = "", settings: Options | None = None
) -> Callable[..., None]:
    """Return a test function for pytest, parametrised by the checks of a dataset.

    Parameters
    ----------
    dataset : str or DatasetSpec
        A dataset by its name, or the registration itself.
    plugin, settings
        As in `model_suite`.
    """

    @cache
    def case() -> DatasetCase:
        if isinstance(dataset, DatasetSpec):
            return DatasetCase(dataset, settings=settings)
        from bench.loading.files import data_dirs, find_files

        plugins = _plugins(plugin, dataset)
        if dataset not in plugins.datasets:
            raise unknown("dataset", dataset, plugins.datasets, where="bench list datasets")
        spec, home = plugins.datasets[dataset], plugins.homes[dataset]
        paths = find_files(spec, data_dirs(None, None)) if spec.files else ()
        where = {"module": home.module, "file": home.file}
        return DatasetCase(spec, **where, paths=paths or (), settings=settings)

    return _suite(DATASET_CHECKS, case)


def _plugins(plugin: str, name: str) -> Plugins:
    plugins = load_plugins([plugin] if plugin else [])
    plugins.refuse_unsettled(name)
    return plugins


def _suite(
    checks: Sequence[Callable[[Any], str | None]], case: Callable[[], Any]
) -> Callable[..., None]:
    import pytest

    @pytest.mark.parametrize("check", checks, ids=name_of)
    def test_contract(check: Callable[[Any], str | None]) -> None:
        """Hold the plugin to one claim of its contract."""
        (result,) = run_checks([check], case())
        lines = "\n".join((result.claim, *result.lines, result.trace)).rstrip()
        if result.state.is_fault:
            pytest.fail(f"{result.name}: {lines}", pytrace=False)
        if result.state is CheckState.NOT_APPLICABLE:
            pytest.skip(" ".join(result.lines))

    suite: Callable[..., None] = test_contract
    return suite
