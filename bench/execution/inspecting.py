"""A model file that somebody made, looked at in a process of its own: opening it may crash one."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from hashlib import blake2b, sha256
from pathlib import Path
from typing import Final
from uuid import uuid4

import msgspec

from bench.adapters.card import FORMATS
from bench.adapters.ready_questions import Answers, Inspected, check_answers, inspect_file
from bench.errors import BenchError, DataError, UndecidedError
from bench.execution.processes import fresh_python
from bench.images.kinds import check_is_file
from bench.loading.cache import cache_error, cache_folder
from bench.planning.model_files import FileModel
from bench.planning.request import Request
from bench.plugins.discovery import Plugins
from bench.store.atomic import write_bytes
from bench.store.layout import MODEL

__all__ = ["Prepared", "file_models", "main", "prepare"]

_BYTES_MAX: Final = 2 << 30
_SECONDS_MAX: Final = 300
_INSPECTED: Final = "inspected.json"
_VERSION: Final = 1
_PROGRAM: Final = "from bench.execution.inspecting import main; main(sys.argv[1])"


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """A model file in the data cache, ready to be copied into a store."""

    folder: str  # it holds `model/`
    sha256: str
    inspected: Inspected


class _Told(msgspec.Struct, frozen=True, kw_only=True):
    """What the other process found: an answer, or an error in its three parts."""

    inspected: Inspected | None = None
    is_question: bool = False
    what: str = ""
    why: str = ""
    fix: str = ""


class _Ask(msgspec.Struct, frozen=True, kw_only=True):
    file: str
    called: str
    answers: Answers


def prepare(file: Path, answers: Answers, cache_dir: Path | None = None) -> Prepared:
    """Copy a model file into the data cache and look at it, unless that was done before.

    Raises
    ------
    UndecidedError
        If the file does not say how it is fed or what it gives.
    DataError
        If it is no model file, or cannot be read.
    """
    if file.suffix.removeprefix(".") not in FORMATS:
        listed = ", ".join(f".{each}" for each in FORMATS)
        raise DataError(f"{file.name} is no model file", why=f"these are {listed}")
    check_is_file(file)
    digest = _hash_of(file)
    said = blake2b(msgspec.json.encode((_VERSION, answers)), digest_size=6).hexdigest()
    place = cache_folder(cache_dir) / "model-files" / f"{digest[:24]}-{said}"
    try:
        kept = msgspec.json.decode((place / _INSPECTED).read_bytes(), type=Inspected)
    except (OSError, ValueError):
        kept = _looked_at(file, answers, place)
    return Prepared(folder=str(place), sha256=digest, inspected=kept)


def _hash_of(file: Path) -> str:
    if file.stat().st_size > _BYTES_MAX:
        raise DataError(f"{file.name} is larger than {_BYTES_MAX >> 30} GiB")
    digest = sha256()
    with file.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _looked_at(file: Path, answers: Answers, place: Path) -> Inspected:
    work = place.with_name(f".{uuid4().hex[:12]}")
    try:
        (work / MODEL).mkdir(parents=True)
        copy = work / MODEL / f"model{file.suffix}"
        shutil.copyfile(file, copy)
        found = _ask(_Ask(file=str(copy), called=file.name, answers=answers))
        write_bytes(work / _INSPECTED, msgspec.json.encode(found))
        shutil.rmtree(place, ignore_errors=True)
        work.rename(place)
    except OSError as error:
        raise cache_error(place.parent, error) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return found


def _ask(ask: _Ask) -> Inspected:
    """Let another process open the file.

    Raises
    ------
    BenchError
        As `inspect_file`; or if that process dies, or does not come back.
    """
    command = fresh_python(_PROGRAM, msgspec.json.encode(ask).decode())
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            timeout=_SECONDS_MAX,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise DataError(
            f"{ask.called} cannot be opened", why=f"it takes longer than {_SECONDS_MAX} s"
        ) from error
    last = done.stdout.rpartition(b"\n")[2]
    try:
        told = msgspec.json.decode(last, type=_Told)
    except ValueError as error:
        why = f"the process that opens it ended with code {done.returncode}"
        raise DataError(f"{ask.called} cannot be opened", why=why) from error
    if told.inspected is not None:
        return told.inspected
    kind: type[BenchError] = UndecidedError if told.is_question else DataError
    raise kind(told.what, why=told.why, fix=told.fix)


def main(text: str) -> None:
    """Be that process: the last line on standard output is the answer."""
    ask = msgspec.json.decode(text, type=_Ask)
    try:
        told = _Told(inspected=inspect_file(Path(ask.file), ask.answers, ask.called))
    except BenchError as error:
        own = Path(ask.file).name
        told = _Told(
            is_question=isinstance(error, UndecidedError),
            what=error.what.replace(own, ask.called),
            why=error.why,
            fix=error.fix,
        )
    # What foreign libraries raise on a file that somebody made.
    except Exception as error:  # noqa: BLE001
        said = " ".join(str(error).split())[:200] or type(error).__name__
        told = _Told(what=f"{ask.called} cannot be opened", why=said)
    sys.stdout.write("\n" + msgspec.json.encode(told).decode())
    sys.stdout.flush()


def file_models(request: Request, plugins: Plugins) -> Iterator[FileModel]:
    """Yield the model files of a request, each looked at.

    Raises
    ------
    BenchError
        As `prepare`, or if a name is taken or none.
    """
    answers = Answers(
        input_scale=request.input_scale,
        input_layout=request.input_layout,
        input_shape=request.input_shape,
        classes=request.output_classes,
    )
    check_answers(answers)
    names = set(plugins.models)
    for text in request.model_files:
        name, equals, path = text.partition("=")
        file = Path(path if equals else text).expanduser()
        name = name if equals else file.stem
        if name in names:
            raise BenchError(
                f"--model-file {text}", why=f"'{name}' is a model already", fix="use NAME=FILE"
            )
        if not re.fullmatch(r"[\w.+-][\w .+-]{0,59}", name):
            raise BenchError(f"--model-file {text!r}", why="its name is odd", fix="use NAME=FILE")
        names.add(name)
        yield _model(name, file.suffix, prepare(file, answers, request.cache_dir))


def _model(name: str, suffix: str, made: Prepared) -> FileModel:
    card = made.inspected.card
    return FileModel(
        name=name,
        folder=Path(made.folder),
        sha256=made.sha256,
        suffix=suffix,
        classes=card.classes,
        image_shape=card.image_shape,
        fed={
            "input_scale": card.input_scale,
            "input_layout": card.input_layout,
            "output": card.output,
            "classes": ",".join(card.classes),
        },
        engine=made.inspected.engine,
        trained_on=card.trained_on,
        parameters=made.inspected.parameters,
        model_bytes=made.inspected.model_bytes,
    )
