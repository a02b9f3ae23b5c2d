"""The report's classical experiment: from the CSV to the scores of the forest and the SVM."""

import itertools
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.loading.cache import open_split
from bench.loading.load import load_dataset
from bench.options import resolve_options
from bench.plugins.discovery import load_plugins
from bench.spec import BuildContext, FitContext, ImageSet

pytestmark = [pytest.mark.heavy, pytest.mark.realdata]
_PLUGINS = load_plugins()
_MODELS = ("random-forest", "svm-ovo")


def fit_and_score(name: str, train: ImageSet, test: ImageSet) -> float:
    spec = _PLUGINS.models[name]
    told: dict[str, Any] = {
        "image_shape": train.shape,
        "classes": tuple("0123456789"),
        "options": resolve_options(name, spec.options, {}),
        "threads": os.cpu_count() or 1,
    }
    classifier: Any = spec.build(BuildContext(**told))
    classifier.fit(train, FitContext(**told))
    images = test.images
    classifier.predict_proba(images)
    return float(np.mean(classifier.predict(images) == test.labels))


def ours(path: Path, cache: Path) -> dict[str, float]:
    loaded = load_dataset(
        _PLUGINS.datasets["mnist-csv"],
        settings={"train_fraction": 0.7},
        path=path,
        cache_dir=cache,
    )
    assert loaded.train is not None
    assert loaded.test is not None
    train, test = open_split(loaded.train), open_split(loaded.test)
    return {name: fit_and_score(name, train, test) for name in _MODELS}


def published(path: Path) -> dict[str, float]:
    """Run the report's code (appendix), word for word but for the plots."""
    import pandas as pd
    from sklearn import svm
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.model_selection import train_test_split

    df = pd.read_csv(path)
    x, y = df.iloc[:, 1:].values, df.iloc[:, 0].values
    x_train, x_test, y_train, y_test = train_test_split(x, y, train_size=0.7, random_state=42)
    forest = RandomForestClassifier(n_estimators=200, max_samples=0.5)
    forest.fit(x_train, y_train)
    scores = {"random-forest": forest.score(x_test, y_test)}
    machine = svm.SVC(decision_function_shape="ovo")
    machine.fit(x_train, y_train)
    return {**scores, "svm-ovo": machine.score(x_test, y_test)}


def test_the_classical_experiment(side_by_side: Any, train_csv: Path, tmp_path: Path) -> None:
    scores: dict[str, dict[str, float]] = {}
    caches = itertools.count()

    def run_ours() -> None:
        scores["ours"] = ours(train_csv, tmp_path / str(next(caches)))

    def run_published() -> None:
        scores["published"] = published(train_csv)

    side_by_side(
        "classical experiment: forest and SVM, CSV to scores",
        "published code, stock scikit-learn",
        ours=run_ours,
        plain=run_published,
        limit=0.33,
        rounds=1,
    )
    for name in _MODELS:
        lost = scores["published"][name] - scores["ours"][name]
        side_by_side.keep(
            f"{name}: accuracy lost",
            f"published code: {scores['published'][name]:.4f}",
            value=100 * lost,
            limit=0.2 if name == "random-forest" else 0.0,
            unit="points",
            note="the forest's seed was not published" if name == "random-forest" else "",
        )
