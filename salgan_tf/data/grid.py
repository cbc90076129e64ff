"""Examples at the training size: what the network and its losses see of them."""

import math
import os
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from salgan_tf import images
from salgan_tf.data.fixations import count_fixations
from salgan_tf.data.folder import Example, read_example
from salgan_tf.errors import InputError
from salgan_tf.limits import check_memory
from salgan_tf.parallel import attempt_all

# Bytes of memory per pixel of an example, and of what a thread makes it from.
_KEPT, _WORK = 6, 24
# What is read before it is written. A training keeps all of its examples, but a large number of them is no fault of a
# size, and a split that takes gigabytes at the usual size is meant to.
EXAMPLES_PER_SHARD = 500


class GridExample(NamedTuple):
    """An example at the training size, in the compact types that records store."""

    image: np.ndarray  # uint8 (H, W, 3), RGB
    saliency: np.ndarray  # uint16 (H, W, 1), density with maximum 65535
    fixations: np.ndarray  # uint8 (H, W, 1), counts; all 0 if there is no file of fixations


def check_size(shape: tuple[int, int], count: int) -> None:
    """Check what reading examples at a size (height, width) will need, those of a shard of records at most.

    Raises:
        InputError: it needs more memory than the limit.
    """
    kept, threads = min(count, EXAMPLES_PER_SHARD), min(count, (os.cpu_count() or 1) + 4)
    check_memory("--size {}x{}".format(*shape), math.prod(shape) * (_KEPT * kept + _WORK * threads))


def grid_example(example: Example, shape: tuple[int, int]) -> GridExample:
    """Read an example and resize it to `shape` (height, width), image and map by area as in the paper.

    Raises:
        InputError: a file of the example is bad.
    """
    sample = read_example(example)
    saliency = images.resize_area(sample.saliency, shape)
    saliency = np.rint(saliency * (65535 / saliency.max())).astype(np.uint16)
    points = np.empty((0, 2), np.int32) if sample.gaze is None else sample.gaze.points
    counts = count_fixations(points, sample.saliency.shape, shape).clip(0, 255).astype(np.uint8)
    return GridExample(images.resize_area(sample.image, shape), saliency[..., None], counts[..., None])


def grid_examples(
    examples: list[Example], shape: tuple[int, int], progress: tqdm, threads: int | None = None
) -> tuple[list[GridExample], list[InputError]]:
    """Read examples in threads, one for each core by default; return the good ones in order, and the others' errors."""
    return attempt_all(lambda example: grid_example(example, shape), examples, progress, threads)
