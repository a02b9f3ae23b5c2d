"""Training each built-in network against plain Keras ``fit`` on arrays."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.options import resolve_options
from bench.plugins.discovery import load_plugins
from bench.spec import BuildContext, Epoch, FitContext
from bench.testing.cases import draw_images

pytestmark = pytest.mark.heavy
_PLUGINS = load_plugins()
_NETWORKS = sorted(name for name, spec in _PLUGINS.models.items() if "bfloat16" in spec.precisions)
# The networks alone are compared: what cnn-robust does to its images, plain ``fit`` cannot.
_PLAIN_IMAGES = {"cnn-robust": {"augment": "none", "european_ones": False}}
_LIMITS = {"cnn-mnist-compact": 0.5, "cnn-svhn-deep": 0.47, "cnn-mnist-wide": 0.9}
_PRECISION: Any = os.environ.get("BENCH_BENCHMARKS_PRECISION", "float32")
EPOCHS = 3  # the first epoch traces and compiles: only the last one counts


def told(name: str, n_images: int, **changes: Any) -> tuple[Any, dict[str, Any]]:
    """Return the images and what the classifier is told; a whole number of batches."""
    spec = _PLUGINS.models[name]
    settings: dict[str, Any] = {"epochs": EPOCHS, "validation_fraction": 0.0}
    settings |= _PLAIN_IMAGES.get(name, {}) | changes
    options = resolve_options(name, spec.options, settings)
    n = max(1, n_images // int(options["batch_size"])) * int(options["batch_size"])
    side_px = 32 if "svhn" in name else 28
    context = {
        "image_shape": (side_px, side_px, 1),
        "classes": tuple("0123456789"),
        "options": options,
        "precision": _PRECISION,
        "threads": os.cpu_count() or 1,
    }
    return draw_images(n, (side_px, side_px, 1), 10), context


def our_epoch(name: str, n_images: int, **changes: Any) -> float:
    """Return the seconds of the last epoch of the model's own training."""
    train, context = told(name, n_images, **changes)
    epochs: list[Epoch] = []
    classifier = _PLUGINS.models[name].build(BuildContext(**context))
    classifier.fit(train, FitContext(**context, report_epoch=epochs.append))
    return epochs[-1].seconds


@pytest.fixture(scope="module")
def plain_process() -> Iterator[subprocess.Popen[str]]:
    """Keras in a process of its own, so that it has none of the harness's settings."""
    command = [sys.executable, str(Path(__file__).with_name("plain_networks.py"))]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


def plain_epoch(process: subprocess.Popen[str], name: str, n_images: int) -> float:
    """Return the seconds of the last epoch of ``fit`` as the source experiments call it."""
    assert process.stdin is not None
    assert process.stdout is not None
    train, context = told(name, n_images)
    asked = {"name": name, "n_images": len(train), "image_shape": context["image_shape"]}
    asked |= {"options": dict(context["options"]), "epochs": EPOCHS}
    process.stdin.write(json.dumps(asked) + "\n")
    process.stdin.flush()
    return float(json.loads(process.stdout.readline()))


@pytest.mark.parametrize("name", [name for name in _NETWORKS if "augmented" not in name])
def test_training(
    name: str,
    side_by_side: Any,
    plain_process: subprocess.Popen[str],
    scale: Callable[[int], int],
) -> None:
    n_images = scale(6_000)
    side_by_side(
        f"{name}: an epoch of training ({n_images:,} images)",
        "plain Keras fit on arrays, float32",
        ours=lambda: our_epoch(name, n_images),
        plain=lambda: plain_epoch(plain_process, name, n_images),
        limit=_LIMITS.get(name, 1 / 1.5),
        note=f"trained in {_PRECISION}",
    )


def test_an_augmented_epoch(side_by_side: Any, scale: Callable[[int], int]) -> None:
    n_images = scale(6_000)
    side_by_side(
        "cnn-mnist-wide: an augmented epoch",
        "an epoch of the same network without",
        ours=lambda: our_epoch("cnn-mnist-wide", n_images, augment="published"),
        plain=lambda: our_epoch("cnn-mnist-wide", n_images),
        limit=1.1,
    )
