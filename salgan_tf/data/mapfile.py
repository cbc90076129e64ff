"""Read saliency maps from files of every kind: grey pictures, .npy and .mat; what is not a map is refused."""

from pathlib import Path

import numpy as np

from salgan_tf import images
from salgan_tf.data.matfile import read_mat
from salgan_tf.errors import InputError
from salgan_tf.limits import check_file, check_memory

# The sum of a whole map of larger numbers would not be finite in float32.
_LARGEST = 1e30


def read_map(path: Path, shape: tuple[int, int]) -> np.ndarray:
    """Read the saliency map of a photograph.

    Args:
        path: a grey picture (8 or 16 bits), a `.npy` file (H, W), (H, W, 1) or (1, H, W), or a `.mat` file with a
            single matrix. Numbers may have any scale up to 1e30, but none is negative.
        shape: (height, width) of the photograph. The map may have another size, see `has_aspect_ratio`.

    Returns:
        float32 (H, W) of the map's own size: [0, 1] for a picture, else the numbers of the file.

    Raises:
        InputError: the file cannot be read, or is not such a map.
    """
    numbers = {".npy": _read_npy, ".mat": _read_matrix}.get(path.suffix.lower())
    saliency = images.read_grey(path) if numbers is None else _check_numbers(path, numbers(path))
    if saliency.shape == shape[::-1] != shape:
        sizes = images.format_size(saliency.shape), images.format_size(shape)
        raise InputError(path, "the map is {} and its image {}: height and width are swapped".format(*sizes))
    return saliency


def has_aspect_ratio(saliency: np.ndarray, shape: tuple[int, int]) -> bool:
    """Return whether a map (H, W) has the aspect ratio of `shape` (height, width), but for the rounding of a resize."""
    (height, width), (rows, columns) = shape, saliency.shape
    # Each side of a resized picture is rounded by less than a pixel, so the products differ by less than this.
    return abs(rows * width - columns * height) < max(height + width, rows + columns)


def _read_npy(path: Path) -> np.ndarray:
    check_file(path)
    try:
        # Mapped, so that nothing is allocated by what the header declares. Pickles cannot be mapped.
        array: np.ndarray = np.lib.format.open_memmap(path, mode="r")
    except OSError as error:
        raise InputError(path, error) from error
    except Exception as error:  # numpy raises nearly anything for a damaged file.
        raise InputError(path, "not a .npy file of numbers, or damaged") from error
    if array.dtype.kind not in "fiub" or not array.size:
        raise InputError(path, "not a .npy file of numbers")
    if array.ndim == 3 and 1 in (array.shape[0], array.shape[-1]):
        array = array[0] if array.shape[0] == 1 else array[..., 0]
    if array.ndim != 2:
        raise InputError(path, f"expected a map (H, W), found an array {array.shape}")
    return array


def _read_matrix(path: Path) -> np.ndarray:
    content = read_mat(path)
    # Numbers such as a resolution are matrices of a single row or column.
    matrices = [value for value in content.values() if value.dtype.kind in "fiub" and min(value.shape) > 1]
    if len(matrices) != 1 or matrices[0].ndim != 2:
        held = ", ".join(f"{name} {'x'.join(map(str, value.shape))}" for name, value in content.items())
        raise InputError(path, f"expected a single matrix (H, W); the file contains {held or 'nothing'}")
    return matrices[0]


def _check_numbers(path: Path, array: np.ndarray) -> np.ndarray:
    # float32, and masks while it is checked.
    check_memory(path, 6 * array.size)
    with np.errstate(over="ignore"):
        # MATLAB's arrays are stored column by column.
        saliency = array.astype(np.float32, order="C")
    if not np.isfinite(saliency).all() or saliency.max() > _LARGEST:
        # The logarithm of 0 is -infinity.
        logarithms = " (a logarithm of 0? save the density itself)" if (saliency < 0).any() else ""
        cause = f"the map has values that are not finite numbers (NaN, infinity or beyond {_LARGEST:.0e}){logarithms}"
        raise InputError(path, cause)
    if saliency.min() < 0:
        raise InputError(path, "the map has negative values: if it is a log density, save numpy.exp of it")
    return saliency
