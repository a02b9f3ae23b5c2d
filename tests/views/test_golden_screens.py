"""Every view of the reference run, as a screen, as CSV and as JSON."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from bench.images.corruptions import CORRUPTIONS
from bench.store.layout import Store

REFERENCE = Path(__file__).parents[2] / "results" / "reference"
FLOAT = re.compile(r"-?\d+\.\d{7,}(?:e-?\d+)?|-?\d+(?:\.\d+)?e-\d+")
TRIAL = "0091657181684a9d"

VIEWS = [
    "show",
    "show leaderboard -d usps --all-rows",
    "show leaderboard -d usps --exclude-duplicates",
    "show leaderboard -d digits-uci --csv",
    "show leaderboard -d digits-uci --json",
    "show leaderboard -d usps --per-seed --csv",
    "show metrics -d digits-uci",
    "show metrics -d digits-uci --csv",
    "show metrics -d sample-ids --json",
    "show report svm-ovo digits-uci",
    "show report svm-ovo digits-uci --csv",
    "show report svm-ovo digits-uci --json",
    "show report cnn-mnist-compact usps --abstain-below 0.9",
    "show report mlp usps:sample-ids --all",
    "show report cnn-svhn-deep svhn-h5",
    "show matrix",
    "show matrix -m cnn-*",
    "show matrix -m cnn-* --csv",
    "show matrix -m mlp --json",
    f"show trial {TRIAL}",
    f"show trial {TRIAL} --log",
    f"show trial {TRIAL} --json",
    "show trial 344335fd --csv",
    "show cost",
    "show cost -d digits-uci --csv",
    "show cost -d usps --json",
    "show history svm-ovo digits-uci",
    "show history svm-ovo digits-uci --csv",
    "show history svm-ovo digits-uci --json",
    "show errors -d usps",
    "show errors -d usps --csv",
    "compare svm-ovo mlp -d digits-uci",
    "compare svm-ovo mlp -d digits-uci --csv",
    "compare svm-ovo mlp -d digits-uci --json",
    "compare svm-ovo mlp",
]
OF_A_MADE_STORE = [
    f"show {view}{form}"
    for view in ("robustness", "learning-curve", "history alpha digits")
    for form in ("", " --csv", " --json")
]
ELSEWHERE = ["list metrics", "list metrics --csv", "list metrics --json"]


@pytest.fixture(autouse=True)
def no_pixels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the data cache empty: with it the misread images would be pictures."""
    monkeypatch.setenv("BENCH_CACHE_DIR", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("reference") / "store"
    shutil.copytree(REFERENCE, root)
    return root


def rounded(text: str) -> str:
    """Keep seven digits of a number: the last ones are the processor's."""
    return FLOAT.sub(lambda match: f"{float(match[0]):.7g}", text)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, add: Callable[..., str]) -> Path:
    store = Store(tmp_path_factory.mktemp("made") / "store")
    for model, worse in (("alpha", 1), ("beta", 2)):
        for seed in (1, 2):
            add(store, model, 4 * worse * seed, seed=seed)
            for name in ("translate", "inverse", "mnist-c:fog"):
                for strength in CORRUPTIONS[name].strengths if name in CORRUPTIONS else (1,):
                    transform = {"corruption": name, "strength": strength}
                    image_set = "t" if name in CORRUPTIONS else name
                    facts = {"transform": transform, "test_hash": image_set}
                    add(store, model, 30 * worse * strength, seed=seed, evaluation=facts)
        for size, wrong in ((100, 200), (200, 150), (400, 100), (800, 75), (1600, 50)):
            add(
                store,
                model,
                wrong * worse,
                config=str(size),
                variant=f"train_images={size}",
                options={"train_images": size},
                n_train=size,
                fit_seconds=size / 100,
            )
    return store.root


def widths(command: str) -> tuple[int, ...]:
    return (140,) if "--json" in command or "--csv" in command else (80, 140)


def screens(commands: list[str]) -> list[Any]:
    return [
        pytest.param(command, columns, id=f"{command} {columns}")
        for command in commands
        for columns in widths(command)
    ]


@pytest.mark.parametrize(("command", "columns"), screens(VIEWS))
def test_a_view_shows_what_it_showed(
    run_bench: Callable[..., Any],
    reference: Path,
    snapshot: SnapshotAssertion,
    command: str,
    columns: int,
) -> None:
    said = run_bench(*command.split(), "--store", reference, columns=columns)
    assert (said.code, said.err) == (0, "")
    assert rounded(said.out) == snapshot


@pytest.mark.parametrize(("command", "columns"), screens(OF_A_MADE_STORE))
def test_a_view_of_made_records_shows_what_it_showed(
    run_bench: Callable[..., Any],
    made: Path,
    snapshot: SnapshotAssertion,
    command: str,
    columns: int,
) -> None:
    said = run_bench(*command.split(), "--store", made, columns=columns)
    assert (said.code, said.err) == (0, "")
    assert rounded(said.out) == snapshot


@pytest.mark.parametrize("command", [pytest.param(each, id=each) for each in ELSEWHERE])
def test_a_list_shows_what_it_showed(
    run_bench: Callable[..., Any], snapshot: SnapshotAssertion, command: str
) -> None:
    said = run_bench(*command.split())
    assert (said.code, said.err) == (0, "")
    assert said.out == snapshot
