"""Metrics of a saliency map against fixations: numpy functions, each with one convention and a name of its own.

`saliency` is always (H, W) of any range, and `fixations` int (N, 2), 0-based (row, column). Without fixations a
ValueError is raised.
"""

import numpy as np

from salgan_tf.metrics.maps import centre, density_terms, is_constant

# MATLAB's eps.
_EPSILON = np.finfo(np.float64).eps
# The thresholds of AUC-Borji, 0:0.1:1 in MATLAB's arithmetic.
_BORJI_THRESHOLDS = np.arange(11) * 0.1


def nss(saliency: np.ndarray, fixations: np.ndarray) -> float:
    """Return the normalized scanpath saliency (Peters et al. 2005): the mean standard score of the fixated pixels.

    As in pysaliency, the standard deviation is over N, repeated fixations count repeatedly, and a constant map gives 0.
    `nss_mit` is that of the MIT benchmark.
    """
    return _nss(saliency, fixations, 0)


def nss_mit(saliency: np.ndarray, fixations: np.ndarray) -> float:
    """Return NSS as in the MIT benchmark's `NSS.m`: a pixel counts once, the standard deviation is over N - 1."""
    return _nss(saliency, np.unique(fixations, axis=0), 1)


def _nss(saliency: np.ndarray, fixations: np.ndarray, freedom: int) -> float:
    _check(fixations)
    centred, mean = centre(saliency)
    deviation = np.sqrt(np.square(centred).sum() / max(centred.size - freedom, 1))
    if is_constant(deviation, mean):
        return 0.0
    return float(_at(centred, fixations).mean(dtype=np.float64) / deviation)


def auc_uniform(saliency: np.ndarray, fixations: np.ndarray) -> float:
    """Return the area under the ROC curve of fixations against all pixels, in [0, 1]: pysaliency's and Tübingen's AUC.

    It is the probability that a fixated value is above that of a random pixel; ties count half. Every pixel is a
    negative, also fixated ones, and repeated fixations count repeatedly.
    """
    _check(fixations)
    return _area(_at(saliency, fixations), saliency.ravel())


def auc_judd(saliency: np.ndarray, fixations: np.ndarray) -> float:
    """Return AUC-Judd (Judd et al. 2009), in [0, 1]: the MIT benchmark's `AUC_Judd.m`, mean over its jitter.

    Positives are the fixated pixels, each once, and negatives are all others. The curve has a point at each fixated
    value and is straight between them. MIT breaks ties by a random jitter of 1e-7; this is the mean over all such
    jitters in closed form: the exact area with ties counted half, plus f / 2n, where n is the number of fixated pixels
    and f the expected share of negatives above the lowest fixated value, which the straight last step adds.
    """
    _check(fixations)
    places = np.unique(fixations[:, 0] * saliency.shape[1] + fixations[:, 1])
    ordered, positives = np.sort(saliency, axis=None), np.sort(saliency.ravel()[places])
    count = len(ordered) - len(positives)
    if not count:
        return 0.5
    # The negatives below each positive and up to it: those among all pixels, minus those among the positives.
    below, up_to = (
        np.searchsorted(ordered, positives, side) - np.searchsorted(positives, positives, side)
        for side in ("left", "right")
    )
    # If m positives share the lowest value, a negative of that value is above the least with probability m / (m + 1).
    ties = np.searchsorted(positives, positives[0], side="right")
    above = count - up_to[0] + (up_to[0] - below[0]) * ties / (ties + 1)
    return float((below + up_to).mean() / 2 + above / (2 * len(positives))) / count


def auc_borji(saliency: np.ndarray, fixations: np.ndarray) -> float:
    """Return AUC-Borji (Borji et al. 2013), in [0, 1]: the MIT benchmark's `AUC_Borji.m`, mean over all of its draws.

    MIT draws as many pixels as there are fixated ones, uniformly from the whole map, a hundred times. The thresholds
    are 0, 0.1 … 1 of the map stretched to [0, 1], and the curve is straight between them. The area is linear in the
    draws, so its mean is that of the fixated pixels, each once, against all pixels, in steps of 0.1. The coarse
    thresholds lower it, most for maps with few high values. A constant map gives 0.5.
    """
    _check(fixations)
    levels = _levels(saliency)
    return _area(_at(levels, np.unique(fixations, axis=0)), levels.ravel())


