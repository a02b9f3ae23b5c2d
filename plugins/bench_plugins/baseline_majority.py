"""The floor of every comparison: always the most frequent class of the training images."""

from collections.abc import Callable
from pathlib import Path

from bench import hookimpl
from bench.errors import DataError
from bench.spec import (
    BuildContext,
    Classifier,
    Description,
    FitContext,
    Images,
    ImageSet,
    ModelSpec,
    Probabilities,
)

MODEL_FILE = "frequencies.npy"


class MajorityClassifier:
    """State: the share of each class among the training images."""

    def __init__(self, n_classes: int) -> None:
        import numpy as np

        self.frequencies = np.full(n_classes, 1 / n_classes, dtype=np.float32)

    def fit(self, train: ImageSet, context: FitContext) -> None:
        """Count the labels."""
        import numpy as np

        if train.labels is None:
            raise DataError("training images", why="have no labels")
        counts = np.bincount(train.labels, minlength=context.n_classes)
        self.frequencies = (counts / counts.sum()).astype(np.float32)

    def predict_proba(self, images: Images) -> Probabilities:
        """Return the training frequencies for every image: (n, n_classes), float32."""
        import numpy as np

        return np.tile(self.frequencies, (len(images), 1))

    def save(self, folder: Path) -> None:
        """Write the frequencies."""
        import numpy as np

        np.save(folder / MODEL_FILE, self.frequencies, allow_pickle=False)

    def describe(self) -> Description:
        """Return the size of the frequencies."""
        return Description(model_bytes=self.frequencies.nbytes)


def build(context: BuildContext) -> Classifier:
    """Return a classifier that has seen nothing: all classes alike."""
    return MajorityClassifier(context.n_classes)


def load(folder: Path, context: BuildContext) -> Classifier:
    """Return the classifier that ``save`` wrote.

    Raises
    ------
    DataError
        If the file does not hold one frequency a class.
    """
    import numpy as np

    classifier = MajorityClassifier(context.n_classes)
    try:
        frequencies = np.load(folder / MODEL_FILE, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(MODEL_FILE, why=f"is no readable model ({type(error).__name__})") from error
    if frequencies.dtype != np.float32 or frequencies.shape != (context.n_classes,):
        raise DataError(MODEL_FILE, why=f"does not hold {context.n_classes} frequencies")
    classifier.frequencies = frequencies
    return classifier


@hookimpl
def bench_register_models(register: Callable[[ModelSpec], None]) -> None:
    """Register ``baseline-majority``."""
    register(
        ModelSpec(
            name="baseline-majority",
            summary="always the most frequent class: the floor",
            build=build,
            load=load,
            requires=("numpy",),
            deterministic=True,
            seconds_per_image=1e-8,
            declares={"it-names-more-than-one-class": "the most frequent class is the floor"},
        )
    )
