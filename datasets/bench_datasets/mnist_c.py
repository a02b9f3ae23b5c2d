"""``mnist-c``: MNIST's images as its authors corrupted them, one corruption at a time."""

from typing import Any, Final

from bench import DatasetSpec, Option, hookimpl
from bench.spec import Dataset, LoadContext
from bench_datasets._digits import DIGITS
from bench_datasets._ladder.options import Known

__all__ = ["CORRUPTIONS"]

CORRUPTIONS: Final = (
    "fog", "brightness", "canny_edges", "dotted_line", "glass_blur", "identity", "impulse_noise",
    "motion_blur", "rotate", "scale", "shear", "shot_noise", "spatter", "stripe", "translate",
    "zigzag",
)  # fmt: skip
"""The folders of the release."""

_FILES: Final = ("test_images.npy", "test_labels.npy")
# A corruption may be an image of light paper: its values and its ink are as they are.
_KNOWN: Final = Known(
    classes=DIGITS, shape=(28, 28, 1), is_natural=True, settings={"values": "0..255"}
)


def load(context: LoadContext) -> Dataset:
    """Read a corruption's images: both splits, or the test split alone."""
    from bench_datasets._ladder.build import load_arrays

    return load_arrays(context, _KNOWN)


@hookimpl
def bench_register_datasets(register: Any) -> None:
    """Register ``mnist-c``."""
    folder = "mnist_c/{corruption}"
    both = ("train_images.npy", "train_labels.npy", *_FILES)
    register(
        DatasetSpec(
            name="mnist-c",
            summary="MNIST as Mu and Gilmer corrupted it, 28×28 grey, 60,000 + 10,000 a corruption",
            load=load,
            options={
                "corruption": Option(
                    default="fog", help=f"which of its folders: {', '.join(CORRUPTIONS)}"
                )
            },
            files=(
                tuple(f"{folder}/{name}" for name in both),
                tuple(f"{{corruption}}/{name}" for name in both),
                tuple(f"{folder}/{name}" for name in _FILES),
                tuple(f"{{corruption}}/{name}" for name in _FILES),
                both,
                _FILES,
            ),
            not_in=("mnist_c/",),
            source="MNIST-C (Mu, Gilmer, 2019): https://github.com/google-research/mnist-c",
            licence="CC BY 4.0 (not verified)",
            how_to_get="download mnist_c.zip from https://zenodo.org/record/3239543 and"
            " unpack it in a"
            " data folder, so that it holds mnist_c/fog/test_images.npy and so on",
        )
    )
