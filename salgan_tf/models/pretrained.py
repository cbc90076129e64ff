"""A start for a generator: encoders trained on ImageNet, or a file of weights."""

from pathlib import Path

import keras
import numpy as np

from salgan_tf.errors import InputError
from salgan_tf.files import read_npz
from salgan_tf.models import mobilenet_v2, vgg16
from salgan_tf.models.assignment import assign_layers
from salgan_tf.models.lasagne import is_lasagne, load_lasagne_arrays
from salgan_tf.models.quantized import load_int8
from salgan_tf.weights import BUNDLED


def load_pretrained(generator: keras.Model, weights: str | Path) -> None:
    """Load weights into a generator, by what the file is.

    Args:
        generator: from `build_generator`.
        weights: `"imagenet"`: the encoder of keras.applications, fetched from the internet or its cache. `"edge"`: the
            bundled mobilenet_v2, which was trained at 256x320 and is worse at other sizes. Or a file: `.weights.h5` of
            the same generator; `.keras`, a saved generator or SalGAN of the same backbone, of any size; `.tflite`, an
            int8 export of the same backbone, of any size; `.npz`, an ImageNet MobileNetV2 (kernels `k00`… and biases
            `b00`…, batch norm folded) or the authors' released VGG-16 generator.

    Raises:
        InputError: the file is missing, damaged, or belongs to another network.
    """
    if str(weights) == "imagenet":
        return _load_keras_applications(generator)
    path = BUNDLED.get(str(weights), Path(weights))
    if not path.is_file():
        raise InputError(path, "no such file of weights")
    if path.suffix == ".npz":
        return _load_npz(generator, path)
    if path.suffix == ".keras":
        return _load_keras_file(generator, path)
    if path.suffix == ".tflite":
        return load_int8(generator, path)
    if path.name.endswith(".weights.h5"):
        return load_weights_file(generator, path)
    raise InputError(path, "weights end in .weights.h5, .keras, .tflite or .npz")


def load_generator(path: str | Path) -> keras.Model:
    """Load the generator of a `.keras` file, which holds a generator or a SalGAN. Nothing of the file is executed.

    Raises:
        InputError: the file is missing, damaged, or holds something else.
    """
    from salgan_tf.models.salgan import SalGAN  # Registers the class that the file may hold.

    path = Path(path)
    if not path.is_file():
        raise InputError(path, "no such file")
    try:
        model = keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # Keras raises ValueError, TypeError, KeyError, OSError and zipfile's errors.
        raise InputError(path, f"not a Keras model that can be loaded: {_first_line(error)}") from error
    model = model.generator if isinstance(model, SalGAN) else model
    shape = getattr(model, "output_shape", None)
    if not isinstance(shape, tuple) or len(shape) != 4 or shape[-1] != 1 or model.input_shape[-1] != 3:
        raise InputError(path, "holds a model that is no generator: (B, H, W, 3) to (B, H, W, 1) is wanted")
    if None in model.input_shape[1:3]:
        raise InputError(path, "takes pictures of any size; build it at one, such as 192x256")
    return model


def load_weights_file(model: keras.Model, path: str | Path) -> None:
    """Load a `.weights.h5` file into the model that it belongs to.

    Raises:
        InputError: the file is missing, damaged, or belongs to another network.
    """
    before = model.get_weights()
    try:
        model.load_weights(path)
    except Exception as error:  # Keras raises ValueError, KeyError and OSError, of a hundred lines at times.
        # What it had read before it failed is taken back: a model is loaded whole or not at all.
        model.set_weights(before)
        raise InputError(path, f"not the weights of {model.name}: {_first_line(error)}") from error


def _is_vgg16(generator: keras.Model) -> bool:
    return any(layer.name == "uconv1_1" for layer in generator.layers)


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _load_keras_file(generator: keras.Model, path: Path) -> None:
    values = load_generator(path).get_weights()
    shapes = [value.shape for value in values]
    if shapes != [tuple(weight.shape) for weight in generator.weights]:
        raise InputError(path, f"not the weights of {generator.name}: the shapes of its layers differ")
    generator.set_weights(values)


def _load_npz(generator: keras.Model, path: Path) -> None:
    arrays = read_npz(path)
    if is_lasagne(arrays):
        return load_lasagne_arrays(generator, arrays, path)
    if "k00" not in arrays:
        raise InputError(path, "neither an ImageNet MobileNetV2 (k00, b00, …) nor released weights (arr_0, …)")
    if _is_vgg16(generator):
        raise InputError(path, f"holds a MobileNetV2, which is no start for {generator.name}")
    layers = enumerate(mobilenet_v2.encoder_layers())
    try:
        folded = {name: [arrays[f"k{index:02d}"], arrays[f"b{index:02d}"]] for index, name in layers}
    except KeyError as error:
        raise InputError(path, f"has no array {error} of a MobileNetV2") from error
    return assign_layers(generator, folded, path)


def _load_keras_applications(generator: keras.Model) -> None:
    vgg = _is_vgg16(generator)
    network = keras.applications.VGG16 if vgg else keras.applications.MobileNetV2
    try:
        source = network(include_top=False, weights="imagenet", input_shape=(224, 224, 3))
    except Exception as error:  # Keras wraps what the connection raised in a plain Exception.
        cause = f"could not be fetched ({_first_line(error)}); give a local file instead"
        raise InputError("imagenet", cause) from error
    if vgg:
        for name in vgg16.encoder_layers():
            block, index = name.removeprefix("conv").split("_")
            generator.get_layer(name).set_weights(source.get_layer(f"block{block}_conv{index}").get_weights())
        return
    for name in mobilenet_v2.encoder_layers():
        norm = source.get_layer("bn_Conv1" if name == "Conv1" else f"{name}_BN")
        (kernel,) = source.get_layer(name).get_weights()
        generator.get_layer(name).set_weights(_fold_batch_norm(kernel, norm))


def _fold_batch_norm(kernel: np.ndarray, norm: keras.layers.BatchNormalization) -> list[np.ndarray]:
    """Give the kernel and bias of a convolution that does what a bias-free one and its batch norm do."""
    gamma, beta, mean, variance = norm.get_weights()
    scale = gamma / np.sqrt(variance + norm.epsilon)
    # A depthwise kernel is (h, w, channels, 1), another (h, w, in, out).
    folded = kernel * (scale[:, None] if kernel.shape[-1] == 1 and scale.size != 1 else scale)
    return [folded, beta - mean * scale]
