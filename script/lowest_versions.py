"""Prints the lowest version that pyproject.toml allows of each requirement, as pip constraints."""

import re
import sys
import tomllib
from pathlib import Path

PROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8"))


def main() -> None:
    """Print them, a line each."""
    for requirement in PROJECT["project"]["dependencies"]:
        found = re.match(r"([A-Za-z0-9._-]+)>=([0-9.]+)", requirement)
        if found is None:
            raise SystemExit(f"{requirement!r} names no lowest version")
        sys.stdout.write(f"{found[1]}=={found[2]}\n")


if __name__ == "__main__":
    main()
