"""Metrics of a saliency map against the density of fixations: numpy, one convention each."""

import os

import numpy as np

_EPSILON = 2.2204e-16
# MIT's EMD looks at maps a 32nd of the photograph's size.
_EMD_CELL = 32


def to_density(saliency: np.ndarray) -> np.ndarray:
    """Divide a map (H, W) by its sum, float64.

    pysaliency's convention: a map with values below 0 is first shifted to minimum 0; a map of zeros becomes uniform.
    """
    return _density(saliency.astype(np.float64))


def density_terms(saliency: np.ndarray) -> tuple[float, float]:
    """Give the shift and the total by which a map becomes a density: (saliency + shift) / total, as in `to_density`."""
    shift = -min(float(saliency.min()), 0.0)
    total = float(saliency.sum()) + shift * saliency.size
    return (shift, total) if total > 0 else (1.0, float(saliency.size))


def _density(saliency: np.ndarray) -> np.ndarray:
    """As `to_density`, in the map's own precision (integers become floats), which is twice as fast in float32."""
    shift, total = density_terms(saliency)
    density = saliency.astype(np.result_type(saliency, np.float32))
    if shift:
        density += shift
    density /= total
    return density


def centre(saliency: np.ndarray) -> tuple[np.ndarray, float]:
    """Give a map less its mean, in the map's own precision, and the mean."""
    saliency = saliency.astype(np.result_type(saliency, np.float32), copy=False)
    mean = saliency.mean()
    return saliency - mean, float(mean)


def cc(saliency: np.ndarray, truth: np.ndarray) -> float:
    """Pearson's correlation coefficient of two maps (H, W), in [-1, 1]; 0 where one is constant (as in pysaliency)."""
    (first, first_mean), (second, second_mean) = centre(saliency), centre(truth)
    first_deviation, second_deviation = (np.sqrt(np.square(one).mean()) for one in (first, second))
    if is_constant(first_deviation, first_mean) or is_constant(second_deviation, second_mean):
        return 0.0
    return float((first * second).mean()) / (float(first_deviation) * float(second_deviation))


def is_constant(deviation: np.floating, mean: float) -> bool:
    """Tell whether a map's standard deviation is what rounding, in its own precision, leaves of 0."""
    return deviation <= 8 * np.finfo(deviation.dtype).eps * max(abs(mean), np.finfo(np.float64).tiny)


def sim(saliency: np.ndarray, truth: np.ndarray) -> float:
    """SIM (Judd et al. 2012) of two maps (H, W): sum of the smaller density, in [0, 1]; divided by their sums alone.

    Source: pysaliency's `SIM`; `sim_mit` is the MIT benchmark's.
    """
    return float(np.minimum(_density(saliency), _density(truth)).sum())


def sim_mit(saliency: np.ndarray, truth: np.ndarray) -> float:
    """SIM as the MIT benchmark's `similarity.m` has it: both maps (H, W) shifted to minimum 0 before they are divided.

    A constant map shares nothing with any other and gives 0, where MIT's code divides by 0.
    """
    first, second = (one - one.min() for one in (saliency.astype(np.float64), truth.astype(np.float64)))
    if not first.any() or not second.any():
        return 0.0
    return sim(first, second)


def kl_divergence(saliency: np.ndarray, truth: np.ndarray) -> float:
    """KL divergence of a map's density p from the truth's q (H, W), in nats: sum q ln(e + q / (p + e)), e = 2.2204e-16.

    Source: the MIT benchmark's `KLdiv.m`; pysaliency's `MIT_KLDiv` is the same.
    """
    q, p = _density(truth), _density(saliency)
    # q ln(e + q / (p + e)), in the place of p.
    p += _EPSILON
    np.divide(q, p, out=p)
    p += _EPSILON
    np.log(p, out=p)
    return float((q * p).sum())


def emd(saliency: np.ndarray, truth: np.ndarray) -> float:
    """Earth mover's distance (Rubner et al. 2000) of two maps (H, W), in cells of 32 pixels; 0 for equal densities.

    Both densities are summed over cells of 32x32 pixels, and the least mass times Euclidean distance is found exactly
    (POT's network simplex). The cells are those of the MIT benchmark's `EMD.m`, which besides matches the
    histograms of the two maps before it; this does not.
    """
    # POT imports every array library that it finds, TensorFlow among them, unless it is told not to.
    os.environ.setdefault("POT_BACKEND_DISABLE_TENSORFLOW", "1")
    import ot

    first, second = _sum_cells(to_density(saliency)), _sum_cells(to_density(truth))
    places = np.argwhere(np.ones(first.shape))
    distances = np.linalg.norm(places[:, None] - places[None], axis=-1)
    # The sums differ from 1 in their last bits, which the solver would remark on.
    return float(ot.emd2(first.ravel() / first.sum(), second.ravel() / second.sum(), distances))


def _sum_cells(density: np.ndarray) -> np.ndarray:
    for axis in (0, 1):
        density = np.add.reduceat(density, np.arange(0, density.shape[axis], _EMD_CELL), axis=axis)
    return density
