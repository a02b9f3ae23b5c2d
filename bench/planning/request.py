"""What a person asks for, and what it is resolved against."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from bench.options import OptionValue
from bench.planning.shards import Shard
from bench.plugins.discovery import Plugins
from bench.store.layout import Store

if TYPE_CHECKING:
    from bench.config import Config

__all__ = ["Request", "Session"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a person asks for; the fields are the options of ``bench run``.

    An empty selection of models or datasets means all of them.
    """

    models: tuple[str, ...] = ()
    """Names and globs."""
    datasets: tuple[str, ...] = ()
    """Names, globs, NAME=PATH, and own files or folders to train on: PATH or NAME=PATH."""
    folders: tuple[str, ...] = ()
    """Own folders, DIR or NAME=DIR."""
    folder_options: Mapping[str, OptionValue] = field(default_factory=dict)
    """Options of image-folder for each of these folders and for the one of ``fine_tune``."""
    model_files: tuple[str, ...] = ()
    """Trained models, FILE or NAME=FILE; without ``models`` nothing else is run."""
    input_scale: str = ""
    """For model files that do not say it: the numbers of black and white."""
    input_layout: str = ""
    """As above: the order of the axes."""
    input_shape: tuple[int, ...] = ()
    """As above: height, width, and channels, of images that are fed as rows of numbers."""
    output_classes: tuple[str, ...] = ()
    """As above: the classes, in the order of the output's columns."""
    seeds: tuple[int, ...] = (42,)
    settings: tuple[str, ...] = ()
    """NAME.option=value; NAME may be a glob over models."""
    budget: str = "full"
    precision: str = "auto"
    cross: bool = False
    fresh: bool = False
    track_test: bool = False
    fine_tune: str = ""
    """An own folder, DIR or NAME=DIR: trained models go on from there in folds by person."""
    quantize: str = ""
    corruptions: str = ""
    """"all" or names with commas: the stored models are tested on corrupted images too."""
    train_sizes: tuple[int, ...] = ()
    """A trial for each number of training images, for the learning curve."""
    shard: Shard | None = None
    """Only this share of the trials: several runs do one plan between them."""
    exclude_duplicates: bool = False
    """Score without the test images that are, or nearly are, training images."""
    store: Path | None = None
    data_dir: Path | None = None
    cache_dir: Path | None = None
    plugins: tuple[str, ...] = ()
    jobs: int | Literal["auto"] | None = None
    timeout_seconds: float | None = None
    memory_bytes: int | None = None
    retries: int = 0
    isolate: bool = True
    backend: Literal["local", "dask"] = "local"
    """What trains: processes of this machine, or a Dask cluster."""
    scheduler: str = ""
    """Address of a Dask scheduler; empty: a cluster of this machine's own making."""
    allow_versions: bool = False
    """Workers whose libraries have other versions are used all the same."""
    worker_walltime_seconds: float | None = None
    """How long a worker lives: no trial starts that can neither end by then nor go on elsewhere."""
    tls: tuple[str, str, str] | None = None
    """Files of the authority, certificate and key with which the scheduler is spoken to."""

    @property
    def is_of_files_only(self) -> bool:
        """Whether only model files are asked for, and nothing is trained."""
        return bool(self.model_files) and not self.models


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What a request resolves against: configuration, plugins, store, search folders."""

    config: "Config"
    plugins: Plugins
    store: Store
    search: tuple[Path, ...]
