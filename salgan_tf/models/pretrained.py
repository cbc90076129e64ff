"""The start of a generator: an encoder trained on ImageNet, or a file of weights."""

import contextlib
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

import keras
import numpy as np

from salgan_tf.errors import InputError, first_line
from salgan_tf.files import read_npz, write_npz
from salgan_tf.limits import check_file
from salgan_tf.models.assignment import assign_layers, describe_weights
from salgan_tf.models.backbone import Backbone
from salgan_tf.models.bounds import check_weights, checked_keras_file
from salgan_tf.models.folding import fold_batch_norm
from salgan_tf.models.lasagne import is_lasagne, load_lasagne_arrays
from salgan_tf.models.quantized import load_int8
from salgan_tf.models.salgan import SalGAN
from salgan_tf.runtimes.network import check_generator
from salgan_tf.weights import BUNDLED, find_model


def load_pretrained(generator: keras.Model, backbone: Backbone, weights: str | Path) -> None:
    """Load weights into a generator, according to the kind of the file.

    Args:
        generator: from `build_generator`.
        backbone: what the generator was built of.
        weights: `"imagenet"`: the encoder of keras.applications, fetched from the internet or its cache. `"edge"`: the
            bundled efficientnet_lite0_slim, which was trained at 256x320 and is worse at other sizes. `"salgan"`: the
            bundled vgg16, trained at 192x256. Or a file: `.weights.h5` of the same generator; `.keras`, a saved
            generator or SalGAN of the same backbone, of any size; `.tflite`, an int8 export of the same backbone, of
            any size; `.npz`, an encoder, trained on ImageNet or of `save_encoder` (kernels `k00`… and biases `b00`… in
            network order, batch norm folded), or the authors' released VGG-16 generator.

    Raises:
        InputError: the file is missing, damaged, or belongs to another network.
    """
    if str(weights) == "imagenet":
        return _load_application(generator, backbone)
    if bundled := BUNDLED.get(str(weights)):
        if bundled.backbone != backbone.name:
            raise InputError(weights, f"the bundled model is of {bundled.backbone}, not of {backbone.name}")
        return load_int8(generator, find_model(weights))
    path = Path(weights)
    check_file(path)
    if path.suffix == ".npz":
        return _load_npz(generator, backbone, path)
    if path.suffix == ".keras":
        return _load_keras_file(generator, path)
    if path.suffix == ".tflite":
        return load_int8(generator, path)
    if path.name.endswith(".weights.h5"):
        return load_weights_file(generator, path)
    raise InputError(path, "not a file of weights: expected .weights.h5, .keras, .tflite or .npz")


@contextlib.contextmanager
def _whole() -> Iterator[None]:
    """Let a block fail in which Keras leaves out weights of a file, of which it only warns."""
    with warnings.catch_warnings(record=True) as remarks:
        warnings.simplefilter("always", UserWarning)
        yield
    for remark in remarks:
        if str(remark.message).startswith("Skipping"):
            raise ValueError(remark.message)
        warnings.warn_explicit(remark.message, remark.category, remark.filename, remark.lineno)


def load_generator(path: str | Path) -> keras.Model:
    """Load the generator of a `.keras` file that holds a generator or a SalGAN. No code of the file is executed.

    Raises:
        InputError: the file is missing, damaged, or holds something else.
    """
    path = Path(path)
    try:
        with checked_keras_file(path), _whole():
            model = keras.saving.load_model(path, compile=False, safe_mode=True)
    except InputError:
        raise
    except Exception as error:  # Keras raises ValueError, TypeError, KeyError, OSError and zipfile's errors.
        raise InputError(path, f"not a Keras model that can be loaded: {first_line(error)}") from error
    model = model.generator if isinstance(model, SalGAN) else model
    check_generator(path, model)
    return model


