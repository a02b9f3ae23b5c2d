"""Make docs/*.svg from what a command really prints on a colour terminal.

``.venv/bin/python script/screenshot.py docs/leaderboard.svg bench show leaderboard -d digits-uci``

with the store of a run of everything in ``BENCH_STORE``.
"""

import os
import pty
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.terminal_theme import SVG_EXPORT_THEME
from rich.text import Text

COLUMNS: Final = 104
FONTS: Final = "ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono', monospace"


def terminal_output(command: list[str]) -> str:
    """Return what `command` writes to a terminal of `COLUMNS` columns."""
    ours, theirs = pty.openpty()
    env = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    env |= {"COLUMNS": str(COLUMNS), "LINES": "60", "TERM": "xterm-256color", "BENCH_PROG": "bench"}
    process = subprocess.Popen(command, stdout=theirs, stderr=subprocess.STDOUT, env=env)
    os.close(theirs)
    blocks = []
    try:
        while block := os.read(ours, 1 << 16):
            blocks.append(block)
    except OSError:
        pass  # how Linux says that the other end is closed
    os.close(ours)
    if process.wait():
        sys.exit(f"{command[0]} ended with {process.returncode}")
    return b"".join(blocks).decode().replace("\r\n", "\n")


def main() -> None:
    """Write the picture."""
    target, *command = sys.argv[1:]
    own = Path(sys.executable).parent / command[0]
    shown = terminal_output([str(own) if own.exists() else command[0], *command[1:]])
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        console = Console(record=True, width=COLUMNS, file=nowhere, force_terminal=True)
        console.print(Text.from_ansi(f"\x1b[1m$ {' '.join(command)}\x1b[0m\n{shown.rstrip()}"))
    svg = console.export_svg(title="digitbench", theme=SVG_EXPORT_THEME, unique_id="digitbench")
    # Rich names a font on a server; a picture in a README may load nothing.
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r"font-family: (Fira Code|arial)[^;]*;", f"font-family: {FONTS};", svg)
    Path(target).write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    main()
