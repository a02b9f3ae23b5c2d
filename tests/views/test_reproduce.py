import dataclasses
import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import msgspec
import numpy as np
import numpy.typing as npt
import pytest

from bench.board.index import read_index
from bench.board.views import read_history
from bench.errors import BenchError
from bench.options import as_options, parse_setting, resolve_options
from bench.planning.trial_options import HARNESS_OPTIONS
from bench.plugins.discovery import load_plugins
from bench.reproduction.claims import judge_claim
from bench.reproduction.data import Experiment, Figure, Published, Table, read_published
from bench.reproduction.evidence import Evidence
from bench.reproduction.reproduce import Reproduced, reproduce
from bench.reproduction.tables import check_ids, compare_table, readings
from bench.reproduction.trials import (
    Measured,
    Prepared,
    SeedRun,
    measure_experiment,
    prepare_experiment,
)
from bench.reproduction.verdicts import Verdict, judge_figure, value_of
from bench.scoring.confusion import confusion_matrix
from bench.scoring.report import classification_report
from bench.session import Request
from bench.store.layout import Store
from bench.store.read import read_predictions, read_trial

Add = Callable[..., str]
Run = Callable[..., Any]

HISTORY = "epoch,epochs,loss,accuracy,val_loss,val_accuracy,test_loss,test_accuracy,seconds\n"
COURSE = HISTORY + "1,3,.9,.5,.8,.6,,,2\n2,3,.5,.7,.4,.8,,,4\n3,3,.3,.9,.6,.7,,,3\n"
MISSING = Measured(missing="no data", state="data missing")


@pytest.fixture(scope="module")
def published() -> Published:
    return read_published()


def seed_run(store: Store, trial_id: str) -> SeedRun:
    (name,) = (p.name for p in store.evaluations.iterdir() if p.name.startswith(f"{trial_id}--"))
    stored = read_predictions(store.evaluations / name)
    assert stored.labels is not None
    folder = store.trial(trial_id)
    return SeedRun(
        record=read_trial(folder),
        history=read_history(folder),
        score=read_index(store).scores[name],
        labels=stored.labels,
        predicted=stored.predicted,
        corrupted={},
        task=cast("Any", None),
        folder=folder,
    )


def measured(store: Store, trials: Sequence[str], not_comparable: str = "") -> Measured:
    runs = tuple(seed_run(store, trial) for trial in trials)
    return Measured(runs=runs, not_comparable=not_comparable)


def figure(quantity: str, value: float, n: int = 0, digits: int = 4) -> Figure:
    return Figure(experiment="x", where="", quantity=quantity, published=value, n=n, digits=digits)


def test_every_published_setting_is_an_option_of_its_model_or_dataset(
    published: Published,
) -> None:
    plugins = load_plugins()
    for experiment in published.experiments.values():
        model, dataset = (
            plugins.models[experiment.model],
            plugins.datasets[experiment.dataset],
        )
        options = {
            model.name: as_options({**HARNESS_OPTIONS, **model.options}),
            dataset.name: as_options(dataset.options),
        }
        for text in experiment.settings:
            owner, option, value = parse_setting(text)
            assert option in resolve_options(owner, options[owner], {option: value})


def test_every_published_setting_is_the_default(published: Published) -> None:
    plugins = load_plugins()
    for experiment in published.experiments.values():
        spec = plugins.models[experiment.model]
        defaults = resolve_options(spec.name, as_options(spec.options), {})
        for text in experiment.settings:
            owner, option, value = parse_setting(text)
            if owner == spec.name:
                assert str(defaults[option]).lower() == str(value).lower(), text


def test_every_reference_of_the_data_file_exists(published: Published) -> None:
    known = published.experiments.keys()
    assert {f.experiment for f in published.figures} <= known
    assert {t.experiment for t in published.tables.values()} <= known
    assert {e for claim in published.claims for e in claim.experiments} <= known
    assert {e.source for e in published.experiments.values()} <= published.sources.keys()
    assert {claim.source for claim in published.claims} <= published.sources.keys()
    assert len({claim.name for claim in published.claims}) == len(published.claims)


def test_the_supports_of_a_printed_table_are_its_test_images(published: Published) -> None:
    for table in published.tables.values():
        wanted = published.experiments[table.experiment].n_test
        assert sum(row[4] for row in table.rows) == wanted


