"""MNIST and the sets in its form: ``mnist``, ``fashion-mnist``, ``kmnist``, ``qmnist``."""

from typing import Any, Final

from bench import DatasetSpec, hookimpl
from bench.spec import Dataset, LoadContext
from bench_datasets._digits import DIGITS
from bench_datasets._ladder.options import READING_OPTIONS, Known
from bench_datasets._mnist_label_errors import MNIST_LABEL_ERRORS

__all__ = ["FAMILY", "idx_names"]

_FASHION: Final = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt",
                   "Sneaker", "Bag", "Ankle boot")  # fmt: skip
_KANA: Final = ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")
_SHAPE: Final = (28, 28, 1)

FAMILY: Final = {
    "mnist": Known(
        classes=DIGITS, shape=_SHAPE, counts=(60_000, 10_000),
        first_labels=(5, 0, 4, 1, 9, 2, 1, 3, 1, 4),
    ),
    "fashion-mnist": Known(
        classes=_FASHION, shape=_SHAPE, counts=(60_000, 10_000),
        first_labels=(9, 0, 0, 3, 0, 2, 7, 2, 5, 5), is_natural=True,
    ),
    "kmnist": Known(
        classes=_KANA, shape=_SHAPE, counts=(60_000, 10_000),
        first_labels=(8, 7, 0, 1, 4, 2, 4, 8, 1, 1),
    ),
    "qmnist": Known(classes=DIGITS, shape=_SHAPE, counts=(60_000, 60_000)),
}  # fmt: skip
"""What each is known to be."""


def load(context: LoadContext) -> Dataset:
    """Read the two splits."""
    from bench_datasets._ladder.build import load_arrays

    return load_arrays(context, FAMILY.get(context.name, FAMILY["mnist"]))


def idx_names(
    prefix: str = "", *, test: str = "t10k", labels: str = "idx1-ubyte"
) -> tuple[tuple[str, ...], ...]:
    """Return the names of four IDX files as they are published and unpacked."""
    plain = tuple(
        f"{prefix}{split}-{kind}"
        for split in ("train", test)
        for kind in ("images-idx3-ubyte", f"labels-{labels}")
    )
    dotted = tuple(name.replace("-idx", ".idx") for name in plain)
    forms = (plain, tuple(f"{name}.gz" for name in plain), dotted)
    return (*forms, tuple(f"{name}.gz" for name in dotted))


@hookimpl
def bench_register_datasets(register: Any) -> None:
    """Register ``mnist`` and its family."""
    register(
        DatasetSpec(
            name="mnist",
            summary="handwritten digits, 28×28 grey, the standard 60,000 + 10,000",
            load=load,
            options=READING_OPTIONS,
            reads_folders=True,
            files=(("mnist.npz",), *idx_names()),
            not_in=("fashion", "kmnist", "kuzushiji", "emnist", "qmnist"),
            source="MNIST (LeCun, Cortes, Burges): http://yann.lecun.com/exdb/mnist",
            licence="commonly CC BY-SA 3.0",
            images_may_be_published=True,
            how_to_get="bench data fetch mnist; or put mnist.npz, or the four IDX files, plain or"
            " .gz, in a data folder",
            label_errors=MNIST_LABEL_ERRORS,
            fetch={
                "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz": "sha256:"
                "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"
            },
        )
    )
    register(_fashion())
    register(_kana())
    register(_qmnist())


