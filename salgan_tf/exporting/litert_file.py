"""What is in a LiteRT file: operations, arithmetic, and how its tensors are quantized."""

from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools import flatbuffer_utils

_TYPES = {code: name.lower() for name, code in vars(schema.TensorType).items() if isinstance(code, int)}


class Contents(NamedTuple):
    """What is in a file: how often each operation, multiply-adds, and how many tensors of each type, by purpose."""

    operations: dict[str, int]
    macs: int
    weights: dict[str, int]
    activations: dict[str, int]


def read_contents(path: str | Path) -> Contents:
    """Read what is in a LiteRT file of one graph."""
    model = flatbuffer_utils.read_model(str(path))
    (graph,) = model.subgraphs
    operations = Counter()
    macs = 0
    for operator in graph.operators:
        name = flatbuffer_utils.opcode_to_name(model, operator.opcodeIndex)
        operations[name] += 1
        if name in ("CONV_2D", "DEPTHWISE_CONV_2D"):
            macs += _convolution_macs(name, graph.tensors[operator.inputs[1]], graph.tensors[operator.outputs[0]])
    weights, activations = Counter(), Counter()
    for tensor in graph.tensors:
        data = model.buffers[tensor.buffer].data
        stored = data is not None and len(data) > 0
        (weights if stored else activations)[_TYPES[tensor.type]] += 1
    return Contents(dict(operations.most_common()), macs, dict(weights), dict(activations))


def _convolution_macs(name: str, kernel: schema.TensorT, output: schema.TensorT) -> int:
    # A kernel is (out, h, w, in), a depthwise one (1, h, w, channels).
    each = int(np.prod(kernel.shape[1:])) if name == "CONV_2D" else int(np.prod(kernel.shape[1:3]))
    return each * int(np.prod(output.shape))
