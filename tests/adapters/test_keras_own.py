"""Networks that bring a loss, metrics or a training step of their own: obeyed, or refused aloud."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from bench import keras_classifier
from bench.adapters.keras import KerasClassifier
from bench.adapters.keras_options import standard_options
from bench.errors import BenchError, OptionError
from bench.options import OptionValue, resolve_options
from bench.spec import BuildContext, Epoch, FitContext, ImageSet

SHAPE = (8, 8, 1)
Network = Callable[[BuildContext], Any]


def images(n: int = 96) -> ImageSet:
    """Draw noise with a bright side, which is the class."""
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 3, n)
    pixels = generator.integers(0, 120, (n, *SHAPE)).astype(np.uint8)
    for image, label in zip(pixels, labels, strict=True):
        image[:, slice(0, 4) if label == 0 else slice(4, 8)] += np.uint8(40 * (1 + label))
    return ImageSet(pixels=pixels, labels=labels)


def told(**settings: OptionValue) -> dict[str, Any]:
    defaults: dict[str, OptionValue] = {"epochs": 3, "batch_size": 16}
    options = resolve_options("m", standard_options(defaults), settings)
    classes = ("left", "right", "bright")
    return {"image_shape": SHAPE, "classes": classes, "options": options, "seed": 1}


def network(
    context: BuildContext, kind: type[Any] | None = None, activation: str | None = "softmax"
) -> Any:
    pixels = keras.Input(context.image_shape)
    outputs = layers.Dense(context.n_classes, activation=activation)(layers.Flatten()(pixels))
    return (kind or keras.Model)(pixels, outputs)


def compiled(**asked: Any) -> Network:
    def build(context: BuildContext) -> Any:
        model = network(context)
        model.compile(**asked)
        return model

    return build


def fitted(build: Network, outputs: Any = "probabilities", **settings: OptionValue) -> Any:
    """Return the classifier's first weights, and its history."""
    history: list[Epoch] = []
    classifier = keras_classifier(build, BuildContext(**told(**settings)), outputs=outputs)
    classifier.fit(images(), FitContext(**told(**settings), report_epoch=history.append))
    return classifier, history


def weights(build: Network, **settings: OptionValue) -> Any:
    classifier, _ = fitted(build, **settings)
    return np.concatenate([each.ravel() for each in classifier.network.get_weights()])


def test_the_usual_loss_changes_nothing() -> None:
    plain = weights(network)
    for loss in (
        "sparse_categorical_crossentropy",
        keras.losses.SparseCategoricalCrossentropy(),
        keras.losses.CategoricalCrossentropy(),
    ):
        asked = compiled(optimizer="adam", loss=loss, metrics=["accuracy"])
        assert np.array_equal(weights(asked), plain)


def own_loss(truth: Any, predicted: Any) -> Any:
    chosen = keras.ops.one_hot(keras.ops.cast(truth, "int32"), predicted.shape[-1])
    return keras.ops.sum((predicted - chosen) ** 4, axis=-1)


@pytest.mark.parametrize(
    "loss",
    [
        pytest.param("mse", id="by-name"),
        pytest.param(keras.losses.CategoricalCrossentropy(label_smoothing=0.3), id="smoothed"),
        pytest.param(keras.losses.SparseCategoricalCrossentropy(reduction="sum"), id="summed"),
        pytest.param(own_loss, id="own-function"),
    ],
)
def test_a_compiled_loss_is_obeyed(loss: Any) -> None:
    ours = weights(compiled(optimizer="sgd", loss=loss), optimizer="sgd", learning_rate=0.01)
    theirs = network_of_fit(loss)
    np.testing.assert_allclose(ours, theirs, atol=2e-6)
    assert not np.allclose(ours, weights(network, optimizer="sgd", learning_rate=0.01), atol=1e-4)


def network_of_fit(loss: Any) -> Any:
    """Return the weights that plain Keras gives: the same first weights, batches and labels."""
    from bench.adapters.keras_epochs import epoch_order
    from bench.adapters.keras_network import build_network
    from bench.adapters.keras_options import TrainingOptions

    context = BuildContext(**told())
    model = build_network(network, context, "float32")
    model.compile(optimizer=keras.optimizers.SGD(0.01), loss=loss)
    train = images()
    assert train.labels is not None
    is_of_shares = loss == "mse" or isinstance(loss, keras.losses.CategoricalCrossentropy)
    for epoch in range(3):
        order = epoch_order(len(train), 1, epoch, TrainingOptions.of(context.options))
        for first in range(0, len(order), 16):
            chosen = order[first : first + 16]
            labels: Any = train.labels[chosen]
            if is_of_shares:
                labels = np.eye(3, dtype=np.float32)[labels]
            model.train_on_batch(train.pixels[chosen] * np.float32(1 / 255), labels)
    return np.concatenate([each.ravel() for each in model.get_weights()])


def test_an_optimiser_named_without_settings_leaves_them_to_the_options() -> None:
    asked = compiled(optimizer="adam", loss="sparse_categorical_crossentropy")
    settings: dict[str, OptionValue] = {"learning_rate": 0.01}
    assert np.array_equal(weights(asked, **settings), weights(network, **settings))
    only_named = compiled(optimizer="adam")
    assert np.array_equal(weights(only_named), weights(network))


