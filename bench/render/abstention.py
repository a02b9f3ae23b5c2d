"""What abstaining below a confidence leaves, in one line."""

from rich.text import Text

from bench.scoring.abstention import Abstention
from bench.store.formats import share

__all__ = ["abstention_line"]


def abstention_line(found: Abstention | str, threshold: float) -> Text:
    """Return what abstaining below a threshold leaves, or why that cannot be said."""
    head = f"Abstaining below {share(threshold, 2)}: "
    if isinstance(found, str):
        return Text(f"{head}–, {found}")
    if found.accuracy is None or found.interval is None:
        return Text(f"{head}nothing is answered")
    ends = f"[{share(found.interval.low)}, {share(found.interval.high)}]"
    return Text(
        f"{head}{share(found.coverage)} of the images are answered, "
        f"{share(found.accuracy)} {ends} of those rightly"
    )
