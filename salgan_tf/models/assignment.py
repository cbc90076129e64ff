"""Arrays of a file into the layers of a network: all of them, or none."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import keras
import numpy as np

from salgan_tf.errors import InputError


def describe_weights(network: keras.Model) -> list[tuple[str, tuple[int, ...]]]:
    """Return the name, with its layer's, and the shape of each weight. Equal networks have equal lists at any size."""
    return [(weight.path, tuple(weight.shape)) for weight in network.weights]


def assign_layers(network: keras.Model, arrays: Mapping[str, Sequence[np.ndarray]], path: str | Path) -> None:
    """Set the weights of layers; everything is checked before anything is set.

    Args:
        network: the network that has the layers.
        arrays: the arrays of each layer by its name, in Keras' order and layout.
        path: the file that they come from, named in errors.

    Raises:
        InputError: a shape differs, or values are of another type than floating-point numbers or not finite.
    """
    for name, values in arrays.items():
        expected = [tuple(weight.shape) for weight in network.get_layer(name).weights]
        found = [value.shape for value in values]
        if found != expected:
            raise InputError(path, f"layer {name} takes arrays of shapes {expected}, and the file has {found}")
        if odd := [value.dtype.name for value in values if not np.issubdtype(value.dtype, np.floating)]:
            raise InputError(path, f"layer {name} has values of type {odd[0]}: expected floating-point numbers")
        if not all(np.isfinite(value).all() for value in values):
            raise InputError(path, f"layer {name} has values that are not finite numbers")
    for name, values in arrays.items():
        network.get_layer(name).set_weights(values)
