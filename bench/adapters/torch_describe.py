"""What a torch module consists of: layers, parameters, multiply-adds."""

from math import prod
from typing import TYPE_CHECKING, Any

from bench.adapters.torch_runtime import import_torch
from bench.spec import Description, Layer

if TYPE_CHECKING:
    from bench.spec import Shape

__all__ = ["describe_module"]


def describe_module(module: Any, shape: "Shape", engine: str, device: str) -> Description:
    """Return the layers and sizes of a built module; multiply-adds are those for one image."""
    weights = list(module.parameters())
    state = {tensor.data_ptr(): tensor for tensor in module.state_dict().values()}
    layers = _layers(module, shape)
    return Description(
        parameters=sum(weight.numel() for weight in weights),
        trainable_parameters=sum(weight.numel() for weight in weights if weight.requires_grad),
        model_bytes=sum(tensor.numel() * tensor.element_size() for tensor in state.values()),
        multiply_adds=sum(layer.multiply_adds for layer in layers),
        layers=layers,
        engine=engine,
        device=device,
    )


def _layers(module: Any, shape: "Shape") -> tuple[Layer, ...]:
    """Return a line for each use of a layer without layers of its own, in the order of use."""
    torch = import_torch()
    found: list[Layer] = []

    def note(name: str, layer: Any, output: Any) -> None:
        sides = tuple(output.shape[1:]) if torch.is_tensor(output) else ()
        found.append(
            Layer(
                name=name,
                kind=type(layer).__name__,
                output_shape=sides,
                parameters=sum(weight.numel() for weight in layer.parameters()),
                multiply_adds=_multiply_adds(layer, sides),
            )
        )

    handles = [
        layer.register_forward_hook(lambda layer, _, output, name=name: note(name, layer, output))
        for name, layer in module.named_modules()
        if not any(True for _ in layer.children())
    ]
    height, width, channels = shape
    device = next((weight.device for weight in module.parameters()), "cpu")
    was_training = module.training
    module.eval()
    try:
        with torch.no_grad():
            module(torch.zeros((1, channels, height, width), device=device))
    finally:
        module.train(was_training)
        for handle in handles:
            handle.remove()
    return tuple(found)


def _multiply_adds(layer: Any, sides: tuple[int, ...]) -> int:
    """Count one multiply-add for each weight of a kernel at each position it is applied."""
    nn = import_torch().nn
    if isinstance(layer, nn.Linear):
        return int(layer.weight.numel() * prod(sides[:-1]))
    if isinstance(layer, nn.Conv1d | nn.Conv2d | nn.Conv3d):
        return int(layer.weight.numel() * prod(sides[1:]))
    return 0
