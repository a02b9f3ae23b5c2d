"""``bench run``: train and evaluate what is missing, live, then show the leaderboard."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from bench.cli.arguments import (
    AbstainOption,
    ClassesOption,
    DataDirOption,
    ExcludeOption,
    LabelPatternOption,
    LabelsOption,
    LevelsOption,
    PluginOption,
    StoreOption,
    TableOption,
    complete_datasets,
    complete_models,
    folder_options,
    parse_duration,
    parse_jobs,
    parse_seeds,
    parse_shape,
    parse_size,
    parse_sizes,
)
from bench.errors import BenchError
from bench.render.hints import prog

__all__ = ["app"]

app = typer.Typer(rich_markup_mode=None)
_MODEL_HELP = "A name or a glob ('cnn-*'); may be repeated."
_DATASET_HELP = (
    "A name, a glob, NAME=PATH for a file, or your own folder, to train on it; repeatable."
)
_FOLDER_HELP = "A folder of your own digits, read by every trial; may be repeated."
_SET_HELP = "An option of a model or dataset; may be repeated."


@app.command()
def run(
    everything: Annotated[bool, typer.Option("--all", help="All models and datasets.")] = False,
    models: Annotated[
        list[str] | None,
        typer.Option(
            "--model", "-m", metavar="NAME", help=_MODEL_HELP, autocompletion=complete_models
        ),
    ] = None,
    datasets: Annotated[
        list[str] | None,
        typer.Option(
            "--dataset",
            "-d",
            metavar="NAME[=PATH]",
            help=_DATASET_HELP,
            autocompletion=complete_datasets,
        ),
    ] = None,
    model_files: Annotated[
        list[str] | None,
        typer.Option(
            "--model-file",
            metavar="[NAME=]FILE",
            help="A trained model, .onnx, .keras, .tflite or .skops, to be read only; repeatable.",
        ),
    ] = None,
    input_scale: Annotated[
        str,
        typer.Option(metavar="0..1|0..255|-1..1", help="Of model files: black and white."),
    ] = "",
    input_layout: Annotated[
        str,
        typer.Option(metavar="nhwc|nchw|nhw|flat", help="Of model files: the order of axes."),
    ] = "",
    input_shape: Annotated[
        str,
        typer.Option(metavar="HxW[xC]", help="Of model files that are fed rows of numbers."),
    ] = "",
    output_classes: Annotated[
        str, typer.Option(metavar="A,B,…", help="Of model files: the classes of their columns.")
    ] = "",
    folders: Annotated[
        list[str] | None, typer.Option("--folder", metavar="[NAME=]DIR", help=_FOLDER_HELP)
    ] = None,
    classes: ClassesOption = "",
    label_pattern: LabelPatternOption = "",
    labels: LabelsOption = "",
    levels: LevelsOption = "",
    table: TableOption = "",
    seeds: Annotated[str, typer.Option(metavar="1,2,3", help="These seeds.")] = "",
    repeats: Annotated[
        int, typer.Option(min=1, max=1000, metavar="N", help="Seeds 42, 43, … N of them.")
    ] = 1,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME.OPTION=VALUE", help=_SET_HELP)
    ] = None,
    budget: Annotated[
        Literal["full", "quick", "smoke"],
        typer.Option(help="How many epochs and images to train on."),
    ] = "full",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the plan and how long it takes; run nothing.")
    ] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Train again what the store holds already.")
    ] = False,
    cross: Annotated[
        bool, typer.Option("--cross", help="Evaluate on every other dataset's test split too.")
    ] = False,
    track_test: Annotated[
        bool, typer.Option("--track-test", help="Record test accuracy after each epoch.")
    ] = False,
    quantize: Annotated[
        Literal["none", "int8"],
        typer.Option(help="Add the 8-bit variant of each network as a row of its own."),
    ] = "none",
    corruptions: Annotated[
        str,
        typer.Option(
            metavar="all|NAMES",
            help="Test on corrupted images too; mnist-c: those of MNIST-C's own files.",
        ),
    ] = "",
    fine_tune: Annotated[
        str,
        typer.Option(
            "--fine-tune",
            metavar="[NAME=]DIR",
            help="Go on from the trained networks on this folder, in folds by person.",
        ),
    ] = "",
    train_sizes: Annotated[
        str, typer.Option(metavar="100,1000,…", help="A trial for each number of training images.")
    ] = "",
    precision: Annotated[
        Literal["auto", "float32", "bfloat16"], typer.Option(help="Of the arithmetic.")
    ] = "auto",
    jobs: Annotated[
        str,
        typer.Option(
            "--jobs",
            "-j",
            metavar="N|auto",
            help="Trials at the same time; else one, on embedded data one a core.",
            show_default=False,
        ),
    ] = "",
    timeout: Annotated[
        str, typer.Option(metavar="90s|30m|2h", help="Stop a trial after so long.")
    ] = "",
    max_memory: Annotated[
        str, typer.Option(metavar="4GB", help="Stop a trial that uses more.")
    ] = "",
    retries: Annotated[
        int,
        typer.Option(min=0, max=100, metavar="N", help="Retry a crash or a full memory so often."),
    ] = 0,
    shard: Annotated[
        str,
        typer.Option(metavar="I/N", help="Only share I of N of the trials, as batch arrays need."),
    ] = "",
    backend: Annotated[
        Literal["local", "dask"],
        typer.Option(help="What trains: this machine's processes, or a Dask cluster."),
    ] = "local",
    scheduler: Annotated[
        str,
        typer.Option(metavar="ADDRESS", help="A Dask scheduler; without it, a cluster of its own."),
    ] = "",
    allow_versions: Annotated[
        bool,
        typer.Option("--allow-versions", help="Use workers whose libraries have other versions."),
    ] = False,
    worker_walltime: Annotated[
        str,
        typer.Option(metavar="2h", help="A worker lives so long; its trials go on on the next."),
    ] = "",
    tls: Annotated[
        tuple[str, str, str] | None,
        typer.Option(
            metavar="CA CERT KEY", help="Files to speak to the scheduler with, encrypted."
        ),
    ] = None,
    no_isolation: Annotated[
        bool, typer.Option("--no-isolation", help="Train in this process, for debuggers.")
    ] = False,
    reports: Annotated[
        Literal["all", "best", "none"], typer.Option(help="Per-class tables after the run.")
    ] = "best",
    abstain_below: AbstainOption = 0.0,
    exclude_duplicates: ExcludeOption = False,
    all_rows: Annotated[
        bool, typer.Option("--all-rows", help="Every row, not only the best 30.")
    ] = False,
    log_format: Annotated[
        Literal["text", "json"],
        typer.Option(help="json: a line an event, the leaderboard in the last."),
    ] = "text",
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE", help="Also write bench report's page at the end."),
    ] = None,
    store: StoreOption = None,
    data_dir: DataDirOption = None,
    plugins: PluginOption = None,
) -> None:
    """Train and evaluate what is missing, then show the leaderboard.

    What the store holds already is not run again; Ctrl-C is safe. A run without --dataset trains on
    every dataset that is there.

    For example:
      bench run --all
      bench run -m 'cnn-*' -d mnist --repeats 3
      bench run --all -d mnist-csv=~/Downloads/train.csv --folder my_ids/
      bench run --model-file my.onnx --input-scale 0..1 --folder my_ids/
    """
    if not (everything or models or datasets or folders or model_files):
        raise BenchError(
            "nothing selected", fix=f"try {prog()} run --all, or name some with -m, -d"
        )
    if "image-folder" in (datasets or ()):
        raise BenchError(
            "-d image-folder", why="an own folder is named by its path", fix="use --folder DIR"
        )
    if backend == "local" and (scheduler or tls or worker_walltime or allow_versions):
        named = "--scheduler" if scheduler else "what says how a cluster is used"
        raise BenchError(named, why="this run uses no cluster", fix="add --backend dask")
    if backend == "dask" and no_isolation:
        raise BenchError("--no-isolation", why="trials of a cluster are always isolated")
    asked: dict[str, Any] = {
        "models": ("*",) if everything and model_files and not models else tuple(models or ()),
        "model_files": tuple(model_files or ()),
        "input_scale": input_scale,
        "input_layout": input_layout,
        "input_shape": parse_shape(input_shape, "--input-shape") if input_shape else (),
        "output_classes": tuple(name.strip() for name in output_classes.split(",") if name.strip()),
        "datasets": tuple(datasets or ()),
        "folders": tuple(folders or ()),
        "folder_options": folder_options(
            classes=classes, label_pattern=label_pattern, labels=labels, levels=levels, table=table
        ),
        "seeds": parse_seeds(seeds, repeats),
        "settings": tuple(settings or ()),
        "budget": budget,
        "precision": precision,
        "cross": cross,
        "fresh": fresh,
        "track_test": track_test,
        "quantize": "" if quantize == "none" else quantize,
        "corruptions": corruptions,
        "train_sizes": parse_sizes(train_sizes) if train_sizes else (),
        "fine_tune": fine_tune,
        "shard": _shard(shard),
        "exclude_duplicates": exclude_duplicates,
        "store": store,
        "data_dir": data_dir,
        "plugins": tuple(plugins or ()),
        "jobs": parse_jobs(jobs),
        "timeout_seconds": parse_duration(timeout, "--timeout") if timeout else None,
        "memory_bytes": parse_size(max_memory, "--max-memory") if max_memory else None,
        "retries": retries,
        "isolate": not no_isolation,
        "backend": backend,
        "scheduler": scheduler,
        "allow_versions": allow_versions,
        "worker_walltime_seconds": parse_duration(worker_walltime, "--worker-walltime")
        if worker_walltime
        else None,
        "tls": tls,
    }
    # Imported here: --help and completion need none of it.
    from bench.cli.run_session import Shown, carry_out

    shown = Shown(reports=reports, all_rows=all_rows, abstain_below=abstain_below, html=html)
    code = carry_out(asked, shown, dry_run=dry_run, is_json=log_format == "json")
    raise typer.Exit(code)


def _shard(text: str) -> Any:
    if not text:
        return None
    from bench.planning.shards import parse_shard

    return parse_shard(text)
