"""Train the network that finds a digit's ink, and write it as an 8-bit LiteRT file.

``python script/reader/train.py MNIST.npz FOLDER`` draws scenes and trains on them, in one stage or
in several at growing sides; an interrupted stage starts again. ``FOLDER/reader.tflite`` is what
ships, as ``bench/images/reader.tflite``.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

import numpy as np
from scenes import NOT_A_DIGIT, Scenes, draw_scenes
from strokes import Strokes, digit_strokes, other_strokes

_BATCH: Final = 32
_BLOCK: Final = 40  # scenes drawn at once
_CHUNK: Final = 1000
_DRAWN_SIDE: Final = 96
_KEPT_CHUNKS: Final = 8
_N_DIGITS: Final = 30_000
_SEED: Final = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """So many chunks of scenes, each learnt from `passes` times, at one side and learning rate."""

    side: int
    chunks: range
    passes: int
    learning_rate: float


STAGES: Final = (Stage(side=64, chunks=range(80), passes=2, learning_rate=2e-3),)


@cache
def _strokes(mnist: Path) -> tuple[Strokes, Strokes]:
    return digit_strokes(mnist, _N_DIGITS), other_strokes(_SEED)


def draw_chunk(mnist: Path, chunk: int) -> Scenes:
    """Return a thousand scenes."""
    n_blocks = _CHUNK // _BLOCK
    blocks = [
        draw_scenes(*_strokes(mnist), chunk * n_blocks + i, _BLOCK, _DRAWN_SIDE)
        for i in range(n_blocks)
    ]
    return Scenes(
        pictures=np.concatenate([block.pictures for block in blocks]),
        masks=np.concatenate([block.masks for block in blocks]),
        labels=np.concatenate([block.labels for block in blocks]),
    )


def drawn_ahead(mnist: Path, chunks: range) -> Iterator[Scenes]:
    """Yield chunks in order, while another process draws the next ones."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        waiting: list[Future[Scenes]] = []
        for chunk in chunks:
            waiting.append(pool.submit(draw_chunk, mnist, chunk))
            if len(waiting) > 3:
                yield waiting.pop(0).result()
        for future in waiting:
            yield future.result()


def build(side: int) -> Any:
    """Return the network: RGB in, logits of the ink's mask and of the class out; U-shaped."""
    import keras
    from keras import layers

    def convolution(x: Any, filters: int, size: int = 3, strides: int = 1) -> Any:
        x = layers.Conv2D(filters, size, strides=strides, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization(momentum=0.97)(x)
        return layers.Activation("relu")(x)

    def joined(below: Any, beside: Any, filters: int) -> Any:
        up = layers.UpSampling2D(2, interpolation="bilinear")(convolution(below, filters, 1))
        return convolution(layers.Add()([up, beside]), filters)

    picture = layers.Input((side, side, 3))
    half = convolution(convolution(picture, 24, 4, 2), 24)
    quarter = convolution(convolution(half, 36, 3, 2), 36)
    eighth = convolution(convolution(quarter, 56, 3, 2), 56)
    deepest = convolution(convolution(eighth, 80, 3, 2), 80)
    gate = layers.Conv2D(80, 1, activation="sigmoid")(
        layers.GlobalAveragePooling2D(keepdims=True)(deepest)
    )
    deepest = convolution(layers.Multiply()([deepest, gate]), 80)
    classes = layers.Dense(64, activation="relu")(layers.GlobalMaxPooling2D()(deepest))
    classes = layers.Dense(NOT_A_DIGIT + 1, name="class")(classes)
    up = joined(joined(joined(deepest, eighth, 56), quarter, 36), half, 24)
    mask = layers.Conv2DTranspose(1, 4, strides=2, padding="same", name="mask")(convolution(up, 24))
    return keras.Model(picture, [mask, classes])


def levelled(pictures: Any) -> Any:
    """Return pictures less their mean colour, in units of their contrast."""
    import tensorflow as tf

    centred = pictures - tf.reduce_mean(pictures, (1, 2), keepdims=True)
    contrast = tf.sqrt(tf.reduce_mean(centred * centred, (1, 2, 3), keepdims=True))
    return centred / (contrast + 4.0)


def make_step(network: Any, optimizer: Any, side: int) -> Any:
    """Return one step of training: it crops, tints, inverts, and returns the loss by parts."""
    import tensorflow as tf

    @tf.function
    def step(
        pictures: Any, masks: Any, labels: Any, boxes: Any, tint: Any, is_inverted: Any
    ) -> Any:
        pictures = tf.cast(pictures, tf.float32) * tint
        pictures = tf.where(is_inverted, 255.0 - pictures, pictures)
        masks = tf.cast(masks, tf.float32)[..., None] / 255.0
        each = tf.range(tf.shape(pictures)[0])
        pictures = levelled(tf.image.crop_and_resize(pictures, boxes, each, (side, side)))
        masks = tf.image.crop_and_resize(masks, boxes, each, (side, side))
        with tf.GradientTape() as tape:
            logits, classes = network(pictures, training=True)
            entropy = tf.nn.sigmoid_cross_entropy_with_logits(masks, logits)
            entropy = tf.reduce_mean(entropy * (1 + 4 * masks))
            shares = tf.sigmoid(logits)
            both = tf.reduce_sum(shares * masks, (1, 2, 3))
            either = tf.reduce_sum(shares + masks, (1, 2, 3))
            dice = tf.reduce_mean(1 - (2 * both + 5) / (either + 5))
            wrong = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, classes)
            loss = entropy + dice + 0.15 * tf.reduce_mean(wrong)
        variables = network.trainable_variables
        optimizer.apply(tape.gradient(loss, variables), variables)
        is_right = tf.equal(tf.argmax(classes, 1, tf.int32), labels)
        return tf.stack([entropy, dice, tf.reduce_mean(tf.cast(is_right, tf.float32))])

    return step


