import os
import sys
from pathlib import Path
from typing import Any

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
            "bench_register_models(wrong): the argument of this hook is called register",
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


@pytest.mark.parametrize(("there", "is_told"), [("shades.py", True), ("other.py", False)])
def test_a_helper_beside_a_plugin_that_python_does_not_find_is_told_of(
    tmp_path: Path, there: str, is_told: bool
) -> None:
    (tmp_path / there).write_text("CLASS = 3\n")
    path = tmp_path / "mine.py"
    path.write_text("from shades import CLASS\n")

    reason = reason_of("mine", str(path))

    assert "No module named 'shades'" in reason
    said = "it lies beside the plugin: sys.path.insert(0, os.path.dirname(__file__)) finds it"
    assert (said in reason) is is_told


def test_two_plugins_with_one_name_are_an_error_that_names_both(tmp_path: Path) -> None:
    first, second = plugin_file(tmp_path, "one"), plugin_file(tmp_path, "two")
    plugins = load_plugins([first, second])
    sentence = f"'knn' is registered by {first} and by {second}"
    assert plugins.conflicts == {"knn": sentence}
    assert "knn" not in plugins.models
    with pytest.raises(PluginError, match=r"knn.* \[prefer\] in bench\.toml"):
        plugins.refuse_unsettled("knn")


def test_two_files_of_one_name_are_two_plugins(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first = plugin_file(tmp_path / "a", "mine", name="a-knn")
    second = plugin_file(tmp_path / "b", "mine", name="b-knn")
    assert {"a-knn", "b-knn"} <= load_plugins([first, second]).models.keys()


def test_a_plugin_named_twice_is_one(tmp_path: Path) -> None:
    file = plugin_file(tmp_path, "mine")
    plugins = load_plugins([file, file])
    assert "knn" in plugins.models
    assert plugins.conflicts == {}


def test_bench_toml_decides_whose_a_name_is(tmp_path: Path) -> None:
    first, second = plugin_file(tmp_path, "one"), plugin_file(tmp_path, "two")
    for wanted in (second, "two"):
        plugins = load_plugins([first, second], prefer={"knn": wanted})
        assert plugins.homes["knn"].file == second
        assert plugins.conflicts == {}
    plugins = load_plugins([first, second], prefer={"knn": "three"})
    assert "[prefer] names neither but 'three'" in plugins.conflicts["knn"]


def test_the_other_names_of_a_plugin_in_conflict_stay(tmp_path: Path) -> None:
    path = Path(plugin_file(tmp_path, "mine", name="svm-ovo"))
    more = "\n    register(ModelSpec(name='other', summary='', build=build))\n"
    path.write_text(path.read_text() + more)
    plugins = load_plugins([str(path)])
    assert "other" in plugins.models
    assert "svm-ovo" not in plugins.models
    assert "bench_plugins.svm_ovo (built-in)" in plugins.conflicts["svm-ovo"]


def test_a_model_and_a_dataset_of_one_name_are_a_conflict(tmp_path: Path) -> None:
    plugins = load_plugins([plugin_file(tmp_path, "mine", name="usps")])
    assert plugins.conflicts.keys() == {"usps"}


def test_a_name_registered_twice_by_one_plugin_breaks_it(tmp_path: Path) -> None:
    path = Path(plugin_file(tmp_path, "mine"))
    path.write_text(
        path.read_text() + "\n    register(ModelSpec(name='knn', summary='', build=build))\n"
    )
    assert "registers 'knn' twice" in reason_of("mine", str(path))


def registering(folder: Path, source: str, *, head: str = "") -> str:
    """Return a plugin file whose models' hook runs `source`."""
    path = folder / "mine.py"
    body = "from bench import *\nfrom bench import hookimpl\n" + head
    hook = f"@hookimpl\ndef bench_register_models(register):\n    {source}\n"
    path.write_text(body + hook, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        pytest.param(
            "register({'name': 'x'})", "registered a dict: it takes a ModelSpec", id="dict"
        ),
        pytest.param("register(None)", "registered a NoneType", id="None"),
        pytest.param(
            "register(DatasetSpec(name='x', summary='', load=print))",
            "registered a DatasetSpec: it takes a ModelSpec",
            id="another spec",
        ),
        pytest.param(
            "register(ModelSpec(name='x', summary='', build=print, options={'k': None}))",
            "the default of option 'k' is None: it must be true or false",
            id="option None",
        ),
        pytest.param(
            "register(ModelSpec(name='x', summary='', build=print, options={'k': [1]}))",
            "the default of option 'k' is a list",
            id="option list",
        ),
        pytest.param(
            "register(ModelSpec(name='x', summary='', build=print, options=['k']))",
            "options are a list: give a mapping",
            id="options list",
        ),
        pytest.param(
            "register(ModelSpec(name='x', summary='', build=print, options={'a.b': 1}))",
            "option 'a.b'",
            id="dotted option",
        ),
        pytest.param(
            "register(ModelSpec(name='x', summary='', build=None))",
            "build is no function",
            id="no function",
        ),
        pytest.param(
            "register(ModelSpec(name='x*', summary='', build=print))", "cannot be typed", id="glob"
        ),
        pytest.param(
            "register(ModelSpec(name='', summary='', build=print))", "cannot be typed", id="empty"
        ),
        pytest.param(
            "register(ModelSpec(name=3, summary='', build=print))", "cannot be typed", id="number"
        ),
        pytest.param(
            "register(ModelSpec(name='x\\x1b[2J', summary='', build=print))",
            "cannot be typed",
            id="escape",
        ),
    ],
)
def test_what_no_command_could_use_is_refused_where_it_is_registered(
    tmp_path: Path, source: str, reason: str
) -> None:
    assert reason in reason_of("mine", registering(tmp_path, source))


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        pytest.param(
            "@hookimpl\ndef bench_register_model(register): ...\n",
            "bench_register_model is no hook: did you mean bench_register_models?",
            id="misspelt",
        ),
        pytest.param(
            "def bench_register_modles(register): ...\n",
            "bench_register_modles is no hook: did you mean bench_register_models?",
            id="misspelt and unmarked",
        ),
        pytest.param(
            "def bench_register_datasets(register): ...\n",
            "bench_register_datasets has no @hookimpl above it",
            id="unmarked",
        ),
        pytest.param(
            "@hookimpl\ndef bench_epoch_end(event): ...\n",
            "bench_epoch_end is no hook: did you mean bench_epoch_ended?",
            id="observer",
        ),
        pytest.param(
            "@hookimpl\ndef something(event): ...\n", "the hooks are bench_register", id="unknown"
        ),
    ],
)
def test_a_function_meant_as_a_hook_that_is_none_is_named(
    tmp_path: Path, head: str, reason: str
) -> None:
    assert reason in reason_of("mine", registering(tmp_path, "pass", head=head))


