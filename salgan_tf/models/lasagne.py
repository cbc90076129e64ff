"""The authors' released Theano/Lasagne weights, turned into Keras' layout."""

from pathlib import Path

import keras
import numpy as np

from salgan_tf.errors import InputError
from salgan_tf.files import read_npz
from salgan_tf.models import vgg16
from salgan_tf.models.assignment import assign_layers

# In the files' order; each layer has W and b, the weight-normalised ones also their gain g.
_GENERATOR_LAYERS = (*vgg16.encoder_layers(), *vgg16.decoder_layers(), "output")
_DISCRIMINATOR_LAYERS = ("merge", "conv1", "conv2_1", "conv2_2", "conv3_1", "conv3_2", "fc4", "fc5", "prob")
_WITH_GAIN = ("conv3_1", "conv3_2")


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
    """Tell whether arrays are named as numpy names nameless ones, as the released files have them."""
    return "arr_0" in arrays


def load_lasagne_arrays(network: keras.Model, arrays: dict[str, np.ndarray], path: str | Path) -> None:
    """Load the arrays of a released file, see `load_lasagne_weights`; `path` is only named in errors."""
    discriminator = "fc4" in {layer.name for layer in network.layers}
    names = _DISCRIMINATOR_LAYERS if discriminator else _GENERATOR_LAYERS
    missing = [name for name in names if name not in {layer.name for layer in network.layers}]
    if missing:
        raise InputError(path, f"released weights are a VGG-16 SalGAN's, and {network.name} has no layer {missing[0]}")
    wanted = sum(len(_roles(name, discriminator)) for name in names)
    if set(arrays) != {f"arr_{index}" for index in range(wanted)}:
        raise InputError(
            path, f"holds {len(arrays)} arrays, and {network.name} takes {wanted} (arr_0 … arr_{wanted - 1})"
        )
    ordered = iter([arrays[f"arr_{index}"] for index in range(wanted)])
    turned = {}
    for name in names:
        values = [next(ordered) for _ in _roles(name, discriminator)]
        flipped = discriminator or name.startswith("uconv")
        values[0] = _turn_kernel(values[0], network.get_layer(name), network, flipped)
        turned[name] = values
    assign_layers(network, turned, path)


def _roles(name: str, discriminator: bool) -> str:
    return "Wbg" if discriminator and name in _WITH_GAIN else "Wb"


def _turn_kernel(kernel: np.ndarray, layer: keras.layers.Layer, network: keras.Model, flipped: bool) -> np.ndarray:
    if kernel.ndim == 4:
        return np.transpose(kernel[:, :, ::-1, ::-1] if flipped else kernel, (2, 3, 1, 0))
    if layer.name == "fc4":
        # Lasagne flattens channels first: rows in the order (c, h, w); Keras wants (h, w, c).
        _, height, width, channels = network.get_layer("flatten").input.shape
        if kernel.shape[0] == height * width * channels:
            rows = kernel.reshape(channels, height, width, -1)
            return np.transpose(rows, (1, 2, 0, 3)).reshape(kernel.shape)
    return kernel
