"""Small generators with every kind of layer of the real ones, quick to convert, and with maps worth comparing."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import onnx
import pytest
from ai_edge_litert.tools import flatbuffer_utils
from conftest import few_filters

from salgan_tf import build_generator
from salgan_tf.exporting import latency

SHAPE = (32, 48)

# The converter warns about every model with uint8 inputs; the representative pictures provide the statistics.
ignore_statistics = pytest.mark.filterwarnings("ignore:Statistics for quantized inputs were expected:UserWarning")


def tiny_generator() -> keras.Model:
    """A convolution, a depthwise one, a residual, a pooled context, a skip, and a bilinear decoder; 32x48."""
    image = keras.Input((*SHAPE, 3), name="image")
    x = keras.layers.Rescaling(1 / 127.5, offset=-1.0, name="preprocessing")(image)
    x = skip = keras.layers.ReLU(6.0)(keras.layers.Conv2D(8, 3, strides=2, padding="same", name="first")(x))
    x = keras.layers.ReLU(6.0)(keras.layers.DepthwiseConv2D(3, strides=2, padding="same", name="depthwise")(x))
    whole = keras.layers.GlobalAveragePooling2D(keepdims=True)(x)
    whole = keras.layers.Conv2D(8, 1, name="whole")(whole)
    x = keras.layers.ReLU(6.0)(keras.layers.Add()([x, keras.layers.Conv2D(8, 1, name="point")(x), whole]))
    x = keras.layers.Resizing(16, 24, interpolation="bilinear")(x)
    x = keras.layers.Concatenate()([x, skip])
    x = keras.layers.Conv2D(1, 3, padding="same", name="output")(x)
    x = keras.layers.Activation("sigmoid")(x)
    return randomize(keras.Model(image, keras.layers.Resizing(*SHAPE, name="saliency")(x), name="tiny"))


@contextlib.contextmanager
def quick_exports() -> Iterator[None]:
    """Measure latency briefly."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(latency, "_SECONDS", 0.001)
        yield


def tiny_vgg16() -> keras.Model:
    """The paper's generator at 16x32, with four filters a layer."""
    with few_filters():
        return randomize(build_generator("vgg16", (16, 32, 3)))


def edge_generator() -> keras.Model:
    """The edge generator, whole, at 32x64."""
    return randomize(build_generator("mobilenet_v2", (32, 64, 3)))


def random_pictures(count: int, shape: tuple[int, int] = SHAPE, seed: int = 0) -> np.ndarray:
    """Pictures of coarse random squares, uint8 (count, *shape, 3), from black to white."""
    coarse = np.random.default_rng(seed).integers(0, 256, (count, shape[0] // 4, shape[1] // 4, 3), np.uint8)
    coarse[0, 0, 0], coarse[0, -1, -1] = 0, 255
    return coarse.repeat(4, axis=1).repeat(4, axis=2)


def randomize(generator: keras.Model, seed: int = 0) -> keras.Model:
    """Set weights that keep the size of a signal, and those of the last convolution so that a map has contrast."""
    random = np.random.default_rng(seed)
    convolutions = [
        layer for layer in generator.layers if isinstance(layer, keras.layers.Conv2D | keras.layers.DepthwiseConv2D)
    ]
    for layer in convolutions:
        kernel, bias = layer.get_weights()
        inputs = kernel[..., 0, 0].size if isinstance(layer, keras.layers.DepthwiseConv2D) else kernel[..., 0].size
        layer.set_weights([random.normal(0, (2 / inputs) ** 0.5, kernel.shape), random.normal(0, 0.1, bias.shape)])
    last = convolutions[-1]
    kernel, bias = last.get_weights()
    pictures = random_pictures(4, generator.input_shape[1:3]).astype(np.float32)
    values = np.asarray(keras.Model(generator.input, last.input)(pictures), np.float64)
    raw = keras.ops.convert_to_numpy(keras.ops.conv(values.astype(np.float32), kernel, padding="same"))
    last.set_weights([kernel * 1.5 / raw.std(), np.full_like(bias, -1 - 1.5 * raw.mean() / raw.std())])
    return generator


def parse_onnx(ends: str, constants: str, nodes: str) -> onnx.ModelProto:
    """Make a checked ONNX model from the text of its ends, its constants and its nodes."""
    text = f'<ir_version: 8, opset_import: ["" : 17]> handmade {ends} <{constants}> {{ {nodes} }}'
    model = onnx.parser.parse_model(text)
    onnx.checker.check_model(model, full_check=True)
    return model


def edit_kernel(path: str | Path, change) -> None:
    """Change the first kernel of a LiteRT file in place: `change(numbers)` of its type, flat."""
    model = flatbuffer_utils.read_model(str(path))
    (graph,) = model.subgraphs
    names = [flatbuffer_utils.opcode_to_name(model, operator.opcodeIndex) for operator in graph.operators]
    kernel = graph.tensors[graph.operators[names.index("CONV_2D")].inputs[1]]
    buffer = model.buffers[kernel.buffer]
    # schema.TensorType: 0 is float32, 9 is int8.
    numbers = np.frombuffer(bytes(buffer.data), {0: np.float32, 9: np.int8}[kernel.type]).copy()
    change(numbers)
    buffer.data = np.frombuffer(numbers.tobytes(), np.uint8)
    flatbuffer_utils.write_model(model, str(path))
