import sys
from pathlib import Path

import pytest

from bench.errors import PluginError
from bench.plugins.discovery import load_model, load_plugins

KNN = """
from bench import ModelSpec, hookimpl


def build(context):
    raise NotImplementedError


@hookimpl
def bench_register_models(register):
    register(ModelSpec(name={name!r}, summary="a test", build=build, options={{"k": 5}}, api={api}))
"""


def plugin_file(folder: Path, stem: str, *, name: str = "knn", api: int = 1) -> str:
    path = folder / f"{stem}.py"
    path.write_text(KNN.format(name=name, api=api), encoding="utf-8")
    return str(path)


def reason_of(name: str, *local: str) -> str:
    plugins = load_plugins(local).plugins
    return next(p.reason for p in plugins if p.candidate.name == name)


def test_every_built_in_plugin_loads() -> None:
    assert [(p.candidate.name, p.reason) for p in load_plugins().plugins if p.reason] == []


def test_a_plugin_file_registers_its_model(tmp_path: Path) -> None:
    plugins = load_plugins([plugin_file(tmp_path, "mine")])
    assert plugins.models["knn"].options == {"k": 5}
    assert plugins.homes["knn"].origin == "file"


def test_a_worker_finds_the_model_of_a_plugin_file(tmp_path: Path) -> None:
    assert load_model("", plugin_file(tmp_path, "mine"), "knn").summary == "a test"


def test_a_worker_is_told_when_the_model_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(PluginError, match="it registers no such model"):
        load_model("", plugin_file(tmp_path, "mine"), "other")


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        pytest.param("import no_such_library", "No module named 'no_such_library'", id="import"),
        pytest.param("raise SystemExit(3)", "SystemExit: 3", id="exit"),
        pytest.param("def broken(:", "SyntaxError", id="syntax"),
        pytest.param(
            "from bench import hookimpl\n@hookimpl\ndef bench_register_models(wrong): ...",
            "PluginValidationError",
            id="wrong-argument",
        ),
        pytest.param(
            "from bench import hookimpl\n@hookimpl\ndef bench_register_models(register): 1 / 0",
            "ZeroDivisionError",
            id="raises-in-hook",
        ),
    ],
)
def test_a_broken_plugin_is_a_row_with_its_reason(tmp_path: Path, source: str, reason: str) -> None:
    path = tmp_path / "broken.py"
    path.write_text(source, encoding="utf-8")
    assert reason in reason_of("broken", str(path))
    assert load_plugins([str(path)]).models.keys() == load_plugins().models.keys()


def test_two_plugins_with_one_name_are_an_error_that_names_both(tmp_path: Path) -> None:
    first, second = plugin_file(tmp_path, "one"), plugin_file(tmp_path, "two")
    plugins = load_plugins([first, second])
    assert plugins.conflicts["knn"] == f"'knn' is registered by {first} and by {second}"
    assert plugins.homes["knn"].file == first


def test_a_plugin_for_a_newer_api_says_what_to_install(tmp_path: Path) -> None:
    reason = reason_of("new", plugin_file(tmp_path, "new", api=99))
    assert reason == (
        "PluginError: knn needs plugin API 99: this digitbench has 1; install a newer digitbench"
    )


def test_a_missing_plugin_file_is_a_row(tmp_path: Path) -> None:
    assert "no such plugin file" in reason_of("gone", str(tmp_path / "gone.py"))


def test_a_disabled_plugin_is_listed_and_registers_nothing() -> None:
    plugins = load_plugins(disable=["random_forest"])
    states = {p.candidate.name: p.state for p in plugins.plugins}
    assert states["random_forest"] == "disabled"
    assert "random-forest" not in plugins.models


def test_an_installed_distribution_is_found_by_its_entry_point(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "third_party.py").write_text(KNN.format(name="third", api=1), encoding="utf-8")
    info = tmp_path / "third_party-2.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: third-party\nVersion: 2.0\n")
    (info / "entry_points.txt").write_text("[bench]\nthird = third_party\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    try:
        plugins = load_plugins()
    finally:
        sys.modules.pop("third_party", None)
    assert plugins.homes["third"].origin == "third-party 2.0"
