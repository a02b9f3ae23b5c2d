from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from bench.errors import BenchError, DataMissingError, NewerFormatError, OptionError
from bench.planning.grid import CellState, Plan
from bench.session import Request, plan
from bench.store.layout import Store
from bench.store.record import SCHEMA_VERSION, EvaluationRecord, State, TrialRecord
from bench.store.write import publish_evaluation, publish_trial, write_predictions

MODEL = """
from bench import ModelSpec, Option, hookimpl


def build(context):
    raise NotImplementedError


@hookimpl
def bench_register_models(register):
    options = {"epochs": Option(default=10, minimum=1), "rate": 0.5}
    register(ModelSpec(name="mine", summary="a test", build=build, options=options))
"""
DATASETS = """
import numpy as np
from bench import Dataset, DatasetSpec, ImageSet, hookimpl


def split(n, classes):
    pixels = (np.arange(n * 64) % 251).astype(np.uint8).reshape(n, 8, 8, 1)
    return ImageSet(pixels=pixels, labels=np.arange(n) % len(classes))


def digits(context):
    names = tuple("0123456789")
    return Dataset(classes=names, train=split(50, names), test=split(20, names))


def letters(context):
    return Dataset(classes=("a", "b"), test=split(4, "ab"))


def few(context):
    return Dataset(classes=("1", "2"), test=split(4, "12"))


@hookimpl
def bench_register_datasets(register):
    register(DatasetSpec(name="tiny", summary="a test", load=digits))
    register(DatasetSpec(name="letters", summary="a test", load=letters, provides=("test",)))
    register(DatasetSpec(name="few", summary="a test", load=few, provides=("test",)))
"""


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BENCH_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("BENCH_STORE", raising=False)
    monkeypatch.setenv("BENCH_DATA_DIR", str(tmp_path / "nothing"))
    model, datasets = tmp_path / "model.py", tmp_path / "sets.py"
    model.write_text(MODEL, encoding="utf-8")
    datasets.write_text(DATASETS, encoding="utf-8")
    return str(model), str(datasets)


@pytest.fixture
def request_of(plugins: tuple[str, str], tmp_path: Path) -> Any:
    def make(**options: Any) -> Request:
        asked: dict[str, Any] = {"models": ("mine",), "datasets": ("tiny",)} | options
        return Request(plugins=plugins, store=tmp_path / "store", **asked)

    return make


def finish(planned: Plan) -> None:
    """Store a success for every task of a plan."""
    store = Store(planned.store)
    for task in planned.tasks:
        if not task.stored:
            record = TrialRecord(
                trial_id=task.trial_id,
                attempt="1",
                config_id=task.config_id,
                identity=task.identity,
                model=task.model,
                variant=task.variant.words,
                differs=task.variant,
                train_dataset=task.train_dataset,
                classes=task.classes,
                image_shape=task.image_shape,
                state=State.OK,
                seed=task.seed,
                started_at="2026-01-01",
                fit_seconds=77.0,
            )
            publish_trial(store, store.new_work_folder(), record)
        for each in task.evaluations:
            folder = store.new_work_folder()
            labels = np.zeros(each.split.n, np.int64)
            probabilities = np.full((each.split.n, 10), 0.1, np.float32)
            write_predictions(folder, labels=labels, predicted=labels, probabilities=probabilities)
            evaluation = EvaluationRecord(
                evaluation_id=each.evaluation_id,
                trial_id=task.trial_id,
                attempt="1",
                test_dataset=each.test_dataset,
                test_hash=each.split.content_hash,
                split_hash="s",
                classes=task.classes,
                n_test=each.split.n,
            )
            publish_evaluation(store, folder, evaluation)


def states(planned: Plan, dataset: str = "tiny") -> list[CellState]:
    return [cell.state for cell in planned.cells if cell.train_dataset == dataset]


def test_a_cell_is_planned_for_each_seed(request_of: Any) -> None:
    planned = plan(request_of(seeds=(1, 2, 3)))
    assert [task.seed for task in planned.tasks] == [1, 2, 3]
    assert len({task.trial_id for task in planned.tasks}) == 3
    assert len({task.config_id for task in planned.tasks}) == 1


def test_a_trial_is_evaluated_on_its_own_and_every_evaluation_only_split(request_of: Any) -> None:
    (task,) = plan(request_of()).tasks
    own = {each.test_dataset: each.own for each in task.evaluations}
    assert own["tiny"] is True
    assert own["few"] is False
    assert "sample-ids" in own


def test_classes_are_matched_by_name(request_of: Any) -> None:
    (task,) = plan(request_of()).tasks
    columns = {each.test_dataset: each.class_columns for each in task.evaluations}
    assert columns["few"] == (1, 2)


