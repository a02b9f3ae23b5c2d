"""Torch modules as models. Where torch is not installed these tests are skipped, and counted so."""

import os
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from bench import torch_classifier, torch_model
from bench.adapters import load_trained
from bench.adapters.torch import TorchClassifier
from bench.errors import BenchError, DataError, OptionError
from bench.options import resolve_options
from bench.spec import BuildContext, Epoch, FitContext, ImageSet

IS_MISSING = find_spec("torch") is None or find_spec("safetensors") is None
# Nothing here imports torch at the top: other tests' processes need not have it.
pytestmark = [
    pytest.mark.heavy,
    pytest.mark.skipif(IS_MISSING, reason="torch or safetensors is not installed"),
]
SHAPE = (8, 10, 1)
CLASSES = ("left", "right", "top")
Array = npt.NDArray[Any]


def _module(context: BuildContext) -> Any:
    from torch import nn

    height, width, channels = context.image_shape
    return nn.Sequential(
        nn.Conv2d(channels, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.Dropout(0.3),
        nn.Flatten(),
        nn.Linear(4 * height * width, context.n_classes),
    )


SPEC = torch_model(name="t-tiny", summary="for tests", module=_module, epochs=4, batch_size=16)


def _images(n: int = 90, seed: int = 0, dtype: str = "uint8") -> ImageSet:
    """Draw noise with a bright half: its side is the class."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 3, n)
    pixels = generator.integers(0, 120, (n, *SHAPE)).astype(np.uint8)
    for image, label in zip(pixels, labels, strict=True):
        half = (slice(None), slice(0, 5)) if label == 0 else (slice(None), slice(5, 10))
        image[(slice(0, 4), slice(None)) if label == 2 else half] += 120
    stored = pixels if dtype == "uint8" else (pixels * np.float32(1 / 255)).astype(np.float32)
    stored.setflags(write=False)  # as a mapped file is
    return ImageSet(pixels=stored, labels=labels)


def _context(
    report: Callable[[Epoch], None] = lambda epoch: None,
    seed: int = 42,
    folder: Path | None = None,
    tracked: ImageSet | None = None,
    **settings: Any,
) -> FitContext:
    return FitContext(
        image_shape=SHAPE,
        classes=CLASSES,
        options=resolve_options("t-tiny", SPEC.options, settings),
        seed=seed,
        threads=1,
        report_epoch=report,
        checkpoint_folder=folder,
        tracked=tracked,
    )


def _fit(train: ImageSet | None = None, **told: Any) -> TorchClassifier:
    context = _context(**told)
    classifier = torch_classifier(_module, context)
    classifier.fit(_images() if train is None else train, context)
    return classifier


def _rows(**told: Any) -> Array:
    return _fit(**told).predict_proba(_images(seed=1).images)


def test_it_learns_and_names_the_classes_in_order() -> None:
    test = _images(60, seed=1)
    rows = _fit(epochs=8, learning_rate=0.01).predict_proba(test.images)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(rows.sum(axis=1), 1, atol=1e-5)
    assert (rows.argmax(axis=1) == test.labels).mean() > 0.9


def test_the_seed_alone_decides_and_torch_is_left_as_it_was() -> None:
    import torch

    torch.manual_seed(7)
    before = torch.random.get_rng_state()
    first = _rows()
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(8)
    np.testing.assert_array_equal(_rows(), first)
    assert not np.array_equal(_rows(seed=43), first)


def test_bytes_and_floats_of_the_same_pixels_train_the_same() -> None:
    first = _fit(_images()).predict_proba(_images(seed=1).images)
    other = _fit(_images(dtype="float32")).predict_proba(_images(seed=1).images)
    np.testing.assert_array_equal(first, other)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epochs", 2),
        ("batch_size", 7),
        ("learning_rate", 0.02),
        ("learning_rate_schedule", "cosine"),
        *[("optimizer", each) for each in ("sgd", "rmsprop", "adamw", "nadam", "adagrad")],
        ("steps_per_epoch", 2),
        ("drop_last", True),
        ("validation_fraction", 0.3),
    ],
)
def test_an_option_changes_the_model(name: str, value: Any) -> None:
    assert not np.array_equal(_rows(**{name: value}), _rows())


def test_the_loss_of_images_held_back_stops_early_and_keeps_the_best() -> None:
    told: dict[str, Any] = {"validation_fraction": 0.3, "learning_rate": 0.5, "epochs": 12}
    epochs: list[Epoch] = []
    rows = _rows(report=epochs.append, early_stopping=2, **told)
    losses = [epoch.val_loss or 0.0 for epoch in epochs]
    best = int(np.argmin(losses)) + 1
    assert best + 2 == len(epochs) < 12
    np.testing.assert_array_equal(rows, _rows(**{**told, "epochs": best}))


def test_a_plateau_lowers_the_learning_rate() -> None:
    told: dict[str, Any] = {"validation_fraction": 0.3, "learning_rate": 0.1, "epochs": 8}
    assert not np.array_equal(_rows(reduce_lr_on_plateau=1, **told), _rows(**told))
    with pytest.raises(OptionError, match="the cosine schedule sets the learning rate"):
        _rows(reduce_lr_on_plateau=1, learning_rate_schedule="cosine")


def test_a_single_image_at_the_end_of_an_epoch_joins_the_batch_before() -> None:
    def module(context: BuildContext) -> Any:
        from torch import nn

        # Over one image alone this raises.
        return nn.Sequential(nn.Flatten(), nn.Linear(80, 8), nn.BatchNorm1d(8), nn.Linear(8, 3))

    context = _context(batch_size=16)
    torch_classifier(module, context).fit(_images(65), context)


def test_images_lie_in_memory_as_view_wants_them() -> None:
    def module(context: BuildContext) -> Any:
        from torch import nn

        class Viewing(nn.Module):  # type: ignore[misc]  # torch may not be installed
            def __init__(self) -> None:
                super().__init__()
                self.conv, self.out = nn.Conv2d(1, 4, 3), nn.Linear(4 * 6 * 8, 3)

            def forward(self, images: Any) -> Any:
                return self.out(self.conv(images).view(len(images), -1))

        return Viewing()

    context = _context(epochs=1)
    classifier = torch_classifier(module, context)
    classifier.fit(_images(), context)
    assert len(classifier.predict_proba(_images(5).images)) == 5


def test_tracked_images_are_measured_and_change_nothing() -> None:
    epochs: list[Epoch] = []
    rows = _rows(report=epochs.append, tracked=_images(30, seed=5))
    assert [epoch.epoch for epoch in epochs] == [1, 2, 3, 4]
    assert all(epoch.test_loss is not None for epoch in epochs)
    np.testing.assert_array_equal(rows, _rows())


class _Stop(Exception):  # noqa: N818  # it stands for a kill
    pass


@pytest.mark.parametrize("optimizer", ["adam", "sgd", "rmsprop", "adamw", "nadam", "adagrad"])
def test_an_interrupted_fit_ends_bit_for_bit_as_one_that_ran_through(
    tmp_path: Path, optimizer: str
) -> None:
    told: dict[str, Any] = {
        "optimizer": optimizer,
        "epochs": 5,
        "validation_fraction": 0.2,
        "early_stopping": 3,
        "reduce_lr_on_plateau": 1,
    }

    def stop_after(last: int) -> Callable[[Epoch], None]:
        def report(epoch: Epoch) -> None:
            if epoch.epoch == last:
                raise _Stop

        return report

    for last in (1, 3):
        with pytest.raises(_Stop):
            _fit(folder=tmp_path, report=stop_after(last), **told)
    epochs: list[Epoch] = []
    resumed = _rows(folder=tmp_path, report=epochs.append, **told)
    np.testing.assert_array_equal(resumed, _rows(**told))
    assert [epoch.epoch for epoch in epochs] == list(range(1, len(epochs) + 1))
    # One of another fit, or torn, is no checkpoint of this one.
    np.testing.assert_array_equal(_rows(folder=tmp_path, seed=1, **told), _rows(seed=1, **told))
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:300])
    np.testing.assert_array_equal(_rows(folder=tmp_path, **told), _rows(**told))


_READ = """
import sys
from pathlib import Path
import numpy as np
sys.path.insert(0, sys.argv[1])
from test_torch import SPEC, _context, _images
from bench.adapters import load_trained
folder = Path(sys.argv[2])
rows = load_trained(SPEC, folder, _context()).predict_proba(_images(seed=1).images)
np.save(folder / "rows.npy", rows)
"""


def test_a_saved_model_is_read_by_another_process_and_holds_no_code(tmp_path: Path) -> None:
    classifier = _fit()
    classifier.save(tmp_path)
    (file,) = tmp_path.iterdir()
    assert file.name == "model.safetensors"
    command = [sys.executable, "-c", _READ, str(Path(__file__).parent), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)
    assert done.returncode == 0, done.stderr
    rows = classifier.predict_proba(_images(seed=1).images)
    np.testing.assert_array_equal(np.load(tmp_path / "rows.npy"), rows)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        pytest.param(None, "model.safetensors", id="missing"),
        pytest.param(b"", "", id="empty"),
        pytest.param(b"\x80\x04K\x01.", "", id="a-pickle"),
    ],
)
def test_a_damaged_file_is_one_line(content: bytes | None, why: str, tmp_path: Path) -> None:
    if content is None:
        with pytest.raises(BenchError, match="no stored model that can be read"):
            load_trained(SPEC, tmp_path, _context())
        return
    (tmp_path / "model.safetensors").write_bytes(content)
    with pytest.raises(DataError, match=r"model\.safetensors cannot be read") as raised:
        load_trained(SPEC, tmp_path, _context())
    assert "\n" not in str(raised.value)
    assert why in str(raised.value)


def test_the_weights_of_another_module_are_refused(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    state = {"0.weight": torch.zeros(4, 1, 5, 5)}
    save_file(state, str(tmp_path / "model.safetensors"))
    with pytest.raises(DataError, match=r"model\.safetensors cannot be read") as raised:
        load_trained(SPEC, tmp_path, _context())
    assert "\n" not in str(raised.value)


def test_shared_weights_are_kept_once(tmp_path: Path) -> None:
    def module(context: BuildContext) -> Any:
        from torch import nn

        class Tied(nn.Module):  # type: ignore[misc]  # torch may not be installed
            def __init__(self) -> None:
                super().__init__()
                self.one, self.two = nn.Linear(80, 80), nn.Linear(80, 80)
                self.two.weight = self.one.weight
                self.out = nn.Linear(80, 3)

            def forward(self, images: Any) -> Any:
                return self.out(self.two(self.one(images.flatten(1)).relu()).relu())

        return Tied()

    context = _context()
    classifier = torch_classifier(module, context)
    classifier.fit(_images(), context)
    classifier.save(tmp_path)
    described = classifier.describe()
    weights = 80 * 80 + 2 * 80 + 80 * 3 + 3
    assert (described.parameters, described.model_bytes) == (weights, 4 * weights)
    read = torch_classifier(module, context)
    read.read(tmp_path)
    images = _images(seed=1).images
    np.testing.assert_array_equal(read.predict_proba(images), classifier.predict_proba(images))


def test_it_describes_its_layers_engine_and_device() -> None:
    import torch

    untrained = torch_classifier(_module, _context()).describe()
    described = _fit().describe()
    assert described.parameters == 40 + 8 + 4 * 80 * 3 + 3
    assert described.multiply_adds == 36 * 80 + 4 * 80 * 3
    kinds = ["Conv2d", "BatchNorm2d", "ReLU", "Dropout", "Flatten", "Linear"]
    assert [layer.kind for layer in described.layers] == kinds
    assert untrained.layers == described.layers
    assert described.engine == f"torch {'.'.join(torch.__version__.split('.')[:2])} (float32)"
    assert (untrained.device, described.device) != ("cpu", "")


def _soft(context: BuildContext) -> Any:
    from torch import nn

    return nn.Sequential(nn.Flatten(), nn.Linear(80, 3), nn.Softmax(dim=1))


def _hard(context: BuildContext) -> Any:
    from torch import nn

    return nn.Sequential(nn.Flatten(), nn.Linear(80, 3))


def _flat(context: BuildContext) -> Any:
    from torch import nn

    return nn.Flatten()


@pytest.mark.parametrize(
    ("module", "outputs", "why"),
    [
        pytest.param(_soft, "logits", "its output is probabilities", id="softmax"),
        pytest.param(_hard, "probabilities", "its output is not probabilities", id="logits"),
        pytest.param(lambda context: None, "logits", "returned NoneType", id="none"),
        pytest.param(_flat, "logits", r"has shape \(4, 80\)", id="shape"),
    ],
)
def test_a_module_that_cannot_be_used_says_why(module: Any, outputs: Any, why: str) -> None:
    context = _context()
    with pytest.raises(BenchError, match=why) as raised:
        torch_classifier(module, context, outputs=outputs).fit(_images(), context)
    assert "\n" not in str(raised.value)


def test_a_module_that_was_built_already_is_refused() -> None:
    context = _context()
    with pytest.raises(BenchError, match="it was built already"):
        torch_classifier(_flat(context), context).fit(_images(), context)


def test_probabilities_and_a_loss_of_ones_own_train() -> None:
    from torch.nn.functional import one_hot

    context = _context(epochs=8, learning_rate=0.01)
    test = _images(60, seed=1)

    def squared(said: Any, labels: Any) -> Any:
        return ((said - one_hot(labels, 3)) ** 2).mean()

    seen = []
    for loss in (None, squared):
        classifier = torch_classifier(_soft, context, outputs="probabilities", loss=loss)
        classifier.fit(_images(), context)
        seen.append(classifier.predict_proba(test.images))
        assert (seen[-1].argmax(axis=1) == test.labels).mean() > 0.8
    assert not np.array_equal(seen[0], seen[1])
    wrong = torch_classifier(_hard, context, loss=lambda said, labels: said)
    with pytest.raises(BenchError, match="it is not one number a batch"):
        wrong.fit(_images(), context)


def test_a_device_that_is_not_there_is_one_line() -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(OptionError, match="device=cuda: torch finds none here"):
        _fit(device="cuda")
