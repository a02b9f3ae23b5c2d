"""The harness's own part of an identity: the files that decide what a trial computes, and why."""

from contextlib import suppress
from functools import cache
from hashlib import blake2b
from pathlib import Path
from types import MappingProxyType
from typing import Final

from bench.loading.cache import cache_folder
from bench.plugins.definitions import hash_of_definitions, only
from bench.store.atomic import write_bytes

__all__ = ["COMPUTING", "computing_files", "harness_hash"]

_HEX_DIGITS: Final = 64
COMPUTING: Final = MappingProxyType(
    {
        "adapters.__init__": "chooses what reads a stored model back",
        "adapters.boosting": "fits and predicts boosted trees",
        "adapters.keras": "fits and predicts networks",
        "adapters.keras_checkpoint": "what an interrupted training goes on from",
        "adapters.keras_dropout": "the draws of dropout",
        "adapters.keras_epochs": "the order of images in an epoch, the course of the learning rate",
        "adapters.keras_network": "precision of weights, and what is kept of a network",
        "adapters.keras_optimizers": "the steps of an optimiser",
        "adapters.keras_options": "what an option means to the training",
        "adapters.keras_own": "a loss or a training step of the network's own",
        "adapters.keras_runtime": "the engine's settings: precision, threads, determinism",
        "adapters.keras_training": "the training loop: order of images, steps, epochs",
        "adapters.litert": "the 8-bit form of a network, and its predictions",
        "adapters.litert_packing": "how an 8-bit network is laid out",
        "adapters.litert_writing": "how a network becomes an 8-bit one",
        "adapters.sklearn": "which classifier an estimator becomes",
        "adapters.sklearn_classifier": "fits and predicts estimators",
        "adapters.card": "how a model file's images and columns are told",
        "adapters.onnx": "predictions of an ONNX file",
        "adapters.ready": "how images enter a model file, and what becomes of its output",
        "adapters.sklearn_fitting": "fitting in epochs, and what images are brought to",
        "adapters.sklearn_model": "which estimator a model option asks for",
        "adapters.sklearn_svc": "votes of support vectors, and the engine that counts them",
        "adapters.torch": "fits and predicts torch modules",
        "adapters.torch_checkpoint": "what an interrupted training of a module goes on from",
        "adapters.torch_network": "what a module's outputs are, and what is kept of it",
        "adapters.torch_options": "which options a module's training obeys",
        "adapters.torch_runtime": "torch's settings: device, seeds, determinism",
        "adapters.torch_training": "the training loop of torch modules",
        "execution.contract": "how what a classifier returns becomes float32",
        "execution.engine:seed_everything": "where randomness begins",
        "execution.probabilities": "the images that predictions are made of, block by block",
        "execution.training_images": "which training images are used, in which shape",
        "execution.variants": "what is made of a trained model before it predicts",
        "images.augment": "changes of the training images",
        "images.augment_handwriting": "changes of the training images",
        "images.augmentations": "changes of the training images, drawn from seed and epoch",
        "images.corruptions": "what is done to test images",
        "images.european_ones": "flags drawn to training images",
        "images.exact": "arithmetic on pixels that is the same on every processor",
        "images.near_duplicates": "which test images count as seen in training",
        "images.shape": "how images are brought to the model's shape",
        "scoring.looks": "one answer from several pictures of a sample",
        "spec.images:as_float": "what a stored pixel means",
    }
)
"""Module below ``bench``, or one of its definitions -> why it decides results. Photos'
preprocessing is not among them: the content hash of the images as fed speaks for it."""


def computing_files() -> tuple[Path, ...]:
    """Return the declared files."""
    return tuple(_file(name.partition(":")[0]) for name in COMPUTING)


def _file(module: str) -> Path:
    return Path(__file__).parents[1] / f"{module.replace('.', '/')}.py"


def _source(entry: str) -> bytes:
    module, _, name = entry.partition(":")
    data = _file(module).read_bytes()
    return only(data, [name]) if name else data


@cache
def harness_hash() -> str:
    """Return one hash of what the harness computes, wherever in these files it is defined.

    Parsing them takes a tenth of a second, so the answer is kept in the data cache.
    """
    key = blake2b(digest_size=16)
    for path in (_file("plugins.definitions"), Path(__file__), *computing_files()):
        source = path.read_bytes()
        key.update(len(source).to_bytes(8, "little") + source)
    kept = cache_folder() / "harness" / key.hexdigest()
    with suppress(OSError, ValueError):
        text = kept.read_text(encoding="ascii")
        if len(text) == _HEX_DIGITS:
            return text
    sources = [_source(entry) for entry in COMPUTING]
    found = hash_of_definitions(sources, exported_names=False)
    with suppress(OSError):  # computed again next time
        kept.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(kept, found.encode())
    return found
