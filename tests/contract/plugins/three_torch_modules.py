# As people write them, without types.
# mypy: ignore-errors
"""Three torch modules as people write them: the checks must find nothing."""

from bench import ModelSpec, hookimpl, torch_classifier, torch_model


def convolutions(context):
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(context.image_shape[2], 8, 3, padding=1),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(4),
        nn.Flatten(),
        nn.Dropout(0.2),
        nn.Linear(16 * 4 * 4, context.n_classes),
    )


def residual(context):
    """A module of one's own, lazy where it can be, that gives log-probabilities."""
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.LazyConv2d(8, 5, stride=2)
            self.second = nn.Conv2d(8, 8, 3, padding=1)
            self.norm = nn.GroupNorm(2, 8)
            self.out = nn.LazyLinear(context.n_classes)

        def forward(self, images):
            x = torch.relu(self.first(images))
            x = torch.relu(self.norm(self.second(x)) + x)
            return torch.log_softmax(self.out(x.flatten(1)), dim=1)

    return Net()


def recurrent(context):
    """The rows of an image as steps in time, ending in probabilities."""
    from torch import nn

    class Rows(nn.Module):
        def __init__(self):
            super().__init__()
            _, width, channels = context.image_shape
            self.rows = nn.GRU(width * channels, 32, batch_first=True)
            self.out = nn.Linear(32, context.n_classes)

        def forward(self, images):
            steps = images.transpose(1, 2).flatten(2)
            return self.out(self.rows(steps)[1][-1]).softmax(dim=1)

    return Rows()


def build_recurrent(context):
    return torch_classifier(recurrent, context, outputs="probabilities")


@hookimpl
def bench_register_models(register):
    for name, module in (("convolutions", convolutions), ("residual", residual)):
        register(
            torch_model(
                name=f"t-{name}",
                summary=f"a torch module: {name}",
                module=module,
                epochs=5,
                batch_size=32,
            )
        )
    register(
        ModelSpec(
            name="t-recurrent",
            summary="a torch module: recurrent",
            build=build_recurrent,
            options={"epochs": 5, "batch_size": 16, "learning_rate": 0.01},
        )
    )
