"""Which fields a report's tables show; headings, forms and meanings are the registry's."""

from typing import Final

from bench.render.field_table import Table, shown

__all__ = ["BOARD", "COST", "DRAWN_COSTS", "EXPLAINED", "names_of"]

BOARD: Final = Table(
    columns=(
        shown("macro_f1"),
        shown("train_accuracy"),
        shown("fit_seconds"),
        shown("predict_us_per_image"),
        shown("model_bytes"),
    )
)
COST: Final = Table(
    columns=(
        shown("accuracy"),
        shown("fit_seconds"),
        shown("fit_cpu_seconds"),
        shown("peak_memory_bytes"),
        shown("parameters"),
        shown("model_bytes"),
        shown("file_bytes"),
        shown("latency_ms_p50"),
        shown("predict_images_per_second"),
    )
)
DRAWN_COSTS: Final = Table(columns=(shown("predict_us_per_image"), shown("model_bytes")))
# What the glossary explains beside the stable columns.
EXPLAINED: Final = Table(
    columns=tuple(
        shown(name)
        for name in ("gap", "drop", "home_accuracy", "leaked", "fit_cpu_seconds",
                     "peak_memory_bytes", "file_bytes", "latency_ms_p50",
                     "predict_images_per_second", "class", "recall", "f1-score", "support")
    )
)  # fmt: skip


def names_of(table: Table) -> tuple[str, ...]:
    """Return the fields of a table."""
    return tuple(column.name for column in table.columns)