class HalfAsBright(keras.Model):  # type: ignore[misc]  # Keras has no type information
    def train_step(self, data: Any) -> Any:
        pixels, labels = data
        return super().train_step((pixels / 2, labels))


class Passing(keras.Model):  # type: ignore[misc]
    def train_step(self, data: Any) -> Any:
        return super().train_step(data)


class Doubled(keras.Model):  # type: ignore[misc]
    def compute_loss(self, *args: Any, **kwargs: Any) -> Any:
        return 2 * super().compute_loss(*args, **kwargs)


def of(kind: type[Any]) -> Network:
    return lambda context: network(context, kind)


def test_an_own_training_step_is_obeyed() -> None:
    settings: dict[str, OptionValue] = {"optimizer": "sgd", "learning_rate": 0.01}
    plain = weights(network, **settings)
    np.testing.assert_allclose(weights(of(Passing), **settings), plain, atol=2e-6)
    assert not np.allclose(weights(of(HalfAsBright), **settings), plain, atol=1e-4)
    doubled = weights(of(Doubled), **settings)
    twice_as_far = weights(network, optimizer="sgd", learning_rate=0.02)
    np.testing.assert_allclose(doubled, twice_as_far, atol=2e-6)


def test_it_learns_is_stored_and_goes_on_from_a_checkpoint(tmp_path: Path) -> None:
    def stopping(epoch: Epoch) -> None:
        if epoch.epoch == 2:
            raise KeyboardInterrupt

    whole, history = fitted(of(HalfAsBright))
    assert history[-1].loss is not None
    assert history[0].loss is not None
    assert history[-1].loss < history[0].loss
    classifier = keras_classifier(of(HalfAsBright), BuildContext(**told()))
    with pytest.raises(KeyboardInterrupt):
        classifier.fit(
            images(), FitContext(**told(), report_epoch=stopping, checkpoint_folder=tmp_path)
        )
    classifier.fit(images(), FitContext(**told(), checkpoint_folder=tmp_path))
    pixels = images().images
    assert np.array_equal(classifier.predict_proba(pixels), whole.predict_proba(pixels))
    classifier.save(tmp_path / "model")
    read = KerasClassifier(of(HalfAsBright), BuildContext(**told()))
    read.read(tmp_path / "model")
    assert np.array_equal(read.predict_proba(pixels), whole.predict_proba(pixels))


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"loss": "mse"}, "compiled with RMSprop, and the option optimizer says adam"),
        (
            {"optimizer": keras.optimizers.Adam(1e-4), "loss": "mse"},
            "learning_rate=0.0001, the options say 0.001; say it in keras_model",
        ),
        ({"optimizer": keras.optimizers.Adam(clipnorm=1.0)}, "clipnorm=1.0, the options say None"),
        ({"optimizer": "adam", "metrics": ["accuracy", "mae"]}, "of compile's metric mae"),
        ({"optimizer": "adam", "metrics": [keras.metrics.AUC(name="area")]}, "metric area"),
        ({"optimizer": "adam", "weighted_metrics": ["mae"]}, "of compile's metric mae"),
    ],
)
def test_what_is_not_obeyed_is_refused(asked: dict[str, Any], words: str) -> None:
    with pytest.raises(OptionError) as refused:
        fitted(compiled(**asked))
    assert words in str(refused.value)


@pytest.mark.parametrize("name", ["fit", "test_step", "predict_step", "make_train_function"])
def test_a_method_that_would_not_be_called_is_refused(name: str) -> None:
    kind = type("Own", (keras.Model,), {name: lambda self, *args: None})
    with pytest.raises(BenchError, match=f"its own {name} is not called here"):
        fitted(of(kind))


def ending_in_logits(context: BuildContext) -> Any:
    return network(context, activation=None)


def in_sequence(context: BuildContext) -> Any:
    return keras.Sequential(
        [keras.Input(context.image_shape), layers.Flatten(), layers.Dense(context.n_classes)]
    )


@pytest.mark.parametrize("build", [ending_in_logits, in_sequence])
def test_declared_logits_train_as_the_softmax_would(build: Network, tmp_path: Path) -> None:
    declared, history = fitted(build, outputs="logits")
    usual, expected = fitted(network)
    pixels = images().images
    np.testing.assert_allclose(
        declared.predict_proba(pixels), usual.predict_proba(pixels), atol=1e-6
    )
    assert [each.accuracy for each in history] == [each.accuracy for each in expected]
    declared.save(tmp_path)
    read = keras_classifier(build, BuildContext(**told()), outputs="logits")
    read.read(tmp_path)
    assert np.array_equal(read.predict_proba(pixels), declared.predict_proba(pixels))


def test_logits_that_are_none_or_have_a_loss_of_their_own_are_refused() -> None:
    with pytest.raises(BenchError, match="say keras_model\\(outputs='logits'\\)"):
        fitted(ending_in_logits)
    with pytest.raises(BenchError, match="its output is probabilities"):
        fitted(network, outputs="logits")

    def own(context: BuildContext) -> Any:
        model = ending_in_logits(context)
        model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        return model

    with pytest.raises(BenchError, match="would be given probabilities"):
        fitted(own, outputs="logits")
