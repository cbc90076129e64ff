"""What is in a LiteRT file: operations, multiply-adds, and the types of its tensors."""

from collections import Counter
from pathlib import Path

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools import flatbuffer_utils

from salgan_tf.exporting.format import Contents

_TYPES = {code: name.lower() for name, code in vars(schema.TensorType).items() if isinstance(code, int)}


def read_contents(path: str | Path) -> Contents:
    """Read what a LiteRT file of one graph contains."""
    model = flatbuffer_utils.read_model(str(path))
    (graph,) = model.subgraphs
    operations: Counter[str] = Counter()
    macs = 0
    for operator in graph.operators:
        name = flatbuffer_utils.opcode_to_name(model, operator.opcodeIndex)
        operations[name] += 1
        if name in ("CONV_2D", "DEPTHWISE_CONV_2D"):
            # A kernel is (out, h, w, in), a depthwise one (1, h, w, channels).
            kernel = graph.tensors[operator.inputs[1]].shape[1 : 4 if name == "CONV_2D" else 3]
            macs += int(np.prod(kernel)) * int(np.prod(graph.tensors[operator.outputs[0]].shape))
    weights: Counter[str] = Counter()
    activations: Counter[str] = Counter()
    for tensor in graph.tensors:
        data = model.buffers[tensor.buffer].data
        stored = data is not None and len(data) > 0
        (weights if stored else activations)[_TYPES[tensor.type]] += 1
    return Contents(dict(operations.most_common()), macs, dict(weights), dict(activations))
