"""The source notebooks one after the other, as their authors wrote them: the plain way.

``python plain_notebooks.py train.csv EPOCHS`` reads the table with pandas, trains every published
network with Keras ``fit`` on arrays (the augmented one with ``ImageDataGenerator``), the forest and
the support vectors with scikit-learn, and scores each on the held-out fifth. EPOCHS is 0 for as
many as were published. The last line is JSON: seconds of each epoch, and each model's accuracy.
"""

import json
import sys
import time
from importlib import import_module
from typing import Any

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split
from sklearn.svm import SVC

from bench.spec import BuildContext

# Epochs, batch size and share held back for validation, as the notebooks have them.
NETWORKS = {
    "cnn-mnist-4pool": (10, 86, 0.0),
    "cnn-mnist-wide": (10, 86, 0.0),
    "cnn-mnist-wide-augmented": (10, 86, 0.0),
    "cnn-mnist-compact": (10, 200, 0.0),
    "cnn-ids-linear": (3, 128, 0.0),
    "cnn-svhn-shallow": (20, 32, 0.2),
    "cnn-svhn-deep": (30, 128, 0.2),
}


class Stopwatch(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
    """State: the seconds of each epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []
        self.began = 0.0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.began = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.seconds.append(time.perf_counter() - self.began)


def train(name: str, epochs: int, x_train: Any, y_train: Any) -> tuple[Any, list[float]]:
    """Return the trained network and the seconds of its epochs."""
    published_epochs, size, held_back = NETWORKS[name]
    network = import_module(f"bench_plugins.{name.replace('-', '_')}").network
    keras.utils.set_random_seed(42)
    classes = tuple("0123456789")
    model = network(BuildContext(image_shape=(28, 28, 1), classes=classes, options={}))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    watch = Stopwatch()
    common = {"epochs": epochs or published_epochs, "verbose": 0, "callbacks": [watch]}
    if name.endswith("augmented"):
        generator = tf.keras.preprocessing.image.ImageDataGenerator(
            rotation_range=10,
            zoom_range=0.3,
            width_shift_range=0.3,
            height_shift_range=0.3,
            fill_mode="nearest",
        )
        batches = generator.flow(x_train, y_train, batch_size=size)
        model.fit(batches, steps_per_epoch=len(x_train) // size, **common)
    else:
        model.fit(x_train, y_train, batch_size=size, validation_split=held_back, **common)
    return model, watch.seconds


def main(path: str, epochs: int) -> None:
    """Train and score all, and print what was measured."""
    frame = pd.read_csv(path)
    labels = frame.pop("label").to_numpy()
    x_train, x_test, y_train, y_test = train_test_split(
        frame.to_numpy(), labels, train_size=0.8, random_state=42
    )
    seconds, accuracies = {}, {}
    for name, machine in (
        ("random-forest", RandomForestClassifier(n_estimators=200, max_samples=0.5)),
        ("svm-ovo", SVC(decision_function_shape="ovo")),
    ):
        machine.fit(x_train, y_train)
        accuracies[name] = machine.score(x_test, y_test)
    images, test_images = (
        (pixels / 255).astype(np.float32).reshape(-1, 28, 28, 1) for pixels in (x_train, x_test)
    )
    for name in NETWORKS:
        model, seconds[name] = train(name, epochs, images, y_train)
        predicted = model.predict(test_images, verbose=0).argmax(axis=1)
        accuracies[name] = float(np.mean(predicted == y_test))
        keras.backend.clear_session()
    sys.stdout.write(json.dumps({"seconds": seconds, "accuracies": accuracies}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
