"""``usps``: postal digits, 16×16, as ``usps.npz`` or ``usps.h5``."""

from typing import Any, Final

from bench import DatasetSpec, hookimpl
from bench.spec import Dataset, LoadContext
from bench_datasets._digits import DIGITS
from bench_datasets._ladder.options import READING_OPTIONS, Known

__all__: list[str] = []

_KNOWN: Final = Known(classes=DIGITS, shape=(16, 16, 1))


def load(context: LoadContext) -> Dataset:
    """Read the two splits."""
    from bench_datasets._ladder.build import load_arrays

    return load_arrays(context, _KNOWN)


@hookimpl
def bench_register_datasets(register: Any) -> None:
    """Register ``usps``."""
    register(
        DatasetSpec(
            name="usps",
            summary="handwritten digits from envelopes, 16×16 grey, 7,291 + 2,007",
            load=load,
            options=READING_OPTIONS,
            reads_folders=True,
            files=(("usps.npz",), ("usps.h5",)),
            source="USPS (Hull, 1994; LeCun et al., 1989)",
            licence="none stated",
            how_to_get="put usps.npz (x_train, y_train, x_test, y_test) or usps.h5 (train/data,"
            " train/target, test/data, test/target) in a data folder",
        )
    )
