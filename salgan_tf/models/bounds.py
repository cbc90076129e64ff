"""What a Keras file will need, found out before anything is allocated: small files can declare terabytes."""

import contextlib
import io
import math
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import h5py
import tensorflow as tf

from salgan_tf.errors import InputError
from salgan_tf.limits import check_file, check_memory, check_objects

# Variables that a model builds and does not save, such as the states of random generators.
_UNSAVED = 1e6
_WEIGHTS = "model.weights.h5"


def check_weights(path: Path) -> None:
    """Check what reading a `.weights.h5` file will need.

    Raises:
        InputError: it is not a regular file, or declares more than it stores or than the memory holds.
    """
    check_file(path)
    check_memory(path, 2 * path.stat().st_size)
    with path.open("rb") as content:
        _check_arrays(path, content, path.stat().st_size)


@contextlib.contextmanager
def checked_keras_file(path: Path) -> Iterator[None]:
    """Check what reading a `.keras` file will need, and keep the model that is built in the block to what it stores.

    Raises:
        InputError: it is not a regular file, or declares more than it stores or than the memory holds.
    """
    check_file(path)
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if Path(name).is_absolute() or os.path.normpath(name).startswith(".."):
                raise InputError(path, f"contains {name}, which leads out of the archive")
        # It is unpacked, and its weights are copied into variables.
        check_memory(path, 2 * sum(member.file_size for member in archive.infolist()))
        check_objects(path, sum(member.file_size for member in archive.infolist() if member.filename.endswith(".json")))
        weights = archive.read(_WEIGHTS)
    _check_arrays(path, io.BytesIO(weights), len(weights))
    built = 0.0
    refusal: InputError | None = None

    def create(next_creator, **options):
        nonlocal built, refusal
        initial = options["initial_value"]
        if callable(initial):
            # In a graph, an initializer has a shape and allocates nothing.
            with tf.Graph().as_default():
                value = tf.convert_to_tensor(initial())
            built += math.prod(value.shape) * value.dtype.size
            if built > len(weights) + _UNSAVED:
                refusal = InputError(path, "its layers are larger than the weights that it stores")
                raise refusal
        return next_creator(**options)

    try:
        with tf.variable_creator_scope(create):
            yield
    except Exception:
        # Keras raises its own error for it.
        if refusal is not None:
            raise refusal from None
        raise


def _check_arrays(path: Path, content: BinaryIO, stored: int) -> None:
    """Check that an HDF5 file holds arrays of real numbers no larger than itself; Keras does not compress them."""
    declared = 0

    def add(_: str, item: h5py.Group | h5py.Dataset) -> None:
        nonlocal declared
        if isinstance(item, h5py.Group):
            elsewhere = not all(isinstance(item.get(name, getlink=True), h5py.HardLink) for name in item)
        else:
            elsewhere = bool(item.external or item.is_virtual)
            if item.dtype.kind in "cO":
                raise InputError(path, "holds complex numbers or objects in place of weights")
            declared += math.prod(item.shape or ()) * item.dtype.itemsize
        if elsewhere:
            raise InputError(path, "its weights are links, which may lead to other files")

    with h5py.File(content, "r") as file:
        # The root is not visited.
        add("", file)
        file.visititems(add)
    if declared > stored:
        raise InputError(path, f"declares {declared / 1e9:.1g} GB of weights, which it does not store")
