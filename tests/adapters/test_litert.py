from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from bench import keras_classifier
from bench.adapters import load_to_predict
from bench.adapters.keras import KerasClassifier
from bench.adapters.litert import FLOAT_FILE, LiteRTClassifier, load_tflite
from bench.adapters.litert_writing import (
    convert_float32,
    quantize_int8,
    representative_images,
)
from bench.errors import BenchError, DataError
from bench.spec import BuildContext, FitContext, ImageSet, ModelSpec

SHAPE = (12, 12, 1)


def _network(context: BuildContext) -> Any:
    return keras.Sequential(
        [
            keras.Input(context.image_shape),
            layers.Conv2D(16, 3),
            layers.LeakyReLU(0.1),
            layers.MaxPooling2D(2),
            layers.BatchNormalization(),
            layers.Flatten(),
            layers.Dropout(0.1),
            layers.Dense(32, activation="relu"),
            layers.Dense(context.n_classes, activation="softmax"),
        ]
    )


def _images(n: int, seed: int) -> ImageSet:
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 4, n)
    pixels = generator.integers(0, 130, (n, *SHAPE)).astype(np.uint8)
    for image, label in zip(pixels, labels, strict=True):
        image[3 * label : 3 * label + 3] += 110
    return ImageSet(pixels=pixels, labels=labels)


@pytest.fixture(scope="module", params=["float32", "bfloat16"])
def trained(request: pytest.FixtureRequest) -> KerasClassifier:
    context = FitContext(
        image_shape=SHAPE,
        classes=("a", "b", "c", "d"),
        options={"epochs": 6, "batch_size": 20, "learning_rate": 0.005},
        precision=request.param,
        threads=2,
    )
    classifier = keras_classifier(_network, context)
    classifier.fit(_images(300, 0), context)
    return classifier


def test_an_int8_network_agrees_with_the_float_one_it_was_made_from(
    trained: KerasClassifier, tmp_path: Path
) -> None:
    quantized = quantize_int8(
        trained, representative_images(_images(300, 0)), tmp_path / "q.tflite"
    )
    test = _images(300, 5)
    rows = load_tflite(quantized.file).predict_proba(test.images)
    exact = trained.predict_proba(test.images)
    assert np.mean(rows.argmax(axis=1) == exact.argmax(axis=1)) > 0.97
    assert np.abs(rows - exact).max() < 0.2
    assert rows.dtype == np.float32
    np.testing.assert_allclose(rows.sum(axis=1), 1, atol=1e-6)


def test_input_output_and_weights_are_int8(trained: KerasClassifier, tmp_path: Path) -> None:
    from ai_edge_litert.interpreter import Interpreter

    quantized = quantize_int8(
        trained, representative_images(_images(100, 0)), tmp_path / "q.tflite"
    )
    interpreter = Interpreter(model_path=str(quantized.file))
    assert interpreter.get_input_details()[0]["dtype"] == np.int8
    assert interpreter.get_output_details()[0]["dtype"] == np.int8
    kinds = {detail["dtype"] for detail in interpreter.get_tensor_details()}
    assert np.float32 not in kinds
    parameters = trained.describe().parameters
    assert parameters is not None
    assert parameters <= quantized.model_bytes < 1.3 * parameters
    assert quantized.file_bytes == quantized.file.stat().st_size
    assert load_tflite(quantized.file).describe().engine.endswith("(int8)")


def test_a_saved_model_folder_is_quantised_like_the_classifier(
    trained: KerasClassifier, tmp_path: Path
) -> None:
    trained.save(tmp_path)
    images = representative_images(_images(100, 0))
    direct = quantize_int8(trained, images, tmp_path / "a.tflite")
    stored = quantize_int8(tmp_path, images, tmp_path / "b.tflite")
    test = _images(50, 6).images
    np.testing.assert_array_equal(
        load_tflite(direct.file).predict_proba(test), load_tflite(stored.file).predict_proba(test)
    )


def test_a_float32_file_gives_the_probabilities_of_keras(
    trained: KerasClassifier, tmp_path: Path
) -> None:
    file = convert_float32(trained, tmp_path / "f.tflite").file
    test = _images(70, 7).images
    np.testing.assert_allclose(
        load_tflite(file).predict_proba(test), trained.predict_proba(test), atol=1e-5
    )


def test_a_row_does_not_depend_on_the_number_of_images(
    trained: KerasClassifier, tmp_path: Path
) -> None:
    file = quantize_int8(trained, representative_images(_images(50, 0)), tmp_path / "q.tflite").file
    classifier = load_tflite(file)
    images = _images(70, 8).images
    alone = np.concatenate([classifier.predict_proba(image[None]) for image in images])
    np.testing.assert_array_equal(classifier.predict_proba(images), alone)
    assert classifier.predict_proba(images[:0]).shape == (0, 4)


def _spec() -> ModelSpec:
    return ModelSpec(
        name="x", summary="", build=lambda context: keras_classifier(_network, context)
    )


