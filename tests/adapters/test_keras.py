import random
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import pytest
from keras import layers

from bench import keras_classifier, keras_model
from bench.adapters.keras import KerasClassifier
from bench.adapters.keras_network import MODEL_FILE, build_network, load_network
from bench.errors import BenchError, DataError, OptionError
from bench.options import OptionValue, resolve_options
from bench.spec import BuildContext, Classifier, Epoch, FitContext, ImageSet

SHAPE = (8, 8, 1)
CLASSES = ("left", "right", "top")
Array = npt.NDArray[Any]


def _network(context: BuildContext) -> Any:
    return keras.Sequential(
        [
            keras.Input(context.image_shape),
            layers.Conv2D(4, 3, activation="relu"),
            layers.Flatten(),
            layers.Dropout(0.2),
            layers.Dense(context.n_classes, activation="softmax"),
        ]
    )


SPEC = keras_model(name="cnn-tiny", summary="for tests", network=_network, epochs=3, batch_size=16)


def _images(n: int = 90, seed: int = 0, dtype: str = "uint8") -> ImageSet:
    """Draw noise with a bright half: its side is the class."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 3, n)
    pixels = generator.integers(0, 120, (n, *SHAPE)).astype(np.uint8)
    for image, label in zip(pixels, labels, strict=True):
        half = (slice(None), slice(0, 4)) if label == 0 else (slice(None), slice(4, 8))
        image[(slice(0, 4), slice(None)) if label == 2 else half] += 120
    stored = pixels if dtype == "uint8" else (pixels / np.float32(255)).astype(np.float32)
    return ImageSet(pixels=stored, labels=labels)


def _context(
    history: list[Epoch] | None = None,
    seed: int = 42,
    precision: Any = "float32",
    initial_weights: Path | None = None,
    tracked: ImageSet | None = None,
    **settings: OptionValue,
) -> FitContext:
    return FitContext(
        image_shape=SHAPE,
        classes=CLASSES,
        options=resolve_options("cnn-tiny", SPEC.options, settings),
        seed=seed,
        precision=precision,
        threads=2,
        report_epoch=(history if history is not None else []).append,
        initial_weights=initial_weights,
        tracked=tracked,
    )


def _fit(
    context: FitContext,
    train: ImageSet | None = None,
    network: Callable[[BuildContext], Any] = _network,
) -> KerasClassifier:
    classifier = keras_classifier(network, context)
    classifier.fit(train or _images(), context)
    return classifier


@pytest.fixture(scope="module")
def trained() -> KerasClassifier:
    return _fit(_context(epochs=20))


def test_the_classifier_keeps_the_protocol(trained: KerasClassifier) -> None:
    assert isinstance(trained, Classifier)


def test_a_fit_learns_what_tells_the_classes_apart(trained: KerasClassifier) -> None:
    unseen = _images(seed=1)
    predicted = trained.predict_proba(unseen.images).argmax(axis=1)
    assert np.mean(predicted == unseen.labels) > 0.95


@pytest.mark.parametrize("n", [pytest.param(n, id=f"{n}-images") for n in (0, 1, 3, 64, 600)])
def test_probabilities_are_float32_rows_that_sum_to_1(trained: KerasClassifier, n: int) -> None:
    rows = trained.predict_proba(_images(n).images)
    assert rows.shape == (n, 3)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(rows.sum(axis=1), 1, atol=1e-6)


def test_a_row_hardly_depends_on_the_other_images(trained: KerasClassifier) -> None:
    images = _images(70).images
    alone = np.concatenate([trained.predict_proba(image[None]) for image in images])
    together = trained.predict_proba(images)
    np.testing.assert_allclose(alone, together, atol=1e-6)
    np.testing.assert_allclose(trained.predict_proba(images[::-1])[::-1], together, atol=1e-6)


def test_predicting_any_number_of_images_traces_the_network_once() -> None:
    traces = []

    class Traced(layers.Layer):  # type: ignore[misc]  # Keras has no types
        def call(self, inputs: Any) -> Any:
            traces.append(tuple(inputs.shape))
            return inputs

    def network(context: BuildContext) -> Any:
        return keras.Sequential(
            [*_network(context).layers[:3], Traced(), *_network(context).layers[3:]]
        )

    classifier = _fit(_context(epochs=1), network=network)
    traces.clear()
    for n in (5, 1, 700, 33):
        classifier.predict_proba(_images(n).images)
    assert len(traces) == 1


def test_fitting_twice_gives_the_same_predictions() -> None:
    images = _images(seed=2).images
    first = _fit(_context(augment="published")).predict_proba(images)
    again = _fit(_context(augment="published")).predict_proba(images)
    np.testing.assert_array_equal(first, again)


def test_fitting_one_classifier_twice_starts_anew() -> None:
    classifier = _fit(_context())
    first = classifier.predict_proba(_images().images)
    classifier.fit(_images(), _context())
    np.testing.assert_array_equal(classifier.predict_proba(_images().images), first)


def test_another_seed_gives_other_predictions() -> None:
    images = _images(seed=2).images
    assert not np.array_equal(
        _fit(_context(seed=1)).predict_proba(images), _fit(_context(seed=2)).predict_proba(images)
    )


def test_pixels_stored_as_uint8_and_as_float32_train_the_same_network() -> None:
    images = _images(seed=2).images
    bytewise = _fit(_context(), _images()).predict_proba(images)
    floats = _fit(_context(), ImageSet(pixels=_images().images, labels=_images().labels))
    np.testing.assert_array_equal(bytewise, floats.predict_proba(images))


def test_a_fit_does_what_keras_does_with_the_same_batches() -> None:
    train = _images(96)
    assert train.labels is not None
    context = _context(epochs=2, dropout=0.0, batch_size=16)
    ours = _fit(context, train).network
    theirs = build_network(_network, context, "float32")
    theirs.layers[2].rate = 0.0
    theirs.compile("adam", "sparse_categorical_crossentropy")
    for epoch in range(2):
        order = np.random.default_rng([42, epoch, 0]).permutation(96)
        theirs.fit(
            train.images[order], train.labels[order], batch_size=16, shuffle=False, verbose=0
        )
    for mine, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(mine, other, atol=2e-5)


@pytest.mark.parametrize(
    ("settings", "seen"),
    [
        pytest.param({}, 90, id="all"),
        pytest.param({"drop_last": True}, 80, id="drop-last"),
        pytest.param({"steps_per_epoch": 2}, 32, id="two-steps"),
        pytest.param({"validation_fraction": 0.2}, 72, id="a-fifth-held-back"),
        pytest.param({"drop_last": True, "batch_size": 200}, 90, id="less-than-one-batch"),
    ],
)
def test_an_epoch_sees_as_many_images_as_the_options_say(
    settings: dict[str, Any], seen: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bench.adapters import keras_training

    counts = []
    compiled = keras_training.compile_training

    def counting(*args: Any, **kwargs: Any) -> Any:
        train_chunk = compiled(*args, **kwargs)

        def call(images: Array, labels: Array, affines: Array) -> Any:
            counts.append(len(labels))
            return train_chunk(images, labels, affines)

        return call

    monkeypatch.setattr(keras_training, "compile_training", counting)
    _fit(_context(epochs=1, **settings))
    assert sum(counts) == seen


def test_history_has_what_was_measured_in_each_epoch() -> None:
    history: list[Epoch] = []
    _fit(_context(history, epochs=2, validation_fraction=0.2))
    assert [(epoch.epoch, epoch.epochs) for epoch in history] == [(1, 2), (2, 2)]
    for epoch in history:
        assert epoch.loss is not None
        assert epoch.val_loss is not None
        assert 0 <= (epoch.accuracy or 0) <= 1
        assert 0 <= (epoch.val_accuracy or 0) <= 1
        assert epoch.test_loss is None
        assert epoch.seconds > 0


def test_held_back_images_are_the_last_and_are_not_trained_on() -> None:
    train = _images()
    labels = train.labels
    assert labels is not None
    spoilt = labels.copy()
    spoilt[72:] = (spoilt[72:] + 1) % 3
    context = _context(validation_fraction=0.2)
    clean = _fit(context, train).predict_proba(train.images)
    other = _fit(context, ImageSet(pixels=train.pixels, labels=spoilt)).predict_proba(train.images)
    np.testing.assert_array_equal(clean, other)


def test_tracked_test_images_are_measured_and_change_nothing() -> None:
    history: list[Epoch] = []
    unseen = _images(40, seed=9, dtype="float32")
    tracked = _fit(_context(history, tracked=unseen)).predict_proba(unseen.images)
    np.testing.assert_array_equal(tracked, _fit(_context()).predict_proba(unseen.images))
    hits = tracked.argmax(axis=1) == unseen.labels
    assert history[-1].test_accuracy == pytest.approx(np.mean(hits))
    assert history[-1].test_loss == pytest.approx(
        -np.log(tracked[np.arange(40), unseen.labels]).mean(), abs=1e-4
    )


def test_early_stopping_ends_the_fit_and_keeps_the_best_weights() -> None:
    history: list[Epoch] = []
    classifier = _fit(
        _context(
            history,
            epochs=40,
            early_stopping=2,
            validation_fraction=0.2,
            learning_rate=0.05,
        )
    )
    losses = [epoch.val_loss or 0 for epoch in history]
    best = int(np.argmin(losses))
    assert len(history) < 40
    assert len(history) == best + 3
    held_back = _images().take(np.arange(72, 90))
    rows = classifier.predict_proba(held_back.images)
    loss = -np.log(np.clip(rows[np.arange(18), held_back.labels], 1e-7, 1)).mean()
    assert loss == pytest.approx(losses[best], rel=1e-3, abs=1e-5)


def test_the_learning_rate_is_halved_on_a_plateau() -> None:
    from bench.adapters.keras_options import TrainingOptions
    from bench.adapters.keras_training import Training

    context = _context(reduce_lr_on_plateau=2, learning_rate=0.01)
    model = build_network(_network, context, "float32")
    training = Training(model, _images(), TrainingOptions.of(context.options), context)
    rates = []
    for loss in (1.0, 0.5, 0.6, 0.7, 0.8, 0.9):
        training.observe(Epoch(epoch=1, epochs=6, loss=loss))
        rates.append(round(training.learning_rate, 6))
    assert rates == [0.01, 0.01, 0.01, 0.005, 0.005, 0.0025]


@pytest.mark.parametrize(
    "name", [pytest.param(n, id=n) for n in ("adam", "sgd", "rmsprop", "adamw", "nadam", "adagrad")]
)
def test_every_optimizer_lowers_the_loss(name: str) -> None:
    history: list[Epoch] = []
    _fit(_context(history, epochs=3, optimizer=name, learning_rate=0.01, dropout=0.0))
    assert (history[-1].loss or 9) < (history[0].loss or 0)


def test_bfloat16_trains_nearly_the_same_network_in_float32_weights() -> None:
    images = _images(seed=2).images
    exact = _fit(_context(epochs=10)).predict_proba(images)
    classifier = _fit(_context(epochs=10, precision="bfloat16"))
    assert np.abs(classifier.predict_proba(images) - exact).max() < 0.1
    assert classifier.network.compute_dtype == "float32"
    assert classifier.describe().engine.endswith("(bfloat16)")


def test_a_fit_leaves_the_settings_of_the_process_as_they_were() -> None:
    random.seed(3)
    np.random.seed(3)
    before = random.getstate(), np.random.random_sample(3).tolist()
    np.random.seed(3)
    _fit(_context(precision="bfloat16", epochs=1))
    assert keras.config.dtype_policy().name == "float32"
    assert (random.getstate(), np.random.random_sample(3).tolist()) == before


def test_a_network_that_fails_to_build_leaves_the_precision_as_it_was() -> None:
    def network(context: BuildContext) -> Any:
        raise RuntimeError("no network today")

    with pytest.raises(RuntimeError, match="no network today"):
        _fit(_context(precision="bfloat16"), network=network)
    assert keras.config.dtype_policy().name == "float32"


def test_a_subclassed_network_trains_saves_and_loads(tmp_path: Path) -> None:
    class Net(keras.Model):  # type: ignore[misc]  # Keras has no types
        def __init__(self, n_classes: int, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.conv = layers.Conv2D(4, 3, activation="relu")
            self.flat = layers.Flatten()
            self.head = layers.Dense(n_classes, activation="softmax")

        def call(self, inputs: Any, training: bool = False) -> Any:
            return self.head(self.flat(self.conv(inputs)))

    def network(context: BuildContext) -> Any:
        return Net(context.n_classes)

    images = _images(seed=2).images
    for precision in ("float32", "bfloat16"):
        context = _context(precision=precision)
        classifier = _fit(context, network=network)
        classifier.save(tmp_path)
        loaded = KerasClassifier(network, context)
        loaded.read(tmp_path)
        np.testing.assert_array_equal(
            loaded.predict_proba(images), classifier.predict_proba(images)
        )
    assert classifier.describe().parameters == 40 + 36 * 4 * 3 + 3


def test_a_loss_that_a_layer_adds_is_trained_on() -> None:
    def network(context: BuildContext) -> Any:
        return keras.Sequential(
            [
                keras.Input(context.image_shape),
                layers.Flatten(),
                layers.Dense(3, activation="softmax", kernel_regularizer=keras.regularizers.L2(10)),
            ]
        )

    weights = _fit(_context(epochs=20, learning_rate=0.02), network=network).network.get_weights()[
        0
    ]
    assert (
        np.abs(weights).max()
        < 0.05
        < np.abs(build_network(network, _context(), "float32").get_weights()[0]).max()
    )


def test_a_loaded_classifier_predicts_exactly_as_the_saved_one(
    trained: KerasClassifier, tmp_path: Path
) -> None:
    trained.save(tmp_path)
    assert SPEC.load is not None
    loaded = SPEC.load(tmp_path, _context())
    images = _images(seed=4).images
    np.testing.assert_array_equal(loaded.predict_proba(images), trained.predict_proba(images))


def test_the_saved_file_holds_no_optimizer(trained: KerasClassifier, tmp_path: Path) -> None:
    import h5py

    trained.save(tmp_path)
    with zipfile.ZipFile(tmp_path / MODEL_FILE) as archive:
        archive.extract("model.weights.h5", tmp_path)
    with h5py.File(tmp_path / "model.weights.h5") as weights:
        assert "optimizer" not in weights
        sizes: list[int] = []
        weights.visititems(
            lambda name, item: sizes.append(item.size) if isinstance(item, h5py.Dataset) else None
        )
    assert sum(sizes) == trained.describe().parameters


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"<html>not found</html>", id="html"),
        pytest.param(None, id="missing"),
    ],
)
def test_a_damaged_model_file_is_one_clear_line(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / MODEL_FILE).write_bytes(content)
    assert SPEC.load is not None
    with pytest.raises(DataError, match=r"^model\.keras cannot be read: "):
        SPEC.load(tmp_path, _context())


def test_code_in_a_model_file_is_not_run(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((2,)), layers.Lambda(lambda x: x + 1)])
    model.save(tmp_path / MODEL_FILE)
    with pytest.raises(DataError, match=r"^model\.keras cannot be read: .*[Ll]ambda"):
        load_network(tmp_path)


def test_initial_weights_are_where_the_training_starts(
    trained: KerasClassifier, tmp_path: Path
) -> None:
    trained.save(tmp_path)
    history: list[Epoch] = []
    _fit(_context(history, epochs=1, initial_weights=tmp_path))
    cold: list[Epoch] = []
    _fit(_context(cold, epochs=1))
    assert (history[0].accuracy or 0) > 0.9 > (cold[0].accuracy or 1)


def test_initial_weights_may_come_from_a_network_with_another_head(
    trained: KerasClassifier, tmp_path: Path
) -> None:
    trained.save(tmp_path)
    context = FitContext(
        image_shape=SHAPE,
        classes=("a", "b"),
        options={"epochs": 1, "learning_rate": 1e-8},
        initial_weights=tmp_path,
    )
    train = _images()
    assert train.labels is not None
    pair = ImageSet(pixels=train.pixels, labels=train.labels % 2)
    classifier = _fit(context, pair)
    np.testing.assert_allclose(
        classifier.network.get_weights()[0], trained.network.get_weights()[0], atol=1e-5
    )
    assert classifier.predict_proba(train.images).shape == (90, 2)


def test_initial_weights_of_another_shape_are_refused(
    trained: KerasClassifier, tmp_path: Path
) -> None:
    trained.save(tmp_path)

    def wider(context: BuildContext) -> Any:
        return keras.Sequential(
            [
                keras.Input(context.image_shape),
                layers.Conv2D(6, 3, name="broad"),
                layers.Flatten(),
                layers.Dense(3, activation="softmax"),
            ]
        )

    with pytest.raises(BenchError) as refused:
        _fit(_context(initial_weights=tmp_path), network=wider)
    assert str(refused.value) == (
        "initial_weights does not fit: layer broad has weights (3, 3, 1, 6) (6,), that trial's "
        "(3, 3, 1, 4) (4,); name a trial of the same model, trained on images of the same shape"
    )


def test_initial_weights_that_nobody_looked_up_are_an_error() -> None:
    with pytest.raises(OptionError, match="initial_weights=abc: that trial was not looked up"):
        _fit(FitContext(image_shape=SHAPE, classes=CLASSES, options={"initial_weights": "abc"}))


def test_dropout_overrides_every_rate() -> None:
    classifier = _fit(_context(epochs=1, dropout=0.7))
    rates = [layer.rate for layer in classifier.network.layers if hasattr(layer, "rate")]
    assert rates == [0.7]


def test_dropout_joins_a_network_that_has_none_before_its_last_layer(tmp_path: Path) -> None:
    def network(context: BuildContext) -> Any:
        plain = [layer for layer in _network(context).layers if not hasattr(layer, "rate")]
        return keras.Sequential([keras.Input(SHAPE), *plain])

    context = _context(epochs=1, dropout=0.4)
    classifier = _fit(context, network=network)
    kinds = [type(layer).__name__ for layer in classifier.network.layers]
    assert kinds == ["Conv2D", "Flatten", "Dropout", "Dense"]
    classifier.save(tmp_path)
    loaded = KerasClassifier(network, context)
    loaded.read(tmp_path)
    np.testing.assert_array_equal(
        loaded.predict_proba(_images().images), classifier.predict_proba(_images().images)
    )


def test_a_description_counts_layers_parameters_and_multiply_adds() -> None:
    described = keras_classifier(_network, _context()).describe()
    assert described.parameters == 40 + 435
    assert described.trainable_parameters == 475
    assert described.model_bytes == 475 * 4
    assert described.multiply_adds == 36 * 36 + 144 * 3
    assert [(layer.kind, layer.output_shape, layer.parameters) for layer in described.layers] == [
        ("Conv2D", (6, 6, 4), 40),
        ("Flatten", (144,), 0),
        ("Dropout", (144,), 0),
        ("Dense", (3,), 435),
    ]
    assert described.engine.startswith("tensorflow 2.")
    assert described.engine.endswith(" (float32)")


@pytest.mark.parametrize(
    ("tail", "why"),
    [
        pytest.param(
            lambda: [layers.Flatten(), layers.Dense(4, activation="softmax")],
            r"its output for one image has shape \(1, 4\), not \(1, 3\)",
            id="classes",
        ),
        pytest.param(
            lambda: [layers.Flatten(), layers.Dense(3, bias_initializer="ones")],
            "its output is not probabilities",
            id="logits",
        ),
    ],
)
def test_a_network_that_gives_no_probabilities_is_refused(
    tail: Callable[[], list[Any]], why: str
) -> None:
    def network(context: BuildContext) -> Any:
        return keras.Sequential([keras.Input(SHAPE), *tail()])

    with pytest.raises(BenchError, match=f"^the network cannot be used: {why}; end it with "):
        _fit(_context(), network=network)


def test_what_is_no_keras_model_is_refused() -> None:
    with pytest.raises(BenchError, match=r"returned str, not a keras\.Model"):
        _fit(_context(), network=lambda context: "network")


def test_images_without_labels_are_refused() -> None:
    unlabelled = ImageSet(pixels=_images().pixels)
    with pytest.raises(BenchError, match=r"^the training images have no labels"):
        _fit(_context(), unlabelled)


def test_an_untrained_classifier_says_so() -> None:
    with pytest.raises(BenchError, match="it is not trained"):
        keras_classifier(_network, _context()).predict_proba(_images().images)


def test_a_spec_holds_every_standard_option_and_its_own() -> None:
    spec = keras_model(
        name="cnn-own", summary="", network=_network, epochs=7, batch_size=9, options={"width": 3}
    )
    assert list(spec.options) == [*SPEC.options, "width"]
    assert resolve_options("cnn-own", spec.options, {})["epochs"] == 7
    assert spec.resumes
    assert spec.requires == ("tensorflow", "keras")


def test_registering_a_network_imports_no_engine() -> None:
    code = (
        "import sys; from bench import keras_model;"
        "keras_model(name='a', summary='', network=len, epochs=1, batch_size=1);"
        "print({'tensorflow', 'keras', 'scipy'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "set()"


def test_importing_the_engine_writes_nothing_and_keeps_the_error_stream() -> None:
    code = (
        "import sys; from bench.adapters.keras_runtime import import_keras; import_keras();"
        "import tensorflow as tf; tf.zeros(3) + 1; print('said', file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert (done.stdout, done.stderr) == ("", "said\n")


def test_preloading_starts_nothing_so_that_a_fork_can_set_its_threads() -> None:
    code = (
        "import os; from bench.adapters import keras_runtime as runtime; runtime.preload();"
        "pid = os.fork();\n"
        "if pid: raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))\n"
        "import tensorflow as tf; runtime.use_threads(1); tf.zeros(3) + 1\n"
        "assert tf.config.threading.get_intra_op_parallelism_threads() == 1\n"
        "runtime.use_threads(2)\n"
        "assert tf.config.threading.get_intra_op_parallelism_threads() == 1\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, timeout=120)
