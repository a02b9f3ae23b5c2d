"""``bench data fetch``: a dataset's files, downloaded with their checksums."""

import logging
from collections.abc import Callable
from pathlib import Path

from bench.errors import BenchError
from bench.spec import DatasetSpec

__all__ = ["fetch_dataset"]

_TIMEOUT_SECONDS = 30
_WEAK = "only an MD5 sum is known: it finds a damaged file, and no forged one"


def fetch_dataset(
    spec: DatasetSpec, folder: Path, *, progress: bool = False, say: Callable[[str], None] = print
) -> tuple[Path, ...]:
    """Download a dataset's files into ``folder/<dataset name>``; one that is there is only checked.

    Raises
    ------
    BenchError
        If the dataset offers no download, nothing can be reached, or a checksum differs; the
        message says which file to put where instead.
    """
    if not spec.fetch:
        raise BenchError(
            f"{spec.name} has no file that may be downloaded for you",
            fix=spec.how_to_get or f"name a file: -d {spec.name}=PATH",
        )
    target = folder / spec.name
    return tuple(
        _fetch(url, checksum, target, progress, say) for url, checksum in spec.fetch.items()
    )


def _fetch(
    url: str, checksum: str, target: Path, progress: bool, say: Callable[[str], None]
) -> Path:
    import pooch

    pooch.get_logger().setLevel(logging.WARNING)
    name = url.rsplit("/", 1)[-1]
    is_weak = checksum.startswith("md5:")
    say(f"{name} from {url}" + f" ({_WEAK})" * is_weak)
    try:
        path = pooch.retrieve(
            url,
            known_hash=checksum,
            fname=name,
            path=target,
            downloader=pooch.HTTPDownloader(progressbar=progress, timeout=_TIMEOUT_SECONDS),
        )
    except ValueError as error:
        raise BenchError(
            f"{name} was not kept",
            why="its checksum is not the expected one",
            fix="try again later",
        ) from error
    # A requests exception is an OSError, and so is a disk that is full or not writable.
    except OSError as error:
        raise BenchError(
            f"{name} could not be downloaded",
            why=_reason(error),
            fix=f"without a network: download {url} elsewhere and put it in {target}",
        ) from error
    return Path(path)


def _reason(error: OSError) -> str:
    if error.strerror:
        return error.strerror
    kind = type(error).__name__
    known = {"ConnectionError": "no connection", "ConnectTimeout": "no answer"}
    return known.get(kind, " ".join(str(error).split())[:120] or kind)
