"""Downloading a dataset's files, from a server on this machine."""

import hashlib
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from bench.errors import BenchError
from bench.loading.fetch import fetch_dataset
from bench.spec import Dataset, DatasetSpec, LoadContext

CONTENT = b"digits" * 1000


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """The address of a server that offers ``digits.npz``."""
    served = tmp_path / "served"
    served.mkdir()
    (served / "digits.npz").write_bytes(CONTENT)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(served)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def _never(context: LoadContext) -> Dataset:
    raise AssertionError(context)


def _spec(url: str, content: bytes = CONTENT) -> DatasetSpec:
    checksum = "sha256:" + hashlib.sha256(content).hexdigest()
    return DatasetSpec(name="digits", summary="", load=_never, fetch={url: checksum})


def test_a_file_is_downloaded_where_the_dataset_looks_for_it(address: str, tmp_path: Path) -> None:
    said: list[str] = []
    url = f"{address}/digits.npz"
    paths = fetch_dataset(_spec(url), tmp_path / "data", say=said.append)
    assert paths == (tmp_path / "data" / "digits" / "digits.npz",)
    assert paths[0].read_bytes() == CONTENT
    assert said == [f"digits.npz from {url}"]


def test_it_is_said_where_only_an_md5_sum_is_known(address: str, tmp_path: Path) -> None:
    said: list[str] = []
    url = f"{address}/digits.npz"
    checksum = "md5:" + hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()
    spec = DatasetSpec(name="digits", summary="", load=_never, fetch={url: checksum})
    fetch_dataset(spec, tmp_path / "data", say=said.append)
    assert said[0].endswith(
        "(only an MD5 sum is known: it finds a damaged file, and no forged one)"
    )


def test_a_file_that_is_there_is_checked_and_kept(address: str, tmp_path: Path) -> None:
    there = tmp_path / "digits" / "digits.npz"
    there.parent.mkdir()
    there.write_bytes(CONTENT)
    stamp = there.stat().st_mtime_ns
    fetch_dataset(_spec(f"{address}/digits.npz"), tmp_path, say=lambda _: None)
    assert there.stat().st_mtime_ns == stamp


def test_a_file_with_another_checksum_is_not_kept(address: str, tmp_path: Path) -> None:
    with pytest.raises(BenchError) as caught:
        fetch_dataset(_spec(f"{address}/digits.npz", b"other"), tmp_path, say=lambda _: None)
    assert str(caught.value) == (
        "digits.npz was not kept: its checksum is not the expected one; try again later"
    )
    assert list((tmp_path / "digits").iterdir()) == []


def test_without_a_network_one_line_says_what_to_put_where(tmp_path: Path) -> None:
    url = "http://127.0.0.1:1/digits.npz"
    with pytest.raises(BenchError) as caught:
        fetch_dataset(_spec(url), tmp_path, say=lambda _: None)
    assert str(caught.value) == (
        "digits.npz could not be downloaded: no connection; "
        f"without a network: download {url} elsewhere and put it in {tmp_path / 'digits'}"
    )


def test_a_file_that_the_server_does_not_have(address: str, tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"^gone\.npz could not be downloaded: 404"):
        fetch_dataset(_spec(f"{address}/gone.npz"), tmp_path, say=lambda _: None)


def test_a_dataset_without_a_download_says_how_to_get_it(tmp_path: Path) -> None:
    spec = DatasetSpec(name="digits", summary="", load=_never, how_to_get="ask the library")
    with pytest.raises(BenchError) as caught:
        fetch_dataset(spec, tmp_path)
    assert str(caught.value) == (
        "digits has no file that may be downloaded for you; ask the library"
    )
