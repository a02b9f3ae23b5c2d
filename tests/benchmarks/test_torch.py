"""Training a torch CNN of 60,000 parameters here against the bare loop that people write."""

import os
import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import pytest

from bench import torch_model
from bench.options import resolve_options
from bench.spec import BuildContext, Epoch, FitContext
from bench.testing.cases import draw_images

pytestmark = [
    pytest.mark.heavy,
    pytest.mark.skipif(find_spec("torch") is None, reason="torch is not installed"),
]
EPOCHS, BATCH = 3, 64  # the first epoch warms up: only the last one counts
THREADS = os.cpu_count() or 1


def network(context: BuildContext) -> Any:
    """Return a CNN of 60,075 parameters for 28×28 images."""
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(32 * 7 * 7, 35),
        nn.ReLU(),
        nn.Linear(35, 10),
    )


SPEC = torch_model(
    name="t-60k", summary="60,000 parameters", module=network, epochs=EPOCHS, batch_size=BATCH
)


def context_of(report: Callable[[Epoch], None] = lambda epoch: None) -> FitContext:
    """Return what a fit is told."""
    return FitContext(
        image_shape=(28, 28, 1),
        classes=tuple("0123456789"),
        options=resolve_options("t-60k", SPEC.options, {}),
        threads=THREADS,
        report_epoch=report,
    )


def our_epoch(n_images: int) -> float:
    """Return the seconds of the last epoch of our loop, from pixels as they are stored."""
    epochs: list[Epoch] = []
    context = context_of(epochs.append)
    SPEC.build(context).fit(draw_images(n_images, (28, 28, 1), 10), context)
    return epochs[-1].seconds


def bare_epoch(n_images: int) -> float:
    """Return the seconds of the last epoch of the bare loop, from tensors that are there."""
    import torch

    torch.set_num_threads(THREADS)
    torch.manual_seed(42)
    train = draw_images(n_images, (28, 28, 1), 10)
    images = torch.from_numpy(train.images.transpose(0, 3, 1, 2).copy())
    assert train.labels is not None
    labels = torch.from_numpy(train.labels)
    module = network(context_of())
    optimizer = torch.optim.Adam(module.parameters(), lr=0.001)
    started = 0.0
    for _ in range(EPOCHS):
        started = time.perf_counter()
        for rows in torch.randperm(len(images)).split(BATCH):
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(module(images[rows]), labels[rows])
            loss.backward()
            optimizer.step()
    return time.perf_counter() - started


def test_training_a_torch_network(side_by_side: Any, scale: Callable[[int], int]) -> None:
    n_images = scale(6_400)
    side_by_side(
        f"a torch CNN of 60,000 parameters: an epoch of training ({n_images:,} images)",
        "the same network in a bare loop over tensors",
        ours=lambda: our_epoch(n_images),
        plain=lambda: bare_epoch(n_images),
        limit=1.05,
        rounds=5,
    )
