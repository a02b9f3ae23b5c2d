"""The example package adds a format as anybody's would: installed, found, run."""

import os
import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "reporter"


def test_an_installed_package_adds_a_report_format(sample_store: Path, tmp_path: Path) -> None:
    place = tmp_path / "installed"
    words = ["install", "-q", "--no-deps", "--no-build-isolation", "--no-index", "--target"]
    command = [sys.executable, "-m", "pip", *words, str(place), str(EXAMPLE)]
    subprocess.run(command, check=True, cwd=tmp_path, capture_output=True)
    report = ["report", "--store", str(sample_store), "--format", "wiki=table.txt"]
    ended = subprocess.run(
        [sys.executable, "-m", "bench", *report],
        env={**os.environ, "PYTHONPATH": str(place)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    lines = (tmp_path / "table.txt").read_text().splitlines()
    assert len(lines) > 5
    assert all(line.startswith("|| ") for line in lines)
