"""`cnn-robust`: small enough to ship, the same again from the same seed, and it learns."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.adapters import load_to_predict, load_trained
from bench.images.shape import adapt
from bench.loading.cache import open_split
from bench.loading.load import load_dataset
from bench.options import as_options, resolve_options
from bench.plugins.discovery import load_plugins
from bench.spec import BuildContext, FitContext, ImageSet, ModelSpec
from bench.store.layout import MODEL, RECORD
from bench.store.read import read_trial
from bench.store.record import TrialRecord
from bench.store.write import file_hash


@pytest.fixture(scope="session")
def robust() -> ModelSpec:
    return load_plugins().models["cnn-robust"]


@pytest.fixture
def bars() -> ImageSet:
    """Upright and level bars, classes 1 and 7: (160, 28, 28, 1) uint8."""
    generator = np.random.default_rng(0)
    pixels = np.zeros((160, 28, 28, 1), dtype=np.uint8)
    labels = np.arange(160) % 2
    for image, label in zip(pixels, labels, strict=True):
        at = generator.integers(9, 16)
        image[
            (slice(4, 24), slice(at, at + 3)) if label == 0 else (slice(at, at + 3), slice(4, 24))
        ] = 255
    return ImageSet(pixels=pixels, labels=labels.astype(np.int64))


@pytest.fixture
def context(robust: ModelSpec) -> Callable[..., FitContext]:
    def context_(**settings: Any) -> FitContext:
        return FitContext(
            image_shape=(28, 28, 1),
            classes=("1", "7"),
            options=resolve_options("cnn-robust", robust.options, settings),
            seed=5,
            threads=1,
        )

    return context_


@pytest.mark.heavy
def test_it_fits_into_what_may_be_shipped(
    robust: ModelSpec, context: Callable[..., FitContext]
) -> None:
    from dataclasses import replace

    full = replace(context(), classes=tuple("0123456789"))
    described: Any = robust.build(full)
    description = described.describe()
    assert description.parameters == 293_794
    assert description.model_bytes <= 1_500_000


@pytest.mark.heavy
def test_it_learns_and_is_the_same_after_saving(
    robust: ModelSpec, context: Callable[..., FitContext], bars: ImageSet, tmp_path: Path
) -> None:
    told = context(epochs=8, batch_size=20, european_ones=False)
    classifier: Any = robust.build(told)
    classifier.fit(bars, told)
    rows = classifier.predict_proba(bars.images)
    assert (rows.argmax(axis=1) == bars.labels).mean() > 0.95
    classifier.save(tmp_path)
    assert robust.load is not None
    assert (robust.load(tmp_path, told).predict_proba(bars.images) == rows).all()


@pytest.mark.heavy
def test_the_same_seed_gives_the_same_predictions_with_flags_drawn(
    robust: ModelSpec, context: Callable[..., FitContext], bars: ImageSet
) -> None:
    told = context(epochs=1, batch_size=40)
    rows = []
    for _ in range(2):
        classifier: Any = robust.build(told)
        classifier.fit(bars, told)
        rows.append(classifier.predict_proba(bars.images))
    assert (rows[0] == rows[1]).all()


def test_the_shipped_model_is_small_and_says_how_it_was_made(robust: ModelSpec) -> None:
    assert robust.shipped is not None
    record = read_trial(robust.shipped)
    files = {path for path in robust.shipped.rglob("*") if path.is_file()}
    assert sum(path.stat().st_size for path in files) <= 1_500_000
    assert {path: file_hash(robust.shipped / path) for path in record.files} == record.files
    assert {robust.shipped / path for path in record.files} == files - {robust.shipped / RECORD}
    assert (record.variant, record.train_dataset, record.n_train) == ("shipped", "mnist", 60_000)
    assert record.notes == ("make it again: bench run -m cnn-robust -d mnist --seeds 42",)
    assert record.identity.options == {
        name: option.default for name, option in as_options(robust.options).items()
    } | {"train_images": 0}


@pytest.mark.realdata
@pytest.mark.heavy
def test_litert_reads_the_developers_photos_as_keras_does(
    robust: ModelSpec, real_data: Path
) -> None:
    assert robust.shipped is not None
    told = context_of(read_trial(robust.shipped))
    folders = sorted(path for path in (real_data / "own_digits").iterdir() if path.is_dir())
    dataset = load_plugins().datasets["image-folder"]
    loaded = [load_dataset(dataset, path=path).test for path in folders]
    shown = [adapt(open_split(test).images, told.image_shape) for test in loaded if test]
    images = np.concatenate(shown)
    assert len(images) > 1_500
    by_keras = load_trained(robust, robust.shipped / MODEL, told).predict_proba(images)
    by_litert = load_to_predict(robust, robust.shipped / MODEL, told).predict_proba(images)
    assert (by_keras.argmax(axis=1) == by_litert.argmax(axis=1)).mean() >= 0.998
    assert np.abs(by_keras - by_litert).max() < 0.01


def context_of(record: TrialRecord) -> BuildContext:
    return BuildContext(
        image_shape=record.image_shape,
        classes=record.classes,
        options=record.identity.options,
        threads=1,
    )
