"""What is known of a loaded dataset, as plain typed data that crosses process borders as JSON."""

import msgspec

from bench.options import OptionValue
from bench.spec import Finding, Style, Whole

__all__ = ["LoadedDataset", "SplitRef"]


class SplitRef(msgspec.Struct, frozen=True, kw_only=True):
    """One split in the data cache, found by content hash and memory-mapped.

    ``shape`` is (height, width, channels) of its images, ``dtype`` how the cache holds them
    (``uint8``, or ``float32`` in [0, 1]).
    """

    content_hash: str
    folder: str  # where the cache holds it on this machine
    n: int
    shape: tuple[int, int, int]
    dtype: str = "uint8"
    labelled: bool = True
    has_names: bool = False
    has_groups: bool = False
    n_unread: int = 0
    n_looks: int = 0  # further pictures of each sample


class LoadedDataset(msgspec.Struct, frozen=True, kw_only=True):
    """A dataset whose splits are in the data cache; the fields of a `bench.spec.Dataset`."""

    name: str
    options: dict[str, OptionValue]  # resolved
    classes: tuple[str, ...]
    train: SplitRef | None = None
    test: SplitRef | None = None
    notes: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    truths: dict[str, str] = {}
    submission: tuple[str, ...] = ()
    details: tuple[str, ...] = ()
    doubt: str = ""
    whole: Whole | None = None
    style: Style = Style.HANDWRITTEN
    embedded: str = ""
    label_errors: dict[str, str] = {}  # hash of an image whose label is in doubt -> that label
    label_errors_source: str = ""
    paths: tuple[str, ...] = ()  # the data files or folder it was read from
    folder: str = ""  # where the samples' names are files; empty: nowhere
    # Of the plugin's own, what it opened beside them, listed or looked for in vain (None): size,
    # modification time and inode.
    opened: dict[str, tuple[int, int, int] | None] = {}

    @property
    def is_evaluation_only(self) -> bool:
        """Whether nothing can be trained on it."""
        return self.train is None
