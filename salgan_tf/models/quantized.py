"""The weights of a generator from an int8 LiteRT file, so that the bundled file can be trained and exported again."""

import re
from pathlib import Path

import keras
import numpy as np

from salgan_tf.errors import InputError
from salgan_tf.limits import read_bytes
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
    layers = [
        layer.name
        for layer in generator.layers
        if isinstance(layer, keras.layers.Conv2D | keras.layers.DepthwiseConv2D)
    ]
    stored = _read_convolutions(Path(path), len(layers))
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


def _read_convolutions(path: Path, most: int) -> dict[str, list[np.ndarray]]:
    """Return each layer's kernel and bias, float32 in Keras' layout, by the name of the layer in the file.

    Args:
        path: the file.
        most: number of convolutions whose arrays are returned; more are only named. Tensors may share bytes, so that a
            small file can hold any number of large ones.
    """
    from ai_edge_litert.schema_py_generated import BuiltinOperator, Model, TensorType

    content = read_bytes(path)
    try:
        # Tables are read where they lie: the parser's own objects would copy whatever the file declares.
        model = Model.GetRootAs(content)
        if model.SubgraphsLength() != 1:
            raise InputError(path, "not a LiteRT file of a generator: it has several graphs")
        graph = model.Subgraphs(0)
        arrays: dict[str, list[np.ndarray]] = {}
        for index in range(graph.OperatorsLength()):
            operator = graph.Operators(index)
            code = model.OperatorCodes(operator.OpcodeIndex())
            kind = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
            if kind not in (BuiltinOperator.CONV_2D, BuiltinOperator.DEPTHWISE_CONV_2D):
                continue
            kernel, bias = (graph.Tensors(operator.Inputs(position)) for position in (1, 2))
            if (kernel.Type(), bias.Type()) != (TensorType.INT8, TensorType.INT32):
                raise InputError(path, "its weights are not int8 with int32 biases: export it with `--int8`")
            # The name ends in LAYER/convolution or LAYER/depthwise.
            name = kernel.Name().decode().split("/")[-2]
            if len(arrays) >= most:
                arrays[name] = []
                continue
            # (out, h, w, in) becomes (h, w, in, out), and a depthwise (1, h, w, channels) becomes (h, w, channels, 1).
            values = _dequantize(kernel, model, np.int8).transpose(1, 2, 3, 0)
            arrays[name] = [values, _dequantize(bias, model, np.int32)]
    except InputError:
        raise
    except Exception as error:  # On a damaged file, the reader may raise anything.
        raise InputError(path, "not a LiteRT file of a generator, or damaged") from error
    return arrays


def _dequantize(tensor, model, dtype: type) -> np.ndarray:
    values = model.Buffers(tensor.Buffer()).DataAsNumpy().view(np.dtype(dtype).newbyteorder("<"))
    quantization, shape = tensor.Quantization(), tensor.ShapeAsNumpy()
    scale = np.ones(len(shape), int)
    scale[quantization.QuantizedDimension()] = -1
    steps = quantization.ScaleAsNumpy().astype(np.float32).reshape(scale)
    return (values.reshape(shape) * steps).astype(np.float32)
