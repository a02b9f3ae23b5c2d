"""Optimisers: Keras' own, with Adam's update done in one pass over each weight."""

from typing import Any

from bench.adapters.keras_runtime import import_keras

__all__ = ["make_optimizer"]


def make_optimizer(name: str, learning_rate: float) -> Any:
    """Return a Keras optimiser with its published defaults."""
    if name == "adam":
        return _fused_adam(learning_rate)
    kinds = {
        "sgd": "SGD",
        "rmsprop": "RMSprop",
        "adamw": "AdamW",
        "nadam": "Nadam",
        "adagrad": "Adagrad",
    }
    return getattr(import_keras().optimizers, kinds[name])(learning_rate=learning_rate)


def _fused_adam(learning_rate: float) -> Any:
    """Return Keras' Adam with TensorFlow's fused kernel, which computes the same formula.

    Keras writes the update as a dozen element-wise operations, each a pass through memory: a large
    share of a step for a network with one wide dense layer.
    """
    import tensorflow as tf

    adam: Any = import_keras().optimizers.Adam

    class FusedAdam(adam):  # type: ignore[misc]  # Keras has no type information
        def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
            kind = variable.dtype
            step = tf.cast(self.iterations.value + 1, kind)
            index = self._get_variable_index(variable)
            tf.raw_ops.ResourceApplyAdam(
                var=variable.handle,  # Keras hands over TensorFlow's variable, not its own
                m=self._momentums[index].value.handle,
                v=self._velocities[index].value.handle,
                beta1_power=tf.pow(tf.constant(self.beta_1, kind), step),
                beta2_power=tf.pow(tf.constant(self.beta_2, kind), step),
                lr=tf.cast(learning_rate, kind),
                beta1=tf.constant(self.beta_1, kind),
                beta2=tf.constant(self.beta_2, kind),
                epsilon=tf.constant(self.epsilon, kind),
                grad=tf.cast(gradient, kind),
                use_locking=True,
            )

    return FusedAdam(learning_rate=learning_rate, name="adam")
