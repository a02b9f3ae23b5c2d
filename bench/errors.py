"""The one kind of expected failure: a message for a person, never a traceback."""

__all__ = [
    "BenchError",
    "DamagedError",
    "DataError",
    "DataMissingError",
    "NewerFormatError",
    "OptionError",
    "PluginError",
    "StoreError",
    "UndecidedError",
]


class BenchError(Exception):
    """An expected failure, printed as one line ``bench: what: why; fix`` with exit code 2.

    Parameters
    ----------
    what : str
        What failed, naming the thing (a file, a model, an option).
    why : str
        The reason, where it adds something.
    fix : str
        What to do about it.
    """

    def __init__(self, what: str, *, why: str = "", fix: str = "") -> None:
        self.what, self.why, self.fix = what, why, fix
        line = f"{what}: {why}" if why else what
        super().__init__(f"{line}; {fix}" if fix else line)

    def __reduce__(self) -> tuple[object, ...]:
        """Keep the keyword parts when an error crosses a process border."""
        return (_restore, (type(self), self.what, self.why, self.fix))


def _restore(kind: type[BenchError], what: str, why: str, fix: str) -> BenchError:
    return kind(what, why=why, fix=fix)


class OptionError(BenchError):
    """An unknown option, or a value of the wrong type or out of its range."""


class DataError(BenchError):
    """A data file or folder that is there but cannot be used."""


class DataMissingError(DataError):
    """A dataset whose files are not on this machine."""


class UndecidedError(DataError):
    """Data that can be read in two ways: a question, and the option that answers it."""


class PluginError(BenchError):
    """A plugin that cannot be imported or registers something invalid."""


class StoreError(BenchError):
    """A store that cannot be read or written."""


class DamagedError(StoreError):
    """One thing in a store that cannot be used; `what` is its path. The rest of the store can."""


class NewerFormatError(StoreError):
    """A record that a newer digitbench wrote: it is sound, and not ours to replace."""
