"""``cnn-robust``: a small batch-normalised network trained for handwriting in photos.

Three things make it read other people's digits: every training image is changed at random, in each
epoch another way (`bench.images.augment_handwriting`); flags are drawn to copies of the digit 1,
which MNIST's writers hardly ever wrote (`bench.images.european_ones`); and the learning rate falls
to almost nothing along a cosine.
"""

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from bench import Option, hookimpl
from bench.adapters.keras import KerasClassifier, keras_model
from bench.errors import BenchError
from bench.spec import Epoch, ImageSet

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bench.spec import BuildContext, FitContext, ModelSpec

_FLAGGED_SHARE: Final = 0.7
_LAST_RATE: Final = 0.01


def network(context: "BuildContext") -> Any:
    """Return the untrained network; 293,794 parameters on 28×28×1 images and 10 classes."""
    from keras import Input, Sequential
    from keras.layers import (
        Activation,
        BatchNormalization,
        Conv2D,
        Dense,
        Dropout,
        Flatten,
        MaxPooling2D,
    )

    def convolution(filters: int, strides: int = 1) -> list[Any]:
        return [
            Conv2D(filters, 3, strides=strides, padding="same", use_bias=False),
            BatchNormalization(momentum=0.9),
            Activation("relu"),
        ]

    return Sequential(
        [
            Input(context.image_shape),
            *convolution(24),
            *convolution(40, strides=2),
            *convolution(64),
            *convolution(64),
            MaxPooling2D(2),
            *convolution(96),
            MaxPooling2D(2),
            Flatten(),
            Dropout(0.3),
            Dense(192, use_bias=False),
            BatchNormalization(momentum=0.9),
            Activation("relu"),
            Dropout(0.3),
            Dense(context.n_classes, activation="softmax"),
        ]
    )


class RobustClassifier(KerasClassifier):
    """The network with a training loop of its own; all else is `KerasClassifier`'s."""

    def fit(self, train: ImageSet, context: "FitContext") -> None:
        """Train a new network on all of `train`, changed at random in each epoch."""
        from bench.adapters.keras_network import build_network, load_network, start_from
        from bench.adapters.keras_runtime import import_keras, use_threads

        if train.labels is None:
            raise BenchError("the training images have no labels", why="a fit needs them")
        if train.shape[2] not in (1, 3):
            raise BenchError("cnn-robust", why="it is made for grey or RGB images")
        import_keras()
        use_threads(context.threads)
        model = build_network(network, context, "float32")
        if context.initial_weights is not None:
            start_from(model, load_network(context.initial_weights))
        if context.options["european_ones"]:
            train = with_european_ones(train, context)
        _train(model, train, context)
        self._context, self._model, self._predict = context, model, None


def with_european_ones(train: ImageSet, context: "FitContext") -> ImageSet:
    """Return `train` with copies of its digits 1 that have a flag, if it has such a class."""
    from bench.images.european_ones import with_flags

    assert train.labels is not None
    if "1" not in context.classes:
        return train
    generator = np.random.default_rng([context.seed, 2])
    ones = np.flatnonzero(train.labels == context.classes.index("1"))
    ones = ones[generator.random(len(ones)) < _FLAGGED_SHARE]
    if not len(ones):
        return train
    pixels = np.asarray(train.pixels)
    own = pixels[ones]
    in_bytes = own if own.dtype == np.uint8 else np.round(own * 255).astype(np.uint8)
    flagged: npt.NDArray[Any] = with_flags(in_bytes, generator)
    if pixels.dtype != np.uint8:
        flagged = flagged.astype(pixels.dtype) / 255
    return ImageSet(
        pixels=np.concatenate([pixels, flagged]),
        labels=np.concatenate([train.labels, train.labels[ones]]),
    )