def train(network: Any, stage: Stage, mnist: Path) -> None:
    """Train in one stage."""
    import keras

    steps_per_chunk = _CHUNK * stage.passes // _BATCH
    schedule = keras.optimizers.schedules.CosineDecay(
        stage.learning_rate / 20,
        steps_per_chunk * len(stage.chunks),
        alpha=0.01,
        warmup_target=stage.learning_rate,
        warmup_steps=200,
    )
    optimizer = keras.optimizers.Adam(schedule, clipnorm=1.0)
    optimizer.build(network.trainable_variables)
    step = make_step(network, optimizer, stage.side)
    rng = np.random.default_rng([_SEED, stage.side])
    kept: list[Scenes] = []
    began = time.monotonic()
    for i, drawn in enumerate(drawn_ahead(mnist, stage.chunks)):
        kept = [*kept, drawn][-_KEPT_CHUNKS:]
        parts = np.mean([step(*_batch(rng, kept)).numpy() for _ in range(steps_per_chunk)], axis=0)
        entropy, dice, right = (float(part) for part in parts)
        sys.stdout.write(
            f"{stage.side} px, chunk {i + 1}/{len(stage.chunks)}: entropy {entropy:.4f}, "
            f"dice {dice:.4f}, class {right:.3f}, {time.monotonic() - began:.0f} s\n"
        )
        sys.stdout.flush()


def _batch(rng: np.random.Generator, kept: list[Scenes]) -> tuple[Any, ...]:
    chunks, places = rng.integers(0, len(kept), _BATCH), rng.integers(0, _CHUNK, _BATCH)
    pairs = list(zip(chunks, places, strict=True))
    size = rng.uniform(0.82, 1, (_BATCH, 1))
    corner = rng.uniform(0, 1, (_BATCH, 2)) * (1 - size)
    return (
        np.stack([kept[c].pictures[i] for c, i in pairs]),
        np.stack([kept[c].masks[i] for c, i in pairs]),
        np.array([kept[c].labels[i] for c, i in pairs], dtype=np.int32),
        np.concatenate([corner, corner + size], axis=1).astype(np.float32),
        rng.uniform(0.85, 1.15, (_BATCH, 1, 1, 3)).astype(np.float32),
        rng.random((_BATCH, 1, 1, 1)) < 0.07,
    )


def convert(network: Any, scenes: Scenes, file: Path) -> None:
    """Write the network in int8, ranges measured on `scenes`."""
    import tensorflow as tf

    side = network.input_shape[1]
    pictures = tf.image.resize(scenes.pictures[:300], (side, side), antialias=True)
    seen = levelled(pictures).numpy()
    signature = [tf.TensorSpec((1, side, side, 3), tf.float32)]
    traced = tf.function(lambda x: network(x, training=False), input_signature=signature)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([traced.get_concrete_function()])
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([picture[None]] for picture in seen)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.int8
    converter.inference_output_type = tf.int8
    file.write_bytes(converter.convert())


def main() -> None:
    """Train all stages that are not there yet, then convert."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mnist", type=Path)
    parser.add_argument("folder", type=Path)
    asked = parser.parse_args()
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    import keras

    asked.folder.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(_SEED)
    weights: Path | None = None
    for stage in STAGES:
        network = build(stage.side)
        if weights is not None:
            network.load_weights(weights)
        weights = asked.folder / f"stage-{stage.side}.weights.h5"
        if weights.exists():
            network.load_weights(weights)
            continue
        train(network, stage, asked.mnist)
        network.save_weights(weights)
    convert(network, draw_chunk(asked.mnist, 10_000), asked.folder / "reader.tflite")


if __name__ == "__main__":
    main()
