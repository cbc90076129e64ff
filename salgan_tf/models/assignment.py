"""Arrays of a file into the layers of a network: all of them, or none."""

from pathlib import Path

import keras
import numpy as np

from salgan_tf.errors import InputError


def assign_layers(network: keras.Model, arrays: dict[str, list[np.ndarray]], path: str | Path) -> None:
    """Set the weights of layers; everything is checked before anything is set.

    Args:
        network: what has the layers.
        arrays: by the layer's name, its arrays in Keras' order and layout.
        path: the file that they come from, named in errors.

    Raises:
        InputError: a shape differs, or a value is not a finite number.
    """
    for name, values in arrays.items():
        wanted = [tuple(weight.shape) for weight in network.get_layer(name).weights]
        found = [value.shape for value in values]
        if found != wanted:
            raise InputError(path, f"layer {name} takes arrays of shapes {wanted} and the file has {found}")
        if not all(np.issubdtype(value.dtype, np.floating) and np.isfinite(value).all() for value in values):
            raise InputError(path, f"layer {name} has values that are not finite numbers")
    for name, values in arrays.items():
        network.get_layer(name).set_weights(values)
