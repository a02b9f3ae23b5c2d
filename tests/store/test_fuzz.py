"""Whatever is done to a store or a data file: one line or a result, soon, in little memory.

Each try spoils a copy of something sound in a way drawn from its number, and runs a command on it
in a process of its own. ``BENCH_FUZZ_TRIES=2000`` makes more of them.
"""

import io
import json
import os
import resource
import shutil
import signal
import sys
import time
import traceback
import zipfile
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout, suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.cli import main

TRIES = int(os.environ.get("BENCH_FUZZ_TRIES", "100"))
SEED = int(os.environ.get("BENCH_FUZZ_SEED", "7"))
SECONDS_MAX = 30
BYTES_MAX = 2 << 30
CANARY = "CANARY-of-another-folder"

Generator = np.random.Generator
pytestmark = [
    pytest.mark.simulation,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes of their own"),
]


def cut(data: bytes, draw: Generator) -> bytes:
    return data[: int(draw.integers(0, len(data) + 1))]


def flip(data: bytes, draw: Generator) -> bytes:
    spoilt = bytearray(data)
    for _ in range(int(draw.integers(1, 20))):
        if spoilt:
            spoilt[int(draw.integers(0, len(spoilt)))] ^= int(draw.integers(1, 256))
    return bytes(spoilt)


def insert(data: bytes, draw: Generator) -> bytes:
    place = int(draw.integers(0, len(data) + 1))
    return data[:place] + draw.bytes(int(draw.integers(1, 5000))) + data[place:]


def noise(data: bytes, draw: Generator) -> bytes:
    return draw.bytes(int(draw.integers(0, 10_000)))


def nest(data: bytes, draw: Generator) -> bytes:
    deep = int(draw.integers(100, 200_000))
    kind = str(draw.choice(["[", '{"a":']))
    return b'{"schema_version": 1, "x": ' + kind.encode() * deep


def replace_value(data: bytes, draw: Generator) -> bytes:
    """Put an odd value in the place of one in a JSON file; of other files, flip bytes."""
    try:
        found = json.loads(data)
        names = sorted(found)
    except (ValueError, TypeError):
        return flip(data, draw)
    odd: list[Any] = [
        None,
        -1,
        0,
        1 << 70,
        1e308,
        "",
        "../../x",
        "\x1b[2J",
        [],
        {},
        [[]],
        "9" * 5000,
        True,
    ]
    found[names[int(draw.integers(0, len(names)))]] = odd[int(draw.integers(0, len(odd)))]
    return json.dumps(found).encode()


