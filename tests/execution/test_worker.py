from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.execution.capture import BoundedLog
from bench.execution.contract import ContractError, check_predicted, check_probabilities
from bench.execution.events import EpochEnded, EvaluationFinished
from bench.execution.latency import measure_latency
from bench.execution.privacy import scrub
from bench.execution.training_images import choose_images
from bench.loading.cache import open_split, write_split
from bench.plugins.sources import hash_of_sources, read_sources
from bench.spec import ImageSet
from bench.store.read import read_evaluation, read_predictions, read_split, read_trial
from bench.store.record import Duplicate, State


def run_one(tiny: Any, task: Any) -> Any:
    tiny.run(task, isolate=False)
    (folder,) = tiny.store.trials.iterdir()
    return read_trial(folder)


def evaluation(tiny: Any, task: Any, name: str = "e" * 16) -> Any:
    folder = tiny.store.evaluation(task.trial_id, name)
    return read_evaluation(folder), read_predictions(folder)


@given(
    labels=st.lists(st.integers(0, 5), min_size=1, max_size=60),
    n=st.integers(1, 70),
    seed=st.integers(0, 2**32 - 1),
)
def test_a_limited_training_set_keeps_every_class_while_there_is_room(
    labels: list[int], n: int, seed: int
) -> None:
    array = np.array(labels, dtype=np.int64)
    chosen = choose_images(array, n, seed)
    if n >= len(labels):
        assert chosen is None
        return
    assert chosen is not None
    assert len(set(chosen.tolist())) == n
    assert len(set(array[chosen].tolist())) == min(n, len(set(labels)))
    again = choose_images(array, n, seed)
    assert again is not None
    assert (again == chosen).all()


def test_a_limited_training_set_depends_on_the_seed() -> None:
    labels = np.zeros(1000, dtype=np.int64)
    first, second = choose_images(labels, 10, 1), choose_images(labels, 10, 2)
    assert first is not None
    assert second is not None
    assert set(first.tolist()) != set(second.tolist())


def test_zero_training_images_means_all() -> None:
    assert choose_images(np.zeros(5, dtype=np.int64), 0, 1) is None


GOOD = np.full((4, 3), 1 / 3)


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        pytest.param(None, "predict_proba returned None: it must return an array", id="None"),
        pytest.param(
            GOOD[:2],
            "predict_proba returned an array of shape (2, 3) for 4 images of 3 classes: "
            "it must be (4, 3)",
            id="too few rows",
        ),
        pytest.param(
            GOOD[:, 0],
            "predict_proba returned an array of shape (4,) for 4 images of 3 classes: "
            "it must be (4, 3)",
            id="one column",
        ),
        pytest.param(
            GOOD * np.array([[np.nan], [1], [1], [1]]),
            "predict_proba returned NaN for 1 of 4 images",
            id="NaN",
        ),
        pytest.param(
            GOOD * np.inf, "predict_proba returned infinite values for 4 of 4 images", id="infinite"
        ),
        pytest.param(
            np.array([[2.0, -1.0, 0.0]] * 4),
            "predict_proba returned values from -1 to 2: probabilities are within 0 and 1",
            id="logits",
        ),
        pytest.param(
            GOOD / 2,
            "predict_proba returned rows that do not sum to 1: row 0 sums to 0.5",
            id="sums",
        ),
        pytest.param(
            [["a"] * 3] * 4,
            "predict_proba returned list of <U1: it must return an array of numbers",
            id="text",
        ),
    ],
)
def test_probabilities_that_break_the_contract_are_named(returned: Any, message: str) -> None:
    with pytest.raises(ContractError) as raised:
        check_probabilities(returned, 4, 3)
    assert str(raised.value) == message


def test_probabilities_within_the_tolerance_pass_as_float32() -> None:
    checked = check_probabilities((GOOD * 1.0009).tolist(), 4, 3)
    assert checked.dtype == np.float32
    assert checked.shape == (4, 3)


