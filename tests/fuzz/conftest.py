"""What every try shares: ways to spoil a file, and the process that it forks from.

Each try spoils a copy of something sound in a way drawn from its number, and runs a command on it.
``BENCH_FUZZ_TRIES=2000`` makes more of them, ``BENCH_FUZZ_SEED`` others.
"""

import gzip
import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

TRIES = int(os.environ.get("BENCH_FUZZ_TRIES", "100"))
SEED = int(os.environ.get("BENCH_FUZZ_SEED", "7"))
BYTES_MAX = 2 << 30
CANARY = "CANARY-of-another-folder"
MIB = 1 << 20
KEPT = ("PATH", "LANG", "LC_", "COV")  # of this process's environment, for the one of the tries

Generator = np.random.Generator
Change = Callable[[bytes, Generator], bytes]


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
    if draw.random() < 0.3:
        return b"x = " + b"[" * deep
    kind = str(draw.choice(["[", '{"a":']))
    return b'{"schema_version": 1, "x": ' + kind.encode() * deep


def replace_value(data: bytes, draw: Generator) -> bytes:
    """Put an odd value in the place of one in a JSON file; of other files, flip bytes."""
    try:
        found = json.loads(data)
        names = sorted(found)
    except (ValueError, TypeError):
        return flip(data, draw)
    odd: list[Any] = [None, -1, 0, 1 << 70, 1e308, "", "../../x", "\x1b[2J"]
    odd += [[], {}, [[]], "9" * 5000, True]
    found[names[int(draw.integers(0, len(names)))]] = odd[int(draw.integers(0, len(odd)))]
    return json.dumps(found).encode()


def replace_word(data: bytes, draw: Generator) -> bytes:
    """Put an odd word in the place of one in a table or a text; of other files, flip bytes."""
    words = data.split(b",")
    if len(words) < 2 or b"\0" in data:
        return flip(data, draw)
    odd = [b"", b"-1", b"1e308", b"nan", b'"', b"9" * 5000, b"\x1b[2J", b"\xff\xfe", b"\n" * 99]
    words[int(draw.integers(0, len(words)))] = odd[int(draw.integers(0, len(odd)))]
    return b",".join(words)


def bomb(data: bytes, draw: Generator) -> bytes:
    """Return something small that would unpack to gigabytes, of the file's own kind."""
    if data.startswith(b"\x1f\x8b"):
        return _gzip_bomb(gzip.decompress(data)[:64], 3 << 30)
    if data.startswith(b"\x89PNG"):
        return _png_bomb(int(draw.integers(8_000, 40_000)))
    if data.startswith(b"PK") and b".npy" not in data[:200]:
        return _zip_bomb(data)
    if data[:4] in (b"\0\0\x08\x01", b"\0\0\x08\x03"):
        return data[:4] + b"\x7f\xff\xff\xff" * data[3] + data[16:]
    return _array_bomb(draw)


