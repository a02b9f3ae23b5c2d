"""A model taken home: read by a runtime alone, it says what it said here."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.datasets import load_digits

from bench.adapters import load_trained
from bench.adapters.card import Card, read_card
from bench.adapters.ready import load_ready, ready_spec
from bench.adapters.ready_questions import Answers, inspect_file
from bench.adapters.sklearn import sklearn_classifier
from bench.errors import BenchError
from bench.execution.exporting import export_model, formats_of
from bench.spec import BuildContext, Classifier, FitContext, ImageSet
from bench.store.record import Identity, State, TrialRecord

pytest.importorskip("onnxruntime")
pytest.importorskip("skl2onnx")

DIGITS = tuple("0123456789")
SHAPE = (8, 8, 1)
AGREEMENT = 0.998
CARD = Card(
    image_shape=SHAPE, input_layout="nhwc", input_scale="0..1", classes=DIGITS, model="mine"
)
CONTEXT = FitContext(image_shape=SHAPE, classes=DIGITS, options={"epochs": 2, "batch_size": 32})
Images = npt.NDArray[np.float32]


def digits() -> ImageSet:
    images, labels = load_digits(return_X_y=True)
    pixels = (images.reshape(-1, *SHAPE) / 16).astype(np.float32)
    return ImageSet(pixels=pixels, labels=labels.astype(np.int64))


TEST = digits().images[:1000]


def record(folder: Path) -> TrialRecord:
    identity = Identity(
        model="mine",
        options={},
        model_source="",
        harness_source="",
        train_hash="",
        seed=42,
        precision="float32",
        requires={},
    )
    return TrialRecord(
        trial_id=folder.name,
        attempt="a",
        config_id="c",
        identity=identity,
        model="mine",
        train_dataset="digits",
        classes=DIGITS,
        image_shape=SHAPE,
        state=State.OK,
        seed=42,
    )


def stored(folder: Path, classifier: Any) -> Path:
    """Fit a classifier and save it as a trial's."""
    classifier.fit(digits(), CONTEXT)
    (folder / "model").mkdir(parents=True)
    classifier.save(folder / "model")
    return folder


@pytest.fixture(scope="module")
def forest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from sklearn.ensemble import RandomForestClassifier

    return stored(
        tmp_path_factory.mktemp("forest") / "t", sklearn_classifier(RandomForestClassifier(20))
    )


@pytest.fixture(scope="module")
def votes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from sklearn.svm import SVC

    estimator = SVC(decision_function_shape="ovo")
    return stored(tmp_path_factory.mktemp("votes") / "t", sklearn_classifier(estimator))


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from bench.adapters.keras import keras_classifier

    def build(context: BuildContext) -> Any:
        import keras

        return keras.Sequential(
            [
                keras.Input(context.image_shape),
                keras.layers.Conv2D(8, 3, activation="relu"),
                keras.layers.BatchNormalization(),
                keras.layers.Flatten(),
                keras.layers.Dense(context.n_classes, activation="softmax"),
            ]
        )

    return stored(tmp_path_factory.mktemp("network") / "t", keras_classifier(build, CONTEXT))


def predicted_here(folder: Path) -> npt.NDArray[np.int64]:
    classifier: Any = load_trained(ready_less(), folder / "model", CONTEXT)
    if hasattr(classifier, "predict"):
        return np.asarray(classifier.predict(TEST))
    return np.asarray(classifier.predict_proba(TEST).argmax(axis=1))


def ready_less() -> Any:
    """A registration without a reader of its own."""
    from dataclasses import replace

    return replace(ready_spec("mine"), load=None)


def by_onnxruntime(file: Path) -> npt.NDArray[np.int64]:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    given = session.get_inputs()[0]
    fed = TEST if len(given.shape) == 4 else TEST.reshape(len(TEST), -1)
    return np.asarray(session.run(None, {given.name: fed})[-1].argmax(axis=1))


def by_litert(file: Path) -> npt.NDArray[np.int64]:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(file))
    given = interpreter.get_input_details()[0]["index"]
    returned = interpreter.get_output_details()[0]["index"]
    interpreter.resize_tensor_input(given, TEST.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(given, TEST)
    interpreter.invoke()
    return np.asarray(interpreter.get_tensor(returned).argmax(axis=1))


@pytest.mark.parametrize("model", ["forest", "votes"])
def test_an_estimator_as_onnx_says_the_same_by_onnxruntime_alone(
    model: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    folder = request.getfixturevalue(model)

    export_model(folder, record(folder), "onnx", tmp_path / "m.onnx", CARD)

    same = by_onnxruntime(tmp_path / "m.onnx") == predicted_here(folder)
    assert same.mean() >= AGREEMENT


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("kind", "read"),
    [
        pytest.param("onnx", by_onnxruntime, id="onnx"),
        pytest.param("tflite", by_litert, id="tflite"),
    ],
)
def test_a_network_says_the_same_by_another_runtime_alone(
    network: Path, tmp_path: Path, kind: str, read: Callable[[Path], Any]
) -> None:
    export_model(network, record(network), kind, tmp_path / f"m.{kind}", CARD)

    same = read(tmp_path / f"m.{kind}") == predicted_here(network)
    assert same.mean() >= AGREEMENT


def read_back(file: Path) -> Classifier:
    """Read an exported file as ``--model-file`` does, without an answer."""
    place = file.parent / file.suffix[1:]
    place.mkdir()
    copy = place / f"model{file.suffix}"
    copy.write_bytes(file.read_bytes())
    inspect_file(copy, Answers())
    return load_ready(place)


@pytest.mark.parametrize("kind", ["skops", "onnx"])
def test_an_exported_estimator_is_read_without_questions(
    forest: Path, tmp_path: Path, kind: str
) -> None:
    export_model(forest, record(forest), kind, tmp_path / f"m.{kind}", CARD)

    found = read_back(tmp_path / f"m.{kind}").predict_proba(TEST).argmax(axis=1)

    assert (found == predicted_here(forest)).mean() >= AGREEMENT


@pytest.mark.heavy
@pytest.mark.parametrize("kind", ["keras", "tflite", "onnx"])
def test_an_exported_network_is_read_without_questions(
    network: Path, tmp_path: Path, kind: str
) -> None:
    export_model(network, record(network), kind, tmp_path / f"m.{kind}", CARD)

    found = read_back(tmp_path / f"m.{kind}").predict_proba(TEST).argmax(axis=1)

    assert read_card(tmp_path / f"m.{kind}") is not None
    assert (found == predicted_here(network)).mean() >= AGREEMENT


def test_a_format_that_a_model_has_not_is_refused_with_those_it_has(
    forest: Path, tmp_path: Path
) -> None:
    assert formats_of(forest) == ("skops", "onnx")
    with pytest.raises(BenchError, match="as keras: it can be exported as skops, onnx"):
        export_model(forest, record(forest), "keras", tmp_path / "m.keras", CARD)


def test_a_model_that_cannot_be_read_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "t/model").mkdir(parents=True)
    (tmp_path / "t/model/model.skops").write_bytes(b"no estimator")

    with pytest.raises(BenchError, match=r"model\.skops: is no readable model") as raised:
        export_model(tmp_path / "t", record(tmp_path / "t"), "onnx", tmp_path / "m.onnx", CARD)
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "m.onnx").exists()
