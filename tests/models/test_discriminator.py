"""The discriminator: its size, its weight normalisation, and that files keep all of it."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from network_checks import assert_same_weights, random_images

from salgan_tf import build_discriminator
from salgan_tf.models.discriminator import WeightNormConv2D

LAYERS = ["merge", "conv1", "conv2_1", "conv2_2", "conv3_1", "conv3_2", "fc4", "fc5", "prob"]


def random_pairs(count: int = 2, height: int = 32, width: int = 32) -> np.ndarray:
    """Random saliency maps in [0, 1], concatenated with random images in [0, 255]."""
    saliency = np.random.default_rng(3).uniform(0, 1, (count, height, width, 1)).astype(np.float32)
    return np.concatenate([saliency, random_images(count, height, width)], axis=-1)


def test_layers_and_parameters_are_the_released_codes():
    discriminator = build_discriminator()
    assert discriminator.input_shape == (None, 192, 256, 4)
    # The released code counts its gains, which are fixed numbers, among the parameters.
    assert discriminator.count_params() == 1_359_424
    layers = [layer for layer in discriminator.layers if layer.weights]
    assert [layer.name for layer in layers] == LAYERS
    assert [layer.activation.__name__ for layer in layers] == ["relu"] * 6 + ["tanh"] * 2 + ["sigmoid"]
    assert [discriminator.get_layer(f"pool{index}").pool_size for index in (1, 2, 3)] == [(4, 4), (2, 2), (2, 2)]
    assert discriminator.get_layer("pool3").output.shape == (None, 12, 16, 64)


@pytest.mark.parametrize("spectral_normalization", [False, True])
def test_answer_is_a_probability_for_each_image(spectral_normalization):
    discriminator = build_discriminator((32, 48, 3), spectral_normalization)
    probability = np.asarray(discriminator(random_pairs(3, 32, 48)))
    assert probability.shape == (3, 1)
    assert probability.dtype == np.float32
    assert ((probability >= 0) & (probability <= 1)).all()


def test_weight_normalisation_is_the_released_codes():
    """Each filter becomes W g / sqrt(1e-6 + sum W^2), also a filter so short that the 1e-6 matters."""
    random = np.random.default_rng(5)
    kernel = random.normal(size=(3, 3, 4, 6)) * np.array([1.0, 1e-4, 0.01, 3.0, 10.0, 1.0])
    bias, gain = random.normal(size=6), random.uniform(0.5, 2.0, 6)
    inputs = random.normal(size=(1, 7, 9, 4))
    layer = WeightNormConv2D(6, 3, padding="same")
    layer.build(inputs.shape)
    layer.set_weights([kernel, bias, gain])
    normalized = kernel * gain / np.sqrt(1e-6 + (kernel**2).sum(axis=(0, 1, 2)))
    expected = keras.ops.conv(inputs, normalized, padding="same") + bias
    np.testing.assert_allclose(layer(inputs.astype(np.float32)), expected, rtol=1e-4, atol=1e-5)


def test_gain_is_kept_and_not_trained():
    layer = WeightNormConv2D(6, 3)
    layer.build((None, 8, 8, 4))
    np.testing.assert_array_equal(layer.gain, np.ones(6))
    assert [weight.name for weight in layer.trainable_weights] == ["kernel", "bias"]
    assert [weight.name for weight in layer.non_trainable_weights] == ["gain"]


@pytest.mark.parametrize("ending", [".keras", ".weights.h5"])
@pytest.mark.parametrize("spectral_normalization", [False, True])
def test_file_keeps_every_weight(ending, spectral_normalization, tmp_path):
    discriminator = build_discriminator((32, 32, 3), spectral_normalization)
    random = np.random.default_rng(11)
    discriminator.set_weights([value + random.normal(size=value.shape) for value in discriminator.get_weights()])
    path = tmp_path / f"discriminator{ending}"
    if ending == ".keras":
        discriminator.save(path)
        loaded = keras.saving.load_model(path)
    else:
        discriminator.save_weights(path)
        loaded = build_discriminator((32, 32, 3), spectral_normalization)
        loaded.load_weights(path)
    assert_same_weights(loaded, discriminator)
    np.testing.assert_allclose(loaded(random_pairs()), discriminator(random_pairs()), rtol=0, atol=1e-6)


def test_spectral_normalisation_bounds_each_layer_and_trains():
    keras.utils.set_random_seed(0)
    discriminator = build_discriminator((32, 32, 3), spectral_normalization=True)
    wrapped = [layer for layer in discriminator.layers if isinstance(layer, keras.layers.SpectralNormalization)]
    assert [layer.name for layer in wrapped] == LAYERS[:-1]
    assert not any(isinstance(layer.layer, WeightNormConv2D) for layer in wrapped)
    for layer in wrapped:
        layer.kernel.assign(3.0 * layer.kernel)
    pairs = random_pairs()
    for _ in range(30):
        discriminator(pairs, training=True)
    for layer in wrapped:
        matrix = np.reshape(layer.kernel, (-1, layer.kernel.shape[-1]))
        assert np.linalg.norm(matrix, ord=2) == pytest.approx(1.0, rel=0.1), layer.name
    before = discriminator.get_weights()
    discriminator.compile("sgd", "binary_crossentropy", jit_compile=False)
    assert np.isfinite(discriminator.train_on_batch(pairs, np.array([[1.0], [0.0]])))
    after = discriminator.get_weights()
    assert all(np.isfinite(value).all() for value in after)
    assert any((first != second).any() for first, second in zip(before, after, strict=True))


@pytest.mark.parametrize("seed", range(3))
def test_gradients_reach_the_first_layer_at_the_start(seed):
    """With the same scale for the photograph's 0 to 255 and the map's 0 to 1, tanh would be saturated and pass none."""
    keras.utils.set_random_seed(seed)
    discriminator = build_discriminator((96, 128, 3))
    pairs = random_pairs(4, 96, 128)
    with tf.GradientTape() as tape:
        loss = keras.ops.mean(keras.ops.log(discriminator(pairs)))
    hidden = keras.Model(discriminator.input, discriminator.get_layer("fc4").output)(pairs)
    assert float(keras.ops.mean(keras.ops.abs(hidden))) < 0.9
    gradients = tape.gradient(loss, discriminator.get_layer("fc4").trainable_variables)
    assert max(float(keras.ops.max(keras.ops.abs(gradient))) for gradient in gradients) > 1e-5