def test_the_published_figures_are_those_of_the_published_logs(published: Published) -> None:
    checked = 0
    for name, log in published.logs.items():
        watched = "test" if published.experiments[name].track_test else "val"
        columns = {
            "loss": log.loss,
            "accuracy": log.accuracy,
            f"{watched}_loss": log.val_loss,
            f"{watched}_accuracy": log.val_accuracy,
        }
        for column, values in columns.items():
            if not values:
                continue
            best = min(values) if column.endswith("loss") else max(values)
            derived = {
                column: values[-1],
                f"best_{column}": best,
                f"best_{column}_epoch": values.index(best) + 1,
            }
            for quantity, value in derived.items():
                printed = published.figure(name, quantity)
                if printed is not None:
                    assert printed == pytest.approx(value, abs=5e-5), (name, quantity)
                    checked += 1
    assert checked >= 30


def test_the_table_of_the_ids_is_recomputed_digit_for_digit(published: Published) -> None:
    assert check_ids(published.ids) == (47, [])


def test_a_wrong_digit_in_the_table_of_the_ids_is_found(published: Published) -> None:
    rows = list(published.ids.rows)
    rows[0] = (0, 1.0, 0.5, 0.4, 4)
    wrong = msgspec.structs.replace(published.ids, rows=tuple(rows))
    assert check_ids(wrong) == (47, ["0 recall (0.50, recomputed 0.25)"])


OWN_LOG = {
    "all-trainable-deep",
    "deep-generalises",
    "overfits-without-augmentation",
    "augmentation-cured-overfitting",
    "cost-of-augmentation",
    "one-network-with-887530",
    "ids-two-read-as-zero",
}
WITHOUT_DATA = {
    "all-trainable-shallow",
    "fewer-parameters",
    "memory-3.4-mb",
    "most-in-the-dense-layer",
    "ids-perfect-precision",
    "ids-perfect-recall",
    "ids-eight-confused",
    "ids-better-than-random",
}


def test_what_needs_no_data_is_judged_without_any(published: Published) -> None:
    built = {
        "svhn-shallow": (267_306, 267_306, 262_176),
        "svhn-deep": (164_362, 164_170, 131_104),
        "mnist-4pool": (101_098, 101_098, 36_928),
        "mnist-augmented": (887_530, 887_530, 803_072),
    }
    evidence = Evidence(
        published=published, measured=dict.fromkeys(published.experiments, MISSING), built=built
    )
    verdicts = {claim.name: judge_claim(claim, evidence).verdict for claim in published.claims}
    assert {n for n, v in verdicts.items() if v is Verdict.CONTRADICTED} == OWN_LOG
    assert {n for n, v in verdicts.items() if v is Verdict.REPRODUCED} == WITHOUT_DATA
    tied = {"three-has-least-recall", "ids-hardest"}
    assert {verdicts[name] for name in tied} == {Verdict.UNDECIDED}
    rest = verdicts.keys() - OWN_LOG - WITHOUT_DATA - tied
    assert {verdicts[name] for name in rest} == {Verdict.MISSING}


@pytest.mark.parametrize(
    ("quantity", "wanted"),
    [
        pytest.param("accuracy", 0.9, id="last accuracy"),
        pytest.param("val_loss", 0.6, id="last validation loss"),
        pytest.param("best_val_loss", 0.4, id="least validation loss"),
        pytest.param("best_val_loss_epoch", 2, id="its epoch"),
        pytest.param("best_val_accuracy", 0.8, id="best validation accuracy"),
        pytest.param("seconds_per_epoch", 3, id="mean seconds"),
        pytest.param("test_accuracy", 0.975, id="test accuracy"),
        pytest.param("test_loss", None, id="no finite probabilities"),
        pytest.param("best_test_loss", None, id="not tracked"),
    ],
)
def test_a_quantity_is_read_from_history_or_predictions(
    store: Store, add: Add, quantity: str, wanted: float | None
) -> None:
    nothing = np.full((400, 10), np.nan, np.float32)
    trial = add(store, "m", 10, history=COURSE, probabilities=nothing)
    assert value_of(seed_run(store, trial), quantity) == (
        None if wanted is None else pytest.approx(wanted)
    )


