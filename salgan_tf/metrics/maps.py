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
    masses, total = to_masses(saliency)
    return masses / total


def to_masses(saliency: np.ndarray) -> tuple[np.ndarray, float]:
    """Give a map (H, W) as a density times a number, float64, and that number; as in `to_density`, without dividing."""
    masses = saliency.astype(np.float64)
    lowest = masses.min()
    if lowest < 0:
        masses -= lowest
    total = masses.sum()
    return (masses, float(total)) if total > 0 else (np.ones(saliency.shape), float(saliency.size))


def centre(saliency: np.ndarray) -> tuple[np.ndarray, float]:
    """Give a map less its mean, flat, float64 (H * W,), and the mean."""
    centred = saliency.astype(np.float64).ravel()
    mean = centred.mean()
    centred -= mean
    return centred, float(mean)


def cc(saliency: np.ndarray, truth: np.ndarray) -> float:
    """Pearson's correlation coefficient of two maps (H, W), in [-1, 1]; 0 where one is constant (as in pysaliency)."""
    (first, _), (second, _) = centre(saliency), centre(truth)
    length = np.sqrt(first @ first) * np.sqrt(second @ second)
    scale = saliency.size * float(np.abs(saliency).max()) * float(np.abs(truth).max())
    return float(first @ second / length) if length > 1e-12 * scale else 0.0


def sim(saliency: np.ndarray, truth: np.ndarray) -> float:
    """SIM (Judd et al. 2012) of two maps (H, W): sum of the smaller density, in [0, 1]; divided by their sums alone.

    Source: pysaliency's `SIM`; `sim_mit` is the MIT benchmark's.
    """
    (first, first_total), (second, second_total) = to_masses(saliency), to_masses(truth)
    # Both are brought to the sum of the second, in place.
    first *= second_total / first_total
    return float(np.minimum(first, second, out=first).sum() / second_total)


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
    q, p = to_density(truth).ravel(), to_density(saliency).ravel()
    # q ln(e + q / (p + e)), in the place of p; where q is 0 it adds nothing.
    p += _EPSILON
    np.divide(q, p, out=p)
    p += _EPSILON
    return float(q @ np.log(p, out=p))


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
