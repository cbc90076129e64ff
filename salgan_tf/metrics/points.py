"""Metrics of a saliency map against fixations: numpy, one convention each."""

import numpy as np


def nss(saliency: np.ndarray, fixations: np.ndarray) -> float:
    """Normalized scanpath saliency (Peters et al. 2005): the mean at the fixations of the map in standard scores.

    pysaliency's convention: the standard deviation is over N, every fixation counts as often as it was made, and a
    constant map gives 0.

    Args:
        saliency: (H, W), any positive scale.
        fixations: int (N, 2), 0-based (row, column), N > 0.

    Raises:
        ValueError: no fixations.
    """
    if not len(fixations):
        raise ValueError("NSS needs at least one fixation")
    saliency = saliency.astype(np.float64)
    deviation = saliency.std()
    if deviation <= 1e-12 * max(abs(saliency.mean()), np.finfo(np.float64).tiny):
        return 0.0
    return float((saliency[fixations[:, 0], fixations[:, 1]].mean() - saliency.mean()) / deviation)