@pytest.mark.parametrize(
    ("returned", "is_fine"),
    [
        pytest.param(np.array([0, 2, 1, 0]), True, id="indices"),
        pytest.param(np.array([0.0, 2.0, 1.0, 0.0]), True, id="whole floats"),
        pytest.param(np.array([0, 3, 1, 0]), False, id="no such class"),
        pytest.param(np.array([0.5, 2, 1, 0]), False, id="fractions"),
        pytest.param(np.array([0, 1]), False, id="too few"),
        pytest.param(np.array(["0", "1", "2", "0"]), False, id="names"),
    ],
)
def test_predictions_are_indices_of_classes(returned: Any, is_fine: bool) -> None:
    if is_fine:
        assert check_predicted(returned, 4, 3).dtype == np.int64
        return
    with pytest.raises(ContractError, match="predict returned"):
        check_predicted(returned, 4, 3)


def test_a_record_holds_what_was_measured(tiny: Any) -> None:
    task = tiny.task("debug-sleep", options={"seconds": 0.2, "epochs": 4})
    record = run_one(tiny, task)

    assert record.state is State.OK
    assert (record.n_train, record.train_accuracy, record.epochs) == (60, 1.0, 4)
    assert record.fit_seconds == pytest.approx(0.2, abs=0.1)
    assert record.fit_cpu_seconds < record.fit_seconds
    assert record.total_seconds > record.fit_seconds
    assert record.peak_memory_bytes > 10 << 20
    assert (record.parameters, record.model_bytes, record.file_bytes) == (108, 432, 560)
    assert set(record.files) == {"history.csv", "log.txt", "model/means.npy"}
    assert record.machine.cores >= 1
    assert "digitbench" in record.versions
    assert [event.epoch for event in tiny.of(EpochEnded)] == [1, 2, 3, 4]


def test_an_evaluation_holds_predictions_latency_and_the_split(tiny: Any) -> None:
    task = tiny.task()
    tiny.run(task, isolate=False)
    record, predictions = evaluation(tiny, task)

    assert (record.n_test, record.labelled, record.leaked) == (30, True, 0)
    assert predictions.labels is not None
    assert (predictions.predicted == predictions.labels).all()
    assert predictions.probabilities.shape == (30, 3)
    assert 0 < record.latency_ms_p50 <= record.latency_ms_p95
    assert record.predict_us_per_image > 0
    assert [event.accuracy for event in tiny.of(EvaluationFinished)] == [1.0]


def test_labels_are_mapped_to_the_columns_of_the_training_classes(tiny: Any) -> None:
    own = tiny.task().evaluations[0]
    other = msgspec.structs.replace(own, class_columns=(2, 0, 1))
    task = tiny.task(evaluations=(other,))
    tiny.run(task, isolate=False)

    _, predictions = evaluation(tiny, task)
    assert predictions.labels is not None
    assert predictions.labels[:3].tolist() == [2, 0, 1]
    assert predictions.predicted[:3].tolist() == [0, 1, 2]


def test_test_images_of_another_shape_are_adapted_and_the_record_says_so(tiny: Any) -> None:
    own = tiny.task().evaluations[0]
    large = msgspec.structs.replace(own, split=tiny.split(side=12), evaluation_id="f" * 16)
    task = tiny.task(evaluations=(large,))
    tiny.run(task, isolate=False)

    record, _ = evaluation(tiny, task, "f" * 16)
    assert record.adapted == "12×12 grey reduced to 6×6"


def test_training_images_are_adapted_to_the_shape_the_model_is_built_for(tiny: Any) -> None:
    record = run_one(tiny, tiny.task(image_shape=(8, 8, 1)))
    assert (record.state, record.parameters) == (State.OK, 3 * 64)


def test_images_of_the_training_set_among_the_test_images_are_counted(tiny: Any) -> None:
    own = tiny.task().evaluations[0]
    task = tiny.task(evaluations=(msgspec.structs.replace(own, split=tiny.train),))
    tiny.run(task, isolate=False)

    record, _ = evaluation(tiny, task)
    assert record.leaked == 60


def test_only_images_trained_on_can_leak(tiny: Any) -> None:
    own = tiny.task().evaluations[0]
    task = tiny.task(
        evaluations=(msgspec.structs.replace(own, split=tiny.train),),
        harness={"train_images": 12},
    )
    tiny.run(task, isolate=False)

    record, _ = evaluation(tiny, task)
    (trial,) = tiny.records().values()
    assert (trial.n_train, record.leaked) == (12, 12)


