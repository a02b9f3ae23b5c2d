"""The report as one HTML file: what views computed, laid out by templates that compute nothing."""

import base64
import hashlib
import re
import unicodedata
from importlib.resources import files
from typing import Any, Final

from markupsafe import Markup

from bench.render.console import clean
from bench.report import closing, drawing, people
from bench.report.content import Content
from bench.report.files import MARK
from bench.report.numbers import pack
from bench.report.shown import Settings, Shown
from bench.store.fields import FIELDS, format_value
from bench.store.formats import points, share

__all__ = ["Settings", "render", "render_page"]

_TEMPLATES: Final = "templates"


def render_page(content: Content, settings: Settings | None = None, *, classifier: str = "") -> str:
    """Return the whole page of a report.

    Parameters
    ----------
    classifier : str
        What `browser_classifier` gives, for a page on which a digit can be drawn; empty for none.
    """
    page = Shown(content=content, settings=settings or Settings())
    # The numbers come first: they ask for the pictures that the script shows.
    text = render(
        "page.html",
        page=page,
        content=content,
        numbers=pack(content, page.picture_place),
        classifier=classifier,
    )
    # The sprite is known once all that is shown has been asked for.
    pictures = page.sprite.definition() + page.photos.definition()
    return text.replace(_SPRITE, str(pictures))


def render(template: str, **told: Any) -> str:
    """Return a page of one template, with the style, the script and the words all share."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    environment = Environment(
        loader=FunctionLoader(_asset),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_as_text,
    )
    environment.filters |= {
        "field": lambda value, name, digits=None: format_value(name, value, digits=digits),
        "share": share,
        "points": points,
        "lines": lambda text: Markup("\n").join(clean(line) for line in text.splitlines()),
    }
    style, script = _lean(_asset("report.css")), _lean(_asset("report.js"))
    pen = _lean(_asset("draw.js")) if told.setdefault("classifier", "") else ""
    text = environment.get_template(template).render(
        told
        | {
            "style": Markup(style),
            "script": Markup(script),
            "pen": Markup(pen),
            "policy": _policy(style, *filter(None, (script, pen))),
            "mark": Markup(MARK),
            "sprite_mark": Markup(_SPRITE),
            "fields": FIELDS,
            "draw": drawing,
            "closing": closing,
            "people": people,
        }
    )
    return _NO_TEXT.sub("", text)


_SPRITE: Final = "<!--sprite-->"
_NO_TEXT: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufdd0-\ufdef\ufffe\uffff]")


def _as_text(value: object) -> object:
    """Return what is written: of a text from outside nothing that turns writing round.

    Blanks at its ends stay: a sentence may be written in parts.
    """
    if type(value) is not str or not any(unicodedata.category(c)[0] == "C" for c in value):
        return value
    return " " * value.startswith(" ") + clean(value) + " " * value.endswith(" ")


def _asset(name: str) -> str:
    return files("bench.report").joinpath(_TEMPLATES, name).read_text("utf-8")


def _lean(text: str) -> str:
    """Return a style sheet or a script without its indentation and the comments of whole lines."""
    lines = (line.strip() for line in text.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))


def _policy(style: str, *scripts: str) -> str:
    """Return a content-security policy that allows this page's own style and scripts alone."""

    def hashed(text: str) -> str:
        return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"

    allowed = " ".join(map(hashed, scripts))
    return (
        f"default-src 'none'; style-src {hashed(style)}; script-src {allowed}; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )
