"""Keras: `.keras` files, and models in memory."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from salgan_tf.native import import_tensorflow
from salgan_tf.runtimes.network import Network, check_generator

if TYPE_CHECKING:
    import keras


def open_network(path: Path, threads: int | None = None) -> Network:
    """Open a `.keras` file of a generator or SalGAN, see `salgan_tf.runtimes.open_network`."""
    import_tensorflow(str(path))
    from salgan_tf.models.pretrained import load_generator

    return wrap_generator(load_generator(path), path)


def take_generator(model: object) -> "keras.Model":
    """Return the generator of a model in memory: of a SalGAN, or else the model itself.

    Raises:
        TypeError: it is no Keras model.
    """
    if isinstance(model, type) or not hasattr(model, "predict_on_batch"):
        raise TypeError(f"model: expected a name, a path or a Keras model, not {model!r:.60}")
    return getattr(model, "generator", model)


def wrap_generator(generator: "keras.Model", path: Path) -> Network:
    """Make a network of a Keras generator from (B, H, W, 3) to (B, H, W, 1); errors name `path`.

    Raises:
        InputError: it has other inputs or outputs.
    """
    image_shape = check_generator(path, generator)

    def run(picture: np.ndarray) -> np.ndarray:
        return np.asarray(generator.predict_on_batch(picture[None].astype(np.float32)), np.float32)[0, ..., 0]

    return Network(image_shape, run)
