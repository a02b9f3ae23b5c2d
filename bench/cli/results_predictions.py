"""What ``bench results add-predictions`` does and prints."""

from pathlib import Path

from rich.text import Text

from bench.cli.data_views import Wanted, load_wanted
from bench.cli.results_views import Asked
from bench.config import find_config, read_config
from bench.errors import BenchError
from bench.execution.external import Added, add_predictions
from bench.loading.cache import cache_in_use
from bench.render.console import clean, make_console, plain
from bench.render.export import as_json as to_json
from bench.render.field_table import record_of
from bench.render.hints import prog
from bench.session import open_session
from bench.store.formats import share
from bench.store.layout import store_of
from bench.store.variant import label_of

__all__ = ["show_added"]

_LONGEST_NAME = 60


@cache_in_use()
def show_added(
    asked: Asked,
    file: Path,
    *,
    dataset: str,
    model: str,
    trained_on: str,
    seed: int,
    as_json: bool,
) -> None:
    """Add a file of predictions to a store, and say how it was read."""
    session = open_session(data_dir=asked.data_dir, plugins=asked.plugins)
    for flag, name in (("--model", model), ("--trained-on", trained_on)):
        _check_name(flag, name)
    if model in session.plugins.models:
        raise BenchError(
            f"--model {model}",
            why="a model of that name is installed, and this is not its training",
            fix="take another name for the row",
        )
    wanted = Wanted(text=dataset, data_dir=asked.data_dir, plugins=asked.plugins)
    _, test = load_wanted(wanted, session)
    added = add_predictions(
        store_of(asked.store, read_config(find_config())),
        file,
        test,
        model=model,
        trained_on=trained_on,
        seed=seed,
    )
    if as_json:
        print(to_json(_facts(added)))
        return
    console = make_console()
    for line in _lines(added):
        console.print(line, soft_wrap=True)


def _check_name(flag: str, name: str) -> None:
    if not name.strip() or name != clean(name) or len(name) > _LONGEST_NAME or "/" in name:
        raise BenchError(
            f"{flag} {clean(name)[:_LONGEST_NAME]!r}",
            why=f"a name is printable, without '/', and of at most {_LONGEST_NAME} characters",
        )


def _facts(added: Added) -> dict[str, object]:
    return {
        **record_of(added.trial, columns=("trial_id", "model")),
        **record_of(added.evaluation, columns=("evaluation_id", "test_dataset", "n_test")),
        "accuracy": added.accuracy,
        "placed_by": added.placed_by,
        "is_new": added.is_new,
    }


def _lines(added: Added) -> list[Text]:
    trial, record = added.trial, added.evaluation
    said = "no labels" if added.accuracy is None else f"accuracy {share(added.accuracy)}"
    head = f"{label_of(trial.model, trial.variant)} on {clean(record.test_dataset)}: "
    if not added.is_new:
        return [plain(f"{head}these predictions were there already, {said}")]
    return [
        plain(f"{head}{record.n_test:,} predictions, {said}; trial {trial.trial_id[:8]}"),
        plain(f"Which image each line is of: {added.placed_by}."),
        plain(f"See it beside the others: {prog()} show leaderboard -d {record.test_dataset}"),
    ]
