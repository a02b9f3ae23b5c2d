"""Write the shipped classifier for a browser: its layers, weights in 8 bits, a scale a channel.

``.venv/bin/python script/make_browser_model.py`` reads the LiteRT file of the shipped
``cnn-robust``, batch normalisation folded in, and writes ``cnn-robust.browser`` beside its folder:
the length of a JSON text in 4 bytes, the JSON, then the weights as int8, channel by channel.
"""

import json
import struct
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

SHIPPED: Final = Path(__file__).parents[1] / "plugins" / "bench_plugins" / "shipped"
SOURCE: Final = SHIPPED / "cnn-robust" / "model" / "model-float32.tflite"
TARGET: Final = SHIPPED / "cnn-robust.browser"


def browser_model(source: Path) -> bytes:
    """Return the file's content."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(source))
    interpreter.allocate_tensors()
    tensors = {each["index"]: each for each in interpreter.get_tensor_details()}
    operations = interpreter._get_ops_details()  # there is no public list
    constants = {
        int(each["outputs"][0]): interpreter.get_tensor(int(each["inputs"][0]))
        for each in operations
        if each["op_name"] == "DEQUANTIZE"
    }
    layers: list[dict[str, Any]] = []
    weights: list[npt.NDArray[np.int8]] = []
    dense = [each for each in operations if each["op_name"] == "FULLY_CONNECTED"]
    for each in operations:
        kind, inputs = each["op_name"], list(map(int, each["inputs"]))
        if kind == "MAX_POOL_2D":
            layers.append({"kind": "pool"})
        if kind not in ("CONV_2D", "FULLY_CONNECTED"):
            continue
        kernel, bias = constants[inputs[1]], constants[inputs[2]]
        values, scales = _in_8_bits(np.asarray(kernel, dtype=np.float32))
        weights.append(values)
        layers.append(
            {
                "kind": "conv" if kind == "CONV_2D" else "dense",
                "out": len(kernel),
                "size": values.size,
                "stride": _stride(tensors, inputs[0], int(each["outputs"][0]), kind),
                "relu": kind == "CONV_2D" or each is not dense[-1],
                "scales": [float(f"{scale:.7g}") for scale in scales],
                "bias": [float(f"{value:.7g}") for value in np.asarray(bias, dtype=np.float32)],
            }
        )
    told = json.dumps({"side": 28, "layers": layers}, separators=(",", ":")).encode()
    return struct.pack("<I", len(told)) + told + b"".join(each.tobytes() for each in weights)


def _in_8_bits(
    kernel: npt.NDArray[np.float32],
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]:
    """Return int8 values and a scale for each output channel, the first axis."""
    flat = kernel.reshape(len(kernel), -1)
    scales = np.maximum(np.abs(flat).max(axis=1), 1e-12) / 127
    return np.round(flat / scales[:, None]).astype(np.int8), scales.astype(np.float32)


def _stride(tensors: dict[int, Any], before: int, after: int, kind: str) -> int:
    if kind != "CONV_2D":
        return 1
    return round(tensors[before]["shape"][1] / tensors[after]["shape"][1])


if __name__ == "__main__":
    TARGET.write_bytes(browser_model(SOURCE))
