"""A plain function from images to probabilities, which learns nothing but where the ink is."""

import numpy as np

from bench import ModelSpec, hookimpl


def probabilities(images, n_classes):
    """Return (n, n_classes), rows that sum to 1, by the share of ink in each strip of columns."""
    strips = np.array_split(images.mean(axis=(1, 3)), n_classes, axis=1)
    ink = np.stack([strip.mean(axis=1) + 1e-3 for strip in strips], axis=1)
    return (ink / ink.sum(axis=1, keepdims=True)).astype(np.float32)


class Model:
    """State: how many classes there are."""

    def __init__(self, n_classes):
        self.n_classes = n_classes

    def fit(self, train, context):
        """Learn nothing."""

    def predict_proba(self, images):
        """Return a column a class."""
        return probabilities(images, self.n_classes)


@hookimpl
def bench_register_models(register):
    """Register the model; that it reads nothing is declared, with the reason."""
    register(
        ModelSpec(
            name="plain-function",
            summary="where the ink is",
            build=lambda context: Model(context.n_classes),
            probabilities="scores",
            deterministic=True,
            declares={"it-learns": "it only measures ink"},
        )
    )
