"""Runtimes: each module opens one kind of model file and returns a `Network`, one callable for all of them."""

import importlib
from pathlib import Path

from salgan_tf.errors import InputError
from salgan_tf.limits import check_file
from salgan_tf.runtimes.network import Network
from salgan_tf.runtimes.trial import try_file
from salgan_tf.weights import BUNDLED

# The module that opens a file, by the ending of its name.
_RUNTIMES = {".tflite": "litert", ".onnx": "onnx", ".keras": "keras", ".engine": "tensorrt"}
# Native code that opens whatever a file declares; Keras checks it, and an engine is bound to the device that made it.
_TRIED = ("litert", "onnx")
# Endings of the files of which each thread may have a network of its own.
PER_THREAD = frozenset((".tflite", ".onnx"))
# More only take memory and time: a million took 95 seconds.
_MOST_THREADS = 1024


def open_network(path: Path, threads: int | None = None, trusted: bool = False) -> Network:
    """Open a model file.

    Args:
        path: a LiteRT (`.tflite`), ONNX (`.onnx`), Keras (`.keras`) or TensorRT (`.engine`) file of a generator.
        threads: number of threads of LiteRT and ONNX Runtime, up to 1024; None for one per core.
        trusted: the file was made by this process, so that it need not be tried in another one first.

    Raises:
        InputError: the file is missing, damaged or not a generator, its runtime is not installed, or it crashes it,
            hangs, or needs more memory than the limit; or `threads` is another number.
    """
    if threads is not None and threads not in range(1, _MOST_THREADS + 1):
        raise InputError("threads", f"{threads} is not a whole number from 1 to {_MOST_THREADS}")
    if path.suffix.lower() not in _RUNTIMES:
        raise InputError(path, f"not a model: expected a file that ends in {', '.join(_RUNTIMES)}")
    check_file(path)
    name = _RUNTIMES[path.suffix.lower()]
    if name in _TRIED and not trusted and path not in BUNDLED.values():
        try_file(path, name)
    runtime = importlib.import_module(f"salgan_tf.runtimes.{name}")
    return runtime.open_network(path, threads)
