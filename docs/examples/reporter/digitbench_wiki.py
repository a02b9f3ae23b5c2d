"""A leaderboard as a table for a wiki: a whole reporter."""

from bench import ReporterSpec, hookimpl


def write(views, path):
    """Write the rows of every board, one a line."""
    lines = [
        f"|| {row['rank']} || {row['model']} || {row['accuracy']} ||"
        for row in views["leaderboard"].records
    ]
    path.write_text("\n".join(lines), encoding="utf-8")


@hookimpl
def bench_register_reporters(register):
    """Register the format."""
    register(ReporterSpec(name="wiki", summary="a table for a wiki", write=write))