def test_a_split_with_other_classes_is_impossible_and_names_them(request_of: Any) -> None:
    cells = [cell for cell in plan(request_of()).cells if cell.state is CellState.IMPOSSIBLE]
    assert [(cell.test_dataset, cell.reason) for cell in cells] == [
        ("letters", "tiny has no class a, b")
    ]


def test_a_finished_grid_is_cached_whole(request_of: Any) -> None:
    finish(plan(request_of()))
    assert plan(request_of()).tasks == ()


def test_a_missing_evaluation_runs_alone_on_the_stored_model(
    request_of: Any, tmp_path: Path
) -> None:
    first = plan(request_of())
    finish(first)
    lost = next(e for e in first.tasks[0].evaluations if e.test_dataset == "few")
    folder = Store(first.store).evaluation(first.tasks[0].trial_id, lost.evaluation_id)
    folder.rename(tmp_path / "lost")
    again = plan(request_of())
    assert CellState.TO_EVALUATE in states(again)
    assert [e.test_dataset for e in again.tasks[0].evaluations] == ["few"]
    assert again.tasks[0].stored


def test_fresh_runs_everything_again(request_of: Any) -> None:
    finish(plan(request_of()))
    assert len(plan(request_of(fresh=True)).tasks) == 1


def test_a_changed_option_runs_again_and_says_what_changed(request_of: Any) -> None:
    finish(plan(request_of(settings=("mine.epochs=3",))))
    # The variant is part of what a row is, so the same name changes only through the source.
    planned = plan(request_of(settings=("mine.epochs=4",)))
    assert states(planned)[0] is CellState.TO_RUN
    assert planned.tasks[0].variant.words == "epochs=4"


def test_the_default_given_by_hand_is_the_same_trial(request_of: Any) -> None:
    finish(plan(request_of()))
    assert plan(request_of(settings=("mine.epochs=10",))).tasks == ()


def test_a_changed_source_runs_exactly_its_models_again(
    request_of: Any, plugins: tuple[str, str]
) -> None:
    models = ("mine", "baseline-majority")
    finish(plan(request_of(models=models)))
    Path(plugins[0]).write_text(MODEL + "\nCHANGED = True\n", encoding="utf-8")
    planned = plan(request_of(models=models))
    assert [task.model for task in planned.tasks] == ["mine"]
    changed = [cell.changed for cell in planned.cells if cell.task]
    assert changed == [("the model's code",)]


def test_one_changed_training_pixel_runs_again(request_of: Any, plugins: tuple[str, str]) -> None:
    before = plan(request_of()).tasks[0]
    source = DATASETS.replace("% 251", "% 250")
    path = Path(plugins[1]).with_name("sets2.py")
    path.write_text(source, encoding="utf-8")
    request = request_of()
    changed = Request(
        models=request.models,
        datasets=request.datasets,
        store=request.store,
        plugins=(plugins[0], str(path)),
    )
    after = plan(changed).tasks[0]
    assert before.train is not None
    assert after.train is not None
    assert before.train.content_hash != after.train.content_hash
    assert before.trial_id != after.trial_id
    old, new = (msgspec.structs.asdict(task.identity) for task in (before, after))
    assert {key for key in old if old[key] != new[key]} == {"train_hash"}


def test_an_estimate_comes_from_earlier_records(request_of: Any) -> None:
    finish(plan(request_of()))
    seconds = plan(request_of(seeds=(7,))).estimated_seconds
    assert seconds is not None
    assert 77 < seconds < 90


@pytest.mark.parametrize(
    ("budget", "epochs", "images", "variant"),
    [
        pytest.param("full", 10, 0, "", id="full"),
        pytest.param("quick", 3, 0, "quick", id="quick-has-more-images-than-there-are"),
        pytest.param("smoke", 1, 0, "smoke", id="smoke"),
    ],
)
def test_a_budget_only_sets_options(
    request_of: Any, budget: str, epochs: int, images: int, variant: str
) -> None:
    (task,) = plan(request_of(budget=budget)).tasks
    assert (task.options["epochs"], task.options["train_images"]) == (epochs, images)
    assert (task.variant.words, task.budget) == (variant, budget)


@pytest.mark.parametrize(("embedded", "epochs"), [("", 10), ("toy", 4)])
def test_on_embedded_data_a_models_own_defaults_hold_and_are_no_variant(
    request_of: Any, plugins: tuple[str, str], embedded: str, epochs: int
) -> None:
    model, datasets = (Path(each) for each in plugins)
    options = 'options=options, embedded_options={"epochs": 4}'
    model.write_text(MODEL.replace("options=options", options), encoding="utf-8")
    loads = f'load=digits, embedded="{embedded}"'
    datasets.write_text(DATASETS.replace("load=digits", loads), encoding="utf-8")
    (task,) = plan(request_of()).tasks
    assert (task.options["epochs"], task.variant.words) == (epochs, "")
    assert task.identity.options["epochs"] == epochs
    (by_hand,) = plan(request_of(settings=("mine.epochs=7",))).tasks
    assert (by_hand.options["epochs"], by_hand.variant.words) == (7, "epochs=7")


