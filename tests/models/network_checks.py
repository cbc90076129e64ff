"""What the tests of several networks share: random images, a layer's output, equal weights, a refused file."""

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

from salgan_tf import InputError


def random_images(count: int, height: int, width: int) -> np.ndarray:
    return np.random.default_rng(7).uniform(0, 255, (count, height, width, 3)).astype(np.float32)


def run_to_layer(model: keras.Model, name: str, images: np.ndarray) -> np.ndarray:
    """Return the output of a layer."""
    return np.asarray(keras.Model(model.input, model.get_layer(name).output)(images))


def assert_same_weights(found: keras.Layer, expected: keras.Layer | list[np.ndarray], tolerance: float = 0.0):
    """Assert that a network or layer has the weights of another one, or those that `get_weights` returned earlier."""
    expected = expected.get_weights() if isinstance(expected, keras.Layer) else expected
    for ours, theirs in zip(found.get_weights(), expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance)


def assert_refused(load: Callable, network: keras.Model, path: str | Path, cause: str | None = None):
    """Assert that `load(network, path)` fails with an error that names the file, and that no weight changes."""
    before = network.get_weights()
    with pytest.raises(InputError, match=cause) as caught:
        load(network, path)
    assert str(caught.value).startswith(f"{path}: ")
    assert_same_weights(network, before)
