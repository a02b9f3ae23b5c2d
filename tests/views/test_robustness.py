import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.board.boards import Boards
from bench.errors import BenchError
from bench.images.corruptions import CORRUPTIONS
from bench.store.layout import Store
from bench.views import NoOptions
from bench.views.robustness import VIEW, Robustness

Add = Callable[..., str]
Run = Callable[..., Any]


def robustness_rows(store: Store) -> tuple[Robustness, ...]:
    return VIEW.compute(Boards(store=store), NoOptions())


def corrupt(
    add: Add, store: Store, model: str, wrong: dict[int, int], name: str, **facts: Any
) -> None:
    for strength, count in wrong.items():
        transform = {"corruption": name, "strength": strength}
        add(store, model, count, evaluation={"transform": transform}, **facts)


STRENGTHS = {1: 40, 2: 80, 3: 120, 4: 160, 5: 200}


def test_a_curve_gives_the_accuracy_at_each_strength(store: Store, add: Add) -> None:
    add(store, "m", 0)
    corrupt(add, store, "m", STRENGTHS, "translate")
    (row,) = robustness_rows(store)
    assert row.curves == {"translate": pytest.approx((0.9, 0.8, 0.7, 0.6, 0.5))}
    assert row.clean_accuracy == 1
    assert row.mean_accuracy == pytest.approx(0.7)


def test_relative_accuracy_is_the_share_of_clean(store: Store, add: Add) -> None:
    add(store, "m", 200)
    corrupt(add, store, "m", dict.fromkeys(range(1, 6), 300), "translate")
    (row,) = robustness_rows(store)
    assert row.of_clean(row.mean_accuracy) == pytest.approx(0.5)


def test_accuracies_are_means_over_the_seeds(store: Store, add: Add) -> None:
    for seed, wrong in ((1, 0), (2, 40)):
        add(store, "m", wrong, seed=seed)
        corrupt(add, store, "m", dict.fromkeys(range(1, 6), 2 * wrong), "translate", seed=seed)
    (row,) = robustness_rows(store)
    assert row.seeds == 2
    assert row.clean_accuracy == pytest.approx(0.95)
    assert row.mean_accuracy == pytest.approx(0.9)


def test_a_corruption_without_all_its_strengths_is_left_out(store: Store, add: Add) -> None:
    add(store, "m")
    corrupt(add, store, "m", STRENGTHS, "translate")
    corrupt(add, store, "m", {1: 0}, "rotate")
    (row,) = robustness_rows(store)
    assert tuple(row.curves) == ("translate",)


def test_inversion_has_one_strength(store: Store, add: Add) -> None:
    assert list(CORRUPTIONS["inverse"].strengths) == [1]
    add(store, "m")
    corrupt(add, store, "m", {1: 360}, "inverse")
    (row,) = robustness_rows(store)
    assert row.curves["inverse"] == pytest.approx((0.1,))


def test_the_most_robust_model_comes_first(store: Store, add: Add) -> None:
    for model, wrong in (("weak", 300), ("strong", 20)):
        add(store, model)
        corrupt(add, store, model, dict.fromkeys(range(1, 6), wrong), "translate")
    assert [row.model for row in robustness_rows(store)] == ["strong", "weak"]


def test_a_model_that_reads_nothing_right_divides_by_no_zero(store: Store, add: Add) -> None:
    add(store, "m", 400)
    corrupt(add, store, "m", dict.fromkeys(range(1, 6), 400), "translate")
    (row,) = robustness_rows(store)
    assert row.of_clean(row.mean_accuracy) == 0


def test_a_store_without_corruptions_says_how_to_make_them(store: Store, add: Add) -> None:
    add(store, "m")
    with pytest.raises(BenchError, match="--corruptions all"):
        robustness_rows(store)


def test_the_view_names_the_corruption_and_its_mean(store: Store, add: Add, run_bench: Run) -> None:
    add(store, "m", 0)
    corrupt(add, store, "m", STRENGTHS, "translate")
    out = run_bench("show", "robustness", "--store", store.root).out
    assert "translate" in out
    assert "shifted by 1 to 5 pixels" in out
    records = json.loads(run_bench("show", "robustness", "--json", "--store", store.root).out)
    assert [record["strength"] for record in records] == [1, 2, 3, 4, 5]
    assert {record["mean_corruption_accuracy"] for record in records} == {0.7}


def test_mnist_c_has_a_mean_of_its_own(store: Store, add: Add, run_bench: Run) -> None:
    add(store, "m", 0)
    corrupt(add, store, "m", STRENGTHS, "translate")
    for name, wrong in (("mnist-c:fog", 200), ("mnist-c:zigzag", 120)):
        transform = {"corruption": name, "strength": 1}
        add(store, "m", wrong, evaluation={"transform": transform, "test_hash": name})
    (row,) = robustness_rows(store)
    assert row.mean_accuracy == pytest.approx(0.7)
    assert row.mnist_c_accuracy == pytest.approx(0.6)
    out = run_bench("show", "robustness", "--store", store.root).out
    assert "MNIST-C's own files, 2 corruptions" in out
    assert "fog .500, zigzag .700" in out
    records = json.loads(run_bench("show", "robustness", "--json", "--store", store.root).out)
    of_files = [record for record in records if record["strength"] is None]
    assert {record["mean_corruption_accuracy"] for record in of_files} == {0.6}


def test_mnist_c_is_shown_without_other_corruptions(store: Store, add: Add, run_bench: Run) -> None:
    add(store, "m", 0)
    transform = {"corruption": "mnist-c:fog", "strength": 1}
    add(store, "m", 200, evaluation={"transform": transform, "test_hash": "fog"})
    done = run_bench("show", "robustness", "--store", store.root)
    assert done.code == 0
    assert "mean over strengths" not in done.out


def test_a_run_reads_the_files_of_mnist_c(run_bench: Run, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (140, 28, 28), dtype=np.uint8)
    labels = np.arange(140) % 10
    images[np.arange(140), labels] = 255  # a bright line, at the label's height
    np.savez(
        tmp_path / "mnist.npz",
        x_train=images[40:],
        y_train=labels[40:],
        x_test=images[:40],
        y_test=labels[:40],
    )
    folder = tmp_path / "mnist_c" / "fog"
    folder.mkdir(parents=True)
    np.save(folder / "test_images.npy", (images[:40, ::-1] // 2)[..., None])
    np.save(folder / "test_labels.npy", labels[:40])
    here = ("--data-dir", tmp_path, "--store", tmp_path / "store")
    asked = ("run", "-m", "random-forest", "-d", "mnist", "--corruptions", "mnist-c", *here)
    assert run_bench(*asked).code == 0
    assert " cached  random-forest" in run_bench(*asked, "--dry-run").out
    found = run_bench("show", "robustness", "--json", "--store", tmp_path / "store")
    (record,) = json.loads(found.out)
    assert record["corruption"] == "mnist-c:fog"
    assert record["accuracy"] < record["clean_accuracy"]
