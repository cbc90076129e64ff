"""Smallest LiteRT files: the mean of an image's colours, uint8 throughout, at any shape that a test wants."""

from pathlib import Path

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools import flatbuffer_utils


def _tensor(name: str, shape: tuple[int, ...], kind: int, buffer: int, scale: float | None = None) -> schema.TensorT:
    tensor = schema.TensorT()
    tensor.name, tensor.shape, tensor.type, tensor.buffer = name, list(shape), kind, buffer
    if scale:
        tensor.quantization = schema.QuantizationParametersT()
        tensor.quantization.scale, tensor.quantization.zeroPoint = [scale], [0]
    return tensor


def write_mean(path: Path, axes: tuple[int, ...] = (3,), shape: tuple[int, ...] = (1, 6, 8, 3)) -> Path:
    """Write a model that takes the mean over `axes` of uint8 `shape`, kept as axes of 1, in levels of 1/255."""
    kept = tuple(1 if axis in axes else side for axis, side in enumerate(shape))
    constant = schema.BufferT()
    constant.data = np.frombuffer(np.array(axes, np.int32).tobytes(), np.uint8)
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.MEAN
    code.version = 2
    mean = schema.OperatorT()
    mean.opcodeIndex, mean.inputs, mean.outputs = 0, [0, 1], [2]
    mean.builtinOptionsType = schema.BuiltinOptions.ReducerOptions
    mean.builtinOptions = schema.ReducerOptionsT()
    mean.builtinOptions.keepDims = True
    graph = schema.SubGraphT()
    graph.tensors = [
        _tensor("image", shape, schema.TensorType.UINT8, 0, 1 / 255),
        _tensor("axes", (len(axes),), schema.TensorType.INT32, 1),
        _tensor("saliency", kept, schema.TensorType.UINT8, 0, 1 / 255),
    ]
    graph.inputs, graph.outputs, graph.operators = [0], [2], [mean]
    model = schema.ModelT()
    model.version, model.operatorCodes, model.subgraphs = 3, [code], [graph]
    model.buffers = [schema.BufferT(), constant]
    flatbuffer_utils.write_model(model, str(path))
    return path
