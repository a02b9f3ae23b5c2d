"""The training loop of the Keras adapter.

Why not ``Model.fit``: this one can be stopped after any epoch and goes on bit for bit, since the
order of the images is a function of seed and epoch and all state is in the checkpoint; and it is
faster, since many steps run in one call on images gathered, cast and augmented in the graph.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from bench.adapters.keras_checkpoint import (
    Checkpoint,
    fingerprint,
    read_checkpoint,
    write_checkpoint,
)
from bench.adapters.keras_epochs import Watch, cosine_share, epoch_order, hold_back
from bench.adapters.keras_optimizers import make_optimizer
from bench.adapters.keras_options import require_one_schedule
from bench.adapters.keras_own import own_step
from bench.adapters.keras_runtime import read_values
from bench.images.augmentations import augmentation
from bench.spec import Epoch, ImageSet

if TYPE_CHECKING:
    from bench.adapters.keras_options import TrainingOptions
    from bench.images.augment import Augmentation
    from bench.spec import FitContext, Images

__all__ = ["Training", "compile_evaluation", "compile_training", "train_network"]

_CHUNK_BYTES: Final = 16 * 2**20
_CHUNK_STEPS: Final = 100
_EVALUATION_BATCH: Final = 512
_PLATEAU_FACTOR: Final = 0.5


def train_network(
    model: Any, train: ImageSet, options: "TrainingOptions", context: "FitContext"
) -> None:
    """Train `model` in place on `train`, going on from a checkpoint where there is one.

    Epochs already done before an interruption are reported again first, so that what a caller
    collects from ``context.report_epoch`` is the whole history.
    """
    Training(model, train, options, context).run()


class Training:
    """One fit: the network, its optimiser, the compiled steps and what has been done so far."""

    def __init__(
        self, model: Any, train: ImageSet, options: "TrainingOptions", context: "FitContext"
    ) -> None:
        self._model, self._options, self._context = model, options, context
        require_one_schedule(options)
        self._fitted, self._held_back = hold_back(train, options.validation_fraction)
        self._augmentation = augmentation(options.augment)
        self._optimizer = make_optimizer(options.optimizer, options.learning_rate)
        self._optimizer.build(model.trainable_variables)
        own = own_step(model, self._optimizer, context.n_classes)
        self._train_chunk = compile_training(
            model, self._optimizer, options.batch_size, train, self._augmentation, own
        )
        self._mark = fingerprint(context, train)
        self._history: list[Epoch] = []
        self._watch = Watch()
        self._best: list[npt.NDArray[Any]] = []
        self._evaluations: dict[str, Callable[..., tuple[Any, Any]]] = {}

    @property
    def learning_rate(self) -> float:
        """The present step size."""
        return float(self._optimizer.learning_rate.value.numpy())

    def run(self) -> None:
        """Train to the end, from the checkpoint where there is one."""
        self._resume()
        while len(self._history) < self._options.epochs and not self._is_over():
            epoch = self._run_epoch(len(self._history))
            self._history.append(epoch)
            self.observe(epoch)
            self._save()
            self._context.report_epoch(epoch)
        if self._best:
            self._model.set_weights(self._best)

    def _run_epoch(self, index: int) -> Epoch:
        started = time.perf_counter()
        loss, correct, seen = 0.0, 0, 0
        order = epoch_order(len(self._fitted), self._context.seed, index, self._options)
        for images, labels, changes in self._chunks(index, order):
            self._set_learning_rate(index + seen / len(order))
            chunk_loss, chunk_correct = self._train_chunk(images, labels, changes)
            loss, correct = loss + float(chunk_loss), correct + int(chunk_correct)
            seen += len(labels)
        epoch = Epoch(
            epoch=index + 1,
            epochs=self._options.epochs,
            loss=loss / seen,
            accuracy=correct / seen,
        )
        if self._held_back is not None:
            val_loss, val_accuracy = self._evaluate(self._held_back)
            epoch = replace(epoch, val_loss=val_loss, val_accuracy=val_accuracy)
        # Tracked test images cost time but must not influence the fit: measured beside the clock.
        epoch = replace(epoch, seconds=time.perf_counter() - started)
        if self._context.tracked is not None:
            test_loss, test_accuracy = self._evaluate(self._context.tracked)
            epoch = replace(epoch, test_loss=test_loss, test_accuracy=test_accuracy)
        return epoch

    def _chunks(
        self, index: int, order: npt.NDArray[np.intp]
    ) -> "Iterator[tuple[Images, npt.NDArray[np.int32], npt.NDArray[np.float32]]]":
        """Yield the images of an epoch in `order`, many whole batches at a time."""
        pixels, labels = self._fitted.pixels, self._fitted.labels
        assert labels is not None
        generator = np.random.default_rng([self._context.seed, index, 1])
        size = _chunk_size(self._fitted, self._options.batch_size)
        for first in range(0, len(order), size):
            chosen = order[first : first + size]
            changes = np.zeros((0, 0), dtype=np.float32)
            if self._augmentation is not None:
                changes = self._augmentation.draw(generator, len(chosen), self._fitted.shape)
            yield np.asarray(pixels[chosen]), labels[chosen].astype(np.int32), changes

    def _set_learning_rate(self, epochs_done: float) -> None:
        if self._options.learning_rate_schedule == "cosine":
            share = cosine_share(epochs_done / self._options.epochs)
            self._optimizer.learning_rate.assign(self._options.learning_rate * share)

    def _evaluate(self, images: ImageSet) -> tuple[float, float]:
        assert images.labels is not None
        dtype = str(images.pixels.dtype)
        if dtype not in self._evaluations:  # tracked images may be stored in another dtype
            self._evaluations[dtype] = compile_evaluation(self._model, images)
        evaluate = self._evaluations[dtype]
        loss, correct = 0.0, 0
        for first in range(0, len(images), _EVALUATION_BATCH):
            part = slice(first, first + _EVALUATION_BATCH)
            part_loss, part_correct = evaluate(
                np.asarray(images.pixels[part]), images.labels[part].astype(np.int32)
            )
            loss, correct = loss + float(part_loss), correct + int(part_correct)
        return loss / len(images), correct / len(images)

    def observe(self, epoch: Epoch) -> None:
        """Keep the best weights and lower the learning rate, where the options ask for it."""
        if self._watch.is_better(epoch):
            if self._options.early_stopping:
                self._best = read_values(self._model.weights)
        elif self._watch.is_time_to_lower(self._options.reduce_lr_on_plateau):
            rate = self._optimizer.learning_rate
            rate.assign(rate * _PLATEAU_FACTOR)

    def _is_over(self) -> bool:
        patience = self._options.early_stopping
        return bool(patience) and self._watch.since_best >= patience

    def _variables(self) -> list[Any]:
        # `variables`, unlike `weights`, holds the state of the dropout layers' seed generators.
        return [*self._model.variables, *self._optimizer.variables]

    def _save(self) -> None:
        folder = self._context.checkpoint_folder
        if folder is None:
            return
        checkpoint = Checkpoint(
            history=tuple(self._history),
            variables=read_values(self._variables()),
            best=self._best,
            watch=asdict(self._watch),
        )
        write_checkpoint(folder, checkpoint, self._mark)

    def _resume(self) -> None:
        folder = self._context.checkpoint_folder
        if folder is None:
            return
        variables = self._variables()
        checkpoint = read_checkpoint(
            folder,
            self._mark,
            read_values(variables),
            read_values(self._model.weights),
        )
        if checkpoint is None:
            return
        for variable, value in zip(variables, checkpoint.variables, strict=True):
            variable.assign(value)
        self._history = list(checkpoint.history)
        self._best = list(checkpoint.best)
        self._watch = Watch(**checkpoint.watch)
        for epoch in self._history:
            self._context.report_epoch(epoch)


def _chunk_size(images: ImageSet, batch_size: int) -> int:
    """Return how many images one call trains on: whole batches, bounded memory."""
    batch_bytes = images.pixels[:1].nbytes * batch_size
    steps = min(max(_CHUNK_BYTES // max(batch_bytes, 1), 1), _CHUNK_STEPS)
    return int(steps) * batch_size


def compile_training(
    model: Any,
    optimizer: Any,
    batch_size: int,
    train: ImageSet,
    augmentation: "Augmentation | None" = None,
    own: Callable[[Any, Any], None] | None = None,
) -> Callable[..., tuple[Any, Any]]:
    """Return ``(images, labels, changes) -> (sum of losses, count of correct)``, traced once.

    It does one step for each `batch_size` of the images given, and one for what is left over. With
    a step of the network's `own` the losses are those after it, of the network as it predicts.
    """
    import tensorflow as tf

    def step(images: Any, labels: Any) -> tuple[Any, Any]:
        if own is not None:
            own(images, labels)
            losses, correct = _losses(model, images, labels, training=False)
            return tf.reduce_sum(losses), correct
        with tf.GradientTape() as tape:
            losses, correct = _losses(model, images, labels, training=True)
            loss = tf.reduce_mean(losses)
            if model.losses:
                loss += tf.add_n([tf.cast(extra, tf.float32) for extra in model.losses])
        gradients = tape.gradient(loss, [weight.value for weight in model.trainable_variables])
        optimizer.apply(gradients, model.trainable_variables)
        return tf.reduce_sum(losses), correct

    def train_chunk(images: Any, labels: Any, changes: Any) -> tuple[Any, Any]:
        n = tf.shape(labels)[0]

        def one(first: Any, loss: Any, correct: Any) -> tuple[Any, Any, Any]:
            last = first + batch_size
            batch = _as_float(images[first:last])
            if augmentation is not None:
                batch = augmentation.change(batch, changes[first:last])
            batch_loss, batch_correct = step(batch, labels[first:last])
            return last, loss + batch_loss, correct + batch_correct

        start = (tf.constant(0), tf.constant(0.0), tf.constant(0))
        _, loss, correct = tf.while_loop(lambda first, *_: first < n, one, start)
        return loss, correct

    signature = (
        tf.TensorSpec((None, *train.shape), train.pixels.dtype),
        tf.TensorSpec((None,), tf.int32),
        tf.TensorSpec((None, augmentation.n_parameters if augmentation else 0), tf.float32),
    )
    return _traced(train_chunk, signature)


def compile_evaluation(model: Any, images: ImageSet) -> Callable[..., tuple[Any, Any]]:
    """Return ``(images, labels) -> (sum of losses, count of correct)`` for images like these."""
    import tensorflow as tf

    def evaluate(pixels: Any, labels: Any) -> tuple[Any, Any]:
        losses, correct = _losses(model, _as_float(pixels), labels, training=False)
        return tf.reduce_sum(losses), correct

    signature = (
        tf.TensorSpec((None, *images.shape), images.pixels.dtype),
        tf.TensorSpec((None,), tf.int32),
    )
    return _traced(evaluate, signature)


def _traced(function: Any, signature: tuple[Any, ...]) -> Callable[..., tuple[Any, Any]]:
    """Trace a function once, for good, and let it take arrays."""
    import tensorflow as tf

    traced = tf.function(function, input_signature=signature, autograph=False)
    concrete = traced.get_concrete_function()

    def call(*arrays: npt.NDArray[Any]) -> tuple[Any, Any]:
        loss, correct = concrete(*map(tf.convert_to_tensor, arrays))
        return loss, correct

    return call


def _losses(model: Any, images: Any, labels: Any, *, training: bool) -> tuple[Any, Any]:
    """Return the cross-entropy of each image, and how many are classified correctly."""
    import keras
    import tensorflow as tf

    outputs = model(images, training=training)
    losses = keras.losses.sparse_categorical_crossentropy(labels, outputs)
    hits = tf.equal(tf.argmax(outputs, axis=-1, output_type=tf.int32), labels)
    return tf.cast(losses, tf.float32), tf.reduce_sum(tf.cast(hits, tf.int32))


def _as_float(pixels: Any) -> Any:
    """Return float32 in [0, 1] in the graph, with the very values of `bench.spec.as_float`."""
    import tensorflow as tf

    if pixels.dtype == tf.uint8:
        return tf.cast(pixels, tf.float32) * np.float32(1 / 255)
    return tf.cast(pixels, tf.float32)
