"""Change a training example at random: image, map and fixations alike, as a function of the seed alone."""

import math

import numpy as np
import tensorflow as tf

from salgan_tf.data.fixations import BLUR_PER_WIDTH

AUGMENTATIONS = ("flip", "crop", "color")
_SMALLEST_CROP = 0.75


def augment(image, saliency, fixations, names: tuple[str, ...], seed):
    """Change an example at random.

    Args:
        image: float32 (H, W, 3) in [0, 255].
        saliency: float32 (H, W, 1), density with maximum 1.
        fixations: float32 (H, W, 1), counts.
        names: some of `AUGMENTATIONS`: `"flip"` exchanges left and right in half of the examples, `"crop"` cuts out a
            window of 75 to 100 % of each side, and `"color"` changes brightness, contrast and saturation.
        seed: int64 (2,); the same seed gives the same change.

    Returns:
        The three arrays, in the same shapes and ranges.
    """
    seeds = tf.random.split(seed, 3)
    if "flip" in names:
        image, saliency, fixations = _flip(image, saliency, fixations, seeds[0])
    if "crop" in names:
        image, saliency, fixations = _crop(image, saliency, fixations, seeds[1])
    if "color" in names:
        image = _color(image, seeds[2])
    return image, saliency, fixations


def _flip(image, saliency, fixations, seed):
    arrays = image, saliency, fixations
    flipped = tf.random.stateless_uniform((), seed) < 0.5
    return tf.cond(flipped, lambda: tuple(array[:, ::-1] for array in arrays), lambda: arrays)


def _crop(image, saliency, fixations, seed):
    shape = tf.shape(image)[:2]
    share = tf.random.stateless_uniform((3,), seed)
    size = tf.cast(tf.round(tf.cast(shape, tf.float32) * (_SMALLEST_CROP + (1 - _SMALLEST_CROP) * share[0])), tf.int32)
    corner = tf.cast(tf.cast(shape - size + 1, tf.float32) * share[1:], tf.int32)

    def window(array):
        part = tf.slice(array, tf.concat([corner, [0]], 0), tf.concat([size, [-1]], 0))
        return tf.ensure_shape(tf.image.resize(part, shape), array.shape)

    # Fixations are points: each moves to one new cell; resizing would smear or double them.
    cells = tf.cast(tf.where(fixations[..., 0] > 0), tf.int32)
    counts = tf.gather_nd(fixations[..., 0], cells)
    moved = (cells - corner) * shape // size
    inside = tf.reduce_all((cells >= corner) & (cells < corner + size), axis=1)
    scattered = tf.scatter_nd(moved[inside], counts[inside], shape)
    scattered = tf.ensure_shape(scattered[..., None], fixations.shape)
    # Maps are fixations blurred by a share of the picture's width. A window of a map would have a wider blur, and a
    # network that learns from such maps draws all maps too wide.
    cropped = tf.cond(tf.size(counts) > 0, lambda: _blur(scattered), lambda: window(saliency))
    highest = tf.reduce_max(cropped)

    # There is nothing to learn from a window in which nobody looked at anything: such an example stays whole.
    return tf.cond(
        highest > 0.1,
        lambda: (window(image), cropped / highest, scattered),
        lambda: (image, saliency, fixations),
    )


def _blur(fixations):
    """Blur counts (H, W, 1) like `salgan_tf.data.fixations.blur_fixations`, with a filter cut off at 3 sigma."""
    sigma = BLUR_PER_WIDTH * fixations.shape[1]
    radius = math.ceil(3 * sigma)
    weights = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2).astype(np.float32)
    blurred = fixations[None]
    for shape in ((-1, 1, 1, 1), (1, -1, 1, 1)):
        blurred = tf.nn.conv2d(blurred, weights.reshape(shape), 1, "SAME")
    return blurred[0]


def _color(image, seed):
    seeds = tf.random.split(seed, 3)
    image = tf.image.stateless_random_brightness(image, 25.0, seeds[0])
    image = tf.image.stateless_random_contrast(image, 0.8, 1.2, seeds[1])
    image = tf.image.stateless_random_saturation(tf.clip_by_value(image, 0, 255) / 255, 0.7, 1.3, seeds[2]) * 255
    return tf.clip_by_value(image, 0, 255)
