"""Native libraries announce themselves on stderr, where a person looks for errors; here they are kept quiet."""

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path

from salgan_tf import extras

_lock = threading.Lock()
# How many blocks are silencing stderr now, and the descriptor that the last of them restores.
_depth = 0
_kept = -1


@contextlib.contextmanager
def quiet_stderr() -> Iterator[None]:
    """Discard what native code writes to stderr while the block runs; Python's exceptions are not affected.

    The descriptor belongs to the whole process, so blocks of several threads share one redirection: the first block
    sets it up and the last one restores it.
    """
    global _depth, _kept
    with _lock:
        if not _depth:
            try:
                _kept = os.dup(2)
                with Path(os.devnull).open("wb") as nothing:
                    os.dup2(nothing.fileno(), 2)
            except OSError:  # stderr is closed: there is nothing to silence.
                _kept = -1
        _depth += 1
    try:
        yield
    finally:
        with _lock:
            _depth -= 1
            if not _depth and _kept >= 0:
                os.dup2(_kept, 2)
                os.close(_kept)


def import_tensorflow(subject: str) -> None:
    """Import TensorFlow and let it look for devices, without its notes on oneDNN and missing GPUs.

    Args:
        subject: the command or file that needs it.

    Raises:
        InputError: a module of the extra `train` is missing.
    """
    extras.require(subject, "train")
    with quiet_stderr():
        import tensorflow as tf

        tf.config.list_physical_devices()
