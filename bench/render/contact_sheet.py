"""A contact sheet: each original beside what the models see, with the findings; one HTML file."""

import base64
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from bench.images.audit import Measure
    from bench.spec import Finding

__all__ = ["Card", "contact_sheet"]

_THUMBNAIL_SIDE: Final = 224
_MODEL_SIDE: Final = 112
_STEPS: Final = {"model": "what the models see"}

Picture = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One sample on the sheet.

    Parameters
    ----------
    name : str
        The file, relative to its folder; any text, it is escaped.
    seen : ndarray of shape (height, width), uint8
        What the models see.
    original : ndarray of shape (height, width) or (height, width, 3), uint8, or None
        The photo.
    label, person : str
        Empty where unknown.
    steps : mapping of str to ndarray of shape (height, width), uint8
        The pictures in between, shown when asked for.
    findings : tuple of Finding
    """

    name: str
    seen: Picture
    original: Picture | None = None
    label: str = ""
    person: str = ""
    steps: Mapping[str, Picture] = field(default_factory=dict)
    findings: "tuple[Finding, ...]" = ()


def contact_sheet(
    title: str,
    cards: "Iterable[Card]",
    *,
    notes: "Sequence[str]" = (),
    audit: "Sequence[Measure]" = (),
    folder_findings: "Sequence[Finding]" = (),
) -> str:
    """Return a self-contained HTML page; every name and text in it is escaped.

    Parameters
    ----------
    title : str
        The dataset's name.
    cards : iterable of Card
        Read once, so that a generator keeps one photo in memory at a time.
    notes : sequence of str
        What a person should know of the folder: the layout rule, a leading zero put back.
    audit : sequence of Measure
        The folder beside the training images.
    folder_findings : sequence of Finding
        Findings that belong to no card: a label for a missing file, a file that is no picture.
    """
    from jinja2 import Environment, PackageLoader

    environment = Environment(loader=PackageLoader("bench.render"), autoescape=True)
    shown = [_shown(card) for card in cards]
    found = [*(f for card in shown for f in card["findings"]), *folder_findings]
    counts = Counter(finding.code for finding in found)
    first = {finding.code: finding for finding in reversed(found)}
    return environment.get_template("contact_sheet.html").render(
        title=title,
        cards=shown,
        notes=notes,
        audit=audit,
        folder_findings=folder_findings,
        counts=[
            (first[code], n) for code, n in sorted(counts.items(), key=lambda x: (-x[1], x[0]))
        ],
        n_found=sum(bool(card["findings"]) for card in shown),
    )


def _shown(card: Card) -> dict[str, Any]:
    return {
        "name": card.name,
        "label": card.label,
        "person": card.person,
        "findings": card.findings,
        "original": "" if card.original is None else _as_uri(card.original, _THUMBNAIL_SIDE),
        "seen": _as_uri(card.seen, _MODEL_SIDE),
        "steps": [
            (_STEPS.get(name, name), _as_uri(step, _MODEL_SIDE))
            for name, step in card.steps.items()
        ],
    }


def _as_uri(picture: Picture, side: int) -> str:
    """Return a picture as a data address; small ones as PNG at their size, photos as small JPEG."""
    from PIL import Image

    image = Image.fromarray(picture)
    is_small = max(image.size) <= side
    image.thumbnail((side, side))
    held = io.BytesIO()
    if is_small:
        image.save(held, "PNG", optimize=True)
    else:
        image.save(held, "JPEG", quality=80)
    kind = "png" if is_small else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(held.getvalue()).decode('ascii')}"
