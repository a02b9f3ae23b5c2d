"""A Keras network with a loss and a training step of its own: mixed pairs, smoothed truths.

Mixup (Zhang and others 2018, arXiv 1710.09412): each image is laid over another of its batch, and
so are their classes. The loss is compiled into the network; the optimiser is that of the options.
"""

from bench import hookimpl, keras_model


def network(context):
    """Return the untrained network: one convolution, trained on mixed images."""
    import keras
    from keras import layers, ops

    class Mixed(keras.Model):
        def train_step(self, data):
            pixels, labels = data
            share = keras.random.uniform((), 0.7, 1.0, seed=self.draw)
            truths = ops.one_hot(labels, context.n_classes)
            pixels = share * pixels + (1 - share) * pixels[::-1]
            return super().train_step((pixels, share * truths + (1 - share) * truths[::-1]))

    def cross_entropy(truths, predicted):
        return keras.losses.categorical_crossentropy(truths, predicted, label_smoothing=0.05)

    inputs = keras.Input(context.image_shape)
    x = layers.Conv2D(16, 5, strides=2, activation="relu")(inputs)
    x = layers.Flatten()(layers.MaxPooling2D(2)(x))
    model = Mixed(inputs, layers.Dense(context.n_classes, activation="softmax")(x))
    model.draw = keras.random.SeedGenerator(context.seed)
    model.compile(optimizer=context.options["optimizer"], loss=cross_entropy)
    return model


@hookimpl
def bench_register_models(register):
    """Register the model."""
    register(
        keras_model(
            name="mixed-images",
            summary="one convolution, trained on mixed images",
            network=network,
            epochs=8,
            batch_size=32,
            min_side=10,
        )
    )
