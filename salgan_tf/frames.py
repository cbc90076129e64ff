"""Frames with their times: predicted in threads, in order, and averaged over time."""

import math
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

import cv2
import numpy as np

from salgan_tf.images import resize_area

# A frame begins a new scene if, in a thumbnail of this size, its pixels differ by more levels from those before it.
_THUMBNAIL, _CUT = (32, 32), 30
# Maps that are waited for, per thread: while one is written, the next ones are being predicted.
_AHEAD = 2


class Frame(NamedTuple):
    """A frame of a film or camera.

    Attributes:
        time: seconds since the film began.
        image: uint8 (H, W, 3) RGB, upright.
    """

    time: float
    image: np.ndarray


def count_threads(bytes_each: float, limit: float) -> int:
    """Return how many threads may predict frames: one per core, as far as `limit` bytes of memory allow, at least one.

    Args:
        bytes_each: what a frame and its map take.
        limit: bytes for all frames.
    """
    return max(1, min(os.cpu_count() or 1, int(limit / bytes_each) // (_AHEAD + 1)))


def predict_frames(
    frames: Iterable[Frame], predict: Callable[[np.ndarray], np.ndarray], threads: int, smooth: float = 0.0
) -> Iterator[tuple[Frame, np.ndarray]]:
    """Yield each frame with its map float32 (H, W), in order.

    Args:
        frames: decoded in this thread, a few ahead of what is yielded.
        predict: called in `threads` threads at the same time.
        threads: their number.
        smooth: see `_smooth`; 0 for maps as they are.
    """
    pairs = _predict_in_threads(frames, predict, threads)
    return _smooth(pairs, smooth) if smooth else pairs


def _predict_in_threads(
    frames: Iterable[Frame], predict: Callable[[np.ndarray], np.ndarray], threads: int
) -> Iterator[tuple[Frame, np.ndarray]]:
    pending: deque[tuple[Frame, Future[np.ndarray]]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for frame in frames:
                pending.append((frame, pool.submit(predict, frame.image)))
                if len(pending) >= _AHEAD * threads:
                    first, saliency = pending.popleft()
                    yield first, saliency.result()
            while pending:
                first, saliency = pending.popleft()
                yield first, saliency.result()
        finally:
            # Whoever stops early does not wait for frames that were not begun.
            for _, saliency in pending:
                saliency.cancel()


def _smooth(pairs: Iterable[tuple[Frame, np.ndarray]], seconds: float) -> Iterator[tuple[Frame, np.ndarray]]:
    """Average maps over time: each earlier one counts less, by the factor e for every `seconds`. A cut starts anew."""
    mean: np.ndarray = np.empty(0)
    before: np.ndarray = mean
    last = -math.inf
    for frame, saliency in pairs:
        thumbnail = resize_area(frame.image, _THUMBNAIL).astype(np.int16)
        if not mean.size or np.abs(thumbnail - before).mean() > _CUT:
            mean = saliency.copy()
        else:
            cv2.accumulateWeighted(saliency, mean, 1 - math.exp((last - frame.time) / seconds))
        before, last = thumbnail, frame.time
        yield frame, mean.copy()
