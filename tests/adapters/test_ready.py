"""Model files: what they say of themselves, what is asked, and what is refused."""

import json
import math
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from bench.adapters.card import Card, embed, read_card
from bench.adapters.ready import load_ready
from bench.adapters.ready_questions import Answers, inspect_file
from bench.errors import BenchError, DataError, UndecidedError

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

SIDE = 8
DIGITS = tuple("0123456789")
WEIGHTS = np.random.default_rng(0).normal(size=(SIDE * SIDE, 10)).astype(np.float32)
CARD = Card(image_shape=(SIDE, SIDE, 1), input_layout="nhwc", input_scale="0..1", classes=DIGITS)
SAID = Answers(input_scale="0..1", classes=DIGITS)


def softmax(rows: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.floating[Any]]:
    shares = np.exp(rows - rows.max(axis=1, keepdims=True))
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))


def write_onnx(
    path: Path,
    shape: Sequence[int | str] = ("n", SIDE, SIDE, 1),
    *,
    ends: Sequence[str] = ("Softmax",),
    domain: str = "",
    kind: str = "FLOAT",
    outputs: int = 1,
    rows: int = 0,
) -> Path:
    """Write a linear classifier of images of any shape."""
    names = ["images", *(f"after-{i}" for i in range(len(ends) + 2))]
    nodes = [
        onnx.helper.make_node("Flatten", [names[0]], [names[1]]),
        onnx.helper.make_node("MatMul", [names[1], "weights"], [names[2]]),
        *(
            onnx.helper.make_node(each, [names[i + 2]], [names[i + 3]], domain=domain)
            for i, each in enumerate(ends)
        ),
    ]
    given = onnx.helper.make_tensor_value_info("images", getattr(onnx.TensorProto, kind), shape)
    returned = [
        onnx.helper.make_tensor_value_info(names[-1 - i], onnx.TensorProto.FLOAT, ("n", 10))
        for i in range(outputs)
    ]
    n = rows or math.prod(side for side in shape[1:] if isinstance(side, int))
    values = WEIGHTS if n == len(WEIGHTS) else np.ones((n, 10), np.float32)
    weights = onnx.numpy_helper.from_array(values, "weights")
    graph = onnx.helper.make_graph(nodes, "linear", [given], returned, [weights])
    opsets = [onnx.helper.make_opsetid("", 17), onnx.helper.make_opsetid("mine", 1)]
    onnx.save(onnx.helper.make_model(graph, opset_imports=opsets, ir_version=9), path)
    return path


@pytest.fixture
def images() -> npt.NDArray[np.float32]:
    return np.random.default_rng(1).random((20, SIDE, SIDE, 1), dtype=np.float32)


@pytest.mark.parametrize(
    ("shape", "layout"),
    [
        pytest.param(("n", SIDE, SIDE, 1), "nhwc", id="channels-last"),
        pytest.param(("n", 1, SIDE, SIDE), "nchw", id="channels-first"),
        pytest.param(("n", SIDE, SIDE), "nhw", id="no-channels"),
        pytest.param(("n", SIDE * SIDE), "flat", id="rows-of-numbers"),
        pytest.param((1, SIDE, SIDE, 1), "nhwc", id="one-at-a-time"),
        pytest.param((16, SIDE, SIDE, 1), "nhwc", id="batches-of-16"),
    ],
)
def test_the_layout_is_told_from_the_shape(
    tmp_path: Path, images: npt.NDArray[np.float32], shape: Sequence[int | str], layout: str
) -> None:
    found = inspect_file(write_onnx(tmp_path / "model.onnx", shape), SAID)

    assert found.card.input_layout == layout
    expected = softmax(images.reshape(20, -1) @ WEIGHTS)
    np.testing.assert_allclose(
        load_ready(tmp_path).predict_proba(images), expected, rtol=1e-4, atol=1e-6
    )


@pytest.mark.parametrize(
    ("scale", "low", "high"),
    [
        pytest.param("0..255", 0, 255, id="0..255"),
        pytest.param("-1..1", -1, 1, id="-1..1"),
    ],
)
def test_images_are_brought_to_the_scale(
    tmp_path: Path, images: npt.NDArray[np.float32], scale: str, low: float, high: float
) -> None:
    inspect_file(write_onnx(tmp_path / "model.onnx"), Answers(input_scale=scale, classes=DIGITS))

    fed = images.reshape(20, -1) * (high - low) + low
    np.testing.assert_allclose(
        load_ready(tmp_path).predict_proba(images), softmax(fed @ WEIGHTS), rtol=1e-3, atol=1e-5
    )


