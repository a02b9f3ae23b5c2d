"""Readers that open files below Python, where no audit event tells of it."""

import functools
import importlib.abc
import importlib.machinery
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from types import ModuleType
from typing import Any, Final

__all__ = ["wrap_native_readers"]

_READERS: Final[dict[str, tuple[str, ...]]] = {
    "h5py.h5f": ("open",),
    "tensorflow.python.lib.io.file_io": ("FileIO", "read_file_to_string"),
    "tensorflow.python.ops.gen_io_ops": ("read_file",),
    "tensorflow.python.ops.io_ops": ("read_file",),
    "tensorflow.python.data.ops.readers": (
        "TFRecordDatasetV2",
        "TextLineDatasetV2",
        "FixedLengthRecordDatasetV2",
    ),
    "pyarrow.lib": ("memory_map", "input_stream"),
    "pyarrow": ("memory_map", "input_stream"),
    "pyarrow.csv": ("read_csv", "open_csv"),
    "pyarrow.json": ("read_json",),
    "pyarrow.feather": ("read_table", "read_feather"),
    "pyarrow.parquet": ("read_table", "ParquetFile"),
    "pyarrow.orc": ("read_table",),
    "pyarrow.dataset": ("dataset",),
}
Note = Callable[[Any], None]


@contextmanager
def wrap_native_readers(note: Note) -> Iterator[None]:
    """Call `note` with every path that one of these readers is given, imported now or later."""
    undo: list[Callable[[], None]] = []
    finder = _Finder(note, undo)
    for name in _READERS:
        if (module := sys.modules.get(name)) is not None:
            _wrap_module(module, note, undo)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        with suppress(ValueError):
            sys.meta_path.remove(finder)
        for each in reversed(undo):
            each()


class _Finder(importlib.abc.MetaPathFinder):
    """State: what to call, and how to put things back."""

    def __init__(self, note: Note, undo: list[Callable[[], None]]) -> None:
        self.note, self.undo = note, undo

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Let the usual finder find one of the readers' modules, and wrap it once it is there."""
        if fullname not in _READERS:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            loader, execute = spec.loader, spec.loader.exec_module

            def exec_module(module: ModuleType) -> None:
                execute(module)
                _wrap_module(module, self.note, self.undo)

            with suppress(AttributeError):
                loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def _wrap_module(module: ModuleType, note: Note, undo: list[Callable[[], None]]) -> None:
    for name in _READERS[module.__name__]:
        original = getattr(module, name, None)
        if original is None:
            continue
        if isinstance(original, type):
            _wrap_class(original, note, undo)
        else:
            with suppress(AttributeError, TypeError):
                setattr(module, name, _told(original, note))
                undo.append(functools.partial(setattr, module, name, original))


def _told(original: Callable[..., Any], note: Note) -> Callable[..., Any]:
    @functools.wraps(original)
    def told(*args: Any, **named: Any) -> Any:
        for value in (*args[:1], *named.values()):
            _note_all(note, value)
        return original(*args, **named)

    return told


def _wrap_class(kind: type, note: Note, undo: list[Callable[[], None]]) -> None:
    original = kind.__init__  # type: ignore[misc]

    @functools.wraps(original)
    def told(self: Any, *args: Any, **named: Any) -> None:
        for value in (*args[:1], *named.values()):
            _note_all(note, value)
        original(self, *args, **named)

    # Those written in C cannot be changed: their modules' functions are wrapped instead.
    with suppress(AttributeError, TypeError):
        kind.__init__ = told  # type: ignore[misc]
        undo.append(functools.partial(setattr, kind, "__init__", original))


def _note_all(note: Note, value: Any) -> None:
    values = value if isinstance(value, list | tuple) else [value]
    for each in values:
        if isinstance(each, str | bytes) or hasattr(each, "__fspath__"):
            note(each)
