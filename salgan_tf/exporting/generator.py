"""The generator that is exported: any model of the package, in float32, at any legal size."""

from pathlib import Path

import keras

from salgan_tf.errors import InputError
from salgan_tf.inference import SaliencyPredictor
from salgan_tf.models.assignment import describe_weights
from salgan_tf.models.backbones import BACKBONES
from salgan_tf.models.generator import build_generator
from salgan_tf.models.pretrained import load_generator
from salgan_tf.weights import find_model

_MODELS = "edge, a .keras file or a run folder"


def load_for_export(model: str | Path, size: tuple[int, int] | None = None) -> keras.Model:
    """Load a generator to export.

    Args:
        model: `"edge"`, a `.keras` file (of a generator or SalGAN) or a run folder of `train`.
        size: (height, width) of the exported network; its own, if not said.

    Raises:
        InputError: no such model, an illegal size, or another size of a network that this package does not know.
    """
    if model == "edge":
        return _build("mobilenet_v2", size or SaliencyPredictor("edge").image_shape, "edge")
    path = find_model(model, _MODELS)
    if path.suffix != ".keras":
        raise InputError(path, f"cannot be exported: give {_MODELS}")
    generator = load_generator(path)
    own_size = generator.input_shape[1:3]
    weights = describe_weights(generator)
    for name, backbone in BACKBONES.items():
        if describe_weights(build_generator(name, (backbone.stride, backbone.stride, 3))) == weights:
            # Built anew even at its own size: a network that was trained in mixed precision is exported in float32.
            copy = _build(name, size or own_size)
            copy.set_weights(generator.get_weights())
            return copy
    if size and size != own_size:
        known = " and ".join(BACKBONES)
        raise InputError(path, f"is of another network than {known}: it can be exported at its own size alone")
    return generator


def _build(backbone: str, size: tuple[int, int], weights: str | None = None) -> keras.Model:
    try:
        return build_generator(backbone, (*size, 3), weights)
    except ValueError as error:
        raise InputError("--size", error) from error
