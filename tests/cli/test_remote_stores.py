"""Stores at an address, on a server that speaks S3: read, merged, exported, imported."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest

from bench.store.layout import is_address
from bench.store.remote import address_of, shown_place

pytestmark = pytest.mark.heavy

_SECRET = "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY"
_SECONDS_MAX = 60.0


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A server of its own process, empty, that asks nobody who they are."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        env={**os.environ, "INITIAL_NO_AUTH_ACTION_COUNT": "1000000"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + _SECONDS_MAX
    while not _answers(f"{address}/moto-api/"):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    yield address
    process.kill()
    process.wait()


def ask(url: str, data: bytes = b"", method: str = "POST") -> None:
    asked = Request(url, data=data, method=method, headers={"Content-Type": "text/plain"})
    urlopen(asked, timeout=_SECONDS_MAX).close()


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=5):
            return True
    except (URLError, OSError):
        return False


@pytest.fixture
def bucket(server: str) -> str:
    """An empty bucket, with rights for whoever asks."""
    ask(f"{server}/moto-api/reset")
    ask(f"{server}/moto-api/reset-auth", b"1000000")
    ask(f"{server}/results", method="PUT")
    return "s3://results/group/store"


@pytest.fixture
def say(server: str, tmp_path: Path) -> Callable[..., Any]:
    """Run the command in a process of its own: a library of the service's keeps threads."""

    def run(*words: str | Path, **environment: str) -> "subprocess.CompletedProcess[str]":
        known = {"AWS_ENDPOINT_URL": server, "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE"}
        known |= {"AWS_SECRET_ACCESS_KEY": _SECRET, "AWS_DEFAULT_REGION": "us-east-1"}
        known |= {"BENCH_CACHE_DIR": str(tmp_path / "cache"), "COLUMNS": "200"}
        return subprocess.run(
            [sys.executable, "-m", "bench", *map(str, words)],
            env={**os.environ, **known, **environment},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=_SECONDS_MAX * 2,
        )

    return run


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    what = ("-m", "debug-good", "--plugin", "bench.testing.debug", "-d", "digits-uci")
    for name, seeds in (("one", "1,2"), ("two", "2,3")):
        store = ("--store", str(folder / name), "--seeds", seeds, "--reports", "none")
        command = [sys.executable, "-m", "bench", "run", *what, *store, "--no-isolation"]
        subprocess.run(command, check=True, cwd=folder, capture_output=True)
    return folder


def trials_of(said: Any) -> Any:
    return {row["model"]: (row["seeds"], row["accuracy"]) for row in json.loads(said.stdout)}


def test_a_store_is_merged_to_an_address_and_read_there(
    say: Callable[..., Any], bucket: str, trained: Path, tmp_path: Path
) -> None:
    merged = say("results", "merge", trained / "one", "--store", bucket)
    assert (merged.returncode, merged.stderr) == (0, "")
    assert merged.stdout.endswith(f"2 trials and 4 evaluations copied to {bucket}, 0 were there\n")
    shutil.rmtree(tmp_path / "cache")  # another machine
    shown = say("show", "--json", "--store", bucket)
    here = say("show", "--json", "--store", trained / "one")
    assert (shown.returncode, shown.stderr, shown.stdout) == (0, "", here.stdout)
    assert not list((tmp_path / "cache" / "stores").glob("*/trials/*/model"))
    again = say("results", "merge", trained / "one", "--store", bucket, "--json")
    (facts,) = json.loads(again.stdout)["merged"]
    assert (facts["trials"], facts["evaluations"], facts["same"]) == (0, 0, 6)
    for environment in ({"BENCH_STORE": bucket}, {}):
        (tmp_path / "bench.toml").write_text(f'store = "{bucket}"\n')
        assert say("show", "--json", **environment).stdout == here.stdout


def test_a_store_at_an_address_is_merged_into_a_folder(
    say: Callable[..., Any], bucket: str, trained: Path, tmp_path: Path
) -> None:
    say("results", "merge", trained / "one", "--store", bucket)
    mine = shutil.copytree(trained / "two", tmp_path / "mine")
    merged = say("results", "merge", bucket, "--store", mine, "--keep", "newest", "--json")
    (facts,) = json.loads(merged.stdout)["merged"]
    assert (facts["from"], facts["trials"], facts["damaged"]) == (bucket, 1, {})
    assert say("results", "verify", "--store", mine).returncode == 0


