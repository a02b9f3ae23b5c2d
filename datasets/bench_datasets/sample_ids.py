"""``sample-ids``: photographed ID digits of made-up persons, shipped with the package."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from bench import DatasetSpec, Style, hookimpl
from bench.errors import DataError
from bench.images.preprocess_options import PREPROCESS_OPTIONS
from bench.options import as_options
from bench.spec import Dataset, LoadContext
from bench_datasets.image_folder import OPTIONS, load_folder

__all__: list[str] = []

_FOLDER = Path(__file__).parent / "samples" / "ids"
# Clean drawings, on which a second picture changes nothing, and the reference run was made so.
_OPTIONS = {
    **PREPROCESS_OPTIONS,
    "preprocess": replace(PREPROCESS_OPTIONS["preprocess"], default="classic"),
}


def load(context: LoadContext) -> Dataset:
    """Read the pictures as any folder of one's own is read."""
    if not (_FOLDER / "ids.csv").is_file():
        raise DataError(
            "sample-ids: the shipped samples are missing", fix="install digitbench again"
        )
    defaults = {
        name: option.default for name, option in as_options({**OPTIONS, **_OPTIONS}).items()
    }
    return load_folder(_FOLDER, {**defaults, **context.options})


@hookimpl
def bench_register_datasets(register: Any) -> None:
    """Register ``sample-ids``."""
    register(
        DatasetSpec(
            name="sample-ids",
            summary="32 ID digits of four made-up persons, as dark ink on paper",
            load=load,
            options=_OPTIONS,
            provides=("test",),
            views={Style.NATURAL: {"preprocess": "natural", "side_px": 32}},
            source="UCI Optical Recognition of Handwritten Digits (Alpaydin, Kaynak, 1998), scans"
            " taken out of digits-uci and drawn as ink on paper by script/make_samples.py",
            licence="CC BY 4.0",
            images_may_be_published=True,
            how_to_get="it is part of digitbench: nothing to do",
            embedded="UCI handwriting drawn as photos, made-up persons",
        )
    )