@pytest.mark.parametrize(
    ("value", "digits", "verdict"),
    [
        pytest.param(0.9750, 4, Verdict.REPRODUCED, id="the same"),
        pytest.param(0.9650, 4, Verdict.REPRODUCED, id="within both intervals"),
        pytest.param(0.8800, 4, Verdict.BETTER, id="clearly less was published"),
        pytest.param(0.9999, 4, Verdict.WORSE, id="clearly more was published"),
    ],
)
def test_a_share_is_judged_by_the_chance_of_both(
    store: Store, add: Add, value: float, digits: int, verdict: Verdict
) -> None:
    found = judge_figure(
        figure("test_accuracy", value, n=400, digits=digits),
        measured(store, [add(store, "m", 10)]),
        "s",
    )
    assert found.verdict is verdict
    assert found.low is not None
    assert found.high is not None
    assert found.low < 0.975 < found.high


def test_a_loss_of_one_seed_is_undecided_and_of_three_judged(store: Store, add: Add) -> None:
    trials = []
    for seed, loss in ((1, 0.30), (2, 0.32), (3, 0.31)):
        course = HISTORY + f"1,1,{loss},.9,,,,,2\n"
        trials.append(add(store, "m", 10, seed=seed, history=course))
    one = judge_figure(figure("loss", 0.31), measured(store, trials[:1]), "s")
    assert (one.verdict, one.reason) == (
        Verdict.UNDECIDED,
        "one seed shows no spread: --seeds 42,43,44",
    )
    three = measured(store, trials)
    assert judge_figure(figure("loss", 0.31), three, "s").verdict is Verdict.REPRODUCED
    assert judge_figure(figure("loss", 0.05), three, "s").verdict is Verdict.WORSE
    assert judge_figure(figure("loss", 0.90), three, "s").verdict is Verdict.BETTER


def test_other_data_gives_figures_but_no_verdict(store: Store, add: Add) -> None:
    other = measured(store, [add(store, "m", 10)], "7,000 training digits")
    found = judge_figure(figure("test_accuracy", 0.5, n=400), other, "s")
    assert (found.verdict, found.reason) == (Verdict.NOT_COMPARABLE, "7,000 training digits")
    assert found.value == pytest.approx(0.975)


def test_a_quantity_that_was_not_kept_is_undecided(store: Store, add: Add) -> None:
    found = judge_figure(figure("val_loss", 0.3), measured(store, [add(store, "m")]), "s")
    assert (found.verdict, found.reason) == (Verdict.UNDECIDED, "the trial kept no val_loss")


def test_better_needs_more_than_luck(store: Store, add: Add, published: Published) -> None:
    claim = next(c for c in published.claims if c.name == "deep-is-better")
    good, bad = add(store, "good", 10), add(store, "bad", 90)

    def verdict(a: str, b: str, difference: str = "") -> Verdict:
        runs = {
            "svhn-deep": measured(store, [a], difference),
            "svhn-shallow": measured(store, [b]),
        }
        return judge_claim(claim, Evidence(published=published, measured=runs, built={})).verdict

    assert verdict(good, bad) is Verdict.REPRODUCED
    assert verdict(bad, good) is Verdict.NOT_REPRODUCED
    assert verdict(good, good) is Verdict.UNDECIDED
    assert verdict(good, bad, "7,000 training digits") is Verdict.NOT_COMPARABLE


def judge_named(name: str, published: Published, runs: dict[str, Measured]) -> Verdict:
    claim = next(c for c in published.claims if c.name == name)
    return judge_claim(claim, Evidence(published=published, measured=runs, built={})).verdict


@pytest.mark.parametrize(
    ("late", "verdict"),
    [
        pytest.param(0.765, Verdict.REPRODUCED, id="within-2-points"),
        pytest.param(0.7, Verdict.NOT_REPRODUCED, id="further-apart"),
    ],
)
def test_a_course_levels_off_where_later_epochs_stay_within_2_points(
    store: Store, add: Add, published: Published, late: float, verdict: Verdict
) -> None:
    lines = [f"{i},7,.1,.9,.5,{0.75 if i < 7 else late},,,2\n" for i in range(1, 8)]
    trial = add(store, "m", history=HISTORY + "".join(lines))
    runs = {"svhn-shallow": measured(store, [trial])}
    assert judge_named("shallow-levels-off", published, runs) is verdict


