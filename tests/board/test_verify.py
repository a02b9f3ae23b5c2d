import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from bench.board.find import trials_of
from bench.board.index import read_index
from bench.board.verify import Problem, verify_store
from bench.errors import BenchError
from bench.store.clean import Which, find_removable, remove
from bench.store.ids import config_id, trial_id
from bench.store.layout import Store
from bench.store.locks import take_lock
from bench.store.read import read_evaluation, read_trial
from bench.store.record import EvaluationRecord, Identity, State, TrialRecord
from bench.store.write import (
    file_hash,
    publish_evaluation,
    publish_trial,
    split_hash,
    supersede,
    write_predictions,
    write_record,
    write_split,
)

CLASSES = ("0", "1", "2")
NOW = 1_800_000_000.0  # 2027-01-15


def add_trial(
    store: Store,
    model: str = "svm",
    *,
    seed: int = 1,
    state: State = State.OK,
    started_at: str = "2027-01-01T00:00:00+00:00",
) -> str:
    identity = Identity(
        model=model,
        options={},
        model_source="m",
        harness_source="h",
        train_hash="t",
        seed=seed,
        precision="float32",
        requires={},
    )
    record = TrialRecord(
        trial_id=trial_id(identity),
        attempt="abc",
        config_id=config_id(identity),
        identity=identity,
        model=model,
        train_dataset="tiny",
        classes=CLASSES,
        image_shape=(6, 6, 1),
        state=state,
        seed=seed,
        started_at=started_at,
    )
    folder = store.new_work_folder()
    (folder / "model").mkdir()
    (folder / "model" / "weights").write_bytes(b"w" * 1000)
    (folder / "log.txt").write_text("fine")
    files = {name: file_hash(folder / name) for name in ("model/weights", "log.txt")}
    publish_trial(store, folder, msgspec.structs.replace(record, files=files))
    if state is State.OK:
        add_evaluation(store, record)
    return record.trial_id


def add_evaluation(store: Store, trial: TrialRecord) -> None:
    generator = np.random.default_rng(trial.seed)
    labels = generator.integers(0, 3, 20)
    probabilities = generator.dirichlet(np.ones(3), 20).astype(np.float32)
    names = tuple(f"{index}.png" for index in range(20))
    folder = store.new_work_folder()
    key = split_hash(labels, names, None, 20)
    write_split(store, key, names, None)
    sha256 = write_predictions(
        folder, labels=labels, predicted=probabilities.argmax(axis=1), probabilities=probabilities
    )
    record = EvaluationRecord(
        evaluation_id="e" * 16,
        trial_id=trial.trial_id,
        attempt=trial.attempt,
        test_dataset="tiny",
        test_hash="x",
        split_hash=key,
        classes=CLASSES,
        n_test=20,
        predictions_sha256=sha256,
    )
    publish_evaluation(store, folder, record)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "store")
    add_trial(store)
    add_trial(store, seed=2)
    add_trial(store, seed=3, state=State.FAILED)
    read_index(store)
    return store


def first(store: Store, place: str) -> Path:
    return min(path for path in (store.root / place).iterdir() if "--abc" not in path.name)


def change_record(folder: Path, **changes: Any) -> None:
    read = read_trial if folder.parent.name == "trials" else read_evaluation
    write_record(folder, msgspec.structs.replace(read(folder), **changes))


def problems(store: Store) -> list[str]:
    return [problem.what for problem in verify_store(store).problems]


def test_a_store_as_written_has_no_problem_and_everything_was_looked_at(store: Store) -> None:
    verified = verify_store(store)

    assert verified.problems == ()
    assert (verified.trials, verified.evaluations, verified.files) == (3, 2, 8)
    assert verified.scores >= 2 * 5


def spoil_model(store: Store) -> None:
    (first(store, "trials") / "model" / "weights").write_bytes(b"v" * 1000)


def drop_log(store: Store) -> None:
    (first(store, "trials") / "log.txt").unlink()


def add_file(store: Store) -> None:
    (first(store, "trials") / "extra.bin").write_bytes(b"")


def tear_record(store: Store) -> None:
    record = first(store, "trials") / "record.json"
    record.write_bytes(record.read_bytes()[:-40])


def change_identity(store: Store) -> None:
    folder = first(store, "trials")
    identity = msgspec.structs.replace(read_trial(folder).identity, options={"k": 7})
    change_record(folder, identity=identity)


