"""Which files ``bench report`` writes, and how: nothing half-written, nothing replaced unasked."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.errors import BenchError, OptionError
from bench.render.hints import as_typed
from bench.store.formats import size

__all__ = ["Wanted", "write_reports"]

_STDOUT = Path("-")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be written where."""

    html: Path | None = None
    markdown: Path | None = None
    latex: Path | None = None
    figures: Path | None = None
    formats: tuple[str, ...] = ()
    is_anonymous: bool = False
    has_box: bool = False
    """A digit can be drawn on the page."""
    opens: bool = False
    has_force: bool = False

    @property
    def files(self) -> list[Path]:
        """The files that are written whole."""
        named = (self.html, self.markdown, self.latex, *(path for _, path in self.formatted))
        return [path for path in named if path is not None and path != _STDOUT]

    @property
    def formatted(self) -> list[tuple[str, Path]]:
        """The reporters asked for, each with its place.

        Raises
        ------
        OptionError
            If one is not NAME=PATH.
        """
        found = []
        for text in self.formats:
            name, equals, path = text.partition("=")
            if not (name and equals and path):
                raise OptionError(f"--format {text}", why="it is NAME=PATH")
            found.append((name, Path(path).expanduser()))
        return found


def write_reports(
    wanted: Wanted,
    store: Path | None,
    *,
    datasets: Sequence[str],
    models: Sequence[str],
    exclude_duplicates: bool,
) -> None:
    """Compute once, write each format, and say where it lies.

    Raises
    ------
    BenchError
        If the store holds nothing that fits, a file is there already, or one cannot be written.
    """
    from bench.board.boards import Boards, open_store
    from bench.render.notices import tell_once
    from bench.report.content import collect
    from bench.session import open_session
    from bench.store.damage import damage_words, without_damaged

    if wanted.html == _STDOUT:
        raise OptionError("--html -", why="a page needs a file", fix="name one: report.html")
    for path in wanted.files:
        if path.exists() and not wanted.has_force:
            raise BenchError(f"{path} exists already", fix="name another, or replace it: --force")
    plugins = open_session().plugins
    known = plugins.reporters
    reporters = {name: _reporter(known, name) for name, _ in wanted.formatted}
    boards = Boards(
        store=open_store(store),
        datasets=datasets,
        models=models,
        exclude_duplicates=exclude_duplicates,
    )
    content = without_damaged(lambda: collect(boards))
    tell_once(damage_words())
    if wanted.html is not None:
        from bench.report.classifier import browser_classifier
        from bench.report.page import Settings, render_page

        settings = Settings(is_anonymous=wanted.is_anonymous)
        classifier = browser_classifier(plugins.models) if wanted.has_box else ""
        if wanted.has_box and not classifier:
            raise BenchError("--draw", why="no installed model ships a classifier for pages")
        _write(wanted.html, render_page(content, settings, classifier=classifier))
    if wanted.markdown is not None:
        from bench.report.tables import as_markdown

        _write(wanted.markdown, as_markdown(content))
    if wanted.latex is not None:
        from bench.report.tables import as_latex

        _write(wanted.latex, as_latex(content))
    if wanted.figures is not None:
        from bench.report.figures import write_figures

        written = write_figures(content, wanted.figures, replaces=wanted.has_force)
        print(f"wrote {len(written)} files of figures to {wanted.figures}")
    for name, path in wanted.formatted:
        from bench.report.reporters import run_reporter

        run_reporter(reporters[name], boards, path)
        print(f"wrote {path}")
    if wanted.opens and wanted.html is not None:
        import webbrowser

        webbrowser.open(wanted.html.resolve().as_uri())


def _reporter(known: Any, name: str) -> Any:
    if name not in known:
        listed = ", ".join(sorted(known)) or "none is installed"
        raise OptionError(
            f"no reporter '{name}'", why=listed, fix=as_typed("see bench list plugins")
        )
    return known[name]


def _write(path: Path, text: str) -> None:
    """Write a text and say so; ``-`` prints it."""
    from bench.report.files import write_text

    if path == _STDOUT:
        print(text, end="")
        return
    write_text(path, text)
    print(f"wrote {path} ({size(len(text.encode()))})")
