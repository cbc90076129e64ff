"""Fixations of one photograph: read them from files of every kind, count them on a grid, blur them to a density."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from salgan_tf import images
from salgan_tf.data.matfile import read_mat
from salgan_tf.data.pointfile import read_points
from salgan_tf.errors import InputError
from salgan_tf.limits import check_memory

# SALICON blurs by 19 pixels at 640 wide: one degree of visual angle, 3 % of the width.
BLUR_PER_WIDTH = 0.03
# Names of the binary matrix in CAT2000 and in releases like SALICON's.
_MATRIX_NAMES = ("fixLocs", "I")
# MIT1003 stores its binary pictures as JPEG, which leaves the white pixels not quite white and those around them not
# quite black. Half of full scale separates the two without an error, single pixels and crowds, at every JPEG quality
# from 50 up; at the usual 75, "> 0" would find some 25 false pixels with every true one.
_WHITE = 128


@dataclass(frozen=True)
class Gaze:
    """Where people fixated a photograph, and who did.

    Attributes:
        shape: (height, width) of the photograph.
        points: int32 (N, 2), 0-based (row, column) inside the photograph; repeats are kept.
        observers: int32 (N,), the observer of each fixation as an index in the file; None if the file does not say.
        outside: number of recorded fixations that were left out because they lie outside the photograph or are NaN.
    """

    shape: tuple[int, int]
    points: np.ndarray
    observers: np.ndarray | None
    outside: int


def read_fixations(path: str | Path, shape: tuple[int, int]) -> Gaze:
    """Read a file of fixations of any kind.

    Args:
        path: one of
            - a `.mat` file of SALICON: `resolution` [h w] and `gaze`, one struct per observer with `fixations` (n, 2),
              1-based [x y];
            - a `.mat` file with a matrix (H, W) that is 0 where nobody looked and one other number elsewhere: `fixLocs`
              or `I`, or else its only matrix of the photograph's size;
            - a picture (H, W), white where someone looked, or with 0 and one other level;
            - a `.csv` or `.json` file of points, see `data.pointfile.read_points`.
        shape: (height, width) of the photograph; the file's must be the same.

    Raises:
        InputError: the file is unreadable, of none of these kinds, or of a size other than the photograph's; or all of
            a matrix or picture is fixated, or none.
    """
    ending = Path(path).suffix.lower()
    if ending in (".csv", ".json"):
        points, observers = read_points(Path(path))
        return _inside(points, observers, shape)
    if ending != ".mat":
        return _from_binary(path, _read_picture(path), shape)
    content = read_mat(path, ("resolution", "gaze", *_MATRIX_NAMES))
    if "gaze" in content:
        return _from_gaze(path, content, shape)
    if not content.keys() & set(_MATRIX_NAMES):
        content = read_mat(path)
    return _from_binary(path, _choose_matrix(path, content, shape), shape)


def _from_gaze(path: str | Path, content: dict[str, np.ndarray], shape: tuple[int, int]) -> Gaze:
    try:
        resolution = tuple(int(side) for side in content["resolution"].ravel())
        if "fixations" not in (content["gaze"].dtype.names or ()):
            raise ValueError("gaze is not a struct with the field fixations")
        observers = [_check_columns(observer) for observer in content["gaze"]["fixations"].ravel()]
    except (KeyError, ValueError, TypeError, IndexError, OverflowError) as error:
        cause = f"no field {error}" if isinstance(error, KeyError) else error
        raise InputError(path, f"not a .mat file in SALICON's layout: {cause}") from error
    _check_size(path, resolution, shape)
    located = np.rint(np.concatenate([*observers, np.empty((0, 2))]))[:, ::-1] - 1
    whose = np.repeat(np.arange(len(observers), dtype=np.int32), np.array([len(points) for points in observers], int))
    return _inside(located, whose, shape)


def _inside(points: np.ndarray, observers: np.ndarray | None, shape: tuple[int, int]) -> Gaze:
    """Round points (N, 2) to pixels, and leave out those outside the photograph."""
    located = np.rint(points)
    # Compared before the conversion to integers, which have no NaN and no infinity.
    inside = ((located >= 0) & (located < shape)).all(axis=1)
    whose = None if observers is None else observers[inside]
    return Gaze(shape, located[inside].astype(np.int32), whose, int(np.count_nonzero(~inside)))


def _check_columns(fixations: np.ndarray) -> np.ndarray:
    """Return an observer's fixations as float64 (n, 2); MATLAB's empty arrays have any shape with a 0 in it."""
    points = np.asarray(fixations, np.float64)
    if points.size and (points.ndim != 2 or points.shape[1] != 2):
        raise ValueError(f"an observer's fixations are {points.shape}, not (n, 2)")
    return points.reshape(-1, 2)


def _from_binary(path: str | Path, fixated: np.ndarray, shape: tuple[int, int]) -> Gaze:
    _check_size(path, fixated.shape, shape)
    if not fixated.any():
        raise InputError(path, "nothing is fixated: the file is black, or 0, all over")
    if fixated.all():
        raise InputError(path, "everything is fixated: the file is white, or one number, all over")
    # int64 of both coordinates, and int32.
    check_memory(path, 24 * int(np.count_nonzero(fixated)))
    return Gaze(shape, np.argwhere(fixated).astype(np.int32), None, 0)


def _read_picture(path: str | Path) -> np.ndarray:
    """Find the white pixels of a picture, bool (H, W)."""
    pixels = images.read_image(path)
    fixated = pixels.min(axis=-1) >= _WHITE
    # The channels of a black-and-white picture agree.
    if (fixated != (pixels.max(axis=-1) >= _WHITE)).any():
        raise InputError(path, "a picture in colour: expected a black one that is white where someone looked")
    if not fixated.any():
        # Not white anywhere: a picture of 0 and 1, for instance, which is nearly black.
        levels = images.read_grey(path)
        if levels.min() == 0 and ((levels == 0) | (levels == levels.max())).all():
            return levels > 0
    return fixated


def _choose_matrix(path: str | Path, content: dict[str, np.ndarray], shape: tuple[int, int]) -> np.ndarray:
    """Find the binary matrix, bool, among a file's variables, by its name or else by its size."""
    matrices = {name: value for name, value in content.items() if value.ndim == 2 and value.dtype.kind in "buif"}
    name = next((name for name in _MATRIX_NAMES if name in matrices), None)
    if name is None:
        fitting = [name for name, value in matrices.items() if value.shape == tuple(shape)]
        if len(fitting) != 1:
            held = ", ".join(f"{name} {'x'.join(map(str, value.shape))}" for name, value in content.items())
            what = "several matrices" if fitting else "neither gaze nor a matrix"
            size = images.format_size(shape)
            raise InputError(path, f"{what} of the image's size, {size}; the file contains {held or 'nothing'}")
        (name,) = fitting
    matrix = matrices[name]
    _check_size(path, matrix.shape, shape)
    # Three masks.
    check_memory(path, matrix.nbytes + 3 * matrix.size)
    if not ((matrix == 0) | (matrix == matrix.max(initial=0))).all():
        raise InputError(path, f"{name} is not binary: expected 0 where nobody looked, and one other number elsewhere")
    return matrix != 0


def _check_size(path: str | Path, found: tuple[int, ...], shape: tuple[int, int]) -> None:
    if tuple(found) != tuple(shape):
        sizes = images.format_size(found), images.format_size(shape)
        raise InputError(path, "fixations are on {} and the image is {}".format(*sizes))


def count_fixations(points: np.ndarray, shape: tuple[int, int], grid: tuple[int, int]) -> np.ndarray:
    """Count fixations (N, 2) on an image of `shape` in the cells of a coarser `grid`; return int64 (*grid)."""
    cells = (points * np.asarray(grid)) // np.asarray(shape)
    return np.bincount(cells[:, 0] * grid[1] + cells[:, 1], minlength=grid[0] * grid[1]).reshape(grid)


def blur_fixations(points: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Blur fixations (N, 2) by a Gaussian of 3 % of the width; return the density, float32 `shape` with maximum 1."""
    counts = count_fixations(points, shape, shape).astype(np.float32)
    sigma = max(BLUR_PER_WIDTH * shape[1], 0.5)
    density = cv2.GaussianBlur(counts, (0, 0), sigma, borderType=cv2.BORDER_CONSTANT)
    return density / images.find_peak(density)
