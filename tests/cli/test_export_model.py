"""``bench results export --model``: the file, its card as a page, and what is refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.adapters.card import read_card
from bench.cli import main


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "store"
    with pytest.raises(SystemExit):
        main(
            [
                *("run", "-m", "random-forest", "-m", "baseline-majority", "-d", "digits-uci"),
                *(
                    "--budget",
                    "smoke",
                    "--no-isolation",
                    "--reports",
                    "none",
                    "--store",
                    str(folder),
                ),
            ]
        )
    return folder


@pytest.fixture
def export(run_bench: Callable[..., Any], store: Path) -> Callable[..., Any]:
    def run(*words: str) -> Any:
        return run_bench("results", "export", *words, "--store", store, columns=200)

    return run


def test_a_model_is_written_with_its_card_in_it_and_beside_it(
    export: Callable[..., Any], tmp_path: Path
) -> None:
    ended = export("--model", "random-forest", "--as", "skops", "m.skops")

    assert (ended.code, ended.err) == (0, "")
    card = read_card(tmp_path / "m.skops")
    assert card is not None
    assert (card.model, card.trained_on, card.licence) == (
        "random-forest",
        "digits-uci",
        "CC BY 4.0",
    )
    assert card.accuracy is not None
    page = (tmp_path / "m.skops.md").read_text()
    for said in ("| classes | 0, 1, 2,", "95 % interval", "| licence of that data | CC BY 4.0 |"):
        assert said in page


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(("--as", "onnx"), "--as onnx: which model? add --model TRIAL", id="no-model"),
        pytest.param((), "missing argument 'FILE'", id="nothing"),
        pytest.param(("--model", "no-such"), "'no-such'", id="unknown"),
        pytest.param(
            ("--model", "baseline-majority"),
            "baseline-majority cannot be exported: its plugin keeps its own format",
            id="a-format-of-its-own",
        ),
        pytest.param(
            ("--model", "random-forest", "--as", "tflite"),
            "random-forest cannot be exported as tflite: it can be exported as skops, onnx",
            id="no-such-form",
        ),
        pytest.param(
            ("--model", "random-forest", "--as", "skops", "m.zip"),
            "m.zip: a file of that format ends with .skops",
            id="another-suffix",
        ),
        pytest.param(
            ("--model", "random-forest", "no/such/m.skops"),
            "m.skops cannot be written: No such file or directory",
            id="no-folder",
        ),
    ],
)
def test_what_cannot_be_exported_is_one_line(
    export: Callable[..., Any], words: tuple[str, ...], said: str
) -> None:
    ended = export(*words)

    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert said in ended.err
