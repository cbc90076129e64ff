"""The generator that is exported: any model of the package, in float32, at any legal size."""

from pathlib import Path

import keras

from salgan_tf.errors import InputError
from salgan_tf.inference import SaliencyPredictor
from salgan_tf.models.assignment import describe_weights
from salgan_tf.models.backbones import BACKBONES
from salgan_tf.models.generator import build_generator
from salgan_tf.models.precision import computing_in, to_float32
from salgan_tf.models.pretrained import load_generator
from salgan_tf.runtimes.keras import take_generator
from salgan_tf.runtimes.network import check_generator
from salgan_tf.weights import BUNDLED, find_model

_MODELS = "edge, salgan, a .keras file or a run folder"


def load_for_export(model: str | Path | keras.Model, size: tuple[int, int] | None = None) -> keras.Model:
    """Load a generator to export.

    Args:
        model: `"edge"` or `"salgan"`, a `.keras` file of a generator or SalGAN, a run folder of `train`, or a generator
            or SalGAN in memory.
        size: (height, width) of the exported network; None for the model's own.

    Raises:
        InputError: there is no such model, or the network cannot have this size.
        TypeError: `model` is neither a name, a path nor a Keras model.
    """
    if isinstance(model, str) and (bundled := BUNDLED.get(model)):
        return _build(bundled.backbone, size or SaliencyPredictor(model).image_shape, model)
    if isinstance(model, str | Path):
        path = find_model(model, _MODELS)
        if path.suffix != ".keras":
            raise InputError(path, f"cannot be exported: expected {_MODELS}")
        subject, generator = str(path), load_generator(path)
    else:
        generator = take_generator(model)
        subject = model.name
        check_generator(subject, generator)
    own_size = generator.input_shape[1:3]
    if backbone := _find_backbone(generator):
        # Built anew even at its own size: a network trained in mixed precision is exported in float32.
        copy = _build(backbone, size or own_size)
        copy.set_weights(generator.get_weights())
        return copy
    if size and size != own_size:
        cause = f"its backbone is not {' or '.join(BACKBONES)}, so it can only be exported at its own size"
        raise InputError(subject, cause)
    try:
        # Converters do not know the casts of mixed precision.
        return to_float32(generator)
    except ValueError as error:
        raise InputError(subject, error) from error


def _find_backbone(generator: keras.Model) -> str | None:
    """Find the backbone whose generator has weights of the same names and shapes."""
    weights = describe_weights(generator)
    layers = {layer.name for layer in generator.layers}
    for name, backbone in BACKBONES.items():
        # To build a network takes a second: most are ruled out by their names.
        if not layers.issuperset(backbone.encoder_layers):
            continue
        if describe_weights(build_generator(name, (backbone.stride, backbone.stride, 3))) == weights:
            return name
    return None


def _build(backbone: str, size: tuple[int, int], weights: str | None = None) -> keras.Model:
    try:
        with computing_in("float32"):
            return build_generator(backbone, (*size, 3), weights)
    except ValueError as error:
        raise InputError("--size", error) from error
