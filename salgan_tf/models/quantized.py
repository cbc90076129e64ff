"""The weights of a generator from an int8 LiteRT file, so that the bundled file can be trained and exported again."""

import re
from pathlib import Path

import keras
import numpy as np

from salgan_tf.errors import InputError
from salgan_tf.models.assignment import assign_layers


def load_int8(generator: keras.Model, path: str | Path) -> None:
    """Set the weights of a generator to the dequantized weights of an int8 LiteRT file.

    Quantizing them again gives the same kernels: the largest weight of a filter is 127 steps, before and after.

    Args:
        generator: from `build_generator`, of the file's backbone, at any size.
        path: a file of `salgan-tf export --int8`.

    Raises:
        InputError: the file cannot be read or parsed, holds another network, or its weights are not int8.
    """
    stored = _read_convolutions(Path(path))
    layers = [
        layer.name
        for layer in generator.layers
        if isinstance(layer, keras.layers.Conv2D | keras.layers.DepthwiseConv2D)
    ]
    if len(stored) != len(layers):
        raise InputError(path, f"holds {len(stored)} convolutions, and {generator.name} has {len(layers)}")
    arrays = {}
    for layer in layers:
        # The converter appends a number to names that Keras used before.
        found = [values for name, values in stored.items() if re.fullmatch(rf"{layer}(_\d+)?", name)]
        if len(found) != 1:
            raise InputError(path, f"not the weights of {generator.name}: it has no layer {layer}")
        arrays[layer] = found[0]
    assign_layers(generator, arrays, path)


def _read_convolutions(path: Path) -> dict[str, list[np.ndarray]]:
    """Return each layer's kernel and bias, float32 in Keras' layout, by the name of the layer in the file."""
    from ai_edge_litert.schema_py_generated import TensorType
    from ai_edge_litert.tools import flatbuffer_utils

    try:
        model = flatbuffer_utils.read_model(str(path))
        (graph,) = model.subgraphs
        arrays = {}
        for operator in graph.operators:
            kind = flatbuffer_utils.opcode_to_name(model, operator.opcodeIndex)
            if kind not in ("CONV_2D", "DEPTHWISE_CONV_2D"):
                continue
            kernel, bias = (graph.tensors[index] for index in operator.inputs[1:3])
            if (kernel.type, bias.type) != (TensorType.INT8, TensorType.INT32):
                raise InputError(path, "its weights are not int8 with int32 biases: export it with `--int8`")
            # (out, h, w, in) becomes (h, w, in, out), and a depthwise (1, h, w, channels) becomes (h, w, channels, 1).
            values = _dequantize(kernel, model, np.int8).transpose(1, 2, 3, 0)
            # The name ends in LAYER/convolution or LAYER/depthwise.
            arrays[kernel.name.decode().split("/")[-2]] = [values, _dequantize(bias, model, np.int32)]
    except InputError:
        raise
    except OSError as error:
        raise InputError(path, error) from error
    except Exception as error:  # On a damaged file, the reader may raise anything.
        raise InputError(path, "not a LiteRT file of a generator, or damaged") from error
    return arrays


def _dequantize(tensor, model, dtype: type) -> np.ndarray:
    values = np.frombuffer(bytes(model.buffers[tensor.buffer].data), np.dtype(dtype).newbyteorder("<"))
    scale = np.ones(len(tensor.shape), int)
    scale[tensor.quantization.quantizedDimension] = -1
    steps = np.asarray(tensor.quantization.scale, np.float32).reshape(scale)
    return (values.reshape(tensor.shape) * steps).astype(np.float32)