def test_a_newer_training_replaces_the_older_at_an_address_which_is_kept_aside(
    say: Callable[..., Any], bucket: str, trained: Path, tmp_path: Path
) -> None:
    say("results", "merge", trained / "one", "--store", bucket)
    say("show", "--store", bucket)
    other = {"BENCH_CACHE_DIR": str(tmp_path / "other")}
    say("results", "merge", trained / "two", "--store", bucket, "--keep", "newest", **other)
    shown = say("show", "--json", "--store", bucket)
    local = tmp_path / "local"
    shutil.copytree(trained / "one", local)
    say("results", "merge", trained / "two", "--store", local, "--keep", "newest")
    assert trials_of(shown) == trials_of(say("show", "--json", "--store", local))
    back = tmp_path / "back"
    assert say("results", "merge", bucket, "--store", back).returncode == 0
    assert say("results", "verify", "--store", back).returncode == 0
    kept = list((tmp_path / "other" / "stores").glob("*/superseded/*"))
    assert len(kept) == 1


def test_an_export_goes_to_an_address_and_is_imported_from_it(
    say: Callable[..., Any], bucket: str, trained: Path, tmp_path: Path
) -> None:
    file = "s3://results/one.zip"
    exported = say("results", "export", file, "--store", trained / "one")
    assert (exported.returncode, exported.stderr) == (0, "")
    assert exported.stdout.startswith(f"{file}: 6 trials and evaluations, ")
    twice = say("results", "export", file, "--store", trained / "one")
    assert twice.stderr == (f"bench: {file}: is there already; name another file, or remove it\n")
    imported = say("results", "import", file, "--store", tmp_path / "back")
    assert (imported.returncode, imported.stderr) == (0, "")
    assert imported.stdout.startswith(f"{file}: 2 trials and 4 evaluations copied")
    far = say("results", "import", file, "--store", bucket)
    assert (far.returncode, far.stderr) == (0, "")


def test_a_bucket_without_rights_is_one_line_without_a_secret(
    say: Callable[..., Any], server: str, bucket: str, trained: Path, tmp_path: Path
) -> None:
    say("results", "merge", trained / "one", "--store", bucket)
    ask(f"{server}/moto-api/reset-auth", b"0")
    for words in (
        ("show", "--store", bucket),
        ("results", "merge", bucket, "--store", tmp_path / "mine"),
        ("results", "merge", trained / "two", "--store", bucket),
        ("results", "export", "s3://results/x.zip", "--store", trained / "one"),
        ("results", "import", "s3://results/x.zip", "--store", tmp_path / "mine"),
    ):
        said = say(*words)
        assert (said.returncode, said.stdout, said.stderr.count("\n")) == (2, "", 1), said.stderr
        assert "you have no rights there" in said.stderr
        assert _SECRET not in said.stderr
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not any(_SECRET.encode() in path.read_bytes() for path in files)


def test_what_cannot_be_used_at_an_address_is_one_line(
    say: Callable[..., Any], bucket: str, tmp_path: Path
) -> None:
    for words, expected in (
        (("show", "--store", "s3://none/x"), "bench: s3://none/x: there is nothing\n"),
        (
            ("show", "--store", bucket),
            f"bench: store {bucket}: it holds no records; try bench run --all\n",
        ),
        (
            ("show", "--store", "ftp://anna:secret@127.0.0.1:9/x"),
            "bench: ftp://127.0.0.1:9/x: cannot be used (ConnectionRefusedError)\n",
        ),
        (("show", "--store", "nonsense://x"), "bench: nonsense://x: "),
        (
            ("run", "-m", "mlp", "-d", "digits-uci", "--store", bucket),
            "bench: a store at an address: this needs a folder; name one with --store, then bench"
            " results merge FOLDER --store ADDRESS\n",
        ),
        (("results", "verify", "--store", bucket), "bench: a store at an address: this needs"),
    ):
        said = say(*words, BENCH_PROG="bench")
        assert (said.returncode, said.stdout, said.stderr.count("\n")) == (2, "", 1), said.stderr
        assert said.stderr.startswith(expected)
    nowhere = say("show", "--store", bucket, AWS_ENDPOINT_URL="http://127.0.0.1:9")
    assert (nowhere.returncode, nowhere.stderr.count("\n")) == (2, 1), nowhere.stderr


@pytest.mark.parametrize(
    ("typed", "address", "shown"),
    [
        pytest.param("s3://b/k", "s3://b/k", "s3://b/k", id="s3"),
        pytest.param("ftp://a:b@h/k", "ftp://a:b@h/k", "ftp://h/k", id="a password"),
        pytest.param("https://h/k?sig=x", "https://h/k?sig=x", "https://h/k", id="a signature"),
        pytest.param("file:///tmp/x", "file:///tmp/x", "file:///tmp/x", id="a file"),
    ],
)
def test_an_address_keeps_its_form_as_a_path(typed: str, address: str, shown: str) -> None:
    assert is_address(Path(typed))
    assert (address_of(Path(typed)), shown_place(Path(typed))) == (address, shown)
    assert not is_address(Path("C:/results"))
    assert not is_address(Path("results/s3:/x"))
