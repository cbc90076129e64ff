"""EfficientNet-Lite as an encoder: the published networks' parameters, and the scales that the decoder takes."""

import numpy as np
import pytest
from network_checks import random_images

from salgan_tf import build_generator
from salgan_tf.models.backbones import BACKBONES

CLASSES, WIDEST = 1000, 1280


@pytest.fixture(scope="module", params=["efficientnet_lite0", "efficientnet_lite2"])
def generator(request):
    return build_generator(request.param, (64, 96, 3))


def encoder_layers(generator):
    return [generator.get_layer(name) for name in BACKBONES[generator.name.removeprefix("salgan_")].encoder_layers]


def test_encoder_has_the_parameters_of_the_published_network(generator):
    """Trainable parameters as timm counts them. There, each bias is a batch norm's scale and shift."""
    published = {"salgan_efficientnet_lite0": 4_652_008, "salgan_efficientnet_lite2": 6_092_072}[generator.name]
    kernels, biases = zip(*(layer.get_weights() for layer in encoder_layers(generator)), strict=True)
    encoder = sum(kernel.size for kernel in kernels) + 2 * sum(bias.size for bias in biases)
    head = kernels[-1].shape[-1] * WIDEST + 2 * WIDEST + (WIDEST + 1) * CLASSES
    assert encoder + head == published


def test_decoder_takes_the_widest_features_of_three_scales(generator):
    for scale in (16, 8, 4):
        skip = generator.get_layer(f"skip_{scale}").input
        assert skip.shape[1:3] == (64 // scale, 96 // scale)
        assert skip.shape[-1] >= 6 * 24


def test_start_is_read_from_a_file_in_network_order(generator, tmp_path):
    random = np.random.default_rng(0)
    arrays = {}
    for index, layer in enumerate(encoder_layers(generator)):
        kernel, bias = layer.get_weights()
        arrays[f"k{index:02d}"] = (0.1 * random.standard_normal(kernel.shape)).astype(np.float16)
        arrays[f"b{index:02d}"] = random.standard_normal(bias.shape).astype(np.float32)
    np.savez(tmp_path / "start.npz", **arrays)
    backbone = generator.name.removeprefix("salgan_")
    started = build_generator(backbone, (64, 96, 3), weights=tmp_path / "start.npz")
    for index, layer in enumerate(encoder_layers(started)):
        np.testing.assert_array_equal(layer.get_weights()[0], arrays[f"k{index:02d}"])
        np.testing.assert_array_equal(layer.get_weights()[1], arrays[f"b{index:02d}"])
    assert np.ptp(np.asarray(started(random_images(1, 64, 96)))) > 0
