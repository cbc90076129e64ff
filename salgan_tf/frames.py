"""Frames with their times: predicted in threads, in order, and averaged over time."""

import math
import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, TypeAlias

import cv2
import numpy as np

from salgan_tf.images import resize_area
from salgan_tf.limits import check_memory, read_limit

# A generator of frames with their maps.
FrameMaps: TypeAlias = "Generator[tuple[Frame, np.ndarray], None, None]"
# Y (H, W), U and V (H/2, W/2), each uint8: 4:2:0 as most films have it, with black at 16 and white at 235. Odd sides
# have one more.
Planes: TypeAlias = tuple[np.ndarray, np.ndarray, np.ndarray]
# A frame begins a new scene if, in a thumbnail of this size, its pixels differ by more levels from those before it.
_THUMBNAIL, _CUT = (32, 32), 30
# Frames that are waited for, per thread: while one is written, the next ones are being predicted.
_AHEAD = 2
# Bytes of memory per pixel: of what decoders and encoders keep, and of the frames and maps of a thread. Measured at 8
# megapixels, with H.264 and HEVC.
_CODECS_PER_PIXEL, _THREAD_PER_PIXEL = 120, 33


class Frame(NamedTuple):
    """A frame of a film or camera.

    Attributes:
        time: seconds since the film began.
        image: uint8 (H, W, 3) RGB, upright.
        planes: makes the same as Y, U and V, in the matrix of its film or camera.
    """

    time: float
    image: np.ndarray
    planes: Callable[[], Planes]


def pad_even(picture: np.ndarray) -> np.ndarray:
    """Repeat the last row or column (H, W, …) of odd sides."""
    height, width = picture.shape[:2]
    return cv2.copyMakeBorder(picture, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)


def to_planes(image: np.ndarray) -> Planes:
    """Convert RGB uint8 (H, W, 3) to planes in the matrix of BT.601, which is OpenCV's."""
    stacked = cv2.cvtColor(pad_even(image), cv2.COLOR_RGB2YUV_I420)
    height, width = stacked.shape[0] * 2 // 3, stacked.shape[1]
    colors = stacked[height:].reshape(2, height // 2, width // 2)
    return stacked[:height], colors[0], colors[1]


def count_threads(name: str | Path, shape: tuple[int, int]) -> int:
    """Return how many threads may predict frames of `shape` (height, width): one per core, as far as memory allows.

    Raises:
        InputError: they are too large for the limit of memory even for one thread; the error names `name`.
    """
    pixels = max(1, shape[0] * shape[1])
    check_memory(name, (_CODECS_PER_PIXEL + _THREAD_PER_PIXEL) * pixels)
    return min(os.cpu_count() or 1, int((read_limit() / pixels - _CODECS_PER_PIXEL) / _THREAD_PER_PIXEL))


def count_pixels() -> int:
    """Return how many pixels the largest frame may have that `count_threads` does not refuse."""
    return int(read_limit() / (_CODECS_PER_PIXEL + _THREAD_PER_PIXEL))


def predict_frames(
    frames: Iterable[Frame], predict: Callable[[np.ndarray], np.ndarray], threads: int, smooth: float = 0.0
) -> FrameMaps:
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
) -> FrameMaps:
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


def _smooth(pairs: FrameMaps, seconds: float) -> FrameMaps:
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
