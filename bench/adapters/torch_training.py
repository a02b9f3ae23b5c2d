"""The training loop of the torch adapter.

It can be stopped after any epoch and goes on bit for bit: the order of the images, and what dropout
draws, are functions of seed and epoch; all other state is in the checkpoint.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from bench.adapters.keras_checkpoint import fingerprint
from bench.adapters.keras_epochs import Watch, cosine_share, epoch_order, hold_back
from bench.adapters.keras_options import require_one_schedule
from bench.adapters.torch_checkpoint import Saved, read_saved, write_saved
from bench.adapters.torch_runtime import as_tensor, import_torch
from bench.errors import BenchError
from bench.spec import Epoch, ImageSet

if TYPE_CHECKING:
    from bench.adapters.keras_options import TrainingOptions
    from bench.adapters.torch_network import Outputs
    from bench.spec import FitContext

__all__ = ["Training"]

_CHUNK_BYTES: Final = 16 * 2**20
_EVALUATION_BATCH: Final = 512
_PLATEAU_FACTOR: Final = 0.5
_OPTIMIZERS: Final = {
    "adam": "Adam",
    "sgd": "SGD",
    "rmsprop": "RMSprop",
    "adamw": "AdamW",
    "nadam": "NAdam",
    "adagrad": "Adagrad",
}


class Training:
    """State: one fit, of a module that is on its device already."""

    def __init__(
        self,
        module: Any,
        train: ImageSet,
        options: "TrainingOptions",
        context: "FitContext",
        device: Any,
        outputs: "Outputs",
        loss: Callable[[Any, Any], Any] | None,
    ) -> None:
        torch = import_torch()
        require_one_schedule(options)
        self._module, self._options, self._context = module, options, context
        self._device, self._outputs, self._own_loss = device, outputs, loss
        self._fitted, self._held_back = hold_back(train, options.validation_fraction)
        trained = [weight for weight in module.parameters() if weight.requires_grad]
        if not trained:
            raise BenchError("the module cannot be trained", why="no weight of it requires_grad")
        kind = getattr(torch.optim, _OPTIMIZERS[options.optimizer])
        self._optimizer = kind(trained, lr=options.learning_rate)
        self._mark = fingerprint(context, train)
        self._history: list[Epoch] = []
        self._watch = Watch()
        self._best: dict[str, Any] = {}

    def run(self) -> None:
        """Train to the end, from the checkpoint where there is one.

        Epochs already done before an interruption are reported again first.
        """
        self._resume()
        patience = self._options.early_stopping
        while len(self._history) < self._options.epochs:
            if patience and self._watch.since_best >= patience:
                break
            epoch = self._run_epoch(len(self._history))
            self._history.append(epoch)
            self._observe(epoch)
            self._save()
            self._context.report_epoch(epoch)
        if self._best:
            self._module.load_state_dict(self._best)

    def _run_epoch(self, index: int) -> Epoch:
        torch, started = import_torch(), time.perf_counter()
        seed = np.random.SeedSequence([self._context.seed, index]).generate_state(1, np.uint64)
        torch.manual_seed(int(seed[0]) >> 1)  # it takes 63 bits on every device
        self._module.train()
        order = epoch_order(len(self._fitted), self._context.seed, index, self._options)
        loss = torch.zeros((), device=self._device, dtype=torch.float32)
        correct, seen = torch.zeros((), device=self._device, dtype=torch.int64), 0
        for images, labels in self._batches(order):
            self._set_learning_rate(index + seen / len(order))
            self._optimizer.zero_grad(set_to_none=True)
            said = self._module(images)
            batch_loss = self._loss(said, labels)
            batch_loss.backward()
            self._optimizer.step()
            with torch.no_grad():
                loss += batch_loss * len(labels)
                correct += (said.argmax(dim=1) == labels).sum()
            seen += len(labels)
        epoch = Epoch(
            epoch=index + 1,
            epochs=self._options.epochs,
            loss=float(loss) / seen,
            accuracy=int(correct) / seen,
        )
        if self._held_back is not None:
            val_loss, val_accuracy = self._evaluate(self._held_back)
            epoch = replace(epoch, val_loss=val_loss, val_accuracy=val_accuracy)
        # Tracked test images cost time but must not influence the fit: measured beside the clock.
        epoch = replace(epoch, seconds=time.perf_counter() - started)
        if self._context.tracked is not None:
            test_loss, test_accuracy = self._evaluate(self._context.tracked)
            epoch = replace(epoch, test_loss=test_loss, test_accuracy=test_accuracy)
        return epoch

    def _batches(self, order: npt.NDArray[np.intp]) -> Iterator[tuple[Any, Any]]:
        """Yield the images and labels of each step; many batches are gathered at a time."""
        torch, labels = import_torch(), self._fitted.labels
        assert labels is not None
        size = self._options.batch_size
        cuts = [*range(0, len(order), size), len(order)]
        # Normalising over a batch needs two images: a single one at the end joins those before.
        if len(cuts) > 2 and cuts[-1] - cuts[-2] == 1:
            del cuts[-2]
        steps = max(_CHUNK_BYTES // max(self._fitted.pixels[:1].nbytes * size, 1), 1)
        for start in range(0, len(cuts) - 1, steps):
            own = cuts[start : start + steps + 1]
            chosen = order[own[0] : own[-1]]
            images = as_tensor(self._fitted.pixels[chosen], self._device)
            wanted = torch.from_numpy(labels[chosen].astype(np.int64)).to(self._device)
            for first, last in pairwise(own):
                part = slice(first - own[0], last - own[0])
                yield images[part], wanted[part]

    def _loss(self, said: Any, labels: Any) -> Any:
        torch = import_torch()
        if self._own_loss is not None:
            loss = self._own_loss(said, labels)
            if not torch.is_tensor(loss) or loss.ndim:
                raise BenchError("the loss cannot be used", why="it is not one number a batch")
            return loss
        if self._outputs == "logits":
            return torch.nn.functional.cross_entropy(said, labels)
        tiny = torch.finfo(said.dtype).tiny
        return torch.nn.functional.nll_loss(said.clamp_min(tiny).log(), labels)

    def _evaluate(self, images: ImageSet) -> tuple[float, float]:
        torch = import_torch()
        assert images.labels is not None
        loss, correct = 0.0, 0
        self._module.eval()
        with torch.no_grad():
            for first in range(0, len(images), _EVALUATION_BATCH):
                part = slice(first, first + _EVALUATION_BATCH)
                labels = torch.from_numpy(images.labels[part].astype(np.int64)).to(self._device)
                said = self._module(as_tensor(images.pixels[part], self._device))
                loss += float(self._loss(said, labels)) * len(labels)
                correct += int((said.argmax(dim=1) == labels).sum())
        return loss / len(images), correct / len(images)

    @property
    def _learning_rate(self) -> float:
        return float(self._optimizer.param_groups[0]["lr"])

    @_learning_rate.setter
    def _learning_rate(self, rate: float) -> None:
        for group in self._optimizer.param_groups:
            group["lr"] = rate

    def _set_learning_rate(self, epochs_done: float) -> None:
        if self._options.learning_rate_schedule == "cosine":
            share = cosine_share(epochs_done / self._options.epochs)
            self._learning_rate = self._options.learning_rate * share

    def _observe(self, epoch: Epoch) -> None:
        """Keep the best weights and lower the learning rate, where the options ask for it."""
        if self._watch.is_better(epoch):
            if self._options.early_stopping:
                state = self._module.state_dict()
                self._best = {name: tensor.detach().clone() for name, tensor in state.items()}
        elif self._watch.is_time_to_lower(self._options.reduce_lr_on_plateau):
            self._learning_rate *= _PLATEAU_FACTOR

    def _save(self) -> None:
        folder = self._context.checkpoint_folder
        if folder is None:
            return
        state = self._optimizer.state_dict()["state"]
        saved = Saved(
            history=tuple(self._history),
            weights=self._module.state_dict(),
            optimizer={
                f"{number}.{name}": value
                for number, named in state.items()
                for name, value in named.items()
                if value is not None
            },
            best=self._best,
            watch=asdict(self._watch),
            learning_rate=self._learning_rate,
        )
        write_saved(folder, saved, self._mark)

    def _resume(self) -> None:
        folder = self._context.checkpoint_folder
        saved = None if folder is None else read_saved(folder, self._mark)
        if saved is None:
            return
        self._module.load_state_dict(saved.weights)
        state: dict[int, dict[str, Any]] = {}
        for key, value in saved.optimizer.items():
            number, _, name = key.partition(".")
            state.setdefault(int(number), {})[name] = value
        groups = self._optimizer.state_dict()["param_groups"]
        self._optimizer.load_state_dict({"state": state, "param_groups": groups})
        self._learning_rate = saved.learning_rate
        self._history, self._best = list(saved.history), saved.best
        self._watch = Watch(**saved.watch)
        for epoch in self._history:
            self._context.report_epoch(epoch)