def _context(**changes: Any) -> BuildContext:
    told = {"image_shape": SHAPE, "classes": ("a", "b", "c", "d"), "options": {}, **changes}
    return BuildContext(**told)


def test_a_saved_network_is_read_through_litert_with_the_same_probabilities(
    trained: KerasClassifier, tmp_path: Path
) -> None:
    trained.save(tmp_path)
    read = load_to_predict(_spec(), tmp_path, _context())
    assert isinstance(read, LiteRTClassifier)
    test = _images(150, 8).images
    np.testing.assert_allclose(read.predict_proba(test), trained.predict_proba(test), atol=1e-5)


def test_a_class_that_predicts_in_a_way_of_its_own_has_no_litert_file(
    trained: KerasClassifier, tmp_path: Path
) -> None:
    class Mirrored(KerasClassifier):
        def predict_proba(self, images: Any) -> Any:
            return super().predict_proba(images[:, :, ::-1])

    trained.save(tmp_path)
    odd = Mirrored(_network, _context())
    odd.read(tmp_path)
    odd.save(tmp_path / "odd")
    assert [path.name for path in (tmp_path / "odd").iterdir()] == ["model.keras"]


def test_a_file_of_other_images_or_classes_than_its_record_says_is_refused(
    trained: KerasClassifier, tmp_path: Path
) -> None:
    trained.save(tmp_path)
    with pytest.raises(BenchError, match=r"reads images of \(12, 12, 1\) as 4 classes"):
        load_to_predict(_spec(), tmp_path, _context(classes=("a", "b")))


def test_a_damaged_litert_file_is_one_clear_line_and_not_passed_over(
    trained: KerasClassifier, tmp_path: Path
) -> None:
    trained.save(tmp_path)
    content = (tmp_path / FLOAT_FILE).read_bytes()
    (tmp_path / FLOAT_FILE).write_bytes(content[:1000])
    with pytest.raises(DataError, match=r"^model-float32\.tflite cannot be read: "):
        load_to_predict(_spec(), tmp_path, _context())


@pytest.mark.parametrize(
    "brightest", [pytest.param(1.0, id="all-of-the-range"), pytest.param(0.3, id="darker-images")]
)
def test_images_are_fed_as_the_nearest_steps_within_the_measured_range(
    trained: KerasClassifier, tmp_path: Path, brightest: float
) -> None:
    from ai_edge_litert.interpreter import Interpreter

    seen = representative_images(_images(50, 0)) * np.float32(brightest)
    seen[0, 0, 0] = brightest
    quantized = quantize_int8(trained, seen, tmp_path / "q.tflite")
    interpreter = Interpreter(model_path=str(quantized.file))
    interpreter.allocate_tensors()
    given, returned = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    scale, zero = given["quantization"]
    classifier = load_tflite(quantized.file)
    for image in np.concatenate([_images(20, 9).images, np.ones((1, *SHAPE), np.float32)]):
        steps = np.clip(np.rint(image / scale) + zero, -128, 127).astype(np.int8)
        interpreter.set_tensor(given["index"], steps[None])
        interpreter.invoke()
        whole = interpreter.get_tensor(returned["index"]).astype(np.float64)
        shares = whole - returned["quantization"][1]
        expected = shares / shares.sum()
        np.testing.assert_allclose(classifier.predict_proba(image[None]), expected, atol=1e-6)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"<html>not found</html>", id="html"),
        pytest.param(None, id="missing"),
    ],
)
def test_a_damaged_file_is_one_clear_line(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "model-int8.tflite"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(DataError, match=r"^model-int8\.tflite cannot be read: .+"):
        load_tflite(file)


def test_quantising_without_an_image_is_refused(trained: KerasClassifier, tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="it needs at least one representative image"):
        quantize_int8(trained, np.zeros((0, *SHAPE), np.float32), tmp_path / "q.tflite")


def test_a_network_without_an_8_bit_form_is_refused_in_one_line(tmp_path: Path) -> None:
    class Odd(layers.Layer):  # type: ignore[misc]  # Keras has no types
        def call(self, inputs: Any) -> Any:
            import tensorflow as tf

            return tf.math.erfinv(inputs * 0.5)

    def network(context: BuildContext) -> Any:
        plain = _network(context).layers
        return keras.Sequential([keras.Input(context.image_shape), Odd(), *plain])

    context = FitContext(
        image_shape=SHAPE, classes=("a", "b", "c", "d"), options={"epochs": 1}, threads=2
    )
    classifier = keras_classifier(network, context)
    classifier.fit(_images(40, 0), context)
    with pytest.raises(BenchError, match=r"^the network cannot be converted for LiteRT: "):
        quantize_int8(classifier, representative_images(_images(5, 0)), tmp_path / "q.tflite")


def test_representative_images_are_spread_over_the_training_images() -> None:
    train = _images(100, 0)
    chosen = representative_images(train, 5)
    np.testing.assert_array_equal(chosen, train.images[[0, 24, 49, 74, 99]])
    assert len(representative_images(train, 1000)) == 100
