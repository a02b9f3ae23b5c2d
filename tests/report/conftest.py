"""Pages of the sample store and of the reference run, made by the command."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.board.boards import Boards, open_store
from bench.report.content import Content, collect

REFERENCE = Path(__file__).parents[2] / "results" / "reference"


@pytest.fixture(scope="session")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the reference run: reading a store adds an index to it."""
    return shutil.copytree(REFERENCE, tmp_path_factory.mktemp("reference") / "store")


@pytest.fixture(scope="session")
def content_of() -> Callable[[Path], Content]:
    """Return ``content_of(store)``."""
    return lambda store: collect(Boards(store=open_store(store)))


@pytest.fixture
def page_of(run_bench: Callable[..., Any], tmp_path: Path) -> Callable[..., Path]:
    """Return ``page_of(store, *options)``: the page that ``bench report`` writes."""

    def make(store: Path, *options: str) -> Path:
        ended = run_bench("report", "--store", store, "--html", tmp_path / "page.html", *options)
        assert ended.code == 0, ended.err
        return tmp_path / "page.html"

    return make
