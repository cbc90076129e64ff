"""Fixations of one photograph: read from files of every kind, counted on a grid, blurred to a density."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from salgan_tf import images
from salgan_tf.data.matfile import read_mat
from salgan_tf.errors import InputError

# SALICON blurs by 19 pixels at 640 wide: one degree of visual angle, 3 % of the width.
BLUR_PER_WIDTH = 0.03
# What a binary matrix is called in CAT2000 and in releases like SALICON's.
_MATRIX_NAMES = ("fixLocs", "I")
# MIT1003 keeps its binary pictures as JPEG, whose ripples around each white pixel leave others not quite black, and the
# pixel itself not quite white. Half of full scale tells the two apart without an error, single pixels and crowds, at
# every JPEG quality from 50 up; at the usual 75, "> 0" would find some 25 false pixels with every true one.
_WHITE = 128


@dataclass(frozen=True)
class Gaze:
    """Where a photograph was fixated, and who did.

    Attributes:
        shape: (height, width) of the photograph.
        points: int32 (N, 2), 0-based (row, column), inside the photograph; repeats are kept.
        observers: int32 (N,), whose fixation each is, as the observer's place in the file; None where it does not tell.
        outside: how many recorded fixations were left out, since they lie outside of the photograph or nowhere (NaN).
    """

    shape: tuple[int, int]
    points: np.ndarray
    observers: np.ndarray | None
    outside: int


def read_fixations(path: str | Path, shape: tuple[int, int]) -> Gaze:
    """Read a file of fixations of any kind.

    Args:
        path: one of
            - a `.mat` file of SALICON: `resolution` [h w] and `gaze`, one struct an observer with `fixations` (n, 2),
              1-based [x y];
            - a `.mat` file with a matrix (H, W) that has one value but 0 where someone looked: `fixLocs` or `I`, or
              else its only matrix of the photograph's size;
            - a picture (H, W), white where someone looked.
        shape: (height, width) of the photograph, which must be the file's.

    Raises:
        InputError: the file is unreadable, of none of these kinds, or of another size than the photograph; or a matrix
            or picture has no fixation, or nothing else.
    """
    if Path(path).suffix.lower() != ".mat":
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
        observers = [_check_columns(observer) for observer in content["gaze"]["fixations"].ravel()]
    except (KeyError, ValueError, TypeError, IndexError, OverflowError) as error:
        cause = f"no field {error}" if isinstance(error, KeyError) else error
        raise InputError(path, f"not a .mat file in SALICON's layout: {cause}") from error
    _check_size(path, resolution, shape)
    points = np.rint(np.concatenate([*observers, np.empty((0, 2))]))[:, ::-1] - 1
    whose = np.repeat(np.arange(len(observers), dtype=np.int32), np.array([len(one) for one in observers], int))
    # Compared before they become integers, which NaN and the infinities cannot.
    inside = ((points >= 0) & (points < shape)).all(axis=1)
    return Gaze(shape, points[inside].astype(np.int32), whose[inside], int(np.count_nonzero(~inside)))


def _check_columns(fixations: np.ndarray) -> np.ndarray:
    """Give an observer's fixations as float64 (n, 2); MATLAB's empty ones have any size with a 0 in it."""
    points = np.asarray(fixations, np.float64)
    if points.size and (points.ndim != 2 or points.shape[1] != 2):
        raise ValueError(f"an observer's fixations are {points.shape}, not (n, 2)")
    return points.reshape(-1, 2)


def _from_binary(path: str | Path, fixated: np.ndarray, shape: tuple[int, int]) -> Gaze:
    _check_size(path, fixated.shape, shape)
    if not fixated.any():
        raise InputError(path, "nothing in it is fixated: it is black, or 0, all over")
    if fixated.all():
        raise InputError(path, "everything in it is fixated: it is white, or one number, all over")
    return Gaze(shape, np.argwhere(fixated).astype(np.int32), None, 0)


def _read_picture(path: str | Path) -> np.ndarray:
    """Find the white pixels of a picture, bool (H, W)."""
    white = images.read_image(path) >= _WHITE
    fixated = white.all(axis=-1)
    # Black-and-white pictures are often stored with three channels; those of a colour picture disagree.
    if (fixated != white.any(axis=-1)).any():
        raise InputError(path, "a picture in colour: wanted is a black one, white where someone looked")
    return fixated


def _choose_matrix(path: str | Path, content: dict[str, np.ndarray], shape: tuple[int, int]) -> np.ndarray:
    """Find the binary matrix among a file's variables; bool, (H, W) if it was found by its size."""
    matrices = {name: value for name, value in content.items() if value.ndim == 2 and value.dtype.kind in "buif"}
    name = next((name for name in _MATRIX_NAMES if name in matrices), None)
    if name is None:
        fitting = [name for name, value in matrices.items() if value.shape == tuple(shape)]
        if len(fitting) != 1:
            held = ", ".join(f"{name} {'x'.join(map(str, one.shape))}" for name, one in content.items()) or "nothing"
            what = "several matrices" if fitting else "neither gaze nor a matrix"
            raise InputError(path, f"{what} of the image's size, {images.format_size(shape)}; it holds {held}")
        (name,) = fitting
    matrix = matrices[name]
    if not ((matrix == 0) | (matrix == matrix.max(initial=0))).all():
        raise InputError(path, f"{name} is not binary: wanted is 0 where nobody looked, and one other number")
    return matrix != 0


def _check_size(path: str | Path, found: tuple[int, ...], shape: tuple[int, int]) -> None:
    if tuple(found) != tuple(shape):
        sizes = images.format_size(found), images.format_size(shape)
        raise InputError(path, "fixations are on {} and the image is {}".format(*sizes))


def count_fixations(points: np.ndarray, shape: tuple[int, int], grid: tuple[int, int]) -> np.ndarray:
    """Count fixations (N, 2) on an image of `shape` in the cells of a coarser `grid`, int64 (*grid)."""
    cells = (points * np.asarray(grid)) // np.asarray(shape)
    return np.bincount(cells[:, 0] * grid[1] + cells[:, 1], minlength=grid[0] * grid[1]).reshape(grid)


def blur_fixations(points: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Make the density of fixations (N, 2): counts blurred by a Gaussian of 3 % of the width, float32, maximum 1."""
    counts = count_fixations(points, shape, shape).astype(np.float32)
    sigma = max(BLUR_PER_WIDTH * shape[1], 0.5)
    density = cv2.GaussianBlur(counts, (0, 0), sigma, borderType=cv2.BORDER_CONSTANT)
    return density / max(density.max(), np.finfo(np.float32).tiny)
