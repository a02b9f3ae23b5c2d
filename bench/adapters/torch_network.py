"""Building and checking torch modules, and keeping their weights."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from bench.adapters.torch_runtime import import_safetensors, import_torch
from bench.errors import BenchError, DataError

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.spec import BuildContext

__all__ = ["WEIGHTS_FILE", "Outputs", "build_module", "read_module", "save_module"]

Outputs: TypeAlias = Literal["logits", "probabilities"]
WEIGHTS_FILE: Final = "model.safetensors"
_SUBJECT: Final = "the module cannot be used"
_SUM_TOLERANCE: Final = 1e-3


def build_module(
    build: "Callable[[BuildContext], Any]", context: "BuildContext", outputs: Outputs
) -> Any:
    """Build the untrained module of `context` and check what it returns.

    Raises
    ------
    BenchError
        If it is no module, or does not give what it is declared to give.
    """
    torch = import_torch()
    if isinstance(build, torch.nn.Module):
        raise BenchError(
            _SUBJECT,
            why="it was built already, so that the seed would not reach its weights",
            fix="give the function that builds it: torch_classifier(module, context)",
        )
    module = build(context)
    if not isinstance(module, torch.nn.Module):
        raise BenchError(
            _SUBJECT, why=f"module(context) returned {type(module).__name__}, not a torch.nn.Module"
        )
    _check_output(module, context, outputs)
    return module


def _check_output(module: Any, context: "BuildContext", outputs: Outputs) -> None:
    """Run some images through, which also gives lazy layers their shape."""
    import numpy as np

    torch = import_torch()
    height, width, channels = context.image_shape
    drawn = np.random.default_rng(0).random((4, channels, height, width), dtype=np.float32)
    was_training = module.training
    module.eval()
    # Not in inference mode: a lazy layer's weights are made here, and are trained.
    with torch.no_grad():
        said = module(torch.from_numpy(drawn))
    module.train(was_training)
    what = f"has shape {tuple(said.shape)}" if torch.is_tensor(said) else "is no tensor"
    if not torch.is_tensor(said) or tuple(said.shape) != (4, context.n_classes):
        raise BenchError(
            _SUBJECT,
            why=f"its output for 4 images {what}, not (4, {context.n_classes})",
            fix="end it with Linear(…, context.n_classes)",
        )
    sums = said.double().sum(dim=1)
    are_shares = bool((said >= 0).all() and ((sums - 1).abs() < _SUM_TOLERANCE).all())
    if are_shares and outputs == "logits":
        raise BenchError(
            _SUBJECT,
            why="its output is probabilities, and the loss would take them for logits",
            fix="leave its softmax out, or say outputs='probabilities'",
        )
    if not are_shares and outputs == "probabilities":
        raise BenchError(
            _SUBJECT,
            why="its output is not probabilities",
            fix="end it with a softmax, or leave outputs='probabilities' out",
        )


def save_module(module: Any, folder: Path) -> None:
    """Write the weights to ``model.safetensors``; weights that layers share are written once.

    Raises
    ------
    BenchError
        If its state holds something else than tensors.
    """
    safetensors = import_safetensors()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        safetensors.save_model(module, str(folder / WEIGHTS_FILE))
    except (AttributeError, TypeError, ValueError, RuntimeError) as error:
        (folder / WEIGHTS_FILE).unlink(missing_ok=True)
        raise BenchError(
            f"{type(module).__name__} cannot be saved",
            why=f"its state is more than tensors ({type(error).__name__})",
        ) from error


def read_module(module: Any, folder: Path) -> None:
    """Read the weights that `save_module` wrote into a module like that one.

    Raises
    ------
    DataError
        If the file is missing, damaged, or of another module.
    """
    file = folder / WEIGHTS_FILE
    try:
        import_safetensors().load_model(module, str(file), strict=True)
    except BenchError:
        raise
    # A damaged or foreign file: SafetensorError, or torch's of names and shapes that do not fit.
    except Exception as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise DataError(f"{file.name} cannot be read", why=lines[-1].strip()) from error
