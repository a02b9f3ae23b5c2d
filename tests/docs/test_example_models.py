"""The models of docs/examples keep the contract, as far as their engine is installed."""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples" / "models"
ENGINES = {
    "boosted_trees": "lightgbm",
    "mixed_images": "keras",
    "smoothed_neighbours": "sklearn",
    "plain_function": "numpy",
    "torch_network": "torch",
}


def test_every_example_is_tested() -> None:
    names = {path.stem for path in EXAMPLES.glob("*.py") if "hookimpl" in path.read_text("utf-8")}
    assert names == set(ENGINES)


@pytest.mark.heavy
@pytest.mark.parametrize("name", sorted(ENGINES))
def test_an_example_passes_the_check(name: str, check_apart: Callable[..., Any]) -> None:
    if find_spec(ENGINES[name]) is None:
        pytest.skip(f"{ENGINES[name]} is not installed")
    checked = check_apart(EXAMPLES / f"{name}.py")
    assert (checked.code, checked.out.splitlines()[-1][-9:]) == (0, "0 skipped"), checked.out
    # What it promises of the saved model is tried, not left out.
    if name != "plain_function":
        assert "✓ Bring back with load what save wrote" in checked.out
