"""Whatever is done to a data file: one line or a result, soon, in little memory, only there."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

pytestmark = [
    pytest.mark.simulation,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes of their own"),
]

Commands = list[list[str]]


class Sound(NamedTuple):
    """Folders of sound files, and of each the commands that read each file."""

    folder: Path
    kinds: list[dict[str, Commands]]

    def copy(self, which: int, to: Path) -> None:
        shutil.copytree(self.folder / f"{which}", to)


def placed(command: list[str], place: Path) -> list[str]:
    return [word.replace("{place}", str(place)) for word in command]


@pytest.fixture(scope="module")
def sound(zygote: Any, tmp_path_factory: pytest.TempPathFactory) -> Sound:
    """Write the files, and start what tries fork from, with all imported that reads them."""
    folder = tmp_path_factory.mktemp("sound")
    program = Path(__file__).with_name("sound.py")
    made = subprocess.run(
        [sys.executable, "-P", str(program), str(folder)], capture_output=True, check=True
    )
    sound = Sound(folder, json.loads(made.stdout))
    warm = tmp_path_factory.mktemp("warm")
    commands: Commands = [["doctor", "--json"], ["list", "models"]]
    for which, kind in enumerate(sound.kinds):
        sound.copy(which, warm / f"{which}")
        firsts = {Path(name).suffix: found[0] for name, found in kind.items()}
        firsts.pop(".parquet", None)  # Arrow starts threads, which no fork would have
        commands += [placed(each, warm / f"{which}") for each in firsts.values()]
    zygote.start(warm, commands)
    return sound


def test_a_spoilt_data_file_is_one_line_or_a_result(
    tmp_path: Path, sound: Sound, fuzz: Any
) -> None:
    for number, draw in fuzz.tries(2, 0.4):
        work = tmp_path / f"try{number}"
        which = int(draw.integers(0, len(sound.kinds)))
        sound.copy(which, work)
        names = sorted(sound.kinds[which])
        name = names[int(draw.integers(0, len(names)))]
        commands = sound.kinds[which][name]
        spoilt = fuzz.spoil(work / name, draw)
        if work.is_symlink():  # the folder that all lies in
            work.unlink()
            continue
        command = placed(commands[int(draw.integers(0, len(commands)))], work)
        told = f"try {number}: {name}: {spoilt.words}"
        fuzz.check(told, command, work, follows=spoilt.is_link)
        shutil.rmtree(work)
