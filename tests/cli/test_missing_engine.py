"""A model whose engine is not installed: a listed reason, and nothing fails for it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.planning import missing

ASKS = "pip install 'digitbench[torch]'"
PLUGIN = """
from bench import hookimpl, torch_model


def module(context):
    from torch import nn

    return nn.Flatten()


@hookimpl
def bench_register_models(register):
    summary = "needs torch"
    register(torch_model(name="my-net", summary=summary, module=module, epochs=1, batch_size=8))
"""


@pytest.fixture(autouse=True)
def _without_torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(missing, "find_spec", lambda name: None if name == "torch" else name)
    (tmp_path / "my_net.py").write_text(PLUGIN)


def test_a_run_lists_it_and_goes_on(run_bench: Callable[..., Any]) -> None:
    told = ("--plugin", "my_net.py", "-m", "my-net", "-m", "baseline-majority")
    said = run_bench("run", *told, "-d", "digits-uci", "--dry-run", columns=120)
    assert said.code == 0
    assert f"impossible: my-net: torch is not installed: {ASKS}\n" in said.out
    assert "1 trial to run" in said.out


def test_a_check_and_a_listing_say_what_to_install(run_bench: Callable[..., Any]) -> None:
    said = run_bench("check", "my_net.py")
    assert (said.code, said.out) == (2, "")
    assert said.err == f"bench: my-net cannot be checked here: torch is not installed: {ASKS}\n"
    listed = run_bench("list", "models", "my-net", "--plugin", "my_net.py", columns=120)
    assert (listed.code, ASKS in listed.out) == (0, True)
