"""Torch modules as models: ``torch_model`` registers one, ``torch_classifier`` wraps one.

Importing this module imports no engine.
"""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from bench.adapters.torch_describe import describe_module
from bench.adapters.torch_network import Outputs, build_module, read_module, save_module
from bench.adapters.torch_options import (
    DEVICE,
    own_training_options,
    standard_torch_options,
)
from bench.adapters.torch_runtime import (
    as_tensor,
    choose_device,
    device_name,
    engine_name,
    import_torch,
    seeded,
)
from bench.errors import BenchError
from bench.spec import ModelSpec

if TYPE_CHECKING:
    from bench.options import Option, Options, OptionValue
    from bench.spec import (
        BuildContext,
        Description,
        FitContext,
        Images,
        ImageSet,
        Probabilities,
    )

__all__ = ["TorchClassifier", "torch_classifier", "torch_model"]

Module: TypeAlias = "Callable[[BuildContext], Any]"
Loss: TypeAlias = Callable[[Any, Any], Any]
_BATCH = 512


def torch_model(
    *,
    name: str,
    summary: str,
    module: Module,
    epochs: int,
    batch_size: int,
    learning_rate: float = 0.001,
    learning_rate_schedule: str = "constant",
    optimizer: str = "adam",
    drop_last: bool = False,
    validation_fraction: float = 0.0,
    outputs: Outputs = "logits",
    loss: Loss | None = None,
    options: "Mapping[str, Option | OptionValue] | None" = None,
    min_side: int = 1,
    seconds_per_image: float | None = None,
    budgets: "Mapping[str, Options] | None" = None,
    embedded_options: "Options | None" = None,
    declares: Mapping[str, str] | None = None,
) -> ModelSpec:
    """Return the registration of a torch module, with every standard training option.

    Parameters
    ----------
    name, summary : str
        Kebab-case name; one line.
    module, outputs, loss
        As in `torch_classifier`.
    epochs, batch_size, learning_rate, learning_rate_schedule, optimizer, drop_last, \
    validation_fraction
        Defaults of the options of the same names.
    options : mapping
        More options of the model, read by `module` from ``context.options``.
    min_side : int
        The smallest image side in pixels the module allows.
    seconds_per_image, budgets, embedded_options, declares
        As in `bench.spec.ModelSpec`.
    """
    defaults: dict[str, OptionValue] = {
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "learning_rate_schedule": learning_rate_schedule,
        "optimizer": optimizer,
        "drop_last": drop_last,
        "validation_fraction": validation_fraction,
    }
    return ModelSpec(
        name=name,
        summary=summary,
        build=partial(torch_classifier, module, outputs=outputs, loss=loss),
        options={**standard_torch_options(defaults), **(options or {})},
        requires=("torch",),
        min_side=min_side,
        resumes=True,
        budgets=budgets or {},
        embedded_options=embedded_options or {},
        seconds_per_image=seconds_per_image,
        declares=declares or {},
    )


def torch_classifier(
    module: Module,
    context: "BuildContext",
    *,
    outputs: Outputs = "logits",
    loss: Loss | None = None,
) -> "TorchClassifier":
    """Wrap a torch module as a classifier that trains with the harness's own loop.

    Options of ``context`` with the names of the standard ones are obeyed; the others have their
    usual defaults. Weights are stored as safetensors and read back into what `module` builds.

    Parameters
    ----------
    module : callable
        ``module(BuildContext) -> torch.nn.Module``: the untrained module, from images
        (n, channels, height, width), float32 in [0, 1], to (n, ``n_classes``). It is built anew for
        each fit, after torch was seeded.
    outputs : "logits" or "probabilities"
        What the module returns; a log-softmax is logits too.
    loss : callable or None
        ``loss(outputs, labels)``, the mean over a batch. None: the cross-entropy.
    """
    return TorchClassifier(module, context, outputs=outputs, loss=loss)


class TorchClassifier:
    """A module with its training, float32 throughout."""

    def __init__(
        self,
        module: Module,
        context: "BuildContext",
        *,
        outputs: Outputs = "logits",
        loss: Loss | None = None,
    ) -> None:
        self._build, self._outputs, self._loss = module, outputs, loss
        self._context = context
        self._module: Any = None
        self._device: Any = None

    @property
    def module(self) -> Any:
        """The trained module, on the device it was trained on, set to predict."""
        if self._module is None:
            raise BenchError("the module cannot be used", why="it is not trained", fix="fit it")
        return self._module

    def fit(self, train: "ImageSet", context: "FitContext") -> None:
        """Train a new module on all of `train`, or go on from a checkpoint."""
        from bench.adapters.torch_training import Training

        if train.labels is None:
            raise BenchError("the training images have no labels", why="a fit needs them")
        torch = import_torch()
        torch.set_num_threads(context.threads)
        device = choose_device(str(context.options.get(DEVICE, "auto")))
        options = own_training_options(context.options)
        with seeded(context.seed, device):
            module = build_module(self._build, context, self._outputs).to(device)
            Training(module, train, options, context, device, self._outputs, self._loss).run()
        self._context, self._module, self._device = context, module.eval(), device

    def predict_proba(self, images: "Images") -> "Probabilities":
        """Return class probabilities, (n, n_classes) float32; rows sum to 1."""
        import numpy as np

        torch, module = import_torch(), self.module
        rows = np.empty((len(images), self._context.n_classes), dtype=np.float32)
        with torch.inference_mode():
            for first in range(0, len(images), _BATCH):
                part = images[first : first + _BATCH]
                said = module(as_tensor(part, self._device)).float()
                shares = said.softmax(dim=1) if self._outputs == "logits" else said
                rows[first : first + len(part)] = shares.cpu().numpy()
        return rows

    def describe(self) -> "Description":
        """Return sizes and layers; an unfitted classifier describes its untrained module."""
        import_torch()
        module, device = self._module, self._device
        if module is None:
            device = choose_device("cpu")
            with seeded(self._context.seed, device):
                module = build_module(self._build, self._context, self._outputs)
        trained_on = "" if self._module is None else device_name(device)
        return describe_module(module, self._context.image_shape, engine_name(), trained_on)

    def save(self, folder: Path) -> None:
        """Write ``model.safetensors``: the weights alone, no code and no pickle."""
        save_module(self.module, folder)

    def read(self, folder: Path) -> None:
        """Take the trained weights of `folder`, as `save` wrote them."""
        torch = import_torch()
        torch.set_num_threads(self._context.threads)
        # Every machine can read it so, whatever it was trained on.
        device = choose_device("cpu")
        with seeded(self._context.seed, device):
            module = build_module(self._build, self._context, self._outputs)
        read_module(module, folder)
        self._module, self._device = module.eval(), device
