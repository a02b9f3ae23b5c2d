"""The one kind of expected failure, a message for a person; and what names that are none say."""

from collections.abc import Collection, Sequence

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
    "choose",
    "did_you_mean",
    "unknown",
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
    """Data that can be read in two ways: a question, and the option that answers it.

    ``readings`` are the ways that were considered, each with what speaks against it.
    """

    def __init__(
        self,
        what: str,
        *,
        why: str = "",
        fix: str = "",
        readings: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(what, why=why, fix=fix)
        self.readings = readings


class PluginError(BenchError):
    """A plugin that cannot be imported or registers something invalid."""


class StoreError(BenchError):
    """A store that cannot be read or written."""


class DamagedError(StoreError):
    """One thing in a store that cannot be used; `what` is its path. The rest of the store can."""


class NewerFormatError(StoreError):
    """A record that a newer digitbench wrote: it is sound, and not ours to replace."""


def did_you_mean(name: str, known: Collection[str], n: int = 3) -> str:
    """Return the names close to one that is unknown, as a question; empty where none is."""
    from difflib import get_close_matches

    close = get_close_matches(name, list(known), n=n)
    return f"did you mean {' or '.join(close)}?" if close else ""


def unknown(kind: str, name: str, known: Collection[str], *, where: str) -> BenchError:
    """Return the error of a name that nothing has; `where` is the command that lists them all."""
    why = f"{did_you_mean(name, known)} All names: {where}".strip()
    return BenchError(f"unknown {kind} '{name}'", why=why)


def choose(patterns: Sequence[str], known: Collection[str], kind: str, *, where: str) -> list[str]:
    """Return the names that names and globs ask for, in their order; all without any.

    Raises
    ------
    BenchError
        If one of them fits no name; with the close ones.
    """
    from fnmatch import fnmatchcase

    if not patterns:
        return sorted(known)
    found: dict[str, None] = {}
    for text in patterns:
        fitting = [text] if text in known else [n for n in known if fnmatchcase(n, text)]
        if not fitting:
            raise unknown(kind, text, known, where=where)
        found.update(dict.fromkeys(sorted(fitting)))
    return list(found)
