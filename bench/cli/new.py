"""``bench new``: a model or dataset plugin to start from."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["app"]

app = typer.Typer(rich_markup_mode=None, no_args_is_help=True)

NameArgument = Annotated[str, typer.Argument(help="Its name: small letters, digits and hyphens.")]
PackageOption = Annotated[
    bool,
    typer.Option("--package", help="An installable package with entry point, tests and CI."),
]
ForceOption = Annotated[bool, typer.Option("--force", help="Overwrite files that are there.")]


@app.callback()
def _new() -> None:
    """Write a model or dataset plugin to start from: it works and passes ``bench check``.

    The file is added to ``bench.toml``. AUTHORING.md beside it says in one page what is promised.

    For example:
      bench new model my-knn
      bench new dataset my-digits --package
    """


@app.command()
def model(
    name: NameArgument,
    sklearn: Annotated[
        bool, typer.Option("--sklearn", help="An estimator of scikit-learn; so it is without any.")
    ] = False,
    keras: Annotated[bool, typer.Option("--keras", help="A Keras network.")] = False,
    torch: Annotated[bool, typer.Option("--torch", help="A torch module.")] = False,
    function: Annotated[
        bool, typer.Option("--function", help="Functions of images in numpy, without an engine.")
    ] = False,
    package: PackageOption = False,
    force: ForceOption = False,
) -> None:
    """Write a model.

    For example:
      bench new model my-knn
      bench new model my-network --keras --package
    """
    from bench.errors import BenchError

    asked = {"sklearn": sklearn, "keras": keras, "torch": torch, "function": function}
    engines = [engine for engine, is_asked in asked.items() if is_asked]
    if len(engines) > 1:
        raise BenchError(f"--{engines[0]} --{engines[1]}", why="a model is made with one of them")
    _write("model", name, engines[0] if engines else "sklearn", package, force)


@app.command()
def dataset(name: NameArgument, package: PackageOption = False, force: ForceOption = False) -> None:
    """Write a dataset.

    For example:
      bench new dataset my-digits
    """
    _write("dataset", name, "", package, force)


def _write(kind: str, name: str, engine: str, package: bool, force: bool) -> None:
    from bench import __version__
    from bench.config import CONFIG_NAME, find_config, read_config
    from bench.errors import BenchError
    from bench.plugins.discovery import load_plugins
    from bench.plugins.starting import Start, check_name, files_of, with_plugin
    from bench.render.hints import prog
    from bench.store.atomic import write_bytes

    folder = Path.cwd()
    path = find_config() or folder / CONFIG_NAME
    config = read_config(path if path.is_file() else None)
    start = Start(
        kind="model" if kind == "model" else "dataset",
        name=name,
        engine=engine,
        is_package=package,
        version=__version__,
    )
    plugins = load_plugins(config.plugins, config.disable, config.prefer)
    own = str(folder / (f"{name}/{start.file}" if package else start.file))
    check_name(name, {n: h.where for n, h in plugins.homes.items() if h.file != own}, folder)
    files = files_of(start)
    there = [each for each in files if (folder / each).exists() or (folder / each).is_symlink()]
    # Of several plugins in one folder the page is the same but for the names in it.
    kept = [] if force else [each for each in there if each == "AUTHORING.md"]
    if not force and set(there) - set(kept):
        raise BenchError(
            f"{min(set(there) - set(kept))} is there already", fix="--force overwrites it"
        )
    if not package:
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
        relative = Path(own).relative_to(path.parent.resolve()).as_posix()
        files[CONFIG_NAME] = with_plugin(text, relative)
    for each, text in files.items():
        if each in kept:
            continue
        place = path if each == CONFIG_NAME else folder / each
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            write_bytes(place, text.encode())
        except OSError as error:
            raise BenchError(f"{each}", why=f"cannot be written: {error.strerror}") from error
    written = [each for each in files if each not in kept]
    print(f"Written: {', '.join(written)}")
    if package:
        print(f"Next: cd {name} · pip install -e '.[test]' · {prog()} check {start.file}")
    else:
        run = "-m {} -d digits-uci" if kind == "model" else "-m mlp -d {}"
        print(f"Next: {prog()} check {start.file} · {prog()} run {run.format(name)}")
