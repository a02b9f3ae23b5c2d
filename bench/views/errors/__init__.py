"""What models get wrong together: hard images, doubtful labels, who agrees with whom."""

from collections.abc import Iterator, Sequence
from textwrap import wrap
from typing import Any, Final

import numpy as np
from rich.text import Text

from bench.board.boards import Boards
from bench.render.console import clean, plain
from bench.render.field_table import record_of
from bench.render.pictures import half_blocks, side_by_side
from bench.render.table import Column, Line, lay_out
from bench.spec import as_float
from bench.store.formats import share
from bench.views import NoOptions, Screen, View
from bench.views.errors.analysis import ErrorAnalysis, analyse_errors

__all__ = ["VIEW"]

_SHOWN: Final = 8
_CONFUSIONS: Final = 8
_PICTURE_COLUMNS: Final = 16
_MATRIX_MODELS: Final = 12  # wider matrices are for --json


def compute(boards: Boards, options: NoOptions) -> tuple[ErrorAnalysis, ...]:
    """Return the analysis of each board asked for."""
    return analyse_errors(boards)


def _as_dict(found: ErrorAnalysis) -> dict[str, Any]:
    """Return the whole analysis as plain data."""
    return record_of(found, columns=("test_dataset", "n_test")) | {
        "models": [
            record_of(row, columns=("model", "variant", "train_dataset"))
            | {"accuracy": accuracy, "is_counted": is_counted, "only_right": list(alone)}
            for row, accuracy, is_counted, alone in zip(
                found.rows, found.accuracies, found.is_counted, found.alone, strict=True
            )
        ],
        "oracle_accuracy": found.oracle_accuracy,
        "majority_vote_accuracy": found.vote_accuracy,
        "confusions": [
            {"true": c.true, "predicted": c.predicted, "count": c.count, "models": c.n_models}
            for c in found.confusions
        ],
        "hardest": [record for record in rows_of([found]) if record["models_wrong"]],
        "suspected_labels": [
            {
                "image": each.image,
                "truth": found.classes[each.label],
                "suggested": found.classes[each.suggested],
                "confidence": each.confidence,
                "is_doubtful": each.image in found.doubtful,
            }
            for each in found.suspects
        ],
        "agreement": found.agreement.tolist(),
        "error_overlap": [
            [None if np.isnan(value) else float(value) for value in line] for line in found.overlap
        ],
        "notes": list(found.notes),
    }


def document(value: Sequence[ErrorAnalysis]) -> list[dict[str, Any]]:
    """Return the whole analyses as plain data."""
    return [_as_dict(found) for found in value]


def rows_of(value: Sequence[ErrorAnalysis]) -> Iterator[dict[str, Any]]:
    """Yield one record for each hard image, the hardest first."""
    for found in value:
        suspects = {each.image: each for each in found.suspects}
        for hard in found.hardest:
            suspect = suspects.get(hard.image)
            yield record_of(found, columns=("test_dataset",)) | {
                "image": hard.image,
                "name": found.names[hard.image] if found.names else "",
                "truth": found.classes[hard.label],
                "models_wrong": hard.n_wrong,
                "models": hard.n_models,
                "read_as": found.classes[hard.read_as],
                "models_read_as": hard.n_read_as,
                "is_doubtful": hard.image in found.doubtful,
                "suspected_label": found.classes[suspect.suggested] if suspect else "",
                "confidence": suspect.confidence if suspect else None,
            }


def draw(value: Sequence[ErrorAnalysis], options: NoOptions, screen: Screen) -> Iterator[Text]:
    """Yield the analyses, board by board."""
    for found in value:
        yield from _lines(found, screen)
        yield Text()


def _lines(found: ErrorAnalysis, screen: Screen) -> Iterator[Text]:
    width = screen.width
    images, models = _number(found.n_test, "test image"), _number(len(found.models), "model")
    title = f"{found.test_dataset} · {images}, {models}"
    yield plain(title, "heading")
    yield from _model_lines(found, width)
    yield Text()
    yield from _confusion_lines(found, width)
    yield Text()
    yield from _image_lines(found, screen)
    yield Text()
    yield from _matrix_lines(found, width)
    for note in found.notes:
        yield plain(note, "warn")


def _number(n: int, noun: str) -> str:
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def _model_lines(found: ErrorAnalysis, width: int) -> Iterator[Text]:
    columns = (
        Column(name="model", heading="model", align="left", wraps_at=20),
        Column(name="accuracy", heading="accuracy"),
        Column(name="alone", heading="only it is right"),
        Column(name="which", heading="which images", align="left", keep=1),
    )
    lines = []
    for model, accuracy, is_counted, alone in zip(
        found.models, found.accuracies, found.is_counted, found.alone, strict=True
    ):
        cells = {"model": plain(model), "accuracy": Text(share(accuracy))}
        if is_counted:
            which = ", ".join(map(str, alone[:6])) + (" …" if len(alone) > 6 else "")
            cells |= {"alone": Text(f"{len(alone):,}"), "which": Text(which)}
        else:
            cells["alone"] = Text("not counted")
        lines.append(Line(cells=cells))
    for name, accuracy in (
        ("majority vote", found.vote_accuracy),
        ("oracle: any of them right", found.oracle_accuracy),
    ):
        cells = {"model": Text(name), "accuracy": Text(share(accuracy))}
        lines.append(Line(cells=cells, style="best"))
    yield from lay_out(columns, lines, width, indent=1)
    if any(row.seeds > 1 for row in found.rows):
        yield Text(" models of several seeds stand here by their first", style="dim")
    if not all(found.is_counted):
        yield Text(" not counted: reads less than half of what the best does", style="dim")


