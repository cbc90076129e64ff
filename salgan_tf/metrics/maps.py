"""Metrics of a saliency map against the density of fixations: numpy, one convention each."""

import numpy as np

_EPSILON = 2.2204e-16


def to_density(saliency: np.ndarray) -> np.ndarray:
    """Divide a map (H, W) by its sum, float64; a map of zeros becomes uniform."""
    saliency = saliency.astype(np.float64)
    total = saliency.sum()
    return saliency / total if total > 0 else np.full(saliency.shape, 1 / saliency.size)


def cc(saliency: np.ndarray, truth: np.ndarray) -> float:
    """Pearson's correlation coefficient of two maps (H, W), in [-1, 1]; 0 where one is constant (as in pysaliency)."""
    first, second = (one.astype(np.float64) - one.mean(dtype=np.float64) for one in (saliency, truth))
    length = np.sqrt((first**2).sum() * (second**2).sum())
    scale = saliency.size * float(np.abs(saliency).max()) * float(np.abs(truth).max())
    return float((first * second).sum() / length) if length > 1e-12 * scale else 0.0


def sim(saliency: np.ndarray, truth: np.ndarray) -> float:
    """SIM (Judd et al. 2012) of two maps (H, W): sum of the smaller density, in [0, 1]; divided by their sums alone."""
    return float(np.minimum(to_density(saliency), to_density(truth)).sum())


def kl_divergence(saliency: np.ndarray, truth: np.ndarray) -> float:
    """KL divergence of a map's density p from the truth's q (H, W), in nats: sum q ln(e + q / (p + e)), e = 2.2204e-16.

    Source: the MIT benchmark's `KLdiv.m`; pysaliency's `MIT_KLDiv` is the same.
    """
    q, p = to_density(truth), to_density(saliency)
    return float((q * np.log(_EPSILON + q / (p + _EPSILON))).sum())
