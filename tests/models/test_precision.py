"""Number formats: a network that computes in bfloat16, and the same in float32."""

import keras
import numpy as np
import pytest
from conftest import few_filters
from network_checks import assert_same_weights, random_images

from salgan_tf import build_generator
from salgan_tf.models.backbones import BACKBONES
from salgan_tf.models.precision import computing_in, to_float32


@pytest.mark.parametrize("backbone", BACKBONES)
def test_every_network_computes_in_bfloat16_and_is_copied_to_float32(backbone, tmp_path):
    keras.utils.set_random_seed(0)
    with few_filters(), computing_in("bfloat16"):
        network = build_generator(backbone, (64, 64, 3))
    assert keras.config.dtype_policy().name == "float32"
    assert {weight.dtype for weight in network.weights} == {"float32"}
    assert network.output.dtype == "float32"
    copy = to_float32(network)
    assert_same_weights(copy, network)
    assert [layer.trainable for layer in copy.layers] == [layer.trainable for layer in network.layers]
    copy.save(tmp_path / "copy.keras")
    images = random_images(1, 64, 64)
    in_float32 = np.asarray(keras.saving.load_model(tmp_path / "copy.keras")(images))
    expected = np.asarray(build_and_load(backbone, network)(images))
    np.testing.assert_allclose(in_float32, expected, rtol=0, atol=1e-6)
    assert np.abs(np.asarray(network(images)) - expected).max() > 1e-6
    assert to_float32(copy) is copy


def build_and_load(backbone: str, network: keras.Model) -> keras.Model:
    with few_filters():
        expected = build_generator(backbone, (64, 64, 3))
    expected.set_weights(network.get_weights())
    return expected