def test_other_functions_of_a_plugin_are_its_own_affair(tmp_path: Path) -> None:
    head = "def bench_my_images(): ...\ndef register_models(): ...\n"
    assert reason_of("mine", registering(tmp_path, "pass", head=head)) == ""


def test_the_reason_names_the_line_of_the_plugin(tmp_path: Path) -> None:
    assert reason_of("mine", registering(tmp_path, "1 / 0")).endswith("(mine.py, line 5)")


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        pytest.param(lambda path: path.symlink_to("/nowhere"), "it does not exist", id="dangling"),
        pytest.param(lambda path: path.symlink_to(path), "no such plugin file", id="loop"),
        pytest.param(lambda path: os.mkfifo(path), "it is no file", id="pipe"),
        pytest.param(lambda path: path.mkdir(), "it is no file", id="folder"),
        pytest.param(lambda path: path.write_bytes(b"\xff\xfe\x00"), "SyntaxError", id="bytes"),
    ],
)
def test_what_is_no_plugin_file_is_a_row(tmp_path: Path, make: Any, reason: str) -> None:
    make(tmp_path / "mine.py")
    assert reason in reason_of("mine", str(tmp_path / "mine.py"))


@pytest.mark.parametrize("name", ["mine\x00.py", "~nobody-at-all/mine.py", "m" * 5000 + ".py"])
def test_a_path_that_no_file_has_is_a_row(name: str) -> None:
    assert [each.candidate.origin for each in load_plugins([name]).broken] == ["file"]


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        pytest.param("[bench]\nthird = :::\n", "names no module", id="no module"),
        pytest.param("[bench]\nthird = not there\n", "", id="no name of a module"),
        pytest.param("[bench]\nthird\n", "entry_points.txt cannot be read", id="no value"),
        pytest.param(b"[bench]\nthird = \xff\n", "cannot be read", id="no text"),
        pytest.param("[bench]\nthird = nowhere_at_all\n", "No module named", id="no such module"),
    ],
)
def test_a_malformed_entry_point_is_a_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entries: str | bytes, reason: str
) -> None:
    info = tmp_path / "third_party-2.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: third-party\nVersion: 2.0\n")
    content = entries if isinstance(entries, bytes) else entries.encode()
    (info / "entry_points.txt").write_bytes(content)
    monkeypatch.syspath_prepend(str(tmp_path))
    (broken,) = load_plugins().broken
    assert reason in broken.reason


def test_a_plugin_for_a_newer_api_says_what_to_install(tmp_path: Path) -> None:
    reason = reason_of("new", plugin_file(tmp_path, "new", api=99))
    assert reason == (
        "PluginError: knn needs plugin API 99: this digitbench has 1; install a newer digitbench"
    )


def test_a_plugin_for_an_api_that_is_gone_says_what_to_do(tmp_path: Path) -> None:
    reason = reason_of("old", plugin_file(tmp_path, "old", api=0))
    assert reason == (
        "PluginError: knn was written for plugin API 0: this digitbench has 1 to 1; "
        "ask its author for a newer version; CHANGELOG.md says what changed"
    )


def test_a_plugin_with_an_argument_of_another_version_says_so(tmp_path: Path) -> None:
    path = Path(plugin_file(tmp_path, "old"))
    path.write_text(path.read_text().replace("summary=", "colour='red', summary="))
    assert "got an unexpected keyword argument 'colour'; this digitbench has plugin API 1" in (
        reason_of("old", str(path))
    )


def test_what_will_go_is_announced_and_still_works(tmp_path: Path) -> None:
    path = tmp_path / "wiki.py"
    path.write_text(
        "from bench import ReporterSpec, hookimpl\n\n"
        "@hookimpl\ndef bench_register_reporters(register):\n"
        "    register(ReporterSpec(name='wiki', summary='', write=print, api=1))\n"
    )
    plugins = load_plugins([str(path)])
    assert "wiki" in plugins.reporters
    (line,) = plugins.warnings()
    assert line.startswith("report format 'wiki' uses api=1, which goes with the next minor")


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
