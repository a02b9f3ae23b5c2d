"""Parquet: a column a pixel, or a picture's bytes a row as the Hugging Face hub stores them."""

import io
import json
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bench.errors import DataError
from bench.images.decode import open_picture
from bench_datasets._examples import Example
from bench_datasets._ladder.columns import LABEL_NAMES, by_names
from bench_datasets._ladder.limits import check_size
from bench_datasets._ladder.raw import Raw
from bench_datasets._ladder.sources import Source, reading

__all__ = ["EXAMPLES", "read_parquet"]

_ROWS_AT_ONCE: Final = 1024
_SIDE_MAX: Final = 1024
_IMAGE_NAMES: Final = (
    "image",
    "img",
    "picture",
    "png",
    "jpg",
    "bytes",
    "image_bytes",
    "pixels",
    "data",
)


def read_parquet(source: Source, wanted: str = "") -> list[Raw]:
    """Return the images and the labels of a table.

    Raises
    ------
    DataError
        If columns hold lists, a picture is damaged, or labels are in doubt.
    """
    from pyarrow import parquet

    with reading(source.name, "a Parquet file"), parquet.ParquetFile(source.seekable()) as file:
        rows = file.metadata.num_rows
        unpacked = sum(
            file.metadata.row_group(i).total_byte_size for i in range(file.metadata.num_row_groups)
        )
        check_size(source.name, unpacked)
        if not rows:
            raise DataError(f"{source.name} holds no rows")
        schema = file.schema_arrow
        pictures = _picture_columns(schema)
        if len(pictures) > 1:
            raise DataError(
                f"{source.name} has {len(pictures)} columns of pictures",
                why=f"which holds the digits, {' or '.join(pictures[:3])}?",
                fix="save the table with one of them",
            )
        if pictures:
            return _pictured(file, source, pictures[0], wanted)
        return _numbers(file, source, wanted)


def _picture_columns(schema: Any) -> list[str]:
    import pyarrow as pa

    def is_bytes(kind: Any) -> bool:
        return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))

    found = []
    for field in schema:
        kind = field.type
        inside = pa.types.is_struct(kind) and kind.get_field_index("bytes") >= 0
        if (inside and is_bytes(kind.field("bytes").type)) or is_bytes(kind):
            found.append(field.name)
    named = [name for name in found if name.casefold() in _IMAGE_NAMES]
    return named if len(named) == 1 else found


def _pictured(file: Any, source: Source, column: str, wanted: str) -> list[Raw]:
    schema = file.schema_arrow
    others = [name for name in schema.names if name != column]
    label = _label_column(others, source.name, wanted)
    keep = [column, *([label] if label else [])]
    n = file.metadata.num_rows
    images: npt.NDArray[Any] | None = None
    labels: list[Any] = []
    at = 0
    for batch in file.iter_batches(batch_size=_ROWS_AT_ONCE, columns=keep):
        for value in batch.column(batch.schema.get_field_index(column)).to_pylist():
            data = value.get("bytes") if isinstance(value, dict) else value
            image = _decoded(data, f"{source.name}, row {at}")
            if images is None:
                check_size(source.name, n * image.nbytes)
                images = np.empty((n, *image.shape), dtype=image.dtype)
            if (image.shape, image.dtype) != (images.shape[1:], images.dtype):
                first = images.shape[1:], images.dtype
                raise DataError(
                    f"{source.name} holds pictures of different sizes or depths",
                    why=f"{first[0]} of {first[1]} and {image.shape} of {image.dtype}",
                    fix="resize them, or save them as files and name the folder",
                )
            images[at] = image
            at += 1
        if label:
            labels += batch.column(batch.schema.get_field_index(label)).to_pylist()
    assert images is not None  # a table without rows was refused
    common: dict[str, Any] = {"file": source.name, "rows_first": True}
    words = f"{source.name}: pictures in column '{column}', " + (
        f"label in column '{label}'" if label else "no label"
    )
    found = [Raw(role="images", values=images, words=words, **common)]
    if label:
        if any(value is None for value in labels):
            row = next(i for i, value in enumerate(labels) if value is None)
            raise DataError(f"{source.name}, row {row}", why=f"column {label} is empty there")
        found.append(
            Raw(
                role="labels",
                values=np.array(labels),
                classes=_class_names(schema, label),
                **common,
            )
        )
    return found


def _label_column(names: list[str], file: str, wanted: str) -> str:
    if wanted == "none":
        return ""
    if wanted:
        if wanted not in names:
            raise DataError(
                f"{file} has no column '{wanted}'", why=f"it has {', '.join(names[:8])}"
            )
        return wanted
    named = [name for name in names if name.casefold() in LABEL_NAMES]
    if len(named) > 1:
        raise DataError(
            f"{file} has {len(named)} columns of labels",
            why=f"which is it, {' or '.join(named[:3])}?",
            fix=f"--set {{name}}.labels={named[0]}",
        )
    if not named and names:
        raise DataError(
            f"{file} has no column named label",
            why=f"besides the pictures it has {', '.join(names[:8])}",
            fix=f"--set {{name}}.labels={names[0]}, or none",
        )
    return named[0] if named else ""


