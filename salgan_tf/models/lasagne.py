"""The authors' released Theano/Lasagne weights, turned into Keras' layout."""

from pathlib import Path

import keras
import numpy as np

from salgan_tf.errors import InputError
from salgan_tf.files import read_npz
from salgan_tf.models import vgg16
from salgan_tf.models.assignment import assign_layers

# The layer of each array in the order of the files: W and b, and the gain g of weight-normalised layers.
_GENERATOR = tuple(name for name in (*vgg16.ENCODER_LAYERS, *vgg16.DECODER_LAYERS, "output") for _ in "Wb")
_DISCRIMINATOR = tuple(
    name
    for name in ("merge", "conv1", "conv2_1", "conv2_2", "conv3_1", "conv3_2", "fc4", "fc5", "prob")
    for _ in ("Wbg" if name in ("conv3_1", "conv3_2") else "Wb")
)


def load_lasagne_weights(network: keras.Model, path: str | Path) -> None:
    """Load released weights (`gen_modelWeights0090.npz` or `discrim_modelWeights0090.npz`) into their network.

    Kernels are turned from (out, in, h, w) to (h, w, in, out). Lasagne convolves with flipped filters where Keras
    correlates: the generator's decoder and the discriminator are flipped, the encoder, which came from Caffe, is not.

    Args:
        network: `build_generator("vgg16")` or `build_discriminator()`, the latter at 192x256.
        path: an `.npz` file of arrays `arr_0`, `arr_1`, … in the order of the layers.

    Raises:
        InputError: the file is missing or damaged, holds pickled objects, or its arrays do not fit the network.
    """
    load_lasagne_arrays(network, read_npz(path), path)


def is_lasagne(arrays: dict[str, np.ndarray]) -> bool:
    """Return whether arrays have the names that numpy gives to unnamed ones, like those of the released files."""
    return "arr_0" in arrays


def load_lasagne_arrays(network: keras.Model, arrays: dict[str, np.ndarray], path: str | Path) -> None:
    """Load the arrays of a released file, see `load_lasagne_weights`; errors name `path`."""
    layouts = {len(_GENERATOR): _GENERATOR, len(_DISCRIMINATOR): _DISCRIMINATOR}
    layout = layouts.get(len(arrays), ())
    if not layout or any(f"arr_{index}" not in arrays for index in range(len(layout))):
        expected = f"arr_0 … of a released generator ({len(_GENERATOR)}) or discriminator ({len(_DISCRIMINATOR)})"
        raise InputError(path, f"holds {len(arrays)} arrays: expected {expected}")
    present = {layer.name for layer in network.layers}
    if missing := [name for name in layout if name not in present]:
        kind = "discriminator" if layout is _DISCRIMINATOR else "VGG-16 generator"
        cause = f"holds the {len(layout)} arrays of the released {kind}: {network.name} has no layer {missing[0]}"
        raise InputError(path, cause)
    turned: dict[str, list[np.ndarray]] = {}
    for index, name in enumerate(layout):
        turned.setdefault(name, []).append(arrays[f"arr_{index}"])
    for name, values in turned.items():
        flipped = layout is _DISCRIMINATOR or name in vgg16.DECODER_LAYERS
        values[0] = _turn_kernel(values[0], name, network, flipped)
    assign_layers(network, turned, path)


def _turn_kernel(kernel: np.ndarray, name: str, network: keras.Model, flipped: bool) -> np.ndarray:
    if kernel.ndim == 4:
        return np.transpose(kernel[:, :, ::-1, ::-1] if flipped else kernel, (2, 3, 1, 0))
    if name == "fc4":
        # Lasagne flattens channels first: rows in the order (c, h, w); Keras' order is (h, w, c).
        _, height, width, channels = network.get_layer("flatten").input.shape
        if kernel.shape[0] == height * width * channels:
            rows = kernel.reshape(channels, height, width, -1)
            return np.transpose(rows, (1, 2, 0, 3)).reshape(kernel.shape)
    return kernel