def bomb(data: bytes, draw: Generator) -> bytes:
    """Return a small archive whose arrays would unpack to gigabytes."""
    buffer = io.BytesIO()
    shape = [(3_000_000_000,), (60_000, 50_000), (1 << 40,)][int(draw.integers(0, 3))]
    header = io.BytesIO()
    described = {"descr": "|u1", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_2_0(header, described)
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("predicted", "probabilities", "labels", "x_train", "names"):
            with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                file.write(header.getvalue())
                for _ in range(16 if draw.random() < 0.7 else 400):
                    file.write(bytes(1 << 20))
    return buffer.getvalue()


def odd_arrays(data: bytes, draw: Generator) -> bytes:
    """Return an archive of the same names with other shapes and types."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            arrays = dict(file)
    except Exception:  # noqa: BLE001  # no archive
        return flip(data, draw)
    odd = [
        np.array(3),
        np.array(["x", "y"]),
        np.zeros((0,)),
        np.zeros((2, 2, 2)),
        np.full(100, 1 << 40),
        np.full((100, 10), np.nan),
        np.array([b"x"]),
        np.array([True]),
        np.zeros(3, dtype="datetime64[s]"),
        np.zeros(2, dtype=[("a", "i4")]),
    ]
    name = sorted(arrays)[int(draw.integers(0, len(arrays)))] if arrays else "x"
    arrays[name] = odd[int(draw.integers(0, len(odd)))]
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


CHANGES: tuple[Callable[[bytes, Generator], bytes], ...] = (
    cut,
    flip,
    insert,
    noise,
    nest,
    replace_value,
    odd_arrays,
    bomb,
)


def spoil_in_place(path: Path, victim: Path, draw: Generator) -> str:
    """Spoil one file, or put something else in its place; return what was done."""
    kind = int(draw.integers(0, 12))
    if kind == 0:
        path.unlink()
        os.mkfifo(path)
        return "pipe"
    if kind == 1:
        path.unlink()
        targets = ["/dev/zero", "/dev/random", "/dev/stdin", str(path), "/nowhere", str(victim)]
        path.symlink_to(targets[int(draw.integers(0, len(targets)))])
        return f"link to {path.readlink()}"
    if kind == 2:
        path.unlink()
        path.mkdir()
        return "folder"
    if kind == 3:
        above = path.parent
        shutil.rmtree(above)
        above.symlink_to(victim)
        return f"link {above.name}"
    change = CHANGES[int(draw.integers(0, len(CHANGES)))]
    path.write_bytes(change(path.read_bytes(), draw))
    return change.__name__


STORE_COMMANDS = (
    ("show",),
    ("show", "--json"),
    ("show", "leaderboard", "--per-seed", "--csv"),
    ("show", "report", "beta", "home"),
    ("show", "errors", "home"),
    ("show", "matrix", "--csv"),
    ("show", "history", "beta", "home"),
    ("show", "cost", "home"),
    ("compare", "alpha", "beta", "home"),
    ("results", "verify"),
    ("results", "clean", "--yes"),
    ("results", "clean", "--yes", "-m", "al*"),
    ("doctor", "--json"),
)


def in_a_process(command: list[str], folder: Path) -> tuple[int, str, float, int]:
    """Run a command in a fork; return its code, what it printed, seconds, and peak bytes."""
    output = folder / "output.txt"
    pid = os.fork()
    if pid == 0:
        _be_command(command, folder, output)
    started = time.monotonic()
    while time.monotonic() - started < SECONDS_MAX:
        ended, status, usage = os.wait4(pid, os.WNOHANG)
        if ended:
            code = os.waitstatus_to_exitcode(status)
            text = output.read_text(errors="replace")
            return code, text, time.monotonic() - started, usage.ru_maxrss * 1024
        time.sleep(0.01)
    os.kill(pid, signal.SIGKILL)
    os.wait4(pid, 0)
    return -9, output.read_text(errors="replace"), SECONDS_MAX, 0


def _be_command(command: list[str], folder: Path, output: Path) -> None:
    """Be the process of one try; never returns."""
    code = 99
    try:
        resource.setrlimit(resource.RLIMIT_AS, (16 << 30, 16 << 30))
        os.chdir(folder)
        target = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for source, number in ((nothing, 0), (target, 1), (target, 2)):
            os.dup2(source, number)
        sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115  # for the process's whole life
        sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115
        main(command)
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 98
    except BaseException:  # noqa: BLE001  # this is what the test looks for
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    folder = tmp_path / "victim"
    (folder / "deep").mkdir(parents=True)
    for name in ("record.json", "labels.csv", "log.txt", "deep/kept.txt"):
        (folder / name).write_text(f'{{"schema_version": 1, "note": "{CANARY}"}}\n')
    return folder


@pytest.fixture(scope="module")
def warm(sample_store: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Import in this process what the commands need, so that each fork has it."""
    store = tmp_path_factory.mktemp("warm") / "store"
    shutil.copytree(sample_store, store)
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        for command in STORE_COMMANDS:
            with suppress(SystemExit):
                main([*command, "--store", str(store)])
    for module in ("predict", "data", "list", "doctor", "predict_views", "data_views"):
        with suppress(ImportError):
            import_module(f"bench.cli.{module}")


def tries(kind: int, share: float) -> Iterator[tuple[int, Generator]]:
    for number in range(max(1, int(TRIES * share))):
        yield number, np.random.default_rng([SEED, kind, number])


def check(told: str, ended: tuple[int, str, float, int], usual_bytes: int) -> None:
    code, text, seconds, peak = ended
    assert "Traceback" not in text, f"{told}\n{text[-3000:]}"
    assert code in (0, 1, 2, 3), f"{told}: code {code} after {seconds:.0f} s\n{text[-2000:]}"
    assert peak < BYTES_MAX + usual_bytes, f"{told}: {peak / 1e9:.1f} GB"


def own_bytes() -> int:
    """Return the resident bytes that a fork of this process begins with."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


@pytest.mark.usefixtures("warm")
def test_a_spoilt_store_is_one_line_or_a_result(
    tmp_path: Path, sample_store: Path, victim: Path
) -> None:
    before = contents(victim)
    for number, draw in tries(1, 0.7):
        work = tmp_path / f"try{number}"
        store = work / "store"
        shutil.copytree(sample_store, store)
        if draw.random() < 0.3:
            shutil.rmtree(store / ".index", ignore_errors=True)
        files = sorted(path for path in store.rglob("*") if path.is_file())
        done = []
        for _ in range(int(draw.integers(1, 3))):
            path = files[int(draw.integers(0, len(files)))]
            if os.path.lexists(path) and path.is_file() and not path.is_symlink():
                done.append(f"{path.relative_to(store)}: {spoil_in_place(path, victim, draw)}")
        command = [*STORE_COMMANDS[int(draw.integers(0, len(STORE_COMMANDS)))]]
        ended = in_a_process([*command, "--store", str(store)], work)
        told = f"try {number}: {done}: {' '.join(command)}"
        check(told, ended, own_bytes())
        # In data folders a link to a regular file may be followed, in a store none.
        assert CANARY not in ended[1], f"{told}: it read another folder"
        assert contents(victim) == before, told
        shutil.rmtree(work)


def digits(n: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.random.default_rng(3).integers(0, 256, (n, 28, 28), dtype=np.uint8)


def idx(array: np.ndarray[Any, Any]) -> bytes:
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes((0, 0, 8, array.ndim)) + sizes + array.astype(np.uint8).tobytes()


def sound_data(folder: Path) -> dict[Path, list[list[str]]]:
    """Write sound files of many kinds; return the commands that read each."""
    from PIL import Image

    images, labels = digits(60), np.arange(60) % 10
    head = "label," + ",".join(f"pixel{i}" for i in range(784))
    rows = [",".join(map(str, [k, *row.ravel()])) for k, row in zip(labels, images, strict=True)]
    table, unlabelled = folder / "train.csv", folder / "test.csv"
    table.write_text("\n".join([head, *rows]) + "\n")
    unlabelled.write_text("\n".join(line.partition(",")[2] for line in (head, *rows)) + "\n")
    packed = folder / "mnist.npz"
    np.savez(packed, x_train=images, y_train=labels, x_test=images[:20], y_test=labels[:20])
    own = folder / "own"
    own.mkdir()
    for number in range(4):
        Image.fromarray(images[number]).save(own / f"{number}.png")
    (own / "labels.csv").write_text("file,label\n" + "".join(f"{i}.png,{i}\n" for i in range(4)))
    config = folder / "bench.toml"
    config.write_text('disable = ["sample_ids"]\n[options.svm-ovo]\nc = 2.0\n')
    inspect_own = ["data", "inspect", str(own)]
    photo = own / "0.png"
    return {
        table: [["data", "inspect", f"mnist-csv={table}"]],
        unlabelled: [["predict", str(unlabelled)]],
        packed: [["data", "inspect", f"mnist={packed}"]],
        photo: [["predict", str(photo)], inspect_own],
        own / "labels.csv": [inspect_own, ["predict", str(own)]],
        config: [["list", "models"], ["doctor", "--json"]],
    }


@pytest.mark.usefixtures("warm")
def test_a_spoilt_data_file_is_one_line_or_a_result(
    tmp_path: Path, victim: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(victim)
    for number, draw in tries(2, 0.3):
        work = tmp_path / f"try{number}"
        work.mkdir()
        monkeypatch.setenv("BENCH_CACHE_DIR", str(work / "cache"))
        files = sound_data(work)
        path = sorted(files)[int(draw.integers(0, len(files)))]
        commands = files[path]
        done = f"{path.name}: {spoil_in_place(path, victim, draw)}"
        if not work.is_dir() or work.is_symlink():
            work.unlink()
            continue
        command = commands[int(draw.integers(0, len(commands)))]
        ended = in_a_process(command, work)
        check(f"try {number}: {done}: {' '.join(command)}", ended, own_bytes())
        assert contents(victim) == before, f"try {number}: {done}: {command}"
        shutil.rmtree(work)