def _class_names(schema: Any, label: str) -> tuple[str, ...]:
    """Return the class names that Hugging Face keeps in the file's metadata."""
    try:
        about = json.loads((schema.metadata or {})[b"huggingface"])
        names = about["info"]["features"][label]["names"]
    except (KeyError, TypeError, ValueError, RecursionError):
        return ()
    return tuple(map(str, names)) if isinstance(names, list) else ()


def _decoded(data: Any, where: str) -> npt.NDArray[Any]:
    """Return a picture at its own depth: which values mean white is told from all rows."""
    if not isinstance(data, bytes):
        raise DataError(
            where, why="it holds no picture's bytes", fix="save the pictures into the table"
        )
    with open_picture(data, where) as picture:
        side = max(picture.size)
        if side > _SIDE_MAX:
            raise DataError(where, why=f"a side of {side:,} pixels", fix="resize it")
        if picture.mode in ("L", "RGB", "I;16", "I", "F"):
            return np.asarray(picture)
        return np.asarray(picture.convert({"1": "L"}.get(picture.mode, "RGB")))


def _numbers(file: Any, source: Source, wanted: str) -> list[Raw]:
    import pyarrow as pa

    schema = file.schema_arrow
    nested = next((f for f in schema if pa.types.is_nested(f.type)), None)
    if nested is not None:
        raise DataError(
            f"{source.name}, column {nested.name}",
            why=f"it holds {nested.type}, lists and not numbers",
            fix="save a column a pixel, or the picture's bytes",
        )
    columns = by_names(tuple(schema.names), source.name, wanted)
    n = file.metadata.num_rows
    order = list(columns.pixels)
    kinds = {schema.field(i).type for i in order}
    is_byte = kinds == {pa.uint8()}
    check_size(source.name, n * len(order) * (1 if is_byte else 4))
    pixels: npt.NDArray[Any] = np.empty((n, len(order)), dtype=np.uint8 if is_byte else np.float32)
    rest = [i for i in (*columns.label, columns.group, columns.split) if i is not None]
    kept: dict[int, list[Any]] = {i: [] for i in rest}
    at = 0
    for batch in file.iter_batches(batch_size=_ROWS_AT_ONCE):
        for place, i in enumerate(order):
            column = batch.column(i)
            if column.null_count or not (
                pa.types.is_integer(column.type)
                or pa.types.is_floating(column.type)
                or pa.types.is_boolean(column.type)
            ):
                raise DataError(
                    f"{source.name}, column {schema.names[i]}",
                    why="a pixel is missing" if column.null_count else f"it holds {column.type}",
                    fix="save pixels as numbers, none left out",
                )
            pixels[at : at + len(batch), place] = column.to_numpy(zero_copy_only=False)
        for i in rest:
            kept[i] += batch.column(i).to_pylist()
        at += len(batch)
    if not is_byte and _is_bytes(pixels):
        pixels = pixels.astype(np.uint8)
    if columns.side is not None:
        pixels = pixels.reshape(-1, *columns.side)
    common: dict[str, Any] = {"file": source.name, "rows_first": True}
    found = [Raw(role="images", values=pixels, words=f"{source.name}: {columns.words}", **common)]
    if len(columns.label) == 1:
        found.append(
            Raw(role="labels", values=_labels(kept[columns.label[0]], source.name), **common)
        )
    elif columns.label:
        hot = np.stack([np.array(kept[i]) for i in columns.label], axis=1)
        found.append(Raw(role="labels", values=hot, classes=columns.one_hot, **common))
    for role, other in (("groups", columns.group), ("splits", columns.split)):
        if other is not None:
            found.append(Raw(role=role, values=np.array(kept[other]), **common))
    return found


def _labels(values: list[Any], file: str) -> npt.NDArray[Any]:
    row = next((i for i, value in enumerate(values) if value is None), None)
    if row is not None:
        raise DataError(f"{file}, row {row}", why="its label is empty", fix="take the row out")
    return np.array([v.decode("utf-8", "replace") if isinstance(v, bytes) else v for v in values])


def _is_bytes(pixels: npt.NDArray[Any]) -> bool:
    if not pixels.size or pixels.min() < 0 or pixels.max() > 255:
        return False
    return all(
        np.array_equal(block, np.rint(block))
        for block in np.array_split(pixels, max(1, len(pixels) // _ROWS_AT_ONCE))
    )


def _write(folder: Path, images: npt.NDArray[Any], labels: npt.NDArray[Any]) -> Path:
    """Write an example: two files of pictures."""
    import pyarrow as pa
    from PIL import Image
    from pyarrow import parquet

    half = len(images) * 2 // 3
    place = folder / "mnist"
    place.mkdir()
    for split, rows in (("train", slice(0, half)), ("test", slice(half, None))):
        pictures = []
        for image in images[rows]:
            file = io.BytesIO()
            Image.fromarray(image).save(file, format="PNG")
            pictures.append({"bytes": file.getvalue(), "path": None})
        table = pa.table({"image": pictures, "label": labels[rows]})
        parquet.write_table(table, place / f"{split}-00000-of-00001.parquet")
    return place


EXAMPLES: Final = (
    Example(
        title="Parquet from the Hugging Face hub",
        looks="mnist/train-00000-of-00001.parquet: image (a PNG's bytes), label\n"
        "mnist/test-00000-of-00001.parquet",
        write=_write,
    ),
)
"""Parquet files that people have."""
