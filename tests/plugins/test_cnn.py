import subprocess
import sys
from dataclasses import replace
from importlib import import_module
from typing import Any

import numpy as np
import pytest

from bench.options import resolve_options
from bench.spec import BuildContext, FitContext, ImageSet, ModelSpec

CNNS = {
    "cnn-svhn-shallow": (32, 267_306, 267_306),
    "cnn-svhn-deep": (32, 164_362, 164_170),
    "cnn-mnist-4pool": (28, 101_098, 101_098),
    "cnn-mnist-wide": (28, 887_530, 887_530),
    "cnn-mnist-wide-augmented": (28, 887_530, 887_530),
    "cnn-mnist-compact": (28, 225_034, 225_034),
    "cnn-ids-linear": (28, 866_798, 866_798),
}
EACH = pytest.mark.parametrize("name", [pytest.param(name, id=name) for name in CNNS])


def _spec(name: str) -> ModelSpec:
    module = import_module(f"bench_plugins.{name.replace('-', '_')}")
    registered: list[ModelSpec] = []
    module.bench_register_models(registered.append)
    (spec,) = registered
    assert spec.name == name
    return spec


def _context(spec: ModelSpec, side: int, n_classes: int = 10, **settings: Any) -> FitContext:
    return FitContext(
        image_shape=(side, side, 1),
        classes=tuple(map(str, range(n_classes))),
        options=resolve_options(spec.name, spec.options, settings),
        threads=2,
    )


def _describe(spec: ModelSpec, context: BuildContext) -> Any:
    classifier: Any = spec.build(context)
    return classifier.describe()


@EACH
def test_parameters_are_as_published(name: str) -> None:
    side, parameters, trainable = CNNS[name]
    spec = _spec(name)
    described = _describe(spec, _context(spec, side))
    assert (described.parameters, described.trainable_parameters) == (parameters, trainable)


@EACH
def test_the_smallest_allowed_side_builds_and_one_less_does_not(name: str) -> None:
    spec = _spec(name)
    described = _describe(spec, _context(spec, spec.min_side, n_classes=3))
    assert described.layers[-1].output_shape == (3,)
    with pytest.raises(Exception, match=r"[Nn]egative|size|shape|dimension|non-negative|zero"):
        _describe(spec, _context(spec, spec.min_side - 1))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("cnn-svhn-shallow", (20, 32, 0.2, False, "none"), id="svhn-shallow"),
        pytest.param("cnn-svhn-deep", (30, 128, 0.2, False, "none"), id="svhn-deep"),
        pytest.param("cnn-mnist-4pool", (10, 86, 0.0, True, "none"), id="mnist-4pool"),
        pytest.param("cnn-mnist-wide", (10, 86, 0.0, True, "none"), id="mnist-wide"),
        pytest.param(
            "cnn-mnist-wide-augmented", (10, 86, 0.0, True, "published"), id="mnist-wide-augmented"
        ),
        pytest.param("cnn-mnist-compact", (10, 200, 0.0, False, "none"), id="mnist-compact"),
        pytest.param("cnn-ids-linear", (3, 128, 0.0, False, "none"), id="ids-linear"),
    ],
)
def test_training_settings_are_as_published(name: str, expected: tuple[Any, ...]) -> None:
    spec = _spec(name)
    options = resolve_options(name, spec.options, {})
    names = ("epochs", "batch_size", "validation_fraction", "drop_last", "augment")
    assert tuple(options[option] for option in names) == expected
    assert (options["optimizer"], options["learning_rate"]) == ("adam", 0.001)
    assert (options["dropout"], options["early_stopping"]) == (-1.0, 0)
    assert (options["reduce_lr_on_plateau"], options["initial_weights"]) == (0, "")


def test_a_published_epoch_of_the_first_report_has_390_steps() -> None:
    from bench.adapters.keras_epochs import epoch_order
    from bench.adapters.keras_options import TrainingOptions

    spec = _spec("cnn-mnist-4pool")
    options = TrainingOptions.of(resolve_options(spec.name, spec.options, {}))
    assert len(epoch_order(33_600, 42, 0, options)) == 390 * 86


LAYERS = {
    "cnn-svhn-shallow": "Conv2D LeakyReLU Conv2D LeakyReLU MaxPooling2D "
    "Flatten Dense LeakyReLU Dense",
    "cnn-svhn-deep": "Conv2D LeakyReLU Conv2D LeakyReLU MaxPooling2D BatchNormalization "
    "Conv2D LeakyReLU Conv2D LeakyReLU MaxPooling2D BatchNormalization "
    "Flatten Dense LeakyReLU Dropout Dense",
    "cnn-mnist-4pool": "Conv2D MaxPooling2D Conv2D MaxPooling2D Dropout Conv2D MaxPooling2D Conv2D "
    "MaxPooling2D Dropout Flatten Dense Dropout Dense",
    "cnn-mnist-wide": "Conv2D Conv2D MaxPooling2D Dropout Conv2D Conv2D MaxPooling2D Dropout "
    "Flatten Dense Dropout Dense",
    "cnn-mnist-compact": "Conv2D MaxPooling2D Conv2D MaxPooling2D Flatten Dense Dense",
    "cnn-ids-linear": "Conv2D Flatten Dense Dense Softmax",
}


@pytest.mark.parametrize("name", [pytest.param(name, id=name) for name in LAYERS])
def test_layers_are_as_published(name: str) -> None:
    spec = _spec(name)
    described = _describe(spec, _context(spec, CNNS[name][0]))
    assert " ".join(layer.kind for layer in described.layers) == LAYERS[name]


def test_the_augmented_network_is_the_wide_one() -> None:
    wide, augmented = (
        _describe(_spec(name), _context(_spec(name), 28))
        for name in ("cnn-mnist-wide", "cnn-mnist-wide-augmented")
    )
    assert [replace(layer, name="") for layer in wide.layers] == [
        replace(layer, name="") for layer in augmented.layers
    ]


@pytest.mark.heavy
@EACH
def test_every_network_trains_and_predicts_in_both_precisions(name: str) -> None:
    spec = _spec(name)
    side = max(spec.min_side, 12)
    generator = np.random.default_rng(0)
    pixels = generator.integers(0, 255, (60, side, side, 1)).astype(np.uint8)
    train = ImageSet(pixels=pixels, labels=generator.integers(0, 10, 60))
    for precision in spec.precisions:
        context = replace(_context(spec, side, epochs=1, batch_size=20), precision=precision)
        classifier = spec.build(context)
        classifier.fit(train, context)
        rows = classifier.predict_proba(train.images)
        np.testing.assert_allclose(rows.sum(axis=1), 1, atol=1e-6)


@pytest.mark.heavy
@pytest.mark.realdata
def test_the_compact_network_reads_mnist(real_data: Any) -> None:
    with np.load(real_data / "mnist" / "mnist.npz") as mnist:
        train = ImageSet(
            pixels=mnist["x_train"][:12_000, ..., None],
            labels=mnist["y_train"][:12_000].astype(np.int64),
        )
        images = mnist["x_test"][..., None].astype(np.float32) / 255
        labels = mnist["y_test"]
    spec = _spec("cnn-mnist-compact")
    context = _context(spec, 28, epochs=3)
    classifier = spec.build(context)
    classifier.fit(train, context)
    assert np.mean(classifier.predict_proba(images).argmax(axis=1) == labels) > 0.95


def test_finding_the_models_imports_no_engine() -> None:
    modules = ", ".join(f"bench_plugins.{name.replace('-', '_')}" for name in CNNS)
    code = f"import sys, {modules}; print({{'tensorflow', 'keras'}} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "set()"
