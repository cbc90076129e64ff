"""Pictures to calibrate a converter and to check its files: photographs of a folder, or generated ones."""

import math
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

from salgan_tf import images
from salgan_tf.errors import InputError
from salgan_tf.limits import check_memory

COUNT = 100
# Leaves of a picture: from a single object on a plain ground, which attracts every fixation, to a crowded scene.
_FEWEST_LEAVES, _MOST_LEAVES = 1, 600
_SMALLEST_RADIUS = 3.0


def choose_pictures(
    folder: str | Path | None, shape: tuple[int, int], count: int = COUNT, seed: int = 0
) -> tuple[np.ndarray, str]:
    """Choose pictures of a folder, or generate them if there is no folder.

    Returns:
        The pictures, uint8 (N, *shape, 3), where N is `count` or all that the folder has; and what they are, in words.

    Raises:
        InputError: the folder cannot be read or has no pictures, a picture is bad, or they need too much memory at this
            size.
    """
    if folder is None:
        return dead_leaves(shape, count, seed), f"{count} generated pictures (dead leaves)"
    paths = images.find_pictures(folder)
    if not paths:
        raise InputError(folder, "no pictures in this folder")
    pictures = read_chosen(paths, shape, count, seed)
    return pictures, f"{len(pictures)} pictures of {folder}"


def read_chosen(paths: list[Path], shape: tuple[int, int], count: int = COUNT, seed: int = 0) -> np.ndarray:
    """Read a random, seeded choice of pictures at a network's size, uint8 (N, *shape, 3)."""
    chosen = np.random.default_rng(seed).permutation(len(paths))[:count]
    pictures = (images.resize_area(images.read_image(paths[index]), shape) for index in sorted(chosen))
    return _stack(pictures, shape, len(chosen))


def _stack(pictures: Iterable[np.ndarray], shape: tuple[int, int], count: int) -> np.ndarray:
    """Put pictures together, uint8 (count, *shape, 3), after a check of the memory that they need before and after."""
    check_memory("--size {}x{}".format(*shape), 2 * 3 * math.prod(shape) * count)
    return np.stack(list(pictures))


def dead_leaves(shape: tuple[int, int], count: int = COUNT, seed: int = 0) -> np.ndarray:
    """Generate pictures with the statistics of natural ones: opaque leaves of all sizes that cover each other.

    The number of leaves of radius r is proportional to r^-3. Such a scene looks alike at every scale and has the
    edges, occlusions and power spectrum of photographs (Lee, Mumford, Huang: Occlusion models for natural images,
    IJCV 2001).

    Returns:
        uint8 (count, *shape, 3), RGB; the same for the same arguments.
    """
    random = np.random.default_rng(seed)
    return _stack((_scene(shape, random) for _ in range(count)), shape, count)


def _scene(shape: tuple[int, int], random: np.random.Generator) -> np.ndarray:
    height, width = shape
    # One palette for the whole scene, as in a photograph.
    palette = random.uniform(0, 1, (random.integers(3, 8), 3)) ** random.uniform(0.6, 1.8)
    largest = max(shape) / 2
    leaves = round(np.exp(random.uniform(np.log(_FEWEST_LEAVES), np.log(_MOST_LEAVES))))
    # Radii by the inverse of the distribution function of r^-3 between the smallest and the largest one.
    share = random.uniform(0, 1, leaves)
    radii = (share / largest**2 + (1 - share) / _SMALLEST_RADIUS**2) ** -0.5
    canvas = np.empty((height, width, 3), np.float32)
    canvas[:] = palette[0]
    for radius in radii:
        color = np.clip(palette[random.integers(len(palette))] + random.normal(0, 0.08, 3), 0, 1)
        centre = random.uniform((0, 0), (width, height))
        axes = radius * random.uniform((0.4, 0.4), (1.6, 1.6))
        angle = random.uniform(0, 360)
        if random.uniform() < 0.5:
            half_axes = [round(x) + 1 for x in axes]
            outline = np.asarray(cv2.ellipse2Poly([round(x) for x in centre], half_axes, round(angle), 0, 360, 20))
        else:
            outline = cv2.boxPoints((tuple(map(float, centre)), tuple(map(float, axes * 1.6)), angle)).astype(int)
        cv2.fillPoly(canvas, [outline], color.tolist(), cv2.LINE_AA)
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32) / max(shape)
    slope = random.normal(0, 0.35, 2)
    light = 1 + slope[0] * (rows - rows.mean()) + slope[1] * (columns - columns.mean())
    grain = random.normal(0, 0.02, (height, width, 1))
    canvas = cv2.GaussianBlur(canvas * light[..., None], (0, 0), random.uniform(0.4, 0.9)) + grain
    return np.rint(canvas.clip(0, 1) * 255).astype(np.uint8)