def sauc(saliency: np.ndarray, fixations: np.ndarray, other_fixations: np.ndarray) -> float:
    """Return the shuffled AUC (Tatler et al. 2005; Zhang et al. 2008), in [0, 1]: exact, as in pysaliency.

    The negatives are the fixations on all other images, so a centre bias gains nothing, and a centre prior is near 0.5.
    Ties count half, and repeated fixations count repeatedly. `sauc_borji` is that of the MIT benchmark.

    Args:
        saliency: (H, W).
        fixations: (N, 2).
        other_fixations: (M, 2), M > 0, scaled to the size of this map by `rescale_fixations`.
    """
    _check(fixations)
    _check(other_fixations)
    return _area(_at(saliency, fixations), _at(saliency, other_fixations))


def sauc_borji(saliency: np.ndarray, fixations: np.ndarray, other_fixations: np.ndarray) -> float:
    """Return the shuffled AUC as in the MIT benchmark's `AUC_shuffled.m`, in [0, 1]: mean over all of its draws.

    It is `auc_borji` with draws from the pixels that were fixated on other images, each once; the arguments are those
    of `sauc`. MIT takes ten other images. With many more, nearly every pixel is fixated, and a centre bias pays again.
    """
    _check(fixations)
    _check(other_fixations)
    levels = _levels(saliency)
    return _area(_at(levels, np.unique(fixations, axis=0)), _at(levels, np.unique(other_fixations, axis=0)))


def information_gain(saliency: np.ndarray, baseline: np.ndarray, fixations: np.ndarray) -> float:
    """Return the information gain (Kümmerer et al. 2015) over a baseline: mean log2(e + p) - log2(e + b), in bits.

    p and b are the two maps divided by their sums, e = 2^-52 as in the MIT benchmark's `InfoGain.m`, which also shifts
    both maps to minimum 0 and counts a pixel once. A fixation where the map is 0 costs some 35 bits. The number depends
    on its baseline, which commonly is the centre prior or a uniform map.

    Args:
        saliency: (H, W), proportional to a density.
        baseline: (H, W), proportional to a density.
        fixations: (N, 2).
    """
    _check(fixations)
    p, b = (_density_at(map_, fixations) for map_ in (saliency, baseline))
    return float((np.log2(_EPSILON + p) - np.log2(_EPSILON + b)).mean())


def rescale_fixations(fixations: np.ndarray, shape: tuple[int, int], to: tuple[int, int]) -> np.ndarray:
    """Scale fixations to an image of another size, rounded down as in pysaliency.

    Args:
        fixations: (N, 2).
        shape: (height, width) of their image.
        to: (height, width) of the other image.
    """
    return (fixations * (np.asarray(to) / np.asarray(shape))).astype(int)


def _check(fixations: np.ndarray) -> None:
    if not len(fixations):
        raise ValueError("at least one fixation is needed")


def _at(array: np.ndarray, points: np.ndarray) -> np.ndarray:
    return array[points[:, 0], points[:, 1]]


def _area(positives: np.ndarray, negatives: np.ndarray) -> float:
    """Return the exact area under the ROC curve, ties counted half."""
    ordered = np.sort(negatives)
    below, up_to = (np.searchsorted(ordered, positives, side).mean() for side in ("left", "right"))
    return float((below + up_to) / (2 * len(ordered)))


def _density_at(saliency: np.ndarray, fixations: np.ndarray) -> np.ndarray:
    shift, total = density_terms(saliency)
    return (_at(saliency, fixations).astype(np.float64) + shift) / total


def _levels(saliency: np.ndarray) -> np.ndarray:
    """Return the highest threshold of AUC-Borji that each pixel reaches, (H, W) from 0 to 10."""
    saliency = saliency.astype(np.float64)
    lowest, highest = saliency.min(), saliency.max()
    if lowest == highest:
        return np.zeros(saliency.shape, np.intp)
    return np.searchsorted(_BORJI_THRESHOLDS, (saliency - lowest) / (highest - lowest), side="right") - 1