def test_logits_become_probabilities(tmp_path: Path, images: npt.NDArray[np.float32]) -> None:
    found = inspect_file(write_onnx(tmp_path / "model.onnx", ends=()), SAID)

    assert found.card.output == "logits"
    expected = softmax(images.reshape(20, -1) @ WEIGHTS)
    np.testing.assert_allclose(
        load_ready(tmp_path).predict_proba(images), expected, rtol=1e-4, atol=1e-6
    )


@pytest.mark.parametrize(
    ("shape", "answers", "option"),
    [
        pytest.param(("n", 8, 8, 1), Answers(classes=DIGITS), "--input-scale", id="scale"),
        pytest.param(("n", 8, 8, 1), Answers(input_scale="0..1"), "--output-classes", id="classes"),
        pytest.param(("n", 3, 8, 3), SAID, "--input-layout nhwc or nchw", id="layout"),
        pytest.param(("n", 63), SAID, "--input-shape HEIGHTxWIDTH", id="sides"),
    ],
)
def test_what_a_file_does_not_say_is_asked_with_the_option_that_answers(
    tmp_path: Path, shape: Sequence[int | str], answers: Answers, option: str
) -> None:
    with pytest.raises(UndecidedError) as raised:
        inspect_file(write_onnx(tmp_path / "model.onnx", shape), answers)

    assert option in str(raised.value)


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        pytest.param(
            {"shape": ("n", 2, 8, 8, 1)}, "an image has two sides", id="wrong-input-shape"
        ),
        pytest.param({"shape": ("n", "h", "w", 1)}, "their sides are open", id="dynamic-axes"),
        pytest.param(
            {"ends": ("Sparkle",), "domain": "mine"}, "has no operator", id="unknown-operator"
        ),
        pytest.param({"rows": 49}, "cannot be read: Node", id="shape-of-other-weights"),
        pytest.param({"kind": "INT64"}, "cannot be read", id="whole-numbers"),
        pytest.param({"outputs": 2}, "one output must hold", id="two-outputs"),
    ],
)
def test_an_onnx_file_that_cannot_be_used_is_refused_in_one_line(
    tmp_path: Path, facts: dict[str, Any], said: str
) -> None:
    with pytest.raises(DataError) as raised:
        inspect_file(write_onnx(tmp_path / "model.onnx", **facts), SAID)

    assert said in str(raised.value)
    assert "\n" not in str(raised.value)
    assert str(tmp_path) not in str(raised.value)


@pytest.mark.parametrize("suffix", ["onnx", "keras", "tflite", "skops"])
def test_what_is_no_model_is_refused_in_one_line(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"model.{suffix}").write_bytes(b"\x89 no model at all")

    with pytest.raises(BenchError) as raised:
        inspect_file(tmp_path / f"model.{suffix}", SAID)

    assert "\n" not in str(raised.value)


def test_a_keras_file_with_a_lambda_is_refused_unopened(tmp_path: Path) -> None:
    layer = {"class_name": "Lambda", "config": {"function": {"class_name": "__lambda__"}}}
    with zipfile.ZipFile(tmp_path / "model.keras", "w") as archive:
        archive.writestr("config.json", json.dumps({"config": {"layers": [layer]}}))

    with pytest.raises(DataError, match="holds a Lambda layer: it is code"):
        inspect_file(tmp_path / "model.keras", SAID)


def test_other_numbers_of_classes_are_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="tells 10 classes apart: 2 are named"):
        inspect_file(
            write_onnx(tmp_path / "model.onnx"), Answers(input_scale="0..1", classes=("a", "b"))
        )


def test_a_file_with_a_card_is_asked_nothing(tmp_path: Path) -> None:
    embed(write_onnx(tmp_path / "model.onnx"), CARD)

    assert inspect_file(tmp_path / "model.onnx", Answers()).card == CARD


def test_a_card_of_another_shape_is_not_believed(tmp_path: Path) -> None:
    embed(write_onnx(tmp_path / "model.onnx", ("n", 1, SIDE, SIDE)), CARD)

    with pytest.raises(DataError, match="speaks of an input of another shape"):
        inspect_file(tmp_path / "model.onnx", Answers())


def write_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", "{}")


@pytest.mark.parametrize(
    ("suffix", "write"),
    [
        pytest.param("onnx", write_onnx, id="onnx"),
        pytest.param("keras", write_zip, id="keras"),
        pytest.param("skops", write_zip, id="skops"),
    ],
)
def test_a_card_comes_back_out_of_a_file(
    tmp_path: Path, suffix: str, write: Callable[[Path], object]
) -> None:
    file = tmp_path / f"model.{suffix}"
    write(file)

    assert read_card(file) is None
    embed(file, CARD)
    assert read_card(file) == CARD


def test_a_damaged_card_is_told(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "model.keras", "w") as archive:
        archive.writestr("digitbench.json", '{"classes": 3}')

    with pytest.raises(DataError, match="the card in it: is damaged"):
        read_card(tmp_path / "model.keras")
