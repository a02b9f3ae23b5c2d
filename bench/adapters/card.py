"""What a model file says of itself: how images enter, what comes out, whence it is.

A card lies in the file, where its format has a place for one, so that it is read without questions.
"""

import zipfile
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import msgspec

from bench.errors import BenchError, DataError

__all__ = ["FORMATS", "LAYOUTS", "SCALES", "Card", "Layout", "Scale", "embed", "read_card"]

Layout: TypeAlias = Literal["nhwc", "nchw", "nhw", "flat"]
Scale: TypeAlias = Literal["0..1", "0..255", "-1..1"]
FORMATS: Final = ("keras", "tflite", "onnx", "skops")
LAYOUTS: Final = ("nhwc", "nchw", "nhw", "flat")
SCALES: Final = ("0..1", "0..255", "-1..1")
_KEY: Final = "digitbench"
_MEMBER: Final = "digitbench.json"
_CARD_BYTES_MAX: Final = 1 << 20


class Card(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a file's model is fed and read, and what is known of it.

    Images are (n, height, width, channels) in [0, 1], 1 being ink; `input_layout` and `input_scale`
    say what the file's input wants instead. `output` rows sum to 1, or are logits.
    """

    image_shape: tuple[int, int, int]
    input_layout: Layout
    input_scale: Scale
    output: Literal["probabilities", "logits"] = "probabilities"
    classes: tuple[str, ...]
    model: str = ""
    trained_on: str = ""
    options: dict[str, bool | int | float | str] = {}
    test_dataset: str = ""
    n_test: int | None = None
    accuracy: float | None = None
    accuracy_low: float | None = None
    accuracy_high: float | None = None
    parameters: int | None = None
    model_bytes: int | None = None
    peak_memory_bytes: int | None = None
    licence: str = ""
    trial_id: str = ""
    made_by: str = ""


def read_card(file: Path) -> Card | None:
    """Return the card that lies in a model file; None where there is none.

    Raises
    ------
    DataError
        If it is damaged.
    """
    data = _card_bytes(file)
    if data is None:
        return None
    try:
        return msgspec.json.decode(data, type=Card)
    except (ValueError, RecursionError) as error:
        said = " ".join(str(error).split())[:200]
        raise DataError(f"{file.name}: the card in it", why=f"is damaged ({said})") from error


def embed(file: Path, card: Card) -> None:
    """Put a card into a model file of any of the formats."""
    data = msgspec.json.encode(card)
    if file.suffix == ".onnx":
        _embed_in_onnx(file, data)
    elif file.suffix == ".tflite":
        _embed_in_tflite(file, data)
    else:
        with zipfile.ZipFile(file, "a") as archive:
            archive.writestr(zipfile.ZipInfo(_MEMBER), data)


def _card_bytes(file: Path) -> bytes | None:
    if file.suffix == ".onnx":
        from bench.adapters.onnx import metadata_of

        return metadata_of(file).get(_KEY, "").encode() or None
    if file.suffix == ".tflite":
        return _tflite_metadata(file)
    try:
        with zipfile.ZipFile(file) as archive:
            if _MEMBER not in archive.namelist():
                return None
            with archive.open(_MEMBER) as member:
                return member.read(_CARD_BYTES_MAX)
    except (OSError, ValueError, RuntimeError, NotImplementedError, zipfile.BadZipFile) as error:
        raise DataError(f"{file.name} cannot be read", why=_short(error)) from error


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


def _embed_in_onnx(file: Path, data: bytes) -> None:
    import onnx

    model = onnx.load(file)
    onnx.helper.set_model_props(model, {_KEY: data.decode()})
    onnx.save(model, file)


def _schema() -> Any:
    try:
        from ai_edge_litert import schema_py_generated
    except ImportError as error:
        raise BenchError(
            "LiteRT is not installed", why="it reads .tflite files", fix="install ai-edge-litert"
        ) from error
    return schema_py_generated


def _tflite_metadata(file: Path) -> bytes | None:
    schema = _schema()
    try:
        model = schema.Model.GetRootAs(file.read_bytes(), 0)
        for index in range(model.MetadataLength()):
            entry = model.Metadata(index)
            if entry.Name() == _KEY.encode():
                return bytes(model.Buffers(entry.Buffer()).DataAsNumpy())
    # A damaged flat buffer makes its accessors raise whatever they meet.
    except Exception as error:
        raise DataError(f"{file.name} cannot be read", why=_short(error)) from error
    return None


def _embed_in_tflite(file: Path, data: bytes) -> None:
    import flatbuffers

    schema = _schema()
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(file.read_bytes(), 0))
    buffer, entry = schema.BufferT(), schema.MetadataT()
    buffer.data = list(data)
    model.buffers.append(buffer)
    entry.name, entry.buffer = _KEY.encode(), len(model.buffers) - 1
    model.metadata = [*(model.metadata or []), entry]
    builder = flatbuffers.Builder(len(data) + file.stat().st_size)
    builder.Finish(model.Pack(builder), b"TFL3")
    file.write_bytes(builder.Output())
