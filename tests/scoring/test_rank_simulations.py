"""What ranks promise: a twentieth of script/simulate_ranks.py, and all of it when marked."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

FILE = Path(__file__).resolve().parents[2] / "script" / "simulate_ranks.py"


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("simulate_ranks", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["simulate_ranks"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


simulate_ranks: Any = load()


def lengths() -> Any:
    """A twentieth of the boards, and all of them."""
    return [
        pytest.param(20, id="a-twentieth"),
        pytest.param(1, id="all", marks=pytest.mark.simulation),
    ]


@pytest.mark.parametrize("share", lengths())
@pytest.mark.parametrize("name", list(simulate_ranks.CELLS))
def test_of_11_equal_models_any_is_called_different_in_at_most_5_percent(
    request: pytest.FixtureRequest, name: str, share: int
) -> None:
    cell = simulate_ranks.CELLS[name]
    n_boards = cell.n_boards // share
    found = simulate_ranks.measure(cell, n_boards=n_boards).false_splits["now"]
    request.node.user_properties.append(("split", found))
    # Of two groups at three seeds a lucky row of the wide one passes for one of the narrow one.
    most = 0.075 if cell.seeds == 3 and "two groups" in name else 0.05
    assert found <= most + 3 * (most * (1 - most) / n_boards) ** 0.5


@pytest.mark.parametrize("share", lengths())
@pytest.mark.parametrize("name", [name for name in simulate_ranks.POWERS if "11 rows" in name])
def test_no_true_difference_is_found_less_often_than_before(
    request: pytest.FixtureRequest, name: str, share: int
) -> None:
    cell = simulate_ranks.POWERS[name]
    found = simulate_ranks.measure(cell, n_boards=cell.n_boards // share).power
    request.node.user_properties.append(("power", found["now"]))
    assert found["now"] >= found["before"] - 0.05 * (share > 1)


@pytest.mark.parametrize("share", lengths())
@pytest.mark.parametrize(
    ("name", "least"),
    [
        pytest.param("gap of 4, sd 0.3, 11 rows", 0.95, id="4 points, sd .3"),
        pytest.param("gap of 4, sd 1, 11 rows", 0.35, id="4 points, sd 1"),
        pytest.param("gap of 8, sd 1, 11 rows", 0.95, id="8 points, sd 1"),
    ],
)
def test_three_seeds_find_what_three_seeds_can(name: str, least: float, share: int) -> None:
    cell = simulate_ranks.POWERS[name]
    found = simulate_ranks.measure(cell, n_boards=cell.n_boards // share).power["now"]
    assert found >= least - 0.2 * (share > 1)  # 15 boards are few
