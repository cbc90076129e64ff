"""Frames of a camera as they come, through OpenCV."""

import contextlib
import functools
import signal
import threading
import time
from collections.abc import Iterator
from fractions import Fraction

import cv2
import numpy as np

from salgan_tf.errors import InputError
from salgan_tf.frames import Frame, to_planes
from salgan_tf.native import quiet_stderr

# Of cameras that do not tell.
_USUAL_RATE = 30.0


class Camera:
    """A camera that is open.

    Args:
        number: which one, from 0.

    Attributes:
        name: what errors call it.
        shape: (height, width) of its frames.
        rate: frames per second, as it announces them.
        aspect: width of a pixel divided by its height.
        sound: None, as OpenCV gives pictures alone.
        matrix: of the planes of its frames.

    Raises:
        InputError: there is no such camera, or it gives no frame.
    """

    def __init__(self, number: int):
        self.name, self.aspect, self.sound, self.matrix = f"camera {number}", Fraction(1), None, "ITU601"
        with quiet_stderr():
            # OpenCV takes large numbers apart: hundreds choose a library, 99 a place among its cameras.
            self._capture = cv2.VideoCapture(number) if number < 100 else cv2.VideoCapture()
            opened = self._capture.isOpened()
            there, first = self._capture.read() if opened else (False, np.empty((0, 0)))
        if not there:
            self.close()
            raise InputError(self.name, "gives no frame" if opened else "is not there, or cannot be opened")
        self.shape: tuple[int, int] = (first.shape[0], first.shape[1])
        self.rate = self._capture.get(cv2.CAP_PROP_FPS) or _USUAL_RATE

    def read(self, every: int, stop: float | None) -> Iterator[Frame]:
        """Yield every Nth frame with the seconds since the first one, until `stop`, Ctrl-C or the camera's end."""
        began, count = None, 0
        with _interrupt() as interrupted:
            while not interrupted.is_set():
                there, frame = self._capture.read()
                now = time.monotonic()
                began = now if began is None else began
                if not there or (stop is not None and now - began >= stop):
                    return
                if count % every == 0:
                    image = cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
                    yield Frame(now - began, image, functools.partial(to_planes, image))
                count += 1

    def close(self) -> None:
        """Give the camera back."""
        self._capture.release()


@contextlib.contextmanager
def _interrupt() -> Iterator[threading.Event]:
    """Turn the first Ctrl-C into an event, so that what was recorded is finished; the next one is an interrupt again.

    In other threads than the main one Python cannot do that, and the event is never set.
    """
    interrupted = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield interrupted
        return
    before = signal.getsignal(signal.SIGINT)

    def set_event(*_: object) -> None:
        interrupted.set()
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, set_event)
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, before)
