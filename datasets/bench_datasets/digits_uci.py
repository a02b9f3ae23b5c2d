"""``digits-uci``: the 1,797 digits that scikit-learn ships, read without importing it."""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import DatasetSpec, hookimpl
from bench.errors import DataError
from bench.spec import Dataset, ImageSet, LoadContext
from bench_datasets._digits import DIGITS, split_indices
from bench_datasets._sample_rows import SAMPLE_ROWS

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["enlarge", "read_scans"]

_N_TEST = 360
_INK_MAX = 16
_INNER_SIDE, _MARGIN = 20, 4


def read_scans() -> "tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]":
    """Return all scans, (1797, 8, 8) float32 in [0, 1] (ink is 1), and their digits, (1797,) int64.

    Raises
    ------
    DataError
        If scikit-learn's data file is not there.
    """
    import gzip

    import numpy as np

    package = find_spec("sklearn")  # finds the folder, imports nothing
    folders = list(package.submodule_search_locations or ()) if package else []
    files = [Path(folder) / "datasets" / "data" / "digits.csv.gz" for folder in folders]
    file = next((file for file in files if file.is_file()), None)
    if file is None:
        raise DataError("digits-uci", why="scikit-learn's digits.csv.gz is not installed")
    with gzip.open(file, "rt", encoding="ascii") as lines:
        table = np.loadtxt(lines, delimiter=",", dtype=np.float32)
    scans = table[:, :-1].reshape(-1, 8, 8) / np.float32(_INK_MAX)
    return scans, table[:, -1].astype(np.int64)


def enlarge(scans: "npt.NDArray[np.float32]") -> "npt.NDArray[np.uint8]":
    """Enlarge scans to MNIST's framing: 20×20 in the middle of 28×28.

    Parameters
    ----------
    scans : ndarray of shape (n, 8, 8)
        float32 in [0, 1].

    Returns
    -------
    ndarray of shape (n, 28, 28, 1), uint8
        Ink is 255.
    """
    import numpy as np

    from bench.images.shape import resize

    inner = resize(scans[..., np.newaxis], _INNER_SIDE, _INNER_SIDE)
    border = (_MARGIN, _MARGIN)
    framed = np.pad(inner, ((0, 0), border, border, (0, 0)))
    pixels: npt.NDArray[np.uint8] = np.rint(framed * np.float32(255)).astype(np.uint8)
    return pixels


def load(context: LoadContext) -> Dataset:
    """Split the scans, less those that ``sample-ids`` shows."""
    import numpy as np

    scans, digits = read_scans()
    kept = np.setdiff1d(np.arange(len(scans)), SAMPLE_ROWS)
    scans, digits = scans[kept], digits[kept]
    # A hair above the exact share: the training rows are counted first, rounded down.
    train, test = split_indices(digits, (len(kept) - _N_TEST + 0.5) / len(kept), seed=42)
    pixels = enlarge(scans)
    splits: dict[str, Any] = {
        name: ImageSet(pixels=pixels[rows], labels=digits[rows])
        for name, rows in (("train", train), ("test", test))
    }
    return Dataset(classes=DIGITS, **splits)


@hookimpl
def bench_register_datasets(register: Any) -> None:
    """Register ``digits-uci``."""
    register(
        DatasetSpec(
            name="digits-uci",
            summary="1,797 small scans of handwritten digits, shipped with scikit-learn",
            load=load,
            source="UCI Optical Recognition of Handwritten Digits (Alpaydin, Kaynak, 1998), its"
            " test part, as in scikit-learn; the scans that sample-ids shows are taken out",
            licence="CC BY 4.0",
            images_may_be_published=True,
            how_to_get="it is part of scikit-learn: nothing to do",
            embedded="8×8 scans of 1998, enlarged",
        )
    )
