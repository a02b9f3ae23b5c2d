"""How the images enter a model file, and what its columns are: told from it, else asked."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from bench.adapters.card import LAYOUTS, SCALES, Card, Layout, Scale, read_card
from bench.adapters.ready import CARD_FILE, Opened, as_input, open_file
from bench.errors import BenchError, DataError, OptionError, UndecidedError

__all__ = ["Answers", "Inspected", "check_answers", "inspect_file"]

_PROBED: Final = 16
_CHANNELS: Final = (1, 3)


class Answers(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the user says of a model file; empty: not said."""

    input_scale: str = ""
    input_layout: str = ""
    input_shape: tuple[int, ...] = ()  # height, width, perhaps channels
    classes: tuple[str, ...] = ()


class Inspected(msgspec.Struct, frozen=True, kw_only=True):
    """What a model file is."""

    card: Card
    engine: str
    parameters: int | None = None
    model_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class _Input:
    layout: Layout
    shape: tuple[int, int, int]


def inspect_file(file: Path, answers: Answers, name: str = "") -> Inspected:
    """Open a model file, try it on random images, and say what it is; write the card beside it.

    Parameters
    ----------
    name : str
        What the user calls it, for messages.

    Raises
    ------
    UndecidedError
        If it does not say how it is fed or what it gives: a question and the option.
    DataError
        If it cannot be read.
    """
    check_answers(answers)
    name = name or file.name
    opened = open_file(file)
    card = read_card(file)
    if card is None:
        card = _asked(name, opened, answers)
    elif not _fits(card, opened):
        raise DataError(f"{name}: the card in it", why="speaks of an input of another shape")
    card = _tried(name, opened, card)
    (file.parent / CARD_FILE).write_bytes(msgspec.json.encode(card))
    return Inspected(
        card=card,
        engine=opened.engine,
        parameters=opened.parameters if opened.parameters is not None else card.parameters,
        model_bytes=opened.model_bytes if opened.model_bytes is not None else card.model_bytes,
    )


def check_answers(answers: Answers) -> None:
    """Refuse what answers no question.

    Raises
    ------
    OptionError
        With what does.
    """
    for flag, said, known in (
        ("--input-scale", answers.input_scale, SCALES),
        ("--input-layout", answers.input_layout, LAYOUTS),
    ):
        if said and said not in known:
            raise OptionError(f"{flag} {said}", why=f"it is one of {', '.join(known)}")
    if len(set(answers.classes)) != len(answers.classes):
        raise OptionError("--output-classes", why="a class is named twice")


def _asked(name: str, opened: Opened, answers: Answers) -> Card:
    """Return the card of a file that holds none."""
    fed = _input(name, opened.input_shape, answers)
    if not answers.input_scale:
        raise UndecidedError(
            f"{name}: which numbers does it take for black and white?",
            why="the file does not say",
            fix=f"--input-scale, one of {', '.join(SCALES)}",
        )
    scale: Scale = msgspec.convert(answers.input_scale, Scale)
    classes = answers.classes or opened.classes
    if not classes:
        raise UndecidedError(
            f"{name}: which class is each column of its output?",
            why="the file does not say",
            fix="--output-classes 0,1,2,3,4,5,6,7,8,9, in its order",
        )
    return Card(image_shape=fed.shape, input_layout=fed.layout, input_scale=scale, classes=classes)


def _input(name: str, shape: tuple[int, ...], answers: Answers) -> _Input:
    layout = answers.input_layout or _told_layout(name, shape)
    if layout == "flat" and len(shape) == 1:
        return _Input("flat", _flat_shape(name, shape[0], answers.input_shape))
    if layout == "nhw" and len(shape) == 2:
        return _Input("nhw", (shape[0], shape[1], 1))
    if layout == "nhwc" and len(shape) == 3:
        return _Input("nhwc", (shape[0], shape[1], shape[2]))
    if layout == "nchw" and len(shape) == 3:
        return _Input("nchw", (shape[1], shape[2], shape[0]))
    listed = " × ".join(map(str, shape))
    raise DataError(f"{name} takes {listed} for an image", why=f"that is not {layout}")


def _told_layout(name: str, shape: tuple[int, ...]) -> str:
    if len(shape) in (1, 2):
        return ("flat", "nhw")[len(shape) - 1]
    listed = " × ".join(map(str, shape))
    if len(shape) != 3:
        raise DataError(f"{name} takes {listed} for an image", why="an image has two sides")
    first, last = shape[0] in _CHANNELS, shape[2] in _CHANNELS
    if first != last:
        return "nchw" if first else "nhwc"
    raise UndecidedError(
        f"{name}: which of {listed} are the channels?",
        why="an image of digits has 1 or 3",
        fix="--input-layout nhwc or nchw",
    )


def _flat_shape(name: str, n: int, said: tuple[int, ...]) -> tuple[int, int, int]:
    if said:
        height, width, channels = (*said, 1)[:3]
        if height * width * channels != n:
            raise OptionError("--input-shape", why=f"{name} takes {n:,} numbers for an image")
        return height, width, channels
    side = math.isqrt(n)
    if side * side == n:
        return side, side, 1
    raise UndecidedError(
        f"{name}: what are the sides of its images of {n:,} numbers?",
        why="that is no square",
        fix="--input-shape HEIGHTxWIDTH, or HEIGHTxWIDTHxCHANNELS",
    )


def _fits(card: Card, opened: Opened) -> bool:
    height, width, channels = card.image_shape
    if min(card.image_shape) < 1 or height * width * channels > 1 << 24:
        return False
    fed = as_input(np.zeros((1, height, width, channels), np.float32), card)
    return fed.shape[1:] == tuple(opened.input_shape)


def _tried(name: str, opened: Opened, card: Card) -> Card:
    """Run random images through, and tell probabilities from logits."""
    images = np.random.default_rng(0).random((_PROBED, *card.image_shape), dtype=np.float32)
    try:
        rows = opened.run(as_input(images, card))
    except BenchError:
        raise
    # A runtime raises what it likes on a file that somebody made.
    except Exception as error:
        said = " ".join(str(error).split())[:200] or type(error).__name__
        raise DataError(f"{name} cannot be run", why=said) from error
    if rows.ndim != 2 or rows.shape[0] != _PROBED or not np.isfinite(rows).all():
        raise DataError(f"{name} gives no row of finite numbers for each image")
    if rows.shape[1] != len(card.classes):
        raise DataError(
            f"{name} tells {rows.shape[1]} classes apart",
            why=f"{len(card.classes)} are named",
            fix="name as many with --output-classes",
        )
    is_share = rows.min() >= 0 and np.abs(rows.sum(axis=1) - 1).max() < 0.02
    return msgspec.structs.replace(card, output="probabilities" if is_share else "logits")