def _fashion() -> DatasetSpec:
    base = "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion"
    return DatasetSpec(
        name="fashion-mnist",
        summary="Zalando's articles of clothing, 28×28 grey, 60,000 + 10,000, ten classes",
        load=load,
        options=READING_OPTIONS,
        reads_folders=True,
        files=(
            ("fashion-mnist.npz",),
            ("fashion_mnist.npz",),
            ("fashion-mnist_train.csv", "fashion-mnist_test.csv"),
            *_in_folders(("fashion-mnist", "FashionMNIST/raw", "fashion")),
        ),
        source="Fashion-MNIST (Xiao, Rasul, Vollgraf, 2017):"
        " https://github.com/zalandoresearch/fashion-mnist",
        licence="MIT",
        images_may_be_published=True,
        how_to_get="bench data fetch fashion-mnist; or put its four IDX files in a folder"
        " fashion-mnist"
        " of a data folder",
        fetch={
            f"{base}/train-images-idx3-ubyte.gz": "md5:8d4fb7e6c68d591d4c3dfef9ec88bf0d",
            f"{base}/train-labels-idx1-ubyte.gz": "md5:25c81989df183df01b3e8a0aad5dffbe",
            f"{base}/t10k-images-idx3-ubyte.gz": "md5:bef4ecab320f06d8554ea6380940ec79",
            f"{base}/t10k-labels-idx1-ubyte.gz": "md5:bb300cfdad3c16e7a12a480ee83cd310",
        },
    )


def _kana() -> DatasetSpec:
    base = "https://codh.rois.ac.jp/kmnist/dataset/kmnist"
    keys = ("train-imgs", "train-labels", "test-imgs", "test-labels")
    return DatasetSpec(
        name="kmnist",
        summary="Kuzushiji-MNIST: ten old Japanese characters, 28×28 grey, 60,000 + 10,000",
        load=load,
        options=READING_OPTIONS,
        reads_folders=True,
        files=(
            tuple(f"kmnist-{key}.npz" for key in keys),
            *_in_folders(("kmnist", "KMNIST/raw")),
        ),
        source="KMNIST Dataset (created by CODH), adapted from Kuzushiji Dataset (created"
        " by NIJL and"
        " others): http://codh.rois.ac.jp/kmnist",
        licence="CC BY-SA 4.0",
        images_may_be_published=True,
        how_to_get="bench data fetch kmnist; or put its four IDX or .npz files in a folder"
        " kmnist of a"
        " data folder",
        fetch={
            f"{base}/train-images-idx3-ubyte.gz": "md5:bdb82020997e1d708af4cf47b453dcf7",
            f"{base}/train-labels-idx1-ubyte.gz": "md5:e144d726b3acfaa3e44228e80efcd344",
            f"{base}/t10k-images-idx3-ubyte.gz": "md5:5c965bf0a639b31b8f53240b1b52f4d7",
            f"{base}/t10k-labels-idx1-ubyte.gz": "md5:7320c461ea6c1c855c0b718fb2a4b134",
        },
    )


def _qmnist() -> DatasetSpec:
    base = "https://raw.githubusercontent.com/facebookresearch/qmnist/master"
    return DatasetSpec(
        name="qmnist",
        summary="MNIST rebuilt from NIST's scans, with writers and 60,000 test images",
        load=load,
        options=READING_OPTIONS,
        reads_folders=True,
        files=idx_names("qmnist-", test="test", labels="idx2-int"),
        source="QMNIST (Yadav, Bottou, 2019): https://github.com/facebookresearch/qmnist",
        licence="BSD, as its LICENSE says of the software; of the images: not verified",
        how_to_get="bench data fetch qmnist; or put its four files in a data folder",
        fetch={
            f"{base}/qmnist-train-images-idx3-ubyte.gz": "md5:ed72d4157d28c017586c42bc6afe6370",
            f"{base}/qmnist-train-labels-idx2-int.gz": "md5:0058f8dd561b90ffdd0f734c6a30e5e4",
            f"{base}/qmnist-test-images-idx3-ubyte.gz": "md5:1394631089c404de565df7b7aeaf9412",
            f"{base}/qmnist-test-labels-idx2-int.gz": "md5:5b5b05890a5e13444e108efe57b788aa",
        },
    )


def _in_folders(folders: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    return tuple(
        tuple(f"{folder}/{name}" for name in names) for folder in folders for names in idx_names()
    )