def _confusion_lines(found: ErrorAnalysis, width: int) -> Iterator[Text]:
    yield Text("worst confusions, all models together", style="heading")
    if not found.confusions:
        yield Text(" none: every model reads every image right")
        return
    n = sum(found.is_counted)
    parts = [
        f"{c.true} read as {c.predicted}: {_number(c.count, 'time')} ({c.n_models} of {n} models)"
        for c in found.confusions[:_CONFUSIONS]
    ]
    for line in wrap(clean("; ".join(parts)), max(20, width - 2)):
        yield Text(f" {line}")


def _image_lines(found: ErrorAnalysis, screen: Screen) -> Iterator[Text]:
    everyone = sum(hard.n_wrong == hard.n_models for hard in found.hardest)
    yield plain(
        f"hardest images: {len(found.hardest):,} that at least half the models misread, "
        f"{everyone:,} that all do",
        "heading",
    )
    hard = [
        (
            each.image,
            f"{found.classes[each.label]} read {found.classes[each.read_as]}",
            f"{each.n_wrong} of {each.n_models} wrong{_doubt(found, each.image)}",
        )
        for each in found.hardest[:_SHOWN]
    ]
    yield from _images(found, hard, screen)
    yield Text()
    yield Text("likely label errors", style="heading")
    if not found.suspects:
        yield Text(f" none{_why_none(found)}")
        return
    doubts = [
        (
            each.image,
            f"{found.classes[each.label]}, not {found.classes[each.suggested]}?",
            f"{each.n_models} models, ≥ {share(each.confidence, 2)}{_doubt(found, each.image)}",
        )
        for each in found.suspects[:_SHOWN]
    ]
    yield Text(f" {len(found.suspects):,} where all good models agree on another class, each sure")
    yield from _images(found, doubts, screen)


def _doubt(found: ErrorAnalysis, image: int) -> str:
    return ", label doubted by people" if image in found.doubtful else ""


def _why_none(found: ErrorAnalysis) -> str:
    if found.n_witnesses < 3:
        return f": it takes 3 good models that know their confidence, here are {found.n_witnesses}"
    return ": no image that all good models confidently read as one other class"


def _images(
    found: ErrorAnalysis,
    listed: Sequence[tuple[int, str, str]],
    screen: Screen,
) -> Iterator[Text]:
    """Yield images with what is said of them: as pictures where the pixels are known."""
    columns = (
        Column(name="image", heading="image"),
        Column(name="name", heading="name", align="left", keep=2),
        Column(name="says", heading="truth, reading", align="left"),
        Column(name="more", heading="models", align="left"),
    )
    lines = [
        Line(
            cells={
                "image": Text(str(image)),
                "name": plain(found.names[image]) if found.names else Text(),
                "says": plain(says),
                "more": plain(more),
            }
        )
        for image, says, more in listed
    ]
    if lines:
        yield from lay_out(columns, lines, screen.width, indent=1)
    pixels = found.pixels
    if listed and pixels is not None and len(pixels) == found.n_test:
        yield Text()
        pictures = [
            half_blocks(as_float(pixels[i]), _PICTURE_COLUMNS, colour=screen.has_colour)
            for i, _, _ in listed
        ]
        captions = [f"{image}: {says}" for image, says, _ in listed]
        yield from side_by_side(pictures, captions, _PICTURE_COLUMNS, screen.width)


def _matrix_lines(found: ErrorAnalysis, width: int) -> Iterator[Text]:
    n = len(found.models)
    if n < 2:
        return
    yield Text("agreement: share of the images that two models read the same", style="heading")
    if n > _MATRIX_MODELS:
        yield Text(f" {n} models: the matrix is in --json")
        return
    columns = [
        Column(name="model", heading="", align="left", wraps_at=20),
        *(Column(name=str(i), heading=str(i + 1)) for i in range(n)),
    ]
    lines = []
    for i, model in enumerate(found.models):
        cells = {"model": plain(f"{i + 1} {model}")}
        cells |= {str(j): Text(share(found.agreement[i, j], 2)) for j in range(n) if j != i}
        lines.append(Line(cells=cells))
    yield from lay_out(columns, lines, width, indent=1)


VIEW = View(
    name="errors",
    summary="Show what models get wrong together: hard images, doubtful labels, who agrees with "
    "whom.",
    about="For example:\n  bench show errors -d mnist",
    takes=("dataset", "model"),
    compute=compute,
    columns=(
        "test_dataset",
        "image",
        "name",
        "truth",
        "models_wrong",
        "models",
        "read_as",
        "models_read_as",
        "is_doubtful",
        "suspected_label",
        "confidence",
    ),
    rows=rows_of,
    document=document,
    table="the hard images",
    draw=draw,
)
