"""The check of the image sizes that networks are built at."""

import numbers
from collections.abc import Sequence
from typing import Any

# Larger networks do not fit into any memory, and TensorFlow counts pixels in 31 bits.
LARGEST_SIDE = 16384


def check_image_shape(image_shape: Any, stride: int, network: str) -> tuple[int, int, int]:
    """Return the shape of an image as whole numbers.

    Args:
        image_shape: (H, W, 3).
        stride: H and W are multiples of it.
        network: what is built, for the error.

    Raises:
        ValueError: it is no such shape.
    """
    sides = tuple(image_shape) if isinstance(image_shape, Sequence) and not isinstance(image_shape, str) else ()
    whole = all(isinstance(side, numbers.Integral) and not isinstance(side, bool) for side in sides)
    fits = len(sides) == 3 and whole and sides[2] == 3
    if not fits or any(side % stride or not stride <= side <= LARGEST_SIDE for side in sides[:2]):
        raise ValueError(
            f"image_shape={image_shape!r} does not fit {network}: expected (height, width, 3), with height and width "
            f"multiples of {stride} up to {LARGEST_SIDE}"
        )
    height, width, channels = map(int, sides)
    return height, width, channels