def rename_trial(store: Store) -> None:
    folder = first(store, "trials")
    folder.rename(folder.with_name("0" * 16))


def flip_predictions(store: Store) -> None:
    path = first(store, "evaluations") / "predictions.npz"
    with np.load(path) as file:
        arrays = dict(file)
    arrays["predicted"] = arrays["predicted"][::-1]
    np.savez_compressed(path, **arrays)


def cut_predictions(store: Store) -> None:
    path = first(store, "evaluations") / "predictions.npz"
    path.write_bytes(path.read_bytes()[:100])


def spoil_probabilities(store: Store) -> None:
    folder = first(store, "evaluations")
    sha256 = write_predictions(
        folder,
        labels=np.zeros(20, dtype=np.int64),
        predicted=np.zeros(20, dtype=np.int64),
        probabilities=np.full((20, 3), 0.5, dtype=np.float32),
    )
    change_record(folder, predictions_sha256=sha256)


def lose_trial(store: Store) -> None:
    evaluation = first(store, "evaluations")
    shutil.rmtree(store.trials / evaluation.name.partition("--")[0])


def other_attempt(store: Store) -> None:
    change_record(first(store, "evaluations"), attempt="xyz")


def rename_samples(store: Store) -> None:
    (path,) = store.splits.iterdir()
    np.savez(path, names=np.array([f"{index}.jpg" for index in range(20)]))


def falsify_index(store: Store) -> None:
    index = read_index(store)
    name, score = next(iter(sorted(index.scores.items())))
    metrics = {**score.metrics, "accuracy": 1.0}
    scores = {**index.scores, name: msgspec.structs.replace(score, metrics=metrics)}
    (store.index / "scores.msgpack").write_bytes(
        msgspec.msgpack.encode(msgspec.structs.replace(index, scores=scores))
    )


def edit_json(path: Path, **changes: Any) -> None:
    """Edit a record as a person would, with an editor: no hash is made anew."""
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def improve_figures(store: Store) -> None:
    edit_json(first(store, "trials") / "record.json", train_accuracy=1.0, fit_seconds=0.1)


def rename_model(store: Store) -> None:
    edit_json(first(store, "trials") / "record.json", summary="another", variant="better")


def improve_latency(store: Store) -> None:
    edit_json(first(store, "evaluations") / "record.json", predict_us_per_image=0.5)


def add_file_to_evaluation(store: Store) -> None:
    (first(store, "evaluations") / "notes.txt").write_text("")


def predict_the_labels(store: Store) -> None:
    folder = first(store, "evaluations")
    path = folder / "predictions.npz"
    with np.load(path) as file:
        arrays = dict(file)
    arrays["predicted"] = arrays["labels"]
    np.savez_compressed(path, **arrays)
    edit_json(folder / "record.json", predictions_sha256=file_hash(path))


def other_model(store: Store) -> None:
    change_record(first(store, "trials"), model="another")


@pytest.mark.parametrize(
    ("spoil", "what"),
    [
        pytest.param(improve_figures, "record.json was changed", id="figures"),
        pytest.param(rename_model, "record.json was changed", id="words"),
        pytest.param(improve_latency, "record.json was changed", id="latency"),
        pytest.param(add_file_to_evaluation, "notes.txt is not of this evaluation", id="a file"),
        pytest.param(
            predict_the_labels, "record.json was changed", id="predictions and their hash"
        ),
        pytest.param(other_model, "are not its identity's", id="a model, and the hash made anew"),
        pytest.param(spoil_model, "model/weights was changed", id="a model"),
        pytest.param(drop_log, "log.txt is missing", id="a file gone"),
        pytest.param(add_file, "extra.bin is not of this trial", id="a file too many"),
        pytest.param(tear_record, "record.json is damaged", id="a torn record"),
        pytest.param(change_identity, "the identity in it is another trial's", id="an identity"),
        pytest.param(rename_trial, "its record belongs to", id="a folder's name"),
        pytest.param(flip_predictions, "predictions.npz was changed", id="predictions"),
        pytest.param(cut_predictions, "predictions.npz cannot be read", id="torn predictions"),
        pytest.param(spoil_probabilities, "do not sum to 1", id="probabilities"),
        pytest.param(lose_trial, "its trial is not in the store", id="a trial gone"),
        pytest.param(other_attempt, "another training of its trial", id="another attempt"),
        pytest.param(falsify_index, "accuracy is", id="a score"),
    ],
)
def test_whatever_was_changed_is_found(store: Store, spoil: Any, what: str) -> None:
    spoil(store)
    assert any(what in found for found in problems(store)), problems(store)


