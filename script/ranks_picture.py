"""Make docs/reference/ranks.svg: a board of the reference run, its accuracies and its ranks.

``.venv/bin/python script/ranks_picture.py``
"""

from pathlib import Path
from xml.sax.saxutils import escape

from bench.board.leaderboard import leaderboards
from bench.board.rows import Row
from bench.store.layout import Store

ROOT = Path(__file__).resolve().parent.parent
WIDTH, LEFT, RIGHT, ROW, TOP = 860, 170, 560, 30, 62
STYLE = (
    "text{font:14px system-ui,sans-serif;fill:#57606a}.name{fill:#1f6feb}"
    ".bar{stroke:#8c959f;stroke-width:2}.dot{fill:#1f6feb}.cell{fill:#d0d7de}.in{fill:#1f6feb}"
)


def _line(row: Row, y: float, n_rows: int) -> list[str]:
    accuracy, low, high = row.accuracy or 0.0, row.accuracy_low or 0.0, row.accuracy_high or 0.0
    x = [LEFT + value * (RIGHT - LEFT) for value in (low, accuracy, high)]
    step = (WIDTH - RIGHT - 90) / n_rows
    parts = [
        f'<text class="name" x="8" y="{y + 5}">{escape(row.label)}</text>',
        f'<line class="bar" x1="{x[0]:.1f}" x2="{x[2]:.1f}" y1="{y}" y2="{y}"/>',
        f'<circle class="dot" cx="{x[1]:.1f}" cy="{y}" r="5"/>',
    ]
    for place in range(1, n_rows + 1):
        is_in = (row.rank_low or 0) <= place <= (row.rank_high or 0)
        left = RIGHT + 30 + (place - 1) * step
        parts.append(
            f'<rect class="{"in" if is_in else "cell"}" x="{left:.1f}" y="{y - 9}" '
            f'width="{step - 3:.1f}" height="18" rx="3"/>'
        )
    parts.append(f'<text x="{WIDTH - 48}" y="{y + 5}">{row.rank}</text>')
    return parts


def main(name: str = "svhn-h5") -> None:
    """Write the picture."""
    (board,) = leaderboards(Store(ROOT / "results" / "reference"), test_datasets=[name])
    rows = [row for row in board.rows if row.rank]
    height = TOP + ROW * len(rows)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
        f"<title>Ranks on {escape(name)}</title><style>{STYLE}</style>",
        f'<text x="8" y="24">{escape(name)}, {board.n_test:,} images, 3 seeds</text>',
        f'<text x="{LEFT}" y="24">accuracy, 0 to 1, with its 95 % interval</text>',
        f'<text x="{RIGHT + 30}" y="24">places it may hold, 1 to {len(rows)}</text>',
    ]
    for number, row in enumerate(rows):
        parts += _line(row, TOP - 8 + ROW * number, len(rows))
    target = ROOT / "docs" / "reference" / "ranks.svg"
    target.write_text("\n".join([*parts, "</svg>"]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
