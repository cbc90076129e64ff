"""Metrics of a saliency map against the density of fixations: numpy functions, each with one convention."""

import os

import numpy as np

_EPSILON = 2.2204e-16
# MIT's EMD shrinks the maps to a 32nd of the photograph's size.
_EMD_CELL = 32


def to_density(saliency: np.ndarray) -> np.ndarray:
    """Divide a map (H, W) by its sum, float64.

    As in pysaliency, a map with values below 0 is first shifted to minimum 0, and a map of zeros becomes uniform.
    """
    return _density(saliency.astype(np.float64))


def density_terms(saliency: np.ndarray) -> tuple[float, float]:
    """Return the shift and the total that make a map a density: (saliency + shift) / total, as in `to_density`."""
    shift = -min(float(saliency.min()), 0.0)
    total = float(saliency.sum()) + shift * saliency.size
    return (shift, total) if total > 0 else (1.0, float(saliency.size))


def _density(saliency: np.ndarray) -> np.ndarray:
    """Do as `to_density`, but in the precision of the map (integers become floats): float32 is twice as fast."""
    shift, total = density_terms(saliency)
    density = saliency.astype(np.result_type(saliency, np.float32))
    if shift:
        density += shift
    density /= total
    return density


def centre(saliency: np.ndarray) -> tuple[np.ndarray, float]:
    """Return a map minus its mean, in the precision of the map, and the mean."""
    saliency = saliency.astype(np.result_type(saliency, np.float32), copy=False)
    mean = saliency.mean()
    return saliency - mean, float(mean)


def cc(saliency: np.ndarray, truth: np.ndarray) -> float:
    """Return Pearson's correlation of two maps (H, W), in [-1, 1]; 0 if a map is constant, as in pysaliency."""
    (first, first_mean), (second, second_mean) = centre(saliency), centre(truth)
    first_deviation, second_deviation = (np.sqrt(np.square(centred).mean()) for centred in (first, second))
    if is_constant(first_deviation, first_mean) or is_constant(second_deviation, second_mean):
        return 0.0
    return float((first * second).mean()) / (float(first_deviation) * float(second_deviation))


def is_constant(deviation: np.floating, mean: float) -> bool:
    """Return whether a standard deviation is 0 except for rounding in the precision of the map."""
    return deviation <= 8 * np.finfo(deviation.dtype).eps * max(abs(mean), np.finfo(np.float64).tiny)


def sim(saliency: np.ndarray, truth: np.ndarray) -> float:
    """Return SIM (Judd et al. 2012) of two maps (H, W), in [0, 1]: the sum of the smaller density at each pixel.

    Source: pysaliency's `SIM`, which only divides the maps by their sums. `sim_mit` is that of the MIT benchmark.
    """
    return float(np.minimum(_density(saliency), _density(truth)).sum())


def sim_mit(saliency: np.ndarray, truth: np.ndarray) -> float:
    """Return SIM as in the MIT benchmark's `similarity.m`, which first shifts both maps (H, W) to minimum 0.

    A constant map gives 0. MIT's code divides by 0 then.
    """
    first, second = (map_ - map_.min() for map_ in (saliency.astype(np.float64), truth.astype(np.float64)))
    if not first.any() or not second.any():
        return 0.0
    return sim(first, second)


def kl_divergence(saliency: np.ndarray, truth: np.ndarray) -> float:
    """Return the KL divergence of two maps (H, W), in nats: sum q ln(e + q / (p + e)), e = 2.2204e-16.

    p is the density of the map, q that of the truth. Source: the MIT benchmark's `KLdiv.m`; pysaliency's `MIT_KLDiv` is
    the same.
    """
    q, p = _density(truth), _density(saliency)
    # ln(e + q / (p + e)), in place.
    p += _EPSILON
    np.divide(q, p, out=p)
    p += _EPSILON
    np.log(p, out=p)
    return float((q * p).sum())


def emd(saliency: np.ndarray, truth: np.ndarray) -> float:
    """Return the earth mover's distance (Rubner et al. 2000) of two maps (H, W), in cells; 0 for equal densities.

    Both densities are summed over cells of 32x32 pixels, and the least mass times Euclidean distance is found exactly
    (POT's network simplex). The cells are those of the MIT benchmark's `EMD.m`, which also matches the histograms of
    the two maps first. This function does not.
    """
    # By default POT imports every array library that it finds, including TensorFlow.
    os.environ.setdefault("POT_BACKEND_DISABLE_TENSORFLOW", "1")
    import ot

    first, second = _sum_cells(to_density(saliency)), _sum_cells(to_density(truth))
    places = np.argwhere(np.ones(first.shape))
    distances = np.linalg.norm(places[:, None] - places[None], axis=-1)
    # The solver warns if a sum differs from 1 in its last bits.
    return float(ot.emd2(first.ravel() / first.sum(), second.ravel() / second.sum(), distances))


def _sum_cells(density: np.ndarray) -> np.ndarray:
    for axis in (0, 1):
        density = np.add.reduceat(density, np.arange(0, density.shape[axis], _EMD_CELL), axis=axis)
    return density
