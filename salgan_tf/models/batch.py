"""The batches that SalGAN takes: images and the truth about them, checked before they can spoil a network."""

import functools
import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

# What interpolation may add to a map's or an image's range.
_TOLERANCE = 1e-3


def unpack(data: Any) -> tuple[Any, Mapping[str, Any]]:
    """Return the images and the truth of a batch. Bare maps stand for a truth of `saliency` alone.

    Raises:
        ValueError: the batch has sample weights or no truth.
    """
    image, truth, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
    if sample_weight is not None:
        raise ValueError("SalGAN takes batches of (image, truth): sample weights are not supported")
    if truth is None:
        raise ValueError("SalGAN takes batches of (image, truth): the truth is missing")
    return image, truth if isinstance(truth, Mapping) else {"saliency": truth}


def check_first_batch(model: keras.Model, function: Callable) -> Callable:
    """Wrap a model's train or test function so that it checks its first batch: in Python, as XLA drops assertions.

    Args:
        model: a compiled model.
        function: made by Keras, of an iterator over batches. It traces its step for TensorFlow's iterators, and once
            more for those of Python.
    """
    several = model.steps_per_execution > 1
    checked = False

    @functools.wraps(function)
    def checking(iterator: Iterator):
        nonlocal checked
        if checked and several:
            return function(iterator)
        batch = next(iterator)
        if not checked:
            _check_batch(batch, model.distribute_strategy)
            checked = True
        # Single batches always come from Python, so that their step is traced once.
        return function(itertools.chain([batch], iterator))

    return checking


def _check_batch(data: Any, strategy: tf.distribute.Strategy) -> None:
    """Check that a batch, which a strategy may have distributed, keeps SalGAN's contract."""
    image, truth = unpack(data)
    if "saliency" not in truth or not truth.keys() <= {"saliency", "fixations"}:
        found = ", ".join(map(repr, truth))
        raise ValueError(f"the truth of a batch needs `saliency`, and this one has {found}; `fixations` may be added")
    images = _parts(image, strategy)
    shape = images[0].shape
    if len(shape) == 3 and shape[-1] == 3:
        raise ValueError(f"images have the shape {shape}: expected (B, {', '.join(map(str, shape))}), a batch of them")
    sides = shape[1:3] if len(shape) == 4 else ("H", "W")
    _check("images", images, (*sides, 3), 255)
    if 0 < max(part.max(initial=0) for part in images) <= 1:
        raise ValueError("images are in [0, 1]: expected RGB in [0, 255]")
    maps = _parts(truth["saliency"], strategy)
    _check("saliency maps", maps, (*sides, 1), 1)
    if not all(each.any() for part in maps for each in part):
        raise ValueError("a saliency map is black all over: nobody looked at anything")
    if "fixations" in truth:
        _check("fixation counts", _parts(truth["fixations"], strategy), (*sides, 1), np.inf)


def _parts(values: Any, strategy: tf.distribute.Strategy) -> list[np.ndarray]:
    """Return the values of each device."""
    return [keras.ops.convert_to_numpy(part) for part in strategy.experimental_local_results(values)]


def _check(what: str, parts: list[np.ndarray], shape: tuple, highest: float) -> None:
    for values in parts:
        if values.shape[1:] != shape:
            expected = ", ".join(map(str, ("B", *shape)))
            raise ValueError(f"{what} have the shape {values.shape}: expected ({expected})")
        if values.dtype.kind not in "buif" and values.dtype.name != "bfloat16":
            raise ValueError(f"{what} are of type {values.dtype}: expected float32")
        if not values.size:
            continue
        low, high = float(values.min()), float(values.max())
        # NaN fails every comparison.
        if not (low >= -_TOLERANCE and high <= highest + _TOLERANCE and high < np.inf):
            expected = f"[0, {highest}]" if highest < np.inf else "whole numbers of at least 0"
            raise ValueError(f"{what} are in [{low:g}, {high:g}]: expected {expected}")
