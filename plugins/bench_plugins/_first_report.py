"""The layers that the first report's networks share, as data."""

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.spec import BuildContext


class Convolution(NamedTuple):
    """A convolution of ``side`` × ``side``, and what follows it."""

    filters: int
    side: int
    pool: bool = False
    dropout: float = 0.0


FOUR_POOLS = (
    Convolution(32, 5, pool=True),
    Convolution(32, 5, pool=True, dropout=0.3),
    Convolution(64, 3, pool=True),
    Convolution(64, 3, pool=True, dropout=0.3),
)
TWO_POOLS = (
    Convolution(32, 5),
    Convolution(32, 5, pool=True, dropout=0.3),
    Convolution(64, 3),
    Convolution(64, 3, pool=True, dropout=0.3),
)


def network(convolutions: "Sequence[Convolution]", context: "BuildContext") -> Any:
    """Return the untrained network: these convolutions, then 256 units and the classes."""
    from keras import Input, Sequential
    from keras.layers import Conv2D, Dense, Dropout, Flatten, MaxPooling2D

    layers: list[Any] = [Input(context.image_shape)]
    for each in convolutions:
        layers.append(Conv2D(each.filters, each.side, padding="same", activation="relu"))
        if each.pool:
            layers.append(MaxPooling2D(2))
        if each.dropout:
            layers.append(Dropout(each.dropout))
    return Sequential(
        [
            *layers,
            Flatten(),
            Dense(256, activation="relu"),
            Dropout(0.5),
            Dense(context.n_classes, activation="softmax"),
        ]
    )
