"""What every runtime returns, and the check that every runtime makes: is this model a generator?"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from salgan_tf.errors import InputError
from salgan_tf.limits import check_memory

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Network:
    """A generator that is ready to run.

    Attributes:
        image_shape: (height, width) of the images that it takes.
        run: from an image uint8 (*image_shape, 3), RGB, to its saliency map float32 (*image_shape).
    """

    image_shape: tuple[int, int]
    run: Callable[[np.ndarray], np.ndarray]


def check_counts(path: Path, inputs: Sequence, outputs: Sequence) -> tuple[Sequence, Sequence]:
    """Check that a model has one input and one output, and return both.

    Raises:
        InputError: it has other numbers of them.
    """
    if (len(inputs), len(outputs)) != (1, 1):
        raise InputError(path, f"has {len(inputs)} inputs and {len(outputs)} outputs, expected one of each")
    return inputs, outputs


def check_shapes(path: str | Path, image: Sequence, saliency: Sequence) -> tuple[int, int]:
    """Check that a model maps one image (1, H, W, 3) to one saliency map (1, H, W, 1), and return (H, W).

    Args:
        path: the model, named in errors.
        image: shape of its input. A side that is not fixed is None, -1 or a name, depending on the runtime.
        saliency: shape of its output.

    Raises:
        InputError: the shapes are different ones, too large, or height and width are not fixed.
    """
    sides, result = (
        [side if isinstance(side, int) and side > 0 else None for side in end] for end in (image, saliency)
    )
    fits = len(sides) == len(result) == 4 and sides[0] in (1, None) and result[0] in (1, None)
    if not fits or sides[3] != 3 or result[1:] != [*sides[1:3], 1]:
        found = " to ".join(str(tuple(end)).replace("None", "any") for end in (sides, result))
        raise InputError(path, f"not a generator: maps {found}, expected (1, H, W, 3) to (1, H, W, 1)")
    height, width = sides[1:3]
    if height is None or width is None:
        raise InputError(path, "takes images of any size; export it at one size, such as 192x256")
    # The image in uint8 and in float32, and its map.
    check_memory(path, height * width * (3 + 12 + 4))
    return height, width


def check_generator(path: str | Path, model: "keras.Model") -> tuple[int, int]:
    """Check that a model maps one image (B, H, W, 3) to one saliency map (B, H, W, 1), and return (H, W).

    Raises:
        InputError: it does not, its height and width are not fixed, or they or a layer are too large; the error names
            `path`.
    """
    ends: list[Any] = [_find_end(model, name) for name in ("input", "output")]
    if any(end is None for end in ends):
        cause = "has no fixed input and output: build it from keras.Input((H, W, 3)), functional or Sequential"
        raise InputError(path, f"not a generator: {cause}")
    if not all(hasattr(end, "dtype") for end in ends):
        raise InputError(path, "not a generator: expected a model from one array (B, H, W, 3) to one (B, H, W, 1)")
    kinds = " to ".join(end.dtype for end in ends)
    if kinds.count("float") != 2:
        raise InputError(path, f"not a generator: maps {kinds}, expected floating-point numbers")
    sides = check_shapes(path, *(end.shape for end in ends))
    check_memory(path, find_largest(model))
    return sides


def find_largest(model: "keras.Model") -> int:
    """Return the bytes of the largest array, in float32, that a layer of a model gives for one image."""
    import keras

    sizes = [0]
    for layer in model.layers:
        if hasattr(layer, "layers"):
            sizes.append(find_largest(layer))
        # A layer that is not part of a graph, as in a subclassed model, has no output.
        ends = keras.tree.flatten(getattr(layer, "output", None))
        sizes += [4 * math.prod(side or 1 for side in end.shape) for end in ends if end is not None]
    return max(sizes)


def _find_end(model: "keras.Model", name: str) -> Any:
    """Return the input or output of a model; None if it has none, as one that is subclassed or not built."""
    end = getattr(model, name, None)
    # A Sequential model has them in lists only.
    return next(iter(getattr(model, f"{name}s", None) or ()), None) if end is None else end
