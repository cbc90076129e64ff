"""The window of a photograph that keeps most of the attention, and photographs cut to it."""

import contextlib
import math
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from salgan_tf import images
from salgan_tf.attention import check_saliency
from salgan_tf.errors import InputError, report
from salgan_tf.files import made_folder, write_bytes
from salgan_tf.inference import SaliencyPredictor, spread
from salgan_tf.photographs import collect_photographs, process_photographs
from salgan_tf.recoding import recode

# Sums of whole numbers of so many bits, those of float32's precision, are exact in float64 for 2^29 pixels.
_BITS = 24


class Window(NamedTuple):
    """A part of a picture, in pixels: `image[top:bottom, left:right]`, or Pillow's `image.crop(window)`."""

    left: int
    top: int
    right: int
    bottom: int


def best_crop(saliency: np.ndarray, aspect: float, area: float = 1.0) -> Window:
    """Find the window of an aspect that keeps most of the attention.

    By default it is the largest window of this aspect: whoever asks for a thumbnail names a shape, and expects to
    lose no more of the photograph than that shape costs. A smaller `area` comes closer to what people look at.

    The sums of all windows are exact, with the map in steps of less than 2^-22 of its maximum. Of windows with equal
    sums the one nearest to the centre is taken, then the upper one, then the left one.

    Args:
        saliency: real (H, W), non-negative and finite.
        aspect: width divided by height.
        area: the largest share of the picture's area that the window may have, in (0, 1]. At 1:1 no window in a
            picture of 4:3 has more than three quarters.

    Returns:
        The window, its sides rounded to pixels.

    Raises:
        ValueError: `saliency` is not such a map, or `aspect` or `area` is out of range.
    """
    check_saliency(saliency)
    height, width = _find_size(saliency.shape, aspect, area)
    best, nearest, corner = -1.0, 0, (0, 0)
    for top, sums in enumerate(_sum_windows(saliency, height, width)):
        highest = sums.max()
        if highest < best:
            continue
        lefts = np.flatnonzero(sums == highest)
        # Twice the distance of the centres along each side, so that it is a whole number.
        vertical, horizontal = 2 * top + height - saliency.shape[0], 2 * lefts + width - saliency.shape[1]
        closest = int(np.abs(horizontal).argmin())
        distance = vertical**2 + int(horizontal[closest]) ** 2
        if highest > best or distance < nearest:
            best, nearest, corner = highest, distance, (top, int(lefts[closest]))
    top, left = corner
    return Window(left, top, left + width, top + height)


def _find_size(shape: tuple[int, ...], aspect: float, area: float) -> tuple[int, int]:
    """Return the (height, width) of the window.

    Raises:
        ValueError: `aspect` or `area` is out of range.
    """
    if not 0 < aspect < np.inf:
        raise ValueError(f"aspect: {aspect} is not a positive number")
    if not 0 < area <= 1:
        raise ValueError(f"area: {area} is not a number above 0 and up to 1")
    height = min(shape[0], shape[1] / aspect, (area * shape[0] * shape[1] / aspect) ** 0.5)
    # An extreme aspect would round a side to nothing.
    return max(1, round(height)), max(1, min(shape[1], round(height * aspect)))


def _sum_windows(saliency: np.ndarray, height: int, width: int) -> Iterator[np.ndarray]:
    """Yield the sums of all windows, float64 (W - width + 1,) for each row that they may begin in.

    This is an integral image of which only two rows are there at a time: a whole one has 8 bytes per pixel.
    """
    # A power of two, so that what is a multiple of another value stays one.
    scale = 2.0 ** (_BITS - math.frexp(images.find_peak(saliency))[1])

    def read_row(row: int) -> np.ndarray:
        return np.rint(np.multiply(saliency[row], scale, dtype=np.float64))

    columns = np.zeros(saliency.shape[1])
    for row in range(saliency.shape[0]):
        columns += read_row(row)
        if row >= height:
            columns -= read_row(row - height)
        if row >= height - 1:
            before = np.concatenate([[0.0], np.cumsum(columns)])
            yield before[width:] - before[:-width]


def crop_files(
    paths: Iterable[str | Path],
    out: str | Path,
    aspect: float | None = None,
    size: tuple[int, int] | None = None,
    predictor: SaliencyPredictor | None = None,
    area: float = 1.0,
    report: Callable[[InputError], None] = report,
    recursive: bool = False,
) -> tuple[int, int]:
    """Write photographs, and those of folders, cut to the window of `best_crop`, under their names into a folder.

    A crop is a file of its photograph's format, with its EXIF data and colour profile, stored upright. No input is
    overwritten, nor crops by those of another photograph, as by `predict_files`.

    Args:
        paths: photographs, and folders of photographs.
        out: folder of the crops, made if needed.
        aspect: width divided by height; None for that of `size`.
        size: (height, width) of every crop, which is shrunk or enlarged to it; None for the window's own.
        predictor: the model; None for the bundled one.
        area: the largest share of the photograph that the window may have, see `best_crop`.
        report: called with the error of each input that cannot be used, while the others continue, and with a remark
            for what is skipped, as by `predict_files`.
        recursive: also take the subfolders of folders, and make the same ones in `out`.

    Returns:
        How many photographs were cropped, and how many inputs failed.

    Raises:
        InputError: `aspect` and `size` contradict each other or are both None, or `out` cannot be written.
    """
    aspect = _agree(aspect, size)
    predictor = predictor or SaliencyPredictor()

    def crop(path: Path, results: list[Path]) -> None:
        with contextlib.ExitStack() as memory:
            window = best_crop(predict(images.read_image(path, memory)), aspect, area)
        write_bytes(results[0], recode(path, window, size))

    with made_folder(out) as folder:
        photographs, unusable = collect_photographs(paths, folder, recursive, report)
        predict = spread(predictor, len(photographs))
        cropped, failed = process_photographs(
            photographs,
            lambda photograph: [folder / photograph.base.with_name(photograph.path.name)],
            crop,
            predictor.files,
            report,
            "crop",
        )
    return len(cropped), unusable + failed


def _agree(aspect: float | None, size: tuple[int, int] | None) -> float:
    """Return the aspect of `size` if there is one, else `aspect`.

    Raises:
        InputError: they differ by more than rounding to pixels, or are both None.
    """
    if size is None:
        if aspect is None:
            raise InputError("aspect", "expected an aspect or a size")
        return aspect
    height, width = size
    if aspect is not None and abs(width - height * aspect) > max(1, aspect):
        fitting = f"{width}x{max(1, round(width / aspect))}"
        raise InputError("size", f"{width}x{height} (width x height) is not of that aspect: expected {fitting}")
    return width / height
