"""What to type to make a row again."""

import shlex

from bench.board.rows import Row
from bench.options import OptionValue
from bench.store.record import TrialRecord
from bench.store.variant import EXTERNAL

__all__ = ["command_of"]


def command_of(row: Row, records: list[TrialRecord]) -> str:
    """Return the command that trains and tests a row's trials again, and nothing more.

    Parameters
    ----------
    records : list of TrialRecord
        Of the row's trials, at least one.
    """
    differs = row.differs
    if differs.origin == EXTERNAL:
        return _added(row, records)
    words = ["bench", "run", "-m", row.model]  # others read it: not as it was typed here
    for name in dict.fromkeys((row.train_dataset, row.test_dataset)):
        words += ["-d", name]
    words += ["--seeds", ",".join(str(record.seed) for record in records)]
    if differs.budget != "full":
        words += ["--budget", differs.budget]
    words += ["--precision", records[0].precision]
    if differs.quantize:
        words += ["--quantize", differs.quantize]
    for name, value in differs.options.items():
        words += ["--set", f"{row.model}.{name}={_written(value)}"]
    return shlex.join(words)


def _added(row: Row, records: list[TrialRecord]) -> str:
    """Return the commands that put an external row's files of predictions into a store."""
    words = ["bench", "results", "add-predictions", "FILE.csv", "-m", row.model]
    words += ["-d", row.test_dataset, "--trained-on", row.train_dataset]
    return "; ".join(shlex.join([*words, "--seed", str(record.seed)]) for record in records)


def _written(value: OptionValue) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