def _train(model: Any, train: ImageSet, context: "FitContext") -> None:
    """Train `model` in place; randomness comes from the seed and the epoch's number alone."""
    from bench.adapters.keras_optimizers import make_optimizer
    from bench.images.augment_handwriting import draw_changes

    assert train.labels is not None
    options = context.options
    epochs, batch_size = int(options["epochs"]), int(options["batch_size"])
    highest = float(options["learning_rate"])
    optimizer = make_optimizer("adam", highest)
    optimizer.build(model.trainable_variables)
    step = _compile_step(model, optimizer, train)
    evaluate = _compile_evaluation(model)
    n_steps = -(-len(train) // batch_size)
    for index in range(epochs):
        started = time.perf_counter()
        generator = np.random.default_rng([context.seed, index, 3])
        order = generator.permutation(len(train))
        loss, correct = 0.0, 0
        for k in range(n_steps):
            done = (index * n_steps + k) / (epochs * n_steps)
            share = _LAST_RATE + (1 - _LAST_RATE) * (1 + np.cos(np.pi * done)) / 2
            optimizer.learning_rate.assign(highest * share)
            chosen = order[k * batch_size : (k + 1) * batch_size]
            changes = draw_changes(generator, len(chosen), train.shape)
            labels = train.labels[chosen].astype(np.int32)
            batch_loss, batch_correct = step(train.pixels[chosen], labels, changes)
            loss, correct = loss + float(batch_loss), correct + int(batch_correct)
        epoch = Epoch(
            epoch=index + 1,
            epochs=epochs,
            loss=loss / len(train),
            accuracy=correct / len(train),
            seconds=time.perf_counter() - started,
        )
        if context.tracked is not None:
            test_loss, test_accuracy = evaluate(context.tracked)
            epoch = replace(epoch, test_loss=test_loss, test_accuracy=test_accuracy)
        context.report_epoch(epoch)


def _compile_step(model: Any, optimizer: Any, train: ImageSet) -> "Callable[..., tuple[Any, Any]]":
    """Return ``(images, labels, changes) -> (sum of losses, count of correct)``, traced once."""
    import keras
    import tensorflow as tf

    from bench.images.augment_handwriting import N_PARAMETERS, change_images

    scale = np.float32(1 / 255 if train.pixels.dtype == np.uint8 else 1)

    @tf.function(  # type: ignore[untyped-decorator] # TensorFlow is untyped
        input_signature=(
            tf.TensorSpec((None, *train.shape), train.pixels.dtype),
            tf.TensorSpec((None,), tf.int32),
            tf.TensorSpec((None, N_PARAMETERS), tf.float32),
        ),
        autograph=False,
    )
    def step(images: Any, labels: Any, changes: Any) -> tuple[Any, Any]:
        changed = change_images(tf.cast(images, tf.float32) * scale, changes)
        with tf.GradientTape() as tape:
            outputs = model(changed, training=True)
            losses = keras.losses.sparse_categorical_crossentropy(labels, outputs)
            loss = tf.reduce_mean(losses)
        variables = model.trainable_variables
        gradients = tape.gradient(loss, [variable.value for variable in variables])
        optimizer.apply_gradients(zip(gradients, variables, strict=True))
        hits = tf.equal(tf.argmax(outputs, axis=-1, output_type=tf.int32), labels)
        return tf.reduce_sum(losses), tf.reduce_sum(tf.cast(hits, tf.int32))

    function: Callable[..., tuple[Any, Any]] = step
    return function


def _compile_evaluation(model: Any) -> "Callable[[ImageSet], tuple[float, float]]":
    """Return ``images -> (loss, accuracy)``."""
    import keras

    def evaluate(images: ImageSet) -> tuple[float, float]:
        assert images.labels is not None
        loss, correct = 0.0, 0
        for first in range(0, len(images), 500):
            part = images.take(np.arange(first, min(first + 500, len(images))))
            assert part.labels is not None
            outputs = model(part.images, training=False)
            losses = keras.losses.sparse_categorical_crossentropy(part.labels, outputs)
            loss += float(np.asarray(losses).sum())
            correct += int((np.asarray(outputs).argmax(axis=1) == part.labels).sum())
        return loss / len(images), correct / len(images)

    return evaluate


def _load(folder: "Path", context: "BuildContext") -> KerasClassifier:
    classifier = RobustClassifier(network, context)
    classifier.read(folder)
    return classifier


@hookimpl
def bench_register_models(register: "Callable[[ModelSpec], None]") -> None:
    """Register the model."""
    usual = keras_model(
        name="cnn-robust",
        summary="five convolutions trained on bent, slanted, thick, thin and noisy digits",
        network=network,
        epochs=12,
        batch_size=100,
        learning_rate=0.002,
        min_side=12,
    )
    kept = ("epochs", "batch_size", "learning_rate", "initial_weights")
    options: dict[str, Any] = {name: usual.options[name] for name in kept}
    options["european_ones"] = Option(
        default=True, help="also train on copies of the digit 1 that have a flag and a foot"
    )
    spec = replace(
        usual,
        build=_build,
        options=options,
        precisions=("float32",),
        load=_load,
        resumes=False,
        seconds_per_image=0.012,
    )
    register(spec)


def _build(context: "BuildContext") -> KerasClassifier:
    return RobustClassifier(network, context)