def load_weights_file(model: keras.Model, path: str | Path) -> None:
    """Load a `.weights.h5` file into the model that it belongs to.

    Raises:
        InputError: the file is missing, damaged, or belongs to another network.
    """
    before = model.get_weights()
    try:
        check_weights(Path(path))
        with _whole():
            model.load_weights(path)
    except Exception as error:  # Keras raises ValueError, KeyError and OSError, sometimes of a hundred lines.
        # Undo what was read before the failure: a model is loaded whole or not at all.
        model.set_weights(before)
        if isinstance(error, InputError):
            raise
        raise InputError(path, f"not the weights of {model.name}: {first_line(error)}") from error


def save_encoder(generator: keras.Model, backbone: Backbone, path: str | Path) -> None:
    """Write the encoder of a generator as an `.npz` file, as a start of generators with another decoder.

    Args:
        generator: from `build_generator`.
        backbone: what the generator was built of.
        path: file to write: kernels `k00`… and biases `b00`… in network order, float32.

    Raises:
        InputError: the file cannot be written.
    """
    arrays = {}
    for number, layer in enumerate(backbone.encoder_layers):
        arrays[f"k{number:02d}"], arrays[f"b{number:02d}"] = generator.get_layer(layer).get_weights()
    write_npz(path, arrays)


def _load_keras_file(generator: keras.Model, path: Path) -> None:
    source = load_generator(path)
    if describe_weights(source) != describe_weights(generator):
        raise InputError(path, f"not the weights of {generator.name}: the names or shapes of its layers differ")
    generator.set_weights(source.get_weights())


def _load_npz(generator: keras.Model, backbone: Backbone, path: Path) -> None:
    arrays = read_npz(path)
    if is_lasagne(arrays):
        return load_lasagne_arrays(generator, arrays, path)
    if "k00" not in arrays:
        raise InputError(path, "neither an ImageNet encoder (k00, b00, …) nor released weights (arr_0, …)")
    pairs = [(f"k{index:02d}", f"b{index:02d}") for index in range(sum(name.startswith("k") for name in arrays))]
    if missing := [name for pair in pairs for name in pair if name not in arrays]:
        raise InputError(path, f"has no array {missing[0]}: expected a kernel and a bias of each convolution")
    return _load_encoder(generator, backbone, [(arrays[kernel], arrays[bias]) for kernel, bias in pairs], path)


def _load_application(generator: keras.Model, backbone: Backbone) -> None:
    if backbone.application is None:
        raise InputError(
            "imagenet", f"keras.applications has no weights of {backbone.name}; give a file or none instead"
        )
    try:
        application = getattr(keras.applications, backbone.application)
        source = application(include_top=False, weights="imagenet", input_shape=(224, 224, 3))
    except Exception as error:  # Keras wraps what the connection raised in a plain Exception.
        cause = f"could not be fetched ({first_line(error)}); give a local file instead"
        raise InputError("imagenet", cause) from error
    convolutions: list[Sequence[np.ndarray]] = []
    for layer in source.layers:
        if isinstance(layer, keras.layers.Conv2D | keras.layers.DepthwiseConv2D):
            convolutions.append(layer.get_weights())
        elif isinstance(layer, keras.layers.BatchNormalization):
            (kernel,) = convolutions.pop()
            convolutions.append(fold_batch_norm(kernel, layer.get_weights(), layer.epsilon))
    _load_encoder(generator, backbone, convolutions, "imagenet")


def _load_encoder(
    generator: keras.Model, backbone: Backbone, convolutions: Sequence[Sequence[np.ndarray]], source: str | Path
) -> None:
    """Set the encoder to the convolutions, kernel and bias, of an ImageNet network in network order.

    That network may have one more: a 1x1 convolution before the classifier, which generators have no use for.
    """
    length = len(backbone.encoder_layers) // backbone.encoders
    rest = convolutions[length:]
    if len(convolutions) < length or len(rest) > 1 or any(kernel.shape[:2] != (1, 1) for kernel, _ in rest):
        cause = f"holds {len(convolutions)} convolutions, and the encoder of {backbone.name} has {length}"
        raise InputError(source, cause)
    pairs = zip(backbone.encoder_layers, [*convolutions[:length]] * backbone.encoders, strict=True)
    assign_layers(generator, dict(pairs), source)