def test_what_is_set_by_hand_wins_over_the_budget(request_of: Any) -> None:
    (task,) = plan(request_of(budget="smoke", settings=("mine.epochs=2",))).tasks
    assert task.options["epochs"] == 2
    assert task.variant.words == "smoke, epochs=2"


def test_a_setting_may_name_many_models(request_of: Any) -> None:
    planned = plan(request_of(models=("mlp", "random-forest"), settings=("*.train_images=20",)))
    assert {task.options["train_images"] for task in planned.tasks} == {20}


def test_bench_toml_sets_options_below_the_command_line(request_of: Any, tmp_path: Path) -> None:
    (tmp_path / "bench.toml").write_text("[options.mine]\nepochs = 6\nrate = 0.25\n")
    (task,) = plan(request_of(settings=("mine.rate=0.75",))).tasks
    assert (task.options["epochs"], task.options["rate"]) == (6, 0.75)


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        pytest.param(
            {"models": ("mne",)},
            BenchError,
            "unknown model 'mne': did you mean mine? All names: bench list models",
            id="model",
        ),
        pytest.param({"models": ("x-*",)}, BenchError, "unknown model 'x-*'", id="glob"),
        pytest.param({"datasets": ("tinny",)}, BenchError, "did you mean tiny", id="dataset"),
        pytest.param({"datasets": ("usps",)}, DataMissingError, "usps is not on", id="missing"),
        pytest.param(
            {"datasets": ("usps=/no/where",)}, DataMissingError, "/no/where does not", id="path"
        ),
        pytest.param({"datasets": ("few",)}, BenchError, "few: nothing to train on", id="only"),
        pytest.param({"settings": ("mine.x=1",)}, OptionError, "unknown option 'x'", id="option"),
        pytest.param({"settings": ("nobody.x=1",)}, BenchError, "or dataset 'nobody'", id="owner"),
        pytest.param({"settings": ("mi*.x=1",)}, OptionError, "has that option", id="glob-option"),
        pytest.param({"budget": "huge"}, OptionError, "budget 'huge'", id="budget"),
        pytest.param({"precision": "int3"}, OptionError, "precision 'int3'", id="precision"),
        pytest.param({"timeout_seconds": 0}, OptionError, "--timeout 0", id="timeout"),
        pytest.param({"plugins": ("/no.py",)}, BenchError, "no such plugin file", id="plugin"),
    ],
)
def test_a_mistake_is_one_clear_line(
    request_of: Any, options: dict[str, Any], kind: type[BenchError], message: str
) -> None:
    request = request_of(**{k: v for k, v in options.items() if k != "plugins"})
    if "plugins" in options:
        request = Request(models=request.models, plugins=options["plugins"])
    with pytest.raises(kind) as error:
        plan(request)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_dataset_that_is_not_there_is_a_cell_when_met_through_all(request_of: Any) -> None:
    planned = plan(request_of(datasets=("tiny", "us*")))
    assert states(planned, "usps") == [CellState.DATA_MISSING]
    assert states(planned) == [CellState.TO_RUN, CellState.IMPOSSIBLE]


def test_planning_writes_nothing_into_the_store(request_of: Any, tmp_path: Path) -> None:
    plan(request_of())
    assert not (tmp_path / "store").exists()


def test_a_half_written_record_is_made_again_and_kept_aside(request_of: Any) -> None:
    planned = plan(request_of())
    finish(planned)
    store = Store(planned.store)
    record = store.trial(planned.tasks[0].trial_id) / "record.json"
    record.write_bytes(record.read_bytes()[:100])
    again = plan(request_of())
    assert states(again)[0] is CellState.TO_RUN
    assert store.trial(planned.tasks[0].trial_id) in again.cells[0].damaged


def test_a_half_written_evaluation_alone_is_made_again(request_of: Any) -> None:
    planned = plan(request_of())
    finish(planned)
    (folder, *_) = Store(planned.store).evaluations.iterdir()
    (folder / "record.json").write_bytes(b"{")
    again = plan(request_of())
    assert states(again)[0] is CellState.TO_EVALUATE
    assert again.cells[0].damaged == (folder,)
    assert len(again.tasks[0].evaluations) == 1


def test_a_record_of_a_newer_format_stops_the_run_and_is_not_touched(request_of: Any) -> None:
    planned = plan(request_of())
    finish(planned)
    record = Store(planned.store).trial(planned.tasks[0].trial_id) / "record.json"
    text = record.read_text().replace(f'"schema_version": {SCHEMA_VERSION}', '"schema_version": 99')
    record.write_text(text)
    with pytest.raises(NewerFormatError, match="install a newer digitbench"):
        plan(request_of())
    assert record.read_text() == text
