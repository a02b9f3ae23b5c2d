"""Which photos of an own folder a model misread, and which other models read them right."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from bench.board.leaderboard import leaderboards
from bench.loading.pixels import cached_pixels
from bench.session import Request, execute
from bench.store.layout import Store
from bench.store.read import read_predictions
from bench.views.report.misread import misread_images

MODELS = ("svm-ovo", "baseline-majority", "random-forest")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    root = tmp_path_factory.mktemp("misread")
    settings = ("random-forest.n_estimators=5",)
    execute(
        Request(
            models=MODELS, datasets=("digits-uci",), settings=settings, store=root, isolate=False
        ),
        lambda event: None,
    )
    return Store(root)


def test_they_are_those_of_the_predictions_the_surest_first(store: Store) -> None:
    (board,) = leaderboards(store, test_datasets=["sample-ids"])
    row = next(row for row in board.rows if row.model == "random-forest")
    found = misread_images(store, board, row, cached_pixels)
    stored = read_predictions(store.evaluations / row.evaluations[0])
    assert stored.labels is not None
    wrong = np.flatnonzero(stored.predicted != stored.labels)
    assert sorted(each.image for each in found.images) == wrong.tolist()
    sure = [each.probability or 0.0 for each in found.images]
    assert sure == sorted(sure, reverse=True)
    assert found.n_others == 2
    assert found.pixels is not None
    assert found.pixels.shape[0] == found.n_images == 32
    for each in found.images:
        assert each.name.startswith("person-")
        assert each.truth == board.classes[stored.labels[each.image]]
        assert each.read == board.classes[stored.predicted[each.image]]


def test_others_that_were_right_are_named(store: Store) -> None:
    (board,) = leaderboards(store, test_datasets=["sample-ids"])
    rows = {row.model: row for row in board.rows}
    found = misread_images(store, board, rows["baseline-majority"], cached_pixels)
    svm = read_predictions(store.evaluations / rows["svm-ovo"].evaluations[0])
    for each in found.images:
        is_right = svm.predicted[each.image] == board.classes.index(each.truth)
        assert ("svm-ovo" in each.right_models) == is_right


def test_the_report_of_an_own_folder_shows_them(
    store: Store, run_bench: Callable[..., Any]
) -> None:
    arguments = ("show", "report", "baseline-majority", ":sample-ids", "--store", str(store.root))
    done = run_bench(*arguments)
    assert done.code == 0, done.err
    assert "misread: 28 of 32" in done.out or "misread: 29 of 32" in done.out
    assert "more: bench show report baseline-majority digits-uci:sample-ids --all" in done.out
    whole = run_bench(*arguments, "--all").out
    assert " more: bench show" not in whole
    assert whole.count("truth ") > done.out.count("truth ")