def test_near_duplicates_of_training_images_are_counted_and_placed(tiny: Any) -> None:
    train = open_split(tiny.train).pixels
    test = np.array(open_split(tiny.split(side=6)).pixels)
    # Pictures saved again: other values, the same picture.
    test[[4, 9]] = np.clip(train[[7, 3]].astype(np.int16) + 3, 0, 255).astype(np.uint8)
    test[2] = train[5]
    ref = write_split(
        ImageSet(pixels=test, labels=np.arange(len(test)) % 3),
        ("0", "1", "2"),
        tiny.folder / "cache",
    )
    own = msgspec.structs.replace(tiny.task().evaluations[0], split=ref)
    task = tiny.task(evaluations=(own,))
    tiny.run(task, isolate=False)

    record, predictions = evaluation(tiny, task)
    assert (record.leaked, record.near_duplicates) == (1, 2)
    assert predictions.duplicates is not None
    assert np.flatnonzero(predictions.duplicates == Duplicate.NEAR).tolist() == [4, 9]
    assert np.flatnonzero(predictions.duplicates == Duplicate.EXACT).tolist() == [2]


def test_near_duplicates_that_repeat_are_all_placed_and_only_of_images_trained_on(
    tiny: Any,
) -> None:
    train = open_split(tiny.train).pixels
    test = np.array(open_split(tiny.test).pixels)
    again = np.clip(train.astype(np.int16) + 3, 0, 255).astype(np.uint8)
    test[[4, 9]] = again[7]
    ref = write_split(
        ImageSet(pixels=np.concatenate([test, again]), labels=np.arange(90) % 3),
        ("0", "1", "2"),
        tiny.folder / "cache",
    )
    own = msgspec.structs.replace(tiny.task().evaluations[0], split=ref)
    counts: dict[int, int] = {}
    for harness in ({}, {"train_images": 12}):
        task = tiny.task(evaluations=(own,), harness=harness, seed=len(counts) + 1)
        tiny.run(task, isolate=False)
        record, predictions = evaluation(tiny, task)
        assert predictions.duplicates is not None
        counts[len(harness)] = record.near_duplicates
        assert predictions.duplicates[4] == predictions.duplicates[9] == predictions.duplicates[37]
    assert counts[0] == 62
    assert counts[1] in (12, 14)


def test_blank_pages_on_both_sides_are_no_leak(tiny: Any) -> None:
    def with_blanks(ref: Any) -> Any:
        pixels = np.concatenate([open_split(ref).pixels, np.zeros((9, 6, 6, 1), np.uint8)])
        labels = np.arange(len(pixels)) % 3
        images = ImageSet(pixels=pixels, labels=labels)
        return write_split(images, ("0", "1", "2"), tiny.folder / "cache")

    own = msgspec.structs.replace(tiny.task().evaluations[0], split=with_blanks(tiny.test))
    task = tiny.task(evaluations=(own,), train=with_blanks(tiny.train))
    tiny.run(task, isolate=False)

    record, _ = evaluation(tiny, task)
    assert (record.n_test, record.leaked, record.near_duplicates) == (39, 0, 0)


def test_unlabelled_images_are_predicted_without_an_accuracy(tiny: Any) -> None:
    pixels = np.zeros((4, 6, 6, 1), dtype=np.uint8)
    ref = write_split(ImageSet(pixels=pixels), ("0", "1", "2"), tiny.folder / "cache")
    own = tiny.task().evaluations[0]
    task = tiny.task(evaluations=(msgspec.structs.replace(own, split=ref),))
    tiny.run(task, isolate=False)

    record, predictions = evaluation(tiny, task)
    assert (record.labelled, predictions.labels, record.n_test) == (False, None, 4)
    assert [event.accuracy for event in tiny.of(EvaluationFinished)] == [None]