def _gzip_bomb(head: bytes, size: int) -> bytes:
    member = gzip.compress(bytes(100 * MIB), 1)  # members follow one another
    return gzip.compress(head) + member * (size // (100 * MIB))


def _png_bomb(side: int) -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        ends = len(body), zlib.crc32(name + body)
        return ends[0].to_bytes(4, "big") + name + body + ends[1].to_bytes(4, "big")

    sides = side.to_bytes(4, "big") * 2
    rows = zlib.compress(bytes(min(side * (side + 1), 64 * MIB)), 1)
    header = chunk(b"IHDR", sides + bytes((8, 0, 0, 0, 0)))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def _zip_bomb(data: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as sound:
        names = sound.namelist()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name in names:
            with archive.open(name, "w", force_zip64=True) as file:
                for _ in range(2_200 // len(names)):
                    file.write(bytes(MIB))
    return buffer.getvalue()


def _array_bomb(draw: Generator) -> bytes:
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
                    file.write(bytes(MIB))
    return buffer.getvalue()


def odd_arrays(data: bytes, draw: Generator) -> bytes:
    """Return an archive of the same names with other shapes and types."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            arrays = dict(file)
    except Exception:  # noqa: BLE001  # no archive
        return flip(data, draw)
    odd = [np.array(3), np.array(["x", "y"]), np.zeros((0,)), np.zeros((2, 2, 2))]
    odd += [np.full(100, 1 << 40), np.full((100, 10), np.nan), np.array([b"x"]), np.array([True])]
    odd += [np.zeros(3, dtype="datetime64[s]"), np.zeros(2, dtype=[("a", "i4")])]
    name = sorted(arrays)[int(draw.integers(0, len(arrays)))] if arrays else "x"
    arrays[name] = odd[int(draw.integers(0, len(odd)))]
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


CHANGES: tuple[Change, ...]
CHANGES = (cut, flip, insert, noise, nest, replace_value, replace_word, odd_arrays, bomb)


@dataclass(frozen=True, slots=True)
class Spoilt:
    """What was done to a file, and whether it or its folder is a link to elsewhere now."""

    words: str
    is_link: bool = False


def spoil(path: Path, victim: Path, draw: Generator) -> Spoilt:
    """Spoil one file, or put something else in its place."""
    kind = int(draw.integers(0, 12))
    if kind == 0:
        path.unlink()
        os.mkfifo(path)
        return Spoilt("pipe")
    if kind == 1:
        path.unlink()
        targets = ["/dev/zero", "/dev/random", "/dev/stdin", str(path), "/nowhere", str(victim)]
        files = sorted(map(str, victim.glob("*.*")))
        choices = [*targets, *files]
        path.symlink_to(choices[int(draw.integers(0, len(choices)))])
        return Spoilt(f"link to {path.readlink()}", is_link=True)
    if kind == 2:
        path.unlink()
        path.mkdir()
        return Spoilt("folder")
    if kind == 3:
        above = path.parent
        shutil.rmtree(above)
        above.symlink_to(victim)
        return Spoilt(f"link {above.name}", is_link=True)
    if kind == 4:
        path.write_bytes(_escaping(path, victim))
        return Spoilt("a name that leads out")
    change = CHANGES[int(draw.integers(0, len(CHANGES)))]
    path.write_bytes(change(path.read_bytes(), draw))
    return Spoilt(change.__name__)


def _escaping(path: Path, victim: Path) -> bytes:
    """Let what is named in a text, or a member of an archive, be a file of another folder."""
    data = path.read_bytes()
    if data.startswith(b"PK"):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for name in (f"../{victim.name}/new.csv", str(victim / "labels.csv"), "../../up.png"):
                archive.writestr(name, b"label,pixel0\n1,2\n")
        return buffer.getvalue()
    return data.replace(b"0.png", str(victim / "photo.png").encode()).replace(
        b"1.png", f"../../{victim.name}/photo.png".encode()
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a try ended: code, what it printed, seconds, peak bytes, what it touched elsewhere."""

    code: int
    text: str
    seconds: float
    peak_bytes: int
    outside: tuple[str, ...]


class Zygote:
    """The process that every try of a module forks from, started on the first (`zygote.py`)."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[str] | None = None

    def start(self, folder: Path, commands: Sequence[Sequence[str]]) -> None:
        """Start it, with what these commands import; `folder` is where they run."""
        prepare = folder / "prepare.json"
        prepare.write_text(json.dumps({"folder": str(folder), "commands": commands}))
        kept = {name: os.environ[name] for name in os.environ if name.startswith(KEPT)}
        self.process = subprocess.Popen(
            [sys.executable, "-P", str(Path(__file__).with_name("zygote.py")), str(prepare)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=folder,
            env=kept | {"BENCH_CACHE_DIR": str(folder / "cache"), "OPENBLAS_NUM_THREADS": "1"},
        )
        assert self._answer() == {}

    def run(self, command: list[str], folder: Path) -> Ended:
        assert self.process is not None
        assert self.process.stdin is not None
        environment = {"BENCH_CACHE_DIR": str(folder / "cache")}
        asked = {"command": command, "folder": str(folder), "environment": environment}
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        answer = self._answer()
        answer["outside"] = tuple(answer["outside"])
        return Ended(text=(folder / "output.txt").read_text(errors="replace"), **answer)

    def stop(self) -> None:
        if self.process is not None:
            self.process.communicate(timeout=60)  # its input ends, and so does it

    def _answer(self) -> dict[str, Any]:
        assert self.process is not None
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the process that tries fork from is gone: see what it wrote"
        return dict(json.loads(line))


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def tries(kind: int, share: float) -> Iterator[tuple[int, Generator]]:
    for number in range(max(1, int(TRIES * share))):
        yield number, np.random.default_rng([SEED, kind, number])


@dataclass(frozen=True, slots=True)
class Fuzz:
    """What a test of this folder needs; its modules cannot be imported."""

    victim: Path
    before: dict[str, bytes]
    zygote: Zygote

    def tries(self, kind: int, share: float) -> Iterator[tuple[int, Generator]]:
        """Yield the number of each try, with what draws for it."""
        return tries(kind, share)

    def spoil(self, path: Path, draw: Generator) -> Spoilt:
        """Spoil one file, or put something else in its place."""
        return spoil(path, self.victim, draw)

    def check(self, told: str, command: list[str], folder: Path, *, follows: bool) -> None:
        """Run a command in `folder`: one line or a result, soon, in little memory, nowhere else.

        `follows`: a link to elsewhere may be read, as it may in data folders; written never.
        """
        ended = self.zygote.run(command, folder)
        told = f"{told}: {' '.join(command)}"
        assert "Traceback" not in ended.text, f"{told}\n{ended.text[-3000:]}"
        after = f"code {ended.code} after {ended.seconds:.0f} s"
        assert ended.code in (0, 1, 2, 3), f"{told}: {after}\n{ended.text[-2000:]}"
        assert ended.peak_bytes < BYTES_MAX, f"{told}: {ended.peak_bytes / 1e9:.1f} GB"
        outside = [line for line in ended.outside if not follows or line.startswith("write")]
        assert outside == [], f"{told}: {outside[:5]}"
        if not follows:
            assert CANARY not in ended.text, f"{told}: it read another folder"
        assert contents(self.victim) == self.before, told


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    """The process that the tries of a module fork from; a fixture of the module starts it."""
    made = Zygote()
    yield made
    made.stop()


@pytest.fixture
def fuzz(tmp_path: Path, zygote: Zygote) -> Fuzz:
    """Everything that a try needs, with a folder that none of them may touch."""
    from PIL import Image

    folder = tmp_path / "victim"
    (folder / "deep").mkdir(parents=True)
    for name in ("record.json", "labels.csv", "log.txt", "deep/kept.txt"):
        (folder / name).write_text(f'{{"schema_version": 1, "note": "{CANARY}"}}\n')
    Image.fromarray(np.zeros((28, 28), np.uint8)).save(folder / "photo.png")
    return Fuzz(folder, contents(folder), zygote)
