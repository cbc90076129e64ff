"""ML-Net, SalNet and SALICON: what the papers say of each. test_generator.py has what all networks share."""

import keras
import numpy as np
import pytest
from network_checks import random_images, run_to_layer

from salgan_tf import build_generator
from salgan_tf.models.vgg16 import ENCODER_LAYERS


@pytest.fixture(scope="module")
def imagenet(tmp_path_factory):
    """A file of a VGG-16 with random numbers whose features neither fade nor grow, and the network that has them."""
    keras.utils.set_random_seed(0)
    source = build_generator("vgg16", (64, 64, 3))
    arrays = {}
    for index, name in enumerate(ENCODER_LAYERS):
        layer = source.get_layer(name)
        layer.bias.assign(np.random.default_rng(index).uniform(-0.1, 0.1, layer.bias.shape))
        arrays[f"k{index:02d}"], arrays[f"b{index:02d}"] = layer.get_weights()
    path = tmp_path_factory.mktemp("imagenet") / "vgg16.npz"
    np.savez(path, **arrays)
    return path, source


@pytest.fixture(scope="module")
def mlnet(imagenet):
    keras.utils.set_random_seed(0)
    return build_generator("mlnet", (160, 240, 3), weights=imagenet[0])


@pytest.fixture(scope="module")
def salicon(imagenet):
    return build_generator("salicon", (128, 128, 3), weights=imagenet[0])


@pytest.mark.parametrize(
    ("backbone", "image_shape", "count"),
    [
        ("mlnet", (480, 640, 3), 15_452_145),
        ("salnet", (240, 320, 3), 25_806_210),
        ("salicon", (192, 256, 3), 29_430_401),
    ],
)
def test_network_has_the_parameters_of_its_paper(backbone, image_shape, count):
    generator = build_generator(backbone, image_shape)
    assert generator.count_params() == count
    assert all(layer.trainable for layer in generator.layers)


# === ML-Net ===


def test_mlnet_reads_three_depths_at_an_eighth_of_the_size(mlnet):
    features = mlnet.get_layer("features")
    assert [tensor.shape[1:] for tensor in features.input] == [(20, 30, 256), (20, 30, 512), (20, 30, 512)]


def test_mlnets_prior_brightens_the_squares_of_its_weights(mlnet):
    prior, images = mlnet.get_layer("prior"), random_images(2, 160, 240)
    plain = np.asarray(mlnet(images))
    assert plain.max(axis=(1, 2, 3)) == pytest.approx([1, 1])
    # Two rows and three columns of weights; the last is at the lower right.
    assert prior.kernel.shape == (1, 6)
    prior.kernel.assign([[0, 0, 0, 0, 0, 3]])
    ratio = np.asarray(mlnet(images)) / np.maximum(plain, 1e-6)
    prior.kernel.assign(np.zeros((1, 6)))
    for image, saliency in zip(ratio, plain, strict=True):
        # Far from the last weight nothing changes but the maximum by which the map is divided.
        far, near = image[:60, :60][saliency[:60, :60] > 0.1], image[-30:, -30:][saliency[-30:, -30:] > 0.1]
        np.testing.assert_allclose(near, 4 * far.mean(), rtol=1e-3)


def test_mlnets_map_does_not_depend_on_the_scale_of_its_last_layer(mlnet):
    images, output = random_images(1, 160, 240), mlnet.get_layer("output")
    before, weights = np.asarray(mlnet(images)), output.get_weights()
    output.set_weights([1000 * array for array in weights])
    np.testing.assert_allclose(mlnet(images), before, atol=1e-4)
    output.set_weights([-np.abs(array) for array in weights])
    # Nothing is left of the map, and nothing is divided by 0.
    np.testing.assert_array_equal(mlnet(images), 0)
    output.set_weights(weights)


# === SalNet ===


def test_salnet_normalizes_the_response_over_five_channels():
    generator = build_generator("salnet", (16, 16, 3))
    images = random_images(1, 16, 16)
    kernel, bias = generator.get_layer("conv1").get_weights()
    generator.get_layer("conv1").set_weights([10 * kernel, bias])
    x = run_to_layer(generator, "conv1", images).astype(np.float64)
    padded = np.pad(x**2, [(0, 0), (0, 0), (0, 0), (2, 2)])
    total = np.stack([padded[..., channel : channel + 5].sum(axis=-1) for channel in range(96)], axis=-1)
    expected = x / (1 + 1e-4 / 5 * total) ** 0.75
    assert np.abs(expected - x).max() > 0.5 * x.max()
    pooled = keras.layers.MaxPooling2D(3, strides=2, padding="same")(expected.astype(np.float32))
    np.testing.assert_allclose(run_to_layer(generator, "pool1", images), pooled, rtol=1e-4, atol=1e-3)


# === SALICON ===


def test_salicon_sees_the_picture_at_two_scales_with_an_encoder_each(salicon, imagenet):
    images = random_images(1, 128, 128)
    half = np.asarray(keras.layers.AveragePooling2D(2)(images))
    _, source = imagenet
    expected = run_to_layer(source, "conv5_3", half)
    found = run_to_layer(salicon, "coarse_conv5_3", images)
    assert expected.std() > 0.01
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4 * expected.max())
    fine, coarse = (salicon.get_layer(f"{scale}_conv3_1") for scale in ("fine", "coarse"))
    np.testing.assert_array_equal(fine.kernel, coarse.kernel)
    assert fine.kernel is not coarse.kernel
