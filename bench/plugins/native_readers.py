"""What no audit event tells of: readers that open files below Python, looks for what may be."""

import functools
import importlib.abc
import importlib.machinery
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from glob import escape, iglob
from itertools import islice
from types import ModuleType
from typing import Any, Final

__all__ = ["hear_the_rest"]

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
    "tensorflow.python.saved_model.load": ("load", "load_partial"),
    "tensorflow.python.training.py_checkpoint_reader": ("NewCheckpointReader",),
    "tensorflow.lite.python.interpreter": ("Interpreter",),
    "ai_edge_litert.interpreter": ("Interpreter",),
    "keras.src.utils.image_dataset_utils": ("image_dataset_from_directory",),
    "keras.src.utils.text_dataset_utils": ("text_dataset_from_directory",),
    "keras.src.utils.audio_dataset_utils": ("audio_dataset_from_directory",),
    "pyarrow.lib": ("memory_map", "input_stream"),
    "pyarrow": ("memory_map", "input_stream"),
    "pyarrow.csv": ("read_csv", "open_csv"),
    "pyarrow.json": ("read_json",),
    "pyarrow.feather": ("read_table", "read_feather"),
    "pyarrow.parquet": ("read_table", "ParquetFile"),
    "pyarrow.orc": ("read_table",),
    "pyarrow.dataset": ("dataset",),
    "polars": ("read_csv", "scan_csv", "read_parquet", "scan_parquet", "read_ipc", "scan_ipc"),
    "tables.file": ("open_file",),
    "cv2": ("imread", "imreadmulti", "FileStorage", "VideoCapture"),
    "torch.jit": ("load",),
    "torch.jit._serialization": ("load",),
    "torchvision.io.image": ("read_file",),
    "safetensors": ("safe_open",),
    "onnxruntime.capi.onnxruntime_inference_collection": ("InferenceSession",),
    "lightgbm.basic": ("Booster",),
    "xgboost.core": ("Booster.load_model", "DMatrix"),
    "catboost.core": ("_CatBoostBase._load_model", "Pool"),
}
"""By module: its functions, classes and methods that are given a path."""
_PATH_LENGTH_MAX: Final = 4096  # of Linux
_FILES_MAX: Final = 10_000
Note = Callable[[Any], None]


@contextmanager
def hear_the_rest(note: Note, is_heard: Callable[[], bool]) -> Iterator[None]:
    """Call `note` with every path that one of these readers is given, imported now or later.

    A reader that is given a folder reads what lies below it; one that is given the beginning of
    names, as of a checkpoint, all that begin so. What somebody asks for and is not there is noted
    too, where `is_heard`.
    """
    undo: list[Callable[[], None]] = []
    finder = _Finder(functools.partial(_note_all, note), undo)
    for name in _READERS:
        if (module := sys.modules.get(name)) is not None:
            _wrap_module(module, finder.note, undo)
    sys.meta_path.insert(0, finder)
    undo.append(_hear_what_is_missing(note, is_heard))
    try:
        yield
    finally:
        with suppress(ValueError):
            sys.meta_path.remove(finder)
        for each in reversed(undo):
            each()


def _hear_what_is_missing(note: Note, is_heard: Callable[[], bool]) -> Callable[[], None]:
    """Wrap `os.stat`, which `Path.exists` and its like ask; return what puts it back."""
    original = os.stat

    @functools.wraps(original)
    def stat(path: Any, *args: Any, **named: Any) -> os.stat_result:
        try:
            return original(path, *args, **named)
        except (FileNotFoundError, NotADirectoryError):
            if is_heard() and named.get("dir_fd") is None:
                note(path)
            raise

    for able in (os.supports_fd, os.supports_dir_fd, os.supports_follow_symlinks):
        if original in able:
            able.add(stat)
    os.stat = stat
    return functools.partial(setattr, os, "stat", original)


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
    for path in _READERS[module.__name__]:
        owner, _, name = path.rpartition(".")
        holder = getattr(module, owner, None) if owner else module
        original = getattr(holder, name, None)
        if original is None:
            continue
        if isinstance(original, type) and _wrap_class(original, note, undo):
            continue
        with suppress(AttributeError, TypeError):
            setattr(holder, name, _told(original, note))
            undo.append(functools.partial(setattr, holder, name, original))


def _told(original: Callable[..., Any], note: Note) -> Callable[..., Any]:
    @functools.wraps(original, updated=())
    def told(*args: Any, **named: Any) -> Any:
        for value in (*args[:2], *named.values()):  # a method's first is its object
            note(value)
        return original(*args, **named)

    return told


def _wrap_class(kind: type, note: Note, undo: list[Callable[[], None]]) -> bool:
    """Wrap what makes an object; False for a class written in C, which cannot be changed."""
    original = kind.__init__  # type: ignore[misc]

    @functools.wraps(original)
    def told(self: Any, *args: Any, **named: Any) -> None:
        for value in (*args[:1], *named.values()):
            note(value)
        original(self, *args, **named)

    try:
        kind.__init__ = told  # type: ignore[misc]
    except (AttributeError, TypeError):
        return False
    undo.append(functools.partial(setattr, kind, "__init__", original))
    return True


def _note_all(note: Note, value: Any) -> None:
    for each in value if isinstance(value, list | tuple) else [value]:
        if not isinstance(each, str | bytes) and not hasattr(each, "__fspath__"):
            continue
        path = os.fsdecode(each)
        if len(path) > _PATH_LENGTH_MAX or "\0" in path:  # a model's bytes, say
            continue
        if os.path.isfile(path):  # noqa: PTH113  # as given: it may be no path at all
            note(path)
        else:
            for beneath in islice(_below(path), _FILES_MAX):
                note(beneath)


def _below(path: str) -> Iterator[str]:
    """Yield the files below a folder, or those whose names begin with this and a dot."""
    if os.path.isdir(path):  # noqa: PTH112
        for folder, _, names in os.walk(path):
            yield from (os.path.join(folder, name) for name in names)  # noqa: PTH118
    elif os.path.isabs(path) or os.sep in path:  # noqa: PTH117  # else it may be any word
        yield path  # not there: it may come
        yield from iglob(f"{escape(path)}.*")  # noqa: PTH207  # as given
