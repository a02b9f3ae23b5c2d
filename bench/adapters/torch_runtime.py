"""Torch, set up for one fit: device, seeds, and nothing left behind."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

from bench.errors import BenchError, OptionError

if TYPE_CHECKING:
    from bench.spec import Images

__all__ = [
    "as_tensor",
    "choose_device",
    "device_name",
    "engine_name",
    "import_safetensors",
    "import_torch",
    "seeded",
]


def import_torch() -> Any:
    """Import torch.

    Raises
    ------
    BenchError
        If it is not installed.
    """
    return _required("torch")


def import_safetensors() -> Any:
    """Import what reads and writes safetensors of torch.

    Raises
    ------
    BenchError
        If it is not installed.
    """
    return _required("safetensors.torch")


def _required(module: str) -> Any:
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        library = module.partition(".")[0]
        if error.name != library:
            raise
        raise BenchError(
            f"{library} is not installed", fix="pip install 'digitbench[torch]'"
        ) from error


def choose_device(asked: str) -> Any:
    """Return the device that is asked for; ``auto``: a GPU where torch finds one.

    Raises
    ------
    OptionError
        If that device is not there.
    """
    torch = import_torch()
    there = {
        "cuda": torch.cuda.is_available,
        "mps": torch.backends.mps.is_available,
        "cpu": lambda: True,
    }
    if asked == "auto":
        asked = next(name for name, is_there in there.items() if is_there())
    if not there[asked]():
        raise OptionError(f"device={asked}", why="torch finds none here", fix="device=auto")
    return torch.device(asked)


def device_name(device: Any) -> str:
    """Return ``cpu``, or the name of the GPU."""
    if device.type == "cuda":
        return str(import_torch().cuda.get_device_name(device))
    return str(device.type)


def engine_name() -> str:
    """Return the engine with its version and the precision it computes in."""
    return f"torch {'.'.join(import_torch().__version__.split('.')[:2])} (float32)"


@contextmanager
def seeded(seed: int, device: Any) -> Iterator[None]:
    """Let all randomness of torch in here come from `seed`; its state is put back afterwards.

    On a GPU the operations repeat as well; a processor's do so anyway.
    """
    torch = import_torch()
    is_cuda = device.type == "cuda"
    was = (torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.benchmark)
    with torch.random.fork_rng(devices=[torch.cuda.current_device()] if is_cuda else []):
        torch.manual_seed(seed % 2**63)
        if is_cuda:
            # cuBLAS reads it when it starts.
            os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
            torch.use_deterministic_algorithms(True, warn_only=True)
            torch.backends.cudnn.benchmark = False
        try:
            yield
        finally:
            if is_cuda:
                torch.use_deterministic_algorithms(was[0])
                torch.backends.cudnn.benchmark = was[1]


def as_tensor(pixels: "Images", device: Any) -> Any:
    """Return images (n, height, width, channels), as stored, as torch's float (n, c, h, w)."""
    import numpy as np

    from bench.spec import as_float

    images = np.ascontiguousarray(as_float(np.asarray(pixels)).transpose(0, 3, 1, 2))
    # A mapped file cannot be written to, which torch warns of: what is passed on is a copy.
    if not images.flags.writeable:
        images = images.copy()
    # Flat first: with one channel torch would take these strides for its other layout, in which
    # the `view` that many a module ends with fails.
    return import_torch().from_numpy(images.reshape(-1)).view(images.shape).to(device)
