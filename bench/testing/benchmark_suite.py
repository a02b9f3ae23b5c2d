"""The speed of one model, measured by pytest-benchmark: what ``bench check --benchmark`` runs.

Never collected with a project's own tests. What to measure comes from the environment variable
``BENCH_CHECK`` as JSON: the plugin's module or file, the model, option settings, threads.
"""

import json
import os
from typing import Any

import numpy as np
import pytest

from bench.plugins.discovery import load_model
from bench.spec import Classifier
from bench.testing.cases import draw_images
from bench.testing.model_case import N_CLASSES, ModelCase

N_IMAGES = 1_000
FIT_ROUNDS = 3


@pytest.fixture(scope="session")
def case() -> ModelCase:
    """Return the model under measurement, with one epoch unless it was set."""
    told = json.loads(os.environ["BENCH_CHECK"])
    spec = load_model(told["module"], told["file"], told["model"])
    return ModelCase(spec, settings=told["settings"], threads=told["threads"])


@pytest.fixture(scope="session")
def fitted(case: ModelCase) -> Classifier:
    """Return the model, fitted once on a thousand images."""
    return case.fit(draw_images(N_IMAGES, case.shape, N_CLASSES))


@pytest.fixture(autouse=True)
def _describe(benchmark: Any, case: ModelCase) -> None:
    benchmark.extra_info.update(
        model=case.spec.name,
        options=case.options.options,
        threads=case.threads,
        image_shape=case.shape,
    )


def test_fit_1000_images(benchmark: Any, case: ModelCase) -> None:
    """Time fits of new classifiers, one epoch each where there are epochs."""
    train = draw_images(N_IMAGES, case.shape, N_CLASSES)

    def setup() -> tuple[tuple[Any, ...], dict[str, Any]]:
        return (case.build(), train, case.context()), {}

    def fit(classifier: Classifier, *told: Any) -> Classifier:
        classifier.fit(*told)
        return classifier

    classifier = benchmark.pedantic(fit, setup=setup, rounds=FIT_ROUNDS, warmup_rounds=1)
    describe = getattr(classifier, "describe", None)
    if callable(describe):
        benchmark.extra_info["engine"] = describe().engine


@pytest.mark.parametrize("batch", [1, 32, N_IMAGES])
def test_predict(benchmark: Any, fitted: Classifier, case: ModelCase, batch: int) -> None:
    """Time the probabilities of one, some and many images."""
    images = draw_images(batch, case.shape, N_CLASSES, seed=1).images
    benchmark.extra_info["images"] = batch
    rows = benchmark(fitted.predict_proba, images)
    assert np.shape(rows) == (batch, N_CLASSES)
