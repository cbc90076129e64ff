"""The number format of a network: which one it computes in, and the same network in float32."""

import contextlib
from collections.abc import Iterator

import keras

from salgan_tf.errors import first_line

# Keras' policies by the names of the setting. Weights are float32 in both.
POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16"}


@contextlib.contextmanager
def computing_in(precision: str) -> Iterator[None]:
    """Let the networks that are built in the block compute in a number format of `POLICIES`."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(POLICIES[precision])
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def to_float32(network: keras.Model) -> keras.Model:
    """Return a network that computes in float32: itself, or a copy with the same weights.

    Raises:
        ValueError: it cannot be rebuilt, as a model that is not functional.
    """
    if all(layer.compute_dtype == "float32" for layer in network.layers):
        return network

    def copy_layer(layer: keras.layers.Layer) -> keras.layers.Layer:
        config = layer.get_config()
        # Single operations, such as `keras.ops.take`, have no number format of their own.
        return type(layer).from_config(config | ({"dtype": "float32"} if "dtype" in config else {}))

    try:
        copy = keras.models.clone_model(network, clone_function=copy_layer)
        copy.set_weights(network.get_weights())
    except Exception as error:  # Whatever a layer without a configuration may raise.
        cause = f"cannot be rebuilt in float32: {first_line(error)}"
        raise ValueError(f"computes in {network.compute_dtype} and {cause}") from error
    return copy
