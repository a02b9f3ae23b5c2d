"""A torch module with a loss of its own: needs ``digitbench[torch]``."""

from bench import hookimpl, torch_model


def module(context):
    """Return the untrained module: images (n, channels, height, width) in [0, 1] to logits."""
    from torch import nn

    height, width, channels = context.image_shape
    return nn.Sequential(
        nn.Conv2d(channels, 8, 3, padding=1),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(8 * (height // 2) * (width // 2), context.n_classes),
        nn.LogSoftmax(dim=1),
    )


def smoothed(logits, labels):
    """Return the cross-entropy with labels that are a little in doubt."""
    from torch.nn.functional import cross_entropy

    return cross_entropy(logits, labels, label_smoothing=0.1)


@hookimpl
def bench_register_models(register):
    """Register the model, with every training option."""
    register(
        torch_model(
            name="torch-network",
            summary="one block of convolution",
            module=module,
            loss=smoothed,
            epochs=5,
            batch_size=32,
        )
    )
