"""What a name says of an array: images or labels, and of which split."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Final

from bench_datasets._ladder.raw import Raw

__all__ = ["is_submission", "role_of", "set_of", "split_of", "tokens_of"]

_SPLITS: Final = {
    "train": ("train", "training", "trn", "tr", "traing", "trainset", "trainingset"),
    "test": ("test", "testing", "tst", "t10k", "te", "testset", "eval", "evaluation", "holdout"),
    "val": ("val", "valid", "validation", "dev", "vali"),
    "extra": ("extra", "nist", "unlabeled", "unlabelled"),
}
_IMAGES: Final = (
    "x", "xs", "image", "images", "img", "imgs", "data", "pixel", "pixels", "picture",
    "pictures", "feature",
    "features", "input", "inputs", "sample", "samples", "inp", "im", "ims", "digits",
    "imagedata", "vals",
)  # fmt: skip
_LABELS: Final = (
    "y", "ys", "label", "labels", "lbl", "lbls", "target", "targets", "class", "classes", "t",
    "gt", "truth",
    "answer", "answers", "output", "outputs", "labs", "category", "categories",
)  # fmt: skip
_GROUPS: Final = ("writer", "writers", "author", "authors")
# Beside images and labels: what was guessed, and what numbers the images.
_GUESSES: Final = (
    "pred", "preds", "predicted", "prediction", "predictions", "guess", "guesses", "yhat", "hat",
    "prob", "probs", "proba", "probabilities", "logits", "score", "scores", "confidence",
)  # fmt: skip
_NUMBERS: Final = ("index", "indices", "idx", "id", "ids", "fold", "folds")
_WORD: Final = re.compile(r"t10k|[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_SPLIT_WORD: Final = {word: split for split, words in _SPLITS.items() for word in words}
_FILLER: Final = (
    "idx", "ubyte", "int", "npy", "npz", "csv", "gz", "tsv", "txt", "parquet", "mat", "of",
                  "h", "hdf", "byte", "zip", "dat", "bin", "set", "k")  # fmt: skip


def tokens_of(text: str) -> list[str]:
    """Return the words of a name, in small letters; ``Xtrain`` is two."""
    return [
        part
        for word in _WORD.findall(re.sub(r"(?i)t10k", " t10k ", text))
        for part in _parts(word.lower())
    ]


def _parts(word: str) -> Iterator[str]:
    for split in _SPLIT_WORD:
        if len(split) < 3:
            continue
        for role in (*_IMAGES, *_LABELS):
            if word == role + split:
                yield from (role, split)
                return
            if word == split + role:
                yield from (split, role)
                return
    yield word


def split_of(raw: Raw) -> str:
    """Return ``train``, ``test``, ``val``, ``extra`` or empty: what the key says, else the file."""
    path = PurePosixPath(raw.file.rpartition(", ")[2])
    for text in (raw.key, path.name, str(path.parent), raw.file):
        found = {_SPLIT_WORD[token] for token in tokens_of(text) if token in _SPLIT_WORD}
        if len(found) == 1:
            return found.pop()
    return ""


def role_of(raw: Raw) -> str:
    """Return ``images``, ``labels`` or empty: what the key says, else the file."""
    if raw.role:
        return raw.role
    path = PurePosixPath(raw.file.rpartition(", ")[2])
    texts = (raw.key.rpartition("/")[2], raw.key) if raw.key else (path.name, str(path.parent))
    for text in texts:
        tokens = tokens_of(text)
        is_numbered = bool(raw.key) and bool(tokens) and all(t in _NUMBERS for t in tokens)
        if is_numbered or any(token in _GUESSES for token in tokens):
            return "aside"
        if any(token in _GROUPS for token in tokens):
            return "groups"
        if "names" in tokens:
            return "names"
        if any(token in _LABELS for token in tokens):
            return "labels"
        if any(token in _IMAGES for token in tokens):
            return "images"
    return ""


def set_of(name: str) -> str:
    """Return what is left of a file's name without roles, splits and endings: whose file it is."""
    stem = PurePosixPath(name).name
    left = [
        token
        for token in tokens_of(stem)
        if token not in _SPLIT_WORD
        and token not in _IMAGES
        and token not in _LABELS
        and token not in _FILLER
        and not token.isdigit()
    ]
    return " ".join(left)


def is_submission(name: str) -> bool:
    """Whether a file is a competition's sample of what to hand in."""
    stem = PurePosixPath(name).name.casefold()
    return "submission" in stem or "sample_sub" in stem or "submit" in stem
