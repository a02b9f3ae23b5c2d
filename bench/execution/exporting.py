"""A trained model as a file to take home, with a card that says how it is used."""

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import msgspec

from bench.adapters.card import FORMATS, Card, embed
from bench.adapters.ready import CARD_FILE
from bench.errors import BenchError
from bench.store.inside import refuse_links_below
from bench.store.layout import MODEL
from bench.store.record import TrialRecord

__all__ = ["export_model", "formats_of"]

_FILES: Final[Mapping[str, tuple[str, ...]]] = {
    "model.keras": ("keras", "tflite", "onnx"),
    "model.skops": ("skops", "onnx"),
}


def formats_of(folder: Path) -> tuple[str, ...]:
    """Return the formats that a trial's stored model can be exported as; the first is its own."""
    model = folder / MODEL
    if (model / CARD_FILE).is_file():
        return tuple(each for each in FORMATS if (model / f"model.{each}").is_file())
    return next((to for name, to in _FILES.items() if (model / name).is_file()), ())


def export_model(folder: Path, record: TrialRecord, kind: str, file: Path, card: Card) -> Card:
    """Write a trial's model to `file` in a format, with its card in it; return the card as written.

    Raises
    ------
    BenchError
        If it has no such form, or a library that writes it is not installed.
    """
    possible = formats_of(folder)
    if kind not in possible:
        listed = ", ".join(possible) or "nothing"
        raise BenchError(
            f"{record.model} cannot be exported as {kind}", why=f"it can be exported as {listed}"
        )
    model = refuse_links_below(folder / MODEL)
    writer = _copied if (model / CARD_FILE).is_file() else _WRITERS[kind]
    with tempfile.TemporaryDirectory(prefix="bench-export-") as place:
        made = Path(place) / f"model.{kind}"
        changed = writer(model, made, card)
        embed(made, changed)
        beside = file.with_name(f".{file.name}.{os.getpid()}")
        try:
            shutil.copyfile(made, beside)
            beside.replace(file)
        except OSError as error:
            beside.unlink(missing_ok=True)
            why = error.strerror or str(error)
            raise BenchError(f"{file} cannot be written", why=why) from error
    return changed


def _copied(model: Path, made: Path, card: Card) -> Card:
    """Take a model file as it came, with how it is fed; a card in it gives way to the new one."""
    shutil.copyfile(model / made.name, made)
    told = msgspec.json.decode((model / CARD_FILE).read_bytes(), type=Card)
    return msgspec.structs.replace(
        card, input_layout=told.input_layout, input_scale=told.input_scale, output=told.output
    )


def _keras(model: Path, made: Path, card: Card) -> Card:
    shutil.copyfile(model / "model.keras", made)
    return card


def _tflite(model: Path, made: Path, card: Card) -> Card:
    from bench.adapters.litert import FLOAT_FILE
    from bench.adapters.litert_writing import convert_float32

    if (model / FLOAT_FILE).is_file():
        shutil.copyfile(model / FLOAT_FILE, made)
    else:
        convert_float32(model, made)
    return card


def _skops(model: Path, made: Path, card: Card) -> Card:
    shutil.copyfile(model / "model.skops", made)
    return msgspec.structs.replace(card, input_layout="flat")


def _onnx(model: Path, made: Path, card: Card) -> Card:
    from bench.adapters.onnx_writing import write_onnx

    return write_onnx(model, made, card)


_WRITERS: Final[Mapping[str, Callable[[Path, Path, Card], Card]]] = {
    "keras": _keras,
    "tflite": _tflite,
    "skops": _skops,
    "onnx": _onnx,
}