@pytest.mark.parametrize(
    ("wrong", "verdict"),
    [
        pytest.param(118, Verdict.REPRODUCED, id="within-1-point"),
        pytest.param(10, Verdict.NOT_REPRODUCED, id="far-better"),
    ],
)
def test_test_images_are_held_against_validation(
    store: Store, add: Add, published: Published, wrong: int, verdict: Verdict
) -> None:
    runs = {"svhn-deep": measured(store, [add(store, "m", wrong, history=COURSE)])}
    assert judge_named("test-as-validation", published, runs) is verdict


def test_a_model_suffers_where_every_corruption_costs_more_than_luck(
    store: Store, add: Add, published: Published
) -> None:
    clean = measured(store, [add(store, "m", 10)])
    (run,) = clean.runs

    def verdict(**wrong: int) -> Verdict:
        corrupted = {(name, 3): np.arange(400) >= count for name, count in wrong.items()}
        runs = (dataclasses.replace(run, corrupted=corrupted),)
        return judge_named(
            "centred-images-are-not-enough", published, {"mnist-wide": Measured(runs=runs)}
        )

    assert verdict(rotate=60, translate=200) is Verdict.REPRODUCED
    assert verdict(rotate=60, translate=11) is Verdict.NOT_REPRODUCED
    assert verdict() is Verdict.NOT_RUN


def table_of(labels: npt.NDArray[np.int64], predicted: npt.NDArray[np.int64]) -> Table:
    report = classification_report(confusion_matrix(labels, predicted, 10), tuple("0123456789"))
    rows = tuple(
        (i, round(c.precision, 2), round(c.recall, 2), round(c.f1, 2), c.support)
        for i, c in enumerate(report.classes)
    )
    return Table(experiment="x", where="", rows=rows)


def test_a_swapped_table_is_read_in_three_ways(store: Store, add: Add) -> None:
    run = seed_run(store, add(store, "m", range(0, 120, 2)))
    raw = run.predicted.copy()
    raw[300:340] = 8
    experiment = Experiment(
        source="s", model="m", dataset="d", n_train=1, n_test=400, swapped=True, raw_pixels=True
    )
    printed, unswapped, scaled = readings(experiment, run, raw)
    table = table_of(raw, run.labels)  # truth and prediction swapped, as the source printed it
    verdict, measured_words, _ = compare_table(table, printed.report, is_swapped=True)
    assert verdict is Verdict.REPRODUCED
    assert measured_words.startswith("recall within 0.")
    for a, b in zip(printed.report.classes, unswapped.report.classes, strict=True):
        assert (a.precision, a.recall) == (b.recall, b.precision)
    assert scaled.report.accuracy == pytest.approx(340 / 400)


def test_a_table_that_differs_names_the_classes(store: Store, add: Add) -> None:
    run = seed_run(store, add(store, "m", range(3, 400, 10)))  # every 3 is misread
    experiment = Experiment(source="s", model="m", dataset="d", n_train=1, n_test=400)
    (only,) = readings(experiment, run, None)
    table = table_of(run.labels, run.labels)
    verdict, _, reason = compare_table(table, only.report, is_swapped=False)
    assert verdict is Verdict.NOT_REPRODUCED
    assert reason == "the recall differs of 3 (1.00, here 0.000)"


def majority(**more: Any) -> Experiment:
    facts = {"n_train": 1405, "n_test": 360} | more
    return Experiment(source="s", model="baseline-majority", dataset="digits-uci", **facts)


def measure(
    experiment: Experiment,
    store: Store,
    on_event: Callable[[Any], None] = lambda event: None,
    *,
    is_dry: bool = False,
    **asked: Any,
) -> Measured:
    prepared = prepare_experiment(experiment, Request(isolate=False, **asked), store)
    assert isinstance(prepared, Prepared)
    return measure_experiment(prepared, on_event, is_dry=is_dry)


