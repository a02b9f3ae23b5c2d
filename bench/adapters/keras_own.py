"""What a network says of its own training: a compiled loss, metrics, a training step of its own.

Each is obeyed or refused aloud. The harness's loop stays around it: batches, epochs, checkpoints.
"""

from collections.abc import Callable
from typing import Any, Final

from bench.adapters.keras_runtime import import_keras
from bench.errors import BenchError, OptionError

__all__ = ["own_step"]

_SUBJECT: Final = "the network cannot be trained"
# What replaces the harness's loop, or its prediction, and would be passed over.
_NOT_CALLED: Final = {
    "fit": "override train_step instead, or take the arrays in a classifier of your own",
    "make_train_function": "override train_step instead",
    "test_step": "the harness scores by itself: leave it out",
    "predict_step": "do it in call()",
}
# The harness's own loss, and what is the same on probabilities.
_USUAL_LOSSES: Final = ("sparse_categorical_crossentropy", "categorical_crossentropy")
_USUAL_METRICS: Final = ("accuracy", "acc")


def own_step(model: Any, optimizer: Any, n_classes: int) -> Callable[[Any, Any], None] | None:
    """Return one step of training as the network itself does it; None where it leaves that open.

    A network does it itself whose class overrides ``train_step`` or ``compute_loss``, or that was
    compiled with another loss than cross-entropy. A loss of Keras is given the labels as it takes
    them; a function of one's own is given them as ``fit`` would: whole numbers, (n,).

    Raises
    ------
    BenchError
        If it overrides what the harness does not call.
    OptionError
        If it was compiled with another optimiser than the options say, or with other metrics than
        accuracy.
    """
    keras = import_keras()
    for name, remedy in _NOT_CALLED.items():
        if _overrides(model, name):
            raise BenchError(_SUBJECT, why=f"its own {name} is not called here", fix=remedy)
    is_own = _overrides(model, "train_step") or _overrides(model, "compute_loss")
    as_shares = False
    if model.compiled:
        _require_same_optimizer(model.optimizer, optimizer)
        said = model.get_compile_config() or {}
        _refuse_metrics(said.get("metrics"))
        _refuse_metrics(said.get("weighted_metrics"))
        loss = getattr(model, "loss", None)
        is_own = is_own or not (loss is None or _is_usual(loss)) or bool(said.get("loss_weights"))
        as_shares = loss is not None and _takes_shares(loss)
    if not is_own:
        return None
    if not model.compiled or getattr(model, "loss", None) is None:
        model.compile(optimizer=optimizer, loss=keras.losses.SparseCategoricalCrossentropy())
    model.optimizer = optimizer

    def step(images: Any, labels: Any) -> None:
        import tensorflow as tf

        model.train_step((images, tf.one_hot(labels, n_classes) if as_shares else labels))

    return step


def _overrides(model: Any, name: str) -> bool:
    return getattr(type(model), name, None) is not getattr(import_keras().Model, name, None)


def _is_usual(loss: Any) -> bool:
    """Whether a loss is the cross-entropy of probabilities that the harness computes anyway."""
    if isinstance(loss, str):
        return loss in _USUAL_LOSSES
    keras = import_keras()
    for kind in (keras.losses.SparseCategoricalCrossentropy, keras.losses.CategoricalCrossentropy):
        if type(loss) is kind:
            plain = kind(name=loss.name, reduction=loss.reduction)
            is_mean = loss.reduction == kind().reduction
            return is_mean and bool(loss.get_config() == plain.get_config())
    return loss in [getattr(keras.losses, name) for name in _USUAL_LOSSES]


def _takes_shares(loss: Any) -> bool:
    """Whether a loss of Keras compares with a share for each class, not with the class's number."""
    found = import_keras().losses.get(loss)
    named = found if isinstance(found, type) or hasattr(found, "__name__") else type(found)
    return named.__module__.startswith("keras.") and "sparse" not in named.__name__.lower()


def _require_same_optimizer(compiled: Any, optimizer: Any) -> None:
    """Refuse a compiled optimiser that is not the options': these are what a row is told by.

    One that was given by its name, or with what Keras sets by itself, leaves the settings open.
    """
    theirs, ours = _settings(compiled), _settings(optimizer)
    kinds = type(compiled).__name__, type(optimizer).__name__.removeprefix("Fused")
    if kinds[0] != kinds[1]:
        why = f"it was compiled with {kinds[0]}, and the option optimizer says {kinds[1].lower()}"
        fix = "say it in keras_model(optimizer=…), and leave compile's out or make it the same"
        raise OptionError(_SUBJECT, why=why, fix=fix)
    if theirs == _settings(type(compiled)()):
        return
    other = sorted(
        name for name in theirs.keys() | ours.keys() if theirs.get(name) != ours.get(name)
    )
    if other:
        name = other[0]
        compiled_with = f"{name}={theirs.get(name)}"
        why = f"it was compiled with {compiled_with}, the options say {ours.get(name)}"
        is_option = name == "learning_rate"
        fix = f"say it in keras_model({name}=…)" if is_option else f"leave {name} out of compile"
        raise OptionError(_SUBJECT, why=why, fix=fix)


def _settings(optimizer: Any) -> dict[str, Any]:
    settings = {key: value for key, value in optimizer.get_config().items() if key != "name"}
    return {
        key: round(value, 9) if isinstance(value, float) else value
        for key, value in settings.items()
    }


def _refuse_metrics(asked: Any) -> None:
    """Refuse compiled metrics that no figure would be made of."""
    given = asked if isinstance(asked, list | tuple) else [asked]
    others = [each for each in given if each and each not in _USUAL_METRICS]
    if not others:
        return
    first = others[0]
    name = first["config"].get("name", "") if isinstance(first, dict) else first
    fix = "leave it out; a metric plugin scores every row"
    raise OptionError(_SUBJECT, why=f"no figure is made of compile's metric {name}", fix=fix)
