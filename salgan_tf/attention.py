"""How much of the attention a saliency map gives to a part of its picture."""

import numpy as np

from salgan_tf.images import row_bands

# A positive float32 without its lower 16 bits: numbers in one bin differ by less than 1 %.
_BINS = 2**15


def check_saliency(saliency: np.ndarray) -> None:
    """Check that an array is a map, real (H, W) with at least one pixel, non-negative and finite.

    Raises:
        ValueError: it is not.
    """
    if (
        not isinstance(saliency, np.ndarray)
        or saliency.ndim != 2
        or not saliency.size
        or saliency.dtype.kind not in "fiub"
    ):
        found = f"{saliency.dtype} {saliency.shape}" if isinstance(saliency, np.ndarray) else type(saliency).__name__
        raise ValueError(f"saliency: expected an array of numbers (H, W), not {found}")
    # Not a number is neither.
    if not (saliency.min() >= 0 and saliency.max() < np.inf):
        raise ValueError("saliency: expected finite numbers of at least 0")


def attention_share(saliency: np.ndarray, mask: np.ndarray) -> float:
    """Return the share of the attention that lies in a part of a picture.

    A saliency map is proportional to the density of fixations, so that its sum over a part, divided by its sum over the
    picture, is the share of fixations that are to be expected there. Divided by the part's share of the area,
    `mask.mean()`, it tells how much more than an average part it attracts.

    Args:
        saliency: real (H, W), non-negative and finite, of any scale, as `SaliencyPredictor` returns it.
        mask: bool (H, W), True in the part.

    Returns:
        The share, in [0, 1].

    Raises:
        ValueError: the arrays are not such, or the map is 0 everywhere.
    """
    total = _sum_all(saliency)
    if not isinstance(mask, np.ndarray) or mask.dtype != bool or mask.shape != saliency.shape:
        found = f"{mask.dtype} {mask.shape}" if isinstance(mask, np.ndarray) else type(mask).__name__
        raise ValueError(f"mask: expected a bool array {saliency.shape} like the map, not {found}")
    return float(np.sum(saliency, dtype=np.float64, where=mask)) / total


def area_of_half(saliency: np.ndarray) -> float:
    """Return the smallest share of a picture's pixels that together hold half of the attention.

    Args:
        saliency: real (H, W), non-negative and finite, of any scale.

    Returns:
        The share of the area, in (0, 1].

    Raises:
        ValueError: `saliency` is not such a map, or is 0 everywhere.
    """
    half = _sum_all(saliency) / 2
    peak = saliency.max()

    def find_bins(rows: slice) -> np.ndarray:
        """Sort by the upper bits, whose order is that of the numbers: sorting the map itself takes its memory again."""
        return (saliency[rows] / peak).astype(np.float32).view(np.uint32) >> 16

    counts, sums = np.zeros(_BINS, np.int64), np.zeros(_BINS)
    for rows in row_bands(saliency.shape):
        bins = find_bins(rows).ravel()
        counts += np.bincount(bins, minlength=_BINS)
        sums += np.bincount(bins, saliency[rows].ravel(), minlength=_BINS)
    # The brightest bins that hold less than half; the next one has the rest.
    brightest = np.cumsum(sums[::-1])
    place = int(np.searchsorted(brightest, half))
    held, counted = (brightest[place] - sums[::-1][place]), counts[::-1][:place].sum()
    last = _BINS - 1 - place
    inside = [saliency[rows][find_bins(rows) == last] for rows in row_bands(saliency.shape)]
    values = np.sort(np.concatenate(inside).astype(np.float64))[::-1]
    counted += np.searchsorted(np.cumsum(values), half - held) + 1
    return float(counted) / saliency.size


def _sum_all(saliency: np.ndarray) -> float:
    check_saliency(saliency)
    total = float(saliency.sum(dtype=np.float64))
    if not total:
        raise ValueError("saliency: the map is 0 everywhere, so that no part has a share")
    return total
