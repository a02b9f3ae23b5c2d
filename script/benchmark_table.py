"""Print the rows of a benchmark run beside what they must reach, with the machine's description."""

import json
import sys
from pathlib import Path
from typing import Any

from bench.execution.machine import machine_facts
from bench.render.console import make_console

_FORMATS = {
    "ratio": "{:.3f}×",
    "×": "{:.4f}×",
    "s": "{:.2f} s",
    "GiB": "{:.2f} GiB",
    "points": "{:+.2f} points",
}


def main(path: Path) -> None:
    """Print the table of the measurements in `path`."""
    from rich.table import Table

    measured = json.loads(path.read_text(encoding="utf-8"))
    rows = [row for each in measured["benchmarks"] for row in each["extra_info"].get("rows", [])]
    table = Table("what", "against", "measured", "at most", "", "note", box=None, pad_edge=False)
    for row in rows:
        table.add_row(
            row["what"],
            row["against"],
            _FORMATS[row["unit"]].format(row["value"]),
            _FORMATS[row["unit"]].format(row["limit"]),
            "✓" if row["value"] <= row["limit"] else "✗",
            row["note"],
        )
    console = make_console(width=max(160, make_console().width))
    console.print(_describe_machine())
    if any(row["quick"] for row in rows):
        console.print("A quick run (a tenth of the images, once): figures not to be quoted.")
    console.print(table)
    reached = sum(row["value"] <= row["limit"] for row in rows)
    console.print(f"{reached} of {len(rows)} reached")


def _describe_machine() -> str:
    facts: Any = machine_facts()
    memory = f"{facts.memory_bytes / 2**30:.0f} GiB"
    cores = "1 core" if facts.cores == 1 else f"{facts.cores} cores"
    accelerator = facts.accelerator or "no GPU"
    parts = [facts.processor, cores, memory, accelerator, facts.system, f"Python {facts.python}"]
    return " · ".join(parts)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
