"""Every hook is called as its page says, shown by the example that the page prints."""

import ast
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench import hookspecs
from bench.plugins.discovery import load_plugins

Run = Callable[..., Any]
EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "every_hook.py"
HOOKS = sorted(name for name in vars(hookspecs) if name.startswith("bench_"))


def test_every_hook_has_a_test_and_an_example() -> None:
    tests = [name for name in globals() if name.startswith("test_bench_")]
    assert sorted(name.removeprefix("test_").partition("__")[0] for name in tests) == HOOKS
    tree = ast.parse(EXAMPLE.read_text(encoding="utf-8"))
    defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert set(HOOKS) <= defined


def run_of(run_bench: Run, *more: str) -> Any:
    plugin = ("--plugin", str(EXAMPLE))
    return run_bench("run", "-m", "centroid", "-d", "squares", *plugin, "--store", "st", *more)


def test_bench_register_models__adds_a_model(run_bench: Run) -> None:
    assert load_plugins([str(EXAMPLE)]).homes["centroid"].file == str(EXAMPLE)
    assert run_of(run_bench).code == 0


def test_bench_register_datasets__adds_a_dataset(run_bench: Run) -> None:
    out = run_of(run_bench).out
    assert "squares" in out


def test_bench_register_metrics__adds_a_column(run_bench: Run, tmp_path: Path) -> None:
    (tmp_path / "bench.toml").write_text(f'plugins = ["{EXAMPLE.as_posix()}"]\n')
    run_of(run_bench)
    out = run_bench("show", "metrics", "--store", "st", "--csv").out
    assert "misread" in out


def test_bench_register_reporters__adds_a_format(run_bench: Run, tmp_path: Path) -> None:
    (tmp_path / "bench.toml").write_text(f'plugins = ["{EXAMPLE.as_posix()}"]\n')
    run_of(run_bench)
    assert run_bench("report", "--format", "names=names.txt", "--store", "st").code == 0
    assert (tmp_path / "names.txt").read_text() == "centroid"


def test_bench_trial_started__is_told_the_model(run_bench: Run, tmp_path: Path) -> None:
    run_of(run_bench)
    assert "centroid on squares began" in (tmp_path / "seen.txt").read_text()


def test_bench_epoch_ended__is_told_each_epoch(run_bench: Run, tmp_path: Path) -> None:
    run_bench(
        "run", "-m", "mlp", "-d", "squares", "--set", "mlp.epochs=2",
        "--plugin", str(EXAMPLE), "--store", "st",
    )  # fmt: skip
    said = (tmp_path / "seen.txt").read_text()
    assert "epoch 1 of 2\nepoch 2 of 2\n" in said


def test_bench_trial_finished__is_told_the_state(run_bench: Run, tmp_path: Path) -> None:
    run_of(run_bench)
    assert "centroid ended as ok" in (tmp_path / "seen.txt").read_text()
