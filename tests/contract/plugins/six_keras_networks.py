# As people write them, without types.
# mypy: ignore-errors
"""Six Keras networks as people write them: the checks must find nothing."""

from bench import hookimpl, keras_model


def functional(context):
    import keras
    from keras import layers

    inputs = keras.Input(context.image_shape)
    x = layers.Conv2D(8, 3, activation="relu")(inputs)
    y = layers.Conv2D(8, 3, activation="relu", padding="same")(x)
    x = layers.add([x, y])
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(16, 5, strides=2, activation="relu")(x))
    return keras.Model(inputs, layers.Dense(context.n_classes, activation="softmax")(x))


def subclassed(context):
    import keras
    from keras import layers

    class Net(keras.Model):
        def __init__(self):
            super().__init__()
            self.flatten = layers.Flatten()
            self.hidden = layers.Dense(32, activation="relu")
            self.out = layers.Dense(context.n_classes, activation="softmax")

        def call(self, images, training=None):
            return self.out(self.hidden(self.flatten(images)))

    net = Net()
    net.build((None, *context.image_shape))
    return net


def own_train_step(context):
    import keras
    from keras import layers

    class Smoothed(keras.Model):
        def train_step(self, data):
            return super().train_step(data)

    inputs = keras.Input(context.image_shape)
    x = layers.Dense(32, activation="relu")(layers.Flatten()(inputs))
    return Smoothed(inputs, layers.Dense(context.n_classes, activation="softmax")(x))


def backbone(context):
    import keras
    from keras import layers

    inputs = keras.Input(context.image_shape)
    x = layers.Concatenate()([inputs] * 3) if context.image_shape[2] == 1 else inputs
    x = layers.Resizing(32, 32)(x)
    net = keras.applications.MobileNetV2(
        input_shape=(32, 32, 3), alpha=0.35, include_top=False, weights=None, pooling="avg"
    )
    x = net(x)
    return keras.Model(inputs, layers.Dense(context.n_classes, activation="softmax")(x))


def recurrent(context):
    import keras
    from keras import layers

    height, width, channels = context.image_shape
    return keras.Sequential(
        [
            keras.Input(context.image_shape),
            layers.Reshape((height, width * channels)),
            layers.LSTM(32),
            layers.Dense(context.n_classes, activation="softmax"),
        ]
    )


def preprocessing(context):
    import keras
    from keras import layers

    return keras.Sequential(
        [
            keras.Input(context.image_shape),
            layers.Rescaling(2.0, offset=-1.0),
            layers.RandomRotation(0.02),
            layers.RandomTranslation(0.05, 0.05),
            layers.Conv2D(8, 5, strides=2, activation="relu"),
            layers.Flatten(),
            layers.Dropout(0.2),
            layers.Dense(context.n_classes, activation="softmax"),
        ]
    )


@hookimpl
def bench_register_models(register):
    for network in (functional, subclassed, own_train_step, backbone, recurrent, preprocessing):
        register(
            keras_model(
                name=f"k-{network.__name__.replace('_', '-')}",
                summary="as people write them",
                network=network,
                epochs=5,
                batch_size=64,
                min_side=16,
            )
        )