@pytest.mark.parametrize(
    ("experiment", "difference"),
    [
        pytest.param(majority(), "", id="the published data"),
        pytest.param(majority(n_train=42_000), "1,405 training digits", id="fewer images"),
        pytest.param(majority(n_test=18_000), "360 test digits", id="another test split"),
        pytest.param(
            majority(first_labels=(11, 12, 13)), "the first labels are", id="other images"
        ),
    ],
)
def test_a_verdict_needs_the_fingerprint_of_the_published_data(
    store: Store, experiment: Experiment, difference: str
) -> None:
    found = measure(experiment, store)
    (run,) = found.runs
    assert found.not_comparable.startswith(difference)
    assert bool(found.not_comparable) == bool(difference)
    assert run.record.precision == "float32"
    assert len(run.labels) == 360


def test_a_stored_trial_is_reused(store: Store) -> None:
    events: list[Any] = []
    for _ in range(2):
        measure(majority(), store, events.append)
    names = [type(event).__name__ for event in events]
    assert names.count("TrialFinished") == 1


def test_a_dry_run_trains_nothing(store: Store) -> None:
    found = measure(majority(), store, is_dry=True)
    assert (found.runs, found.state) == ((), "not run")
    assert not store.trials.exists()


def test_a_smaller_budget_is_not_comparable(store: Store) -> None:
    found = measure(majority(), store, budget="smoke")
    assert found.not_comparable == "budget smoke"


def test_another_split_stays_off_the_boards(store: Store) -> None:
    measure(majority(other_split=True), store)
    assert not store.trials.exists()
    assert (store.root / "reproduce" / "trials").is_dir()


def test_an_unknown_name_lists_what_there_is() -> None:
    with pytest.raises(BenchError, match="unknown published experiment, source or claim 'nothing'"):
        reproduce(["nothing"], Request(), is_dry=True)


def test_only_a_failed_trial_is_a_failure(published: Published) -> None:
    found = judge_figure(
        figure("loss", 1.0), Measured(missing="out of memory", state="failed"), "s"
    )
    assert (found.verdict, found.reason) == (Verdict.FAILED, "out of memory")
    assert Reproduced(published=published, findings=(found,)).has_failed
    missing = judge_figure(figure("loss", 1.0), MISSING, "s")
    assert not Reproduced(published=published, findings=(missing,)).has_failed


def test_checks_without_training_work_at_once(run_bench: Run, tmp_path: Path) -> None:
    ended = run_bench("reproduce", "svhn-deep", "ids", "--store", tmp_path / "s", columns=120)
    assert ended.code == 0
    assert re.search(r"  parameters +164,362 +164,362 +reproduced", ended.out)
    assert "data missing: svhn-h5 is not on this machine" in ended.out
    assert "its summary prints 164,170 of 164,362" in ended.out
    assert "47 of 47 agree" in ended.out


def test_what_all_figures_lack_is_said_once(run_bench: Run, tmp_path: Path) -> None:
    asked = ("reproduce", "--dry-run", "vellore-report", "--store", tmp_path / "s")
    out = run_bench(*asked, columns=100).out
    assert len(re.findall(r"mnist-4pool +data missing: mnist-csv is not on this machine", out)) == 1
    assert "5 claims not judged, data missing: mnist-csv is not on this machine" in out
    assert "Missing data: name its file with -d NAME=PATH, or see bench list datasets." in out


def test_json_names_source_and_place(run_bench: Run, tmp_path: Path) -> None:
    ended = run_bench("reproduce", "ids", "--json", "--dry-run", "--store", tmp_path / "s")
    table, digits = json.loads(ended.out)
    assert (table["source"], table["verdict"]) == ("ids-notebook", "reproduced")
    assert digits["value"] == pytest.approx(16 / 24)


def test_a_dataset_without_its_path_is_a_mistake(run_bench: Run) -> None:
    ended = run_bench("reproduce", "-d", "mnist-csv")
    assert ended.code == 2
    assert ended.err == "bench: -d mnist-csv: it says where a file is; -d mnist-csv=PATH\n"


def test_a_file_named_in_full_that_is_not_there_is_an_error(run_bench: Run, tmp_path: Path) -> None:
    asked = ("reproduce", "ids", "--dry-run", "-d", f"mnist-csv={tmp_path / 'none.csv'}")
    ended = run_bench(*asked, "--store", tmp_path)
    assert ended.code == 2
    assert "does not exist" in ended.err
