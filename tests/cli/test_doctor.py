"""``bench doctor``: facts, and what is wrong with what to do about it."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


def findings(run_bench: Run, *arguments: str | Path) -> tuple[int, list[dict[str, Any]]]:
    """Return the exit code and the findings."""
    ended = run_bench("doctor", "--json", *arguments)
    return ended.code, json.loads(ended.out)["findings"]


def wrong(found: list[dict[str, Any]]) -> list[str]:
    """Return what is wrong, by name."""
    return [each["name"] for each in found if each["is_wrong"]]


def test_a_sound_machine_has_nothing_wrong(run_bench: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    code, found = findings(run_bench)
    assert (code, wrong(found)) == (0, [])
    names = {each["name"] for each in found}
    assert {"tensorflow", "resources", "precision auto", "svhn-h5", "store"} <= names


def test_each_section_is_printed_with_a_verdict(
    run_bench: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    lines = run_bench("doctor", columns=100).out.splitlines()
    headings = [line for line in lines if line and not line.startswith(" ")]
    assert headings == [
        "versions",
        "machine",
        "commands",
        "plugins",
        "data",
        "folders",
        "Nothing is wrong.",
    ]


def test_another_bench_on_the_path_is_wrong(
    run_bench: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "bench"
    other.write_text("#!/bin/sh\nexec frappe\n")
    other.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    code, found = findings(run_bench)
    assert (code, wrong(found)) == (1, ["bench"])
    assert next(each for each in found if each["is_wrong"])["remedy"] == "type digitbench"


def test_a_foreign_distribution_that_installs_bench_is_named(
    run_bench: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = tmp_path / "frappe_bench-5.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: frappe-bench\nVersion: 5.0\n")
    (info / "entry_points.txt").write_text("[console_scripts]\nbench = bench_cli:cli\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PATH", "")
    code, found = findings(run_bench)
    assert code == 1
    assert any("frappe-bench 5.0" in each["value"] for each in found)


def test_a_broken_plugin_is_wrong_with_its_cause(
    run_bench: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    (tmp_path / "broken.py").write_text("raise SystemExit(3)\n")
    (tmp_path / "bench.toml").write_text('plugins = ["broken.py"]\n')
    code, found = findings(run_bench)
    assert (code, wrong(found)) == (1, ["broken (file)"])


def test_a_data_folder_that_is_named_and_missing_is_wrong(
    run_bench: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    code, found = findings(run_bench, "--data-dir", tmp_path / "nowhere")
    assert (code, wrong(found)) == (1, ["looked for in"])


def test_a_wrong_configuration_is_a_finding(
    run_bench: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    (tmp_path / "bench.toml").write_text("no = [toml\n")
    code, found = findings(run_bench)
    assert (code, wrong(found)) == (1, ["cannot be loaded"])


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_store_that_cannot_be_written_is_wrong(run_bench: Run, tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    code, found = findings(run_bench, "--store", tmp_path / "locked" / "store")
    assert code == 1
    assert "store" in wrong(found)


def test_a_broken_plugin_named_on_the_spot_stops_nothing(
    run_bench: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    (tmp_path / "broken.py").write_text("import no_such_module\n")
    code, found = findings(run_bench, "--plugin", tmp_path / "broken.py")
    assert (code, wrong(found)) == (1, ["broken (file)"])
    assert any(each["name"] == "svhn-h5" for each in found)


def test_findings_in_csv_are_a_row_each(run_bench: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    lines = run_bench("doctor", "--csv").out.splitlines()
    assert lines[0] == "section,name,value,is_wrong,remedy"
    assert lines[1].startswith("versions,digitbench,")
