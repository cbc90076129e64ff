"""Batch norm folded into the convolution before it."""

from collections.abc import Sequence

import numpy as np


def fold_batch_norm(kernel: np.ndarray, norm: Sequence[np.ndarray], epsilon: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the kernel and bias of a convolution equal to one without a bias and the batch norm behind it.

    Args:
        kernel: in Keras' layout, (h, w, in, out), or (h, w, channels, 1) of a depthwise convolution.
        norm: scale, shift, moving mean and moving variance of the batch norm, each (channels,).
        epsilon: added to the variance.
    """
    gamma, beta, mean, variance = norm
    scale = gamma / np.sqrt(variance + epsilon)
    folded = kernel * (scale[:, None] if kernel.shape[-1] == 1 and scale.size != 1 else scale)
    return folded, beta - mean * scale