def test_sample_names_and_groups_are_stored_once(tiny: Any) -> None:
    split = ImageSet(
        pixels=np.zeros((2, 6, 6, 1), dtype=np.uint8),
        labels=np.array([0, 1]),
        names=("a/1.png", "b/1.png"),
        groups=("a", "b"),
    )
    ref = write_split(split, ("0", "1", "2"), tiny.folder / "cache")
    own = msgspec.structs.replace(tiny.task().evaluations[0], split=ref)
    tasks = [tiny.task(seed=seed, evaluations=(own,)) for seed in (1, 2)]
    tiny.run(*tasks, isolate=False)

    record, _ = evaluation(tiny, tasks[0])
    names = read_split(tiny.store, record.split_hash)
    assert (names.names, names.groups) == (("a/1.png", "b/1.png"), ("a", "b"))
    assert len(list(tiny.store.splits.iterdir())) == 1


def test_a_failure_on_one_test_split_keeps_the_trial_and_the_other_evaluations(tiny: Any) -> None:
    own = tiny.task().evaluations[0]
    colour = write_split(
        ImageSet(pixels=np.zeros((3, 6, 6, 2), dtype=np.uint8), labels=np.arange(3)),
        ("0", "1", "2"),
        tiny.folder / "cache",
    )
    odd = msgspec.structs.replace(
        own, split=colour, evaluation_id="f" * 16, test_dataset="odd", own=False
    )
    task = tiny.task(evaluations=(odd, own))
    counts = tiny.run(task, isolate=False)

    assert counts == {State.FAILED: 1}
    assert read_trial(tiny.store.trial(task.trial_id)).state is State.OK
    assert evaluation(tiny, task)[0].n_test == 30
    (failed,) = tiny.store.trials.glob("*--*")
    assert "while predicting odd" in (failed / "log.txt").read_text()


@pytest.mark.parametrize(
    ("predict", "reason"),
    [
        pytest.param(
            "np.zeros((len(images), 2))",
            "predict_proba returned an array of shape (60, 2) for 60 images of 3 classes: "
            "it must be (60, 3)",
            id="shape",
        ),
        pytest.param("None", "predict_proba returned None: it must return an array", id="None"),
        pytest.param("images.no_such", "AttributeError: 'numpy.ndarray' object has", id="raises"),
    ],
)
def test_a_model_that_breaks_the_contract_fails_with_what_it_returned(
    tiny: Any, predict: str, reason: str
) -> None:
    plugin = tiny.plugin("pass", predict)
    record = run_one(tiny, tiny.task("own", plugin=plugin))
    assert (record.state, record.reason[: len(reason)]) == (State.FAILED, reason)


def test_a_broken_plugin_file_fails_its_trial_with_its_reason(tiny: Any) -> None:
    plugin = tiny.plugin("pass")
    task = tiny.task("own", plugin=plugin)
    broken = tiny.folder / "broken.py"
    broken.write_text("import no_such_module_at_all\n")
    known = hash_of_sources(read_sources(file=str(broken)))
    identity = msgspec.structs.replace(task.identity, model_source=known)
    changed = {"plugin": type(plugin)(file=str(broken)), "identity": identity}
    task = msgspec.structs.replace(task, **changed)
    record = run_one(tiny, task)
    assert "No module named 'no_such_module_at_all'" in record.reason


@given(st.lists(st.binary(max_size=40), max_size=40), st.integers(8, 100))
def test_a_bounded_log_keeps_head_and_tail(pieces: list[bytes], limit: int) -> None:
    log = BoundedLog(limit)
    for piece in pieces:
        log.write(piece)
    whole = b"".join(pieces)
    kept = bytes(log.head) + b"".join(log.tail)
    assert whole.startswith(bytes(log.head))
    assert whole.endswith(b"".join(log.tail))
    assert len(kept) + log.dropped_bytes == len(whole)
    assert len(kept) <= limit + 40


def test_the_longest_folder_is_replaced_first() -> None:
    folders = {"/home/me": "~", "/home/me/work": ".", "/home/me/data": "<data>"}
    text = scrub("/home/me/work/a /home/me/data/b /home/me/c", folders)
    assert text == "./a <data>/b ~/c"


def test_latency_of_a_slow_model_is_measured_for_half_a_second_at_most() -> None:
    import time

    calls = []

    def slow(images: Any) -> Any:
        calls.append(len(images))
        time.sleep(0.2)

    latency = measure_latency(slow, np.zeros((5, 2, 2, 1), dtype=np.float32))
    assert latency is not None
    assert 200 <= latency.p50_ms < 300
    assert set(calls) == {1}
    assert len(calls) <= 4
