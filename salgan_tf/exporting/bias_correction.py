"""Correct biases for the shift that rounding the weights causes.

After a ReLU6 no input is negative, so the rounding errors of a filter's weights do not cancel: they shift the
mean of its output. For the bundled model this shift was nearly all of int8's loss (mean CC 0.995 to the float maps,
worst 0.959; without it 0.999 and 0.99). Its expected value is known before the conversion, and a bias can absorb
it (Nagel et al.: Data-Free Quantization Through Weight Equalization and Bias Correction, ICCV 2019, section 4.2).
"""

from collections.abc import Callable

import keras
import numpy as np

# Pictures over which a layer's mean input is taken: more of them change nothing.
_PICTURES = 40
_BATCH = 4

# Rounds a kernel as a file stores it, given the axes of the kernel that make up a filter.
Rounding = Callable[[np.ndarray, tuple[int, ...]], np.ndarray]


def round_to_int8(kernel: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    """Round as LiteRT, ONNX Runtime and TensorRT do: symmetrically to -127 … 127, with a scale for each filter."""
    scale = np.maximum(np.abs(kernel).max(axis=axes, keepdims=True) / 127, np.finfo(np.float32).tiny)
    return np.rint(kernel / scale) * scale


def round_to_float16(kernel: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    """Round to half precision."""
    return kernel.astype(np.float16).astype(np.float32)


def correct_biases(generator: keras.Model, pictures: np.ndarray, rounding: Rounding = round_to_int8) -> keras.Model:
    """Copy a generator with its biases corrected for rounded weights. The converters round the weights themselves.

    Args:
        generator: a functional model.
        pictures: uint8 (N, H, W, 3) at its size, such as those that the converter calibrates on.
        rounding: how the weights will be rounded.
    """
    layers = [
        layer
        for layer in generator.layers
        if isinstance(layer, keras.layers.Conv2D | keras.layers.DepthwiseConv2D)
        and layer.use_bias
        and getattr(layer, "groups", 1) == 1
    ]
    copy = keras.models.clone_model(generator)
    copy.set_weights(generator.get_weights())
    if not layers:
        return copy
    for layer, mean in zip(layers, _mean_inputs(generator, layers, pictures[:_PICTURES]), strict=True):
        kernel, bias = layer.get_weights()
        if isinstance(layer, keras.layers.DepthwiseConv2D):
            # The kernel is (h, w, channels, filters of a channel): each filter sees one channel.
            shift = ((rounding(kernel, (0, 1)) - kernel).sum(axis=(0, 1)) * mean[:, None]).ravel()
        else:
            shift = mean @ (rounding(kernel, (0, 1, 2)) - kernel).sum(axis=(0, 1))
        copy.get_layer(layer.name).set_weights([kernel, bias - shift])
    return copy


def _mean_inputs(generator: keras.Model, layers: list[keras.layers.Layer], pictures: np.ndarray) -> list[np.ndarray]:
    """Return the mean input of each layer over pixels and pictures, by channel."""
    # A dict, since Keras does not return a list of one output as a list.
    outputs = {layer.name: keras.ops.mean(layer.input, axis=(1, 2)) for layer in layers}
    means = keras.Model(generator.inputs, outputs)
    batches = [
        means.predict_on_batch(pictures[start : start + _BATCH].astype(np.float32))
        for start in range(0, len(pictures), _BATCH)
    ]
    return [np.concatenate([batch[layer.name] for batch in batches]).mean(axis=0) for layer in layers]
