"""Runtimes: each module opens one kind of model file and returns a `Network`, one callable for all of them."""

import importlib
from pathlib import Path

from salgan_tf.errors import InputError
from salgan_tf.limits import check_file
from salgan_tf.runtimes.network import Network

# The module that opens a file, by the ending of its name.
_RUNTIMES = {".tflite": "litert", ".onnx": "onnx", ".keras": "keras", ".engine": "tensorrt"}


def open_network(path: Path, threads: int | None = None) -> Network:
    """Open a model file.

    Args:
        path: a LiteRT (`.tflite`), ONNX (`.onnx`), Keras (`.keras`) or TensorRT (`.engine`) file of a generator.
        threads: number of threads of LiteRT and ONNX Runtime; None for one per core.

    Raises:
        InputError: the file is missing, damaged or not a generator, or its runtime is not installed.
    """
    if path.suffix.lower() not in _RUNTIMES:
        raise InputError(path, f"not a model: expected a file that ends in {', '.join(_RUNTIMES)}")
    check_file(path)
    runtime = importlib.import_module(f"salgan_tf.runtimes.{_RUNTIMES[path.suffix.lower()]}")
    return runtime.open_network(path, threads)
