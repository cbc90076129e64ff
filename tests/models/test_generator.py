"""The generators: their sizes, names and ranges, and the arithmetic that an exported file must contain."""

import subprocess
import sys

import keras
import numpy as np
import pytest
from conftest import few_filters
from network_checks import random_images

from salgan_tf import build_generator
from salgan_tf.models.backbones import BACKBONES

ENCODER_BLOCKS = {"conv1": 2, "conv2": 2, "conv3": 3, "conv4": 3, "conv5": 3}
DECODER_BLOCKS = {"uconv5": 3, "uconv4": 3, "uconv3": 3, "uconv2": 2, "uconv1": 2}

# In a fresh process that cannot import this package.
PLAIN_KERAS_SCRIPT = """
import sys
sys.modules["salgan_tf"] = None
import keras, numpy as np
images = np.load("images.npy")
np.savez("saliency.npz", **{name: keras.models.load_model(name + ".keras")(images) for name in sys.argv[1:]})
"""


@pytest.fixture(scope="module")
def vgg16():
    return build_generator("vgg16", (32, 48, 3))


@pytest.fixture(scope="module")
def mobilenet_v2():
    return build_generator("mobilenet_v2", (64, 96, 3))


def count_multiplications(model: keras.Model) -> int:
    """Count the multiply-accumulate operations for an image: each number of a kernel is used once at each place."""
    layers = [layer for layer in model.layers if hasattr(layer, "kernel")]
    return sum(int(np.prod(layer.output.shape[1:-1]) * np.prod(layer.kernel.shape)) for layer in layers)


def test_vgg16_has_the_parameters_and_multiplications_of_the_paper():
    generator = build_generator("vgg16")
    assert generator.output_shape == (None, 192, 256, 1)
    assert generator.count_params() == 31_787_009
    assert count_multiplications(generator) == pytest.approx(39.95e9, rel=1e-3)


def test_vgg16_layers_are_named_as_in_the_paper(vgg16):
    encoder = [f"{block}_{index}" for block, depth in ENCODER_BLOCKS.items() for index in range(1, depth + 1)]
    decoder = [f"{block}_{index}" for block, depth in DECODER_BLOCKS.items() for index in range(depth, 0, -1)]
    convolutions = [layer for layer in vgg16.layers if isinstance(layer, keras.layers.Conv2D)]
    assert [layer.name for layer in convolutions] == [*encoder, *decoder, "output"]
    assert {layer.activation.__name__ for layer in convolutions[:-1]} == {"relu"}
    assert convolutions[-1].activation.__name__ == "sigmoid"
    assert sum(isinstance(layer, keras.layers.MaxPooling2D) for layer in vgg16.layers) == 4


def test_vgg16_freezes_the_first_three_blocks_and_no_more(vgg16):
    frozen = {layer.name for layer in vgg16.layers if layer.weights and not layer.trainable_weights}
    expected = {f"{block}_{index}" for block in ("conv1", "conv2", "conv3") for index in range(1, 4)}
    assert frozen == expected - {"conv1_3", "conv2_3"}
    assert all(layer.trainable for layer in vgg16.layers if layer.weights and layer.name not in frozen)


def test_mobilenet_v2_is_small_enough_for_a_phone():
    generator = build_generator("mobilenet_v2")
    assert generator.output_shape == (None, 192, 256, 1)
    assert 2_000_000 < generator.count_params() <= 3_000_000
    assert 0.2e9 < count_multiplications(generator) <= 0.6e9


def test_mobilenet_v2_uses_only_operations_that_devices_have(mobilenet_v2):
    """No tiled upsampling, and no activation without a fixed range for int8: ReLU6, and a sigmoid at the end."""
    layers, linear = mobilenet_v2.layers, keras.activations.linear
    assert not any(isinstance(layer, keras.layers.UpSampling2D) for layer in layers)
    rectifiers = [layer for layer in layers if isinstance(layer, keras.layers.ReLU)]
    assert len(rectifiers) > 35
    assert {(layer.max_value, layer.negative_slope, layer.threshold) for layer in rectifiers} == {(6.0, 0.0, 0.0)}
    (last,) = (layer for layer in layers if getattr(layer, "activation", linear) is not linear)
    assert last.activation is keras.activations.sigmoid
    assert not any(layer.weights for layer in layers[layers.index(last) + 1 :])


@pytest.mark.parametrize("backbone", BACKBONES)
def test_saliency_has_the_size_of_the_image_and_lies_between_0_and_1(backbone):
    height, width = 64, 128
    with few_filters():
        generator = build_generator(backbone, (height, width, 3))
    images = np.concatenate([random_images(1, height, width), np.zeros((1, height, width, 3))]).astype(np.uint8)
    saliency = np.asarray(generator(images))
    assert saliency.shape == (2, height, width, 1)
    assert saliency.dtype == np.float32
    assert saliency.min() >= 0
    assert saliency.max() <= 1
    assert generator.name == f"salgan_{backbone}"
    assert [tensor.name for tensor in generator.inputs] == ["image"]
    np.testing.assert_array_equal(generator(images.astype(np.float32)), saliency, err_msg="floats and bytes differ")


@pytest.mark.parametrize("backbone", ["mobilenet_v2", "efficientnet_lite0"])
def test_slim_generators_have_the_same_encoder_and_a_narrower_decoder(backbone):
    full, slim = (build_generator(name, (32, 32, 3)) for name in (backbone, f"{backbone}_slim"))
    encoder = set(BACKBONES[backbone].encoder_layers)
    assert BACKBONES[f"{backbone}_slim"].encoder_layers == BACKBONES[backbone].encoder_layers

    def sizes(generator, of_encoder):
        return {
            layer.name: layer.count_params()
            for layer in generator.layers
            if layer.weights and (layer.name in encoder) == of_encoder
        }

    assert sizes(slim, True) == sizes(full, True)
    assert sizes(slim, False).keys() == sizes(full, False).keys()
    assert sum(sizes(slim, False).values()) < 0.25 * sum(sizes(full, False).values())


@pytest.mark.parametrize("backbone", ["resnet50", "", "VGG16"])
def test_unknown_backbone_is_refused(backbone):
    with pytest.raises(ValueError, match="backbone"):
        build_generator(backbone, (32, 32, 3))


def test_saved_generators_load_without_this_package(tmp_path):
    """Plain Keras reads the files, in its safe mode, and predicts the same."""
    images = random_images(2, 64, 64)
    np.save(tmp_path / "images.npy", images)
    with few_filters():
        generators = {name: build_generator(name, (64, 64, 3)) for name in BACKBONES}
    for name, generator in generators.items():
        generator.save(tmp_path / f"{name}.keras")
    command = [sys.executable, "-c", PLAIN_KERAS_SCRIPT, *generators]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stderr[-3000:]
    with np.load(tmp_path / "saliency.npz") as saliency:
        for name, generator in generators.items():
            np.testing.assert_allclose(saliency[name], generator(images), rtol=0, atol=1e-6)
