"""``bench report``: results as a page, as text for a paper, as figures."""

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.arguments import ExcludeOption, ModelsOption, StoreOption, TestDatasetsOption

__all__ = ["app"]

app = typer.Typer(rich_markup_mode=None)


@app.command()
def report(
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE", help="One page that opens without a network."),
    ] = None,
    markdown: Annotated[
        Path | None,
        typer.Option("--md", metavar="FILE", help="Boards for a README; - prints them."),
    ] = None,
    latex: Annotated[
        Path | None,
        typer.Option("--latex", metavar="FILE", help="Boards for a paper (booktabs); - prints."),
    ] = None,
    figures: Annotated[
        Path | None,
        typer.Option("--figures", metavar="DIR", help="Figures as SVG, PNG and PDF."),
    ] = None,
    formats: Annotated[
        list[str] | None,
        typer.Option("--format", metavar="NAME=PATH", help="What a plugin's reporter writes."),
    ] = None,
    anonymous: Annotated[
        bool,
        typer.Option("--anonymous", help="Persons are numbered, IDs masked, own photos left out."),
    ] = False,
    draw: Annotated[
        bool, typer.Option("--draw", help="A box on the page to draw a digit in, read at once.")
    ] = False,
    opens: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace files that exist.")] = False,
    datasets: TestDatasetsOption = None,
    models: ModelsOption = None,
    exclude_duplicates: ExcludeOption = False,
    store: StoreOption = None,
) -> None:
    """Write the results as one HTML file, Markdown, LaTeX or figures.

    Without a format it writes the page, report.html: to open, print, send or put on the web.

    For example:
      bench report --html report.html --open
      bench report --md results.md --latex results.tex --figures figures/
    """
    from bench.cli.report_files import Wanted, write_reports

    nothing = not (html or markdown or latex or figures or formats)
    write_reports(
        Wanted(
            html=Path("report.html") if nothing or ((opens or draw) and html is None) else html,
            markdown=markdown,
            latex=latex,
            figures=figures,
            formats=tuple(formats or ()),
            is_anonymous=anonymous,
            has_box=draw,
            opens=opens,
            has_force=force,
        ),
        store,
        datasets=datasets or [],
        models=models or [],
        exclude_duplicates=exclude_duplicates,
    )
