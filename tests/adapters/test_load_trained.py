from pathlib import Path

import numpy as np
import pytest

from bench.adapters import load_trained
from bench.errors import BenchError
from bench.session import Request, execute
from bench.spec import BuildContext, ModelSpec
from bench.store.layout import Store
from bench.store.read import read_evaluation

KNN = """
from bench import ModelSpec, hookimpl, sklearn_classifier


def build(context):
    from sklearn.neighbors import KNeighborsClassifier

    return sklearn_classifier(KNeighborsClassifier(context.options["k"], algorithm="brute"))


@hookimpl
def bench_register_models(register):
    register(ModelSpec(name="knn", summary="k nearest neighbours", build=build, options={"k": 5}))
"""


def test_a_ten_line_plugin_is_trained_once_and_read_again_for_new_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BENCH_DATA_DIR", str(tmp_path / "nothing"))
    (tmp_path / "knn.py").write_text(KNN)
    request = Request(
        models=("knn",),
        datasets=("digits-uci",),
        plugins=("knn.py",),
        settings=("knn.train_images=200",),
        store=tmp_path / "store",
        isolate=False,
    )
    execute(request, lambda event: None)
    store = Store(tmp_path / "store")
    (trial,) = store.trials.iterdir()
    before = (trial / "record.json").read_bytes()
    lost = next(
        folder
        for folder in store.evaluations.iterdir()
        if read_evaluation(folder).test_dataset == "sample-ids"
    )
    predictions = np.load(lost / "predictions.npz")["probabilities"]
    lost.rename(tmp_path / "lost")
    assert execute(request, lambda event: None).exit_code == 0
    np.testing.assert_allclose(np.load(lost / "predictions.npz")["probabilities"], predictions)
    assert (trial / "record.json").read_bytes() == before


def test_a_folder_without_a_model_is_an_error(tmp_path: Path) -> None:
    spec = ModelSpec(name="m", summary="a test", build=lambda context: None)  # type: ignore[arg-type, return-value]  # never built
    context = BuildContext(image_shape=(8, 8, 1), classes=("0", "1"), options={})
    with pytest.raises(BenchError, match="m has no stored model that can be read"):
        load_trained(spec, tmp_path, context)
