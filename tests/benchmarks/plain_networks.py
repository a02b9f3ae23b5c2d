"""Plain Keras ``fit`` on arrays, with the settings that TensorFlow has by itself.

Each line of the input is JSON: name of the network, how many images of which shape,
its options and epochs. The answer to each is a line with the seconds of the last epoch.
"""

import json
import sys
import time
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import keras
import numpy as np

from bench.spec import BuildContext
from bench.testing.cases import draw_images


def last_epoch(
    name: str, n_images: int, image_shape: list[int], options: Mapping[str, Any], epochs: int
) -> float:
    """Return the seconds of the last epoch of ``fit`` as the source experiments call it."""
    height, width, channels = image_shape
    train = draw_images(n_images, (height, width, channels), 10)
    classes = tuple("0123456789")
    network = import_module(f"bench_plugins.{name.replace('-', '_')}").network
    keras.utils.set_random_seed(42)
    model = network(BuildContext(image_shape=train.shape, classes=classes, options=options))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    images, labels = train.images, np.asarray(train.labels)
    size = int(options["batch_size"])
    model.fit(images, labels, batch_size=size, epochs=epochs - 1, verbose=0)
    started = time.perf_counter()
    model.fit(images, labels, batch_size=size, epochs=1, verbose=0)
    return time.perf_counter() - started


if __name__ == "__main__":
    for line in sys.stdin:
        sys.stdout.write(json.dumps(last_epoch(**json.loads(line))) + "\n")
        sys.stdout.flush()
