"""Libraries announce themselves on stderr, where a person looks for errors; here they are kept quiet."""

import contextlib
import os
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

from salgan_tf import extras


class _Shared:
    """A context of the whole process that blocks of several threads share: the first enters it, the last leaves it."""

    def __init__(self, make: Callable[[], contextlib.AbstractContextManager[None]]):
        self._make = make
        self._lock = threading.Lock()
        self._depth = 0
        self._left = contextlib.ExitStack()

    @contextlib.contextmanager
    def __call__(self) -> Iterator[None]:
        with self._lock:
            if not self._depth:
                self._left.enter_context(self._make())
            self._depth += 1
        try:
            yield
        finally:
            with self._lock:
                self._depth -= 1
                if not self._depth:
                    self._left.close()


@contextlib.contextmanager
def _redirected_stderr() -> Iterator[None]:
    try:
        kept = os.dup(2)
        with Path(os.devnull).open("wb") as nothing:
            os.dup2(nothing.fileno(), 2)
    except OSError:  # stderr is closed: there is nothing to silence.
        yield
        return
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


@contextlib.contextmanager
def _without_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


# Discards what native code writes to stderr while a block runs; Python's exceptions are not affected.
quiet_stderr = _Shared(_redirected_stderr)
# Discards Python's warnings while a block runs.
ignored_warnings = _Shared(_without_warnings)


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
