"""``bench publish``: a static site of a store's boards."""

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.arguments import ModelsOption, StoreOption, TestDatasetsOption

__all__ = ["app"]

app = typer.Typer(rich_markup_mode=None)


@app.command()
def publish(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where the site is written.")],
    force: Annotated[
        bool, typer.Option("--force", help="Write beside other files that lie there.")
    ] = False,
    reruns: Annotated[
        list[Path] | None,
        typer.Option(
            "--reruns",
            metavar="FILE",
            help="Say which trials were trained again here: what bench results verify --rerun N "
            "--json printed. May be repeated.",
        ),
    ] = None,
    datasets: TestDatasetsOption = None,
    models: ModelsOption = None,
    store: StoreOption = None,
) -> None:
    """Write a static site of a store's boards, for any web host.

    A page a board and a model. Own folders are never on it, and pictures only of datasets whose
    licence allows it. Written again, only what changed is touched.

    For example:
      bench publish site/
      bench publish site/ --reruns reruns.json
    """
    from bench.board.boards import Boards, open_store
    from bench.render.notices import tell_once
    from bench.report.classifier import browser_classifier
    from bench.report.site import publish as write_site
    from bench.report.trust import read_reruns
    from bench.session import open_session
    from bench.store.damage import damage_words, without_damaged

    again = read_reruns(reruns or [])
    plugins = open_session().plugins
    pictured = {n for n, spec in plugins.datasets.items() if spec.images_may_be_published}
    classifier = browser_classifier(plugins.models)
    boards = Boards(store=open_store(store), datasets=datasets or [], models=models or [])
    done = without_damaged(
        lambda: write_site(
            boards,
            folder,
            pictured=pictured,
            classifier=classifier,
            reruns=again,
            replaces=force,
        )
    )
    tell_once(damage_words())
    pages = len(done.written)
    print(f"wrote {pages} page{'s' * (pages != 1)} to {folder}, {done.unchanged} unchanged")
    for name in done.removed:
        print(f"removed {name}: it is no longer in the store")
    for name in done.left_out:
        print(f"left out: {name}, an own folder")