def test_a_record_without_a_hash_of_itself_is_said_to_be_of_an_earlier_version(
    store: Store,
) -> None:
    path = first(store, "trials") / "record.json"
    edit_json(path, record_sha256="", schema_version=1)
    verified = verify_store(store)
    assert (verified.problems, verified.unsealed) == ((), 1)


def test_a_record_laid_out_anew_is_the_same(store: Store) -> None:
    edit_json(first(store, "trials") / "record.json")
    assert problems(store) == []


def test_changed_sample_names_are_found_where_evaluations_use_them(store: Store) -> None:
    shutil.rmtree(store.splits)
    for folder in store.evaluations.iterdir():
        record = read_evaluation(folder)
        write_split(store, record.split_hash, ("other.png",) * 20, None)
    assert all("was changed" in found for found in problems(store))
    assert len(problems(store)) == 2


def test_a_problem_names_the_folder(store: Store) -> None:
    drop_log(store)
    (found,) = verify_store(store).problems
    assert found == Problem(
        folder=f"trials/{first(store, 'trials').name}", what="log.txt is missing"
    )


def test_without_being_asked_for_no_trial_is_removable(store: Store) -> None:
    assert find_removable(store, Which(), now=NOW) == []


@pytest.mark.parametrize(
    ("names", "which", "n_trials"),
    [
        pytest.param((), Which(states=(State.FAILED,)), 1, id="by state"),
        pytest.param(("sv*",), Which(), 3, id="by model"),
        pytest.param(("sv*",), Which(states=(State.OK,)), 2, id="by both"),
        pytest.param((), Which(older_than_seconds=86400.0), 3, id="by age"),
        pytest.param((), Which(older_than_seconds=20 * 86400.0), 0, id="too young"),
    ],
)
def test_trials_that_meet_all_conditions_are_removable(
    store: Store, names: tuple[str, ...], which: Which, n_trials: int
) -> None:
    if names:
        which = replace(which, trials=trials_of(store, names))
    assert len(find_removable(store, which, now=NOW)) == n_trials


def test_one_trial_is_named_for_removal_by_how_its_id_begins(store: Store) -> None:
    trial = first(store, "trials").name
    assert trials_of(store, (trial[:10],)) == {trial}


def test_a_name_that_no_trial_has_removes_nothing_and_says_the_close_one(store: Store) -> None:
    with pytest.raises(BenchError, match="no results of 'svmm': did you mean svm"):
        trials_of(store, ("svmm",))


def test_a_trial_without_a_start_time_is_never_old(store: Store) -> None:
    add_trial(store, "old", started_at="")
    assert (
        find_removable(
            store, Which(trials=trials_of(store, ("old",)), older_than_seconds=0.0), now=NOW
        )
        == []
    )


def test_removing_a_trial_removes_its_evaluations_and_nothing_else(store: Store) -> None:
    found = find_removable(store, Which(states=(State.OK,)), now=NOW)
    assert remove(store, found[:1]) == (found[0].size_bytes, [])

    assert len(list(store.trials.iterdir())) == 2
    assert len(list(store.evaluations.iterdir())) == 1
    assert verify_store(store).problems == ()
    assert found[0].size_bytes > 1000


def test_a_trial_that_a_run_is_at_is_left(store: Store) -> None:
    found = find_removable(store, Which(states=(State.FAILED,)), now=NOW)
    lock = take_lock(store.locks / f"{found[0].trial_id}.lock")
    assert lock is not None
    assert remove(store, found) == (0, [found[0].what])
    assert len(list(store.trials.iterdir())) == 3


def test_what_kills_and_fresh_runs_left_is_removable(store: Store) -> None:
    supersede(store, first(store, "trials").name)
    (store.work / "run-gone").mkdir(parents=True)
    (store.work / "run-alive").mkdir()
    lock = take_lock(store.locks / "run-alive.lock")
    kept = first(store, "trials").name
    store.checkpoint(kept).mkdir(parents=True)
    store.checkpoint("unfinished").mkdir()

    found = find_removable(store, Which(), now=NOW)
    assert [each.what.split()[0] for each in found] == ["checkpoint", "superseded", "work"]
    remove(store, found)
    assert (store.work / "run-alive").is_dir()
    assert store.checkpoint("unfinished").is_dir()
    assert find_removable(store, Which(), now=NOW) == []
    assert lock is not None
