"""Examples at the training size: what the network and its losses see of them."""

from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from salgan_tf import images
from salgan_tf.data import folder
from salgan_tf.data.fixations import count_fixations
from salgan_tf.errors import InputError
from salgan_tf.parallel import attempt_all


class GridExample(NamedTuple):
    """One example at the training size, in the compact types that records store."""

    image: np.ndarray  # uint8 (H, W, 3), RGB
    saliency: np.ndarray  # uint16 (H, W, 1), density with maximum 65535
    fixations: np.ndarray  # uint8 (H, W, 1), counts; all 0 without a file of fixations


def grid_example(example: folder.Example, shape: tuple[int, int]) -> GridExample:
    """Read an example and bring it to `shape` (height, width), image and map by area as in the paper.

    Raises:
        InputError: a file of the example is bad.
    """
    sample = folder.read_example(example)
    saliency = images.resize_area(sample.saliency, shape)
    saliency = np.rint(saliency * (65535 / saliency.max())).astype(np.uint16)
    points = np.empty((0, 2), np.int32) if sample.gaze is None else sample.gaze.points
    counts = count_fixations(points, sample.saliency.shape, shape)
    return GridExample(
        images.resize_area(sample.image, shape), saliency[..., None], counts.clip(0, 255).astype(np.uint8)[..., None]
    )


def grid_examples(
    examples: list[folder.Example], shape: tuple[int, int], progress: tqdm
) -> tuple[list[GridExample], list[InputError]]:
    """Read examples on all cores, keeping their order; give those that are good, and what is wrong with the others."""
    return attempt_all(lambda example: grid_example(example, shape), examples, progress)
