"""Native libraries announce themselves on stderr, where a person looks for errors; here they are kept quiet."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def quiet_stderr() -> Iterator[None]:
    """Send what native code writes to stderr nowhere while the block runs; Python's exceptions pass as ever."""
    kept = os.dup(2)
    try:
        with Path(os.devnull).open("wb") as nothing:
            os.dup2(nothing.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def import_tensorflow() -> None:
    """Import TensorFlow and let it look for devices, without its notes on oneDNN and missing GPUs."""
    with quiet_stderr():
        import tensorflow as tf

        tf.config.list_physical_devices()
