"""Bias correction: by hand, and as what it is for: rounded weights that leave a layer's mean output alone."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from networks import SHAPE, random_pictures, randomize, tiny_generator

from salgan_tf.exporting.bias_correction import correct_biases, round_to_float16, round_to_int8


def to_whole_numbers(kernel: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    return np.rint(kernel)


def to_four_bits(kernel: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    scale = np.abs(kernel).max(axis=axes, keepdims=True) / 7
    return np.rint(kernel / scale) * scale


def one_layer(layer: keras.layers.Layer, shape: tuple[int, int] = (4, 6)) -> keras.Model:
    image = keras.Input((*shape, 3), name="image")
    return keras.Model(image, layer(image))


def constant_pictures(color: tuple[int, int, int], shape: tuple[int, int] = (4, 6)) -> np.ndarray:
    return np.broadcast_to(np.array(color, np.uint8), (5, *shape, 3))


def round_kernels(generator: keras.Model, rounding) -> keras.Model:
    """Copy a generator with the kernels that a file would have."""
    copy = keras.models.clone_model(generator)
    copy.set_weights(generator.get_weights())
    for layer in copy.layers:
        if layer.weights:
            axes = (0, 1) if isinstance(layer, keras.layers.DepthwiseConv2D) else (0, 1, 2)
            kernel, *bias = layer.get_weights()
            layer.set_weights([rounding(kernel, axes), *bias])
    return copy


def run(generator: keras.Model, pictures: np.ndarray) -> np.ndarray:
    return generator.predict_on_batch(pictures.astype(np.float32))


@pytest.fixture(scope="module")
def tiny():
    return tiny_generator()


@pytest.fixture(scope="module")
def convolution():
    """Without padding, at whose zeros the mean input is not what a filter sees."""
    return one_layer(keras.layers.Conv2D(3, (2, 3), name="layer"))


def test_the_shift_of_a_convolution_is_taken_off_its_bias():
    model = one_layer(keras.layers.Conv2D(2, 1, name="layer"))
    kernel = np.array([[0.6, 4.0], [0.3, -1.25], [2.0, 0.5]], np.float32)[None, None]
    model.set_weights([kernel, np.array([5, 6], np.float32)])
    copy = correct_biases(model, constant_pictures((10, 20, 40)), to_whole_numbers)
    # Rounded to 1, 0, 2 and 4, -1, 0: 10 * 0.4 - 20 * 0.3 = -2, and 20 * 0.25 - 40 * 0.5 = -15.
    np.testing.assert_allclose(copy.get_layer("layer").get_weights()[1], [7, 21], atol=1e-4)
    np.testing.assert_array_equal(copy.get_layer("layer").get_weights()[0], kernel)


def test_the_shift_of_a_depthwise_convolution_is_its_own_channels():
    model = one_layer(keras.layers.DepthwiseConv2D(2, name="layer"))
    kernel = np.zeros((2, 2, 3, 1), np.float32)
    kernel[..., 0, 0], kernel[..., 1, 0], kernel[0, 1, 2, 0] = 0.25, -0.75, 2.5
    model.set_weights([kernel, np.zeros(3, np.float32)])
    copy = correct_biases(model, constant_pictures((10, 20, 40)), to_whole_numbers)
    # Four times 0.25 too little of 10, four times 0.25 too much off 20, and 2.5 rounds to the even 2.
    np.testing.assert_allclose(copy.get_layer("layer").get_weights()[1], [10, 20, 20], atol=1e-4)


def test_filters_that_share_a_channel_are_corrected_each():
    model = one_layer(keras.layers.DepthwiseConv2D(1, depth_multiplier=2, name="layer"))
    kernel = np.array([[0.25, 1.25], [-0.25, 1], [0, 0.75]], np.float32)[None, None]
    model.set_weights([kernel, np.zeros(6, np.float32)])
    copy = correct_biases(model, constant_pictures((4, 8, 12)), to_whole_numbers)
    np.testing.assert_allclose(copy.get_layer("layer").get_weights()[1], [1, 1, -2, 0, 0, -3], atol=1e-5)


@settings(deadline=None, max_examples=15)
@given(
    seed=st.integers(0, 999),
    spread=st.sampled_from((0.01, 1, 30)),
    color=st.tuples(*[st.integers(0, 255)] * 3),
)
def test_of_a_constant_picture_nothing_is_lost(convolution, seed, spread, color):
    random = np.random.default_rng(seed)
    kernel, bias = (random.normal(0, spread, weight.shape) for weight in convolution.weights)
    convolution.set_weights([kernel, bias])
    pictures = constant_pictures(color)
    expected = run(convolution, pictures)
    found = run(round_kernels(correct_biases(convolution, pictures), round_to_int8), pictures)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=spread * 0.02)


def test_what_rounding_loses_behind_relu6_is_partly_regained():
    """Of the maps' error a part is what rounding adds to every pixel, which is taken off; the rest is each pixel's."""
    pictures = random_pictures(8)
    plain = left = 0.0
    for seed in range(3):
        model = randomize(tiny_generator(), seed)
        expected = run(model, pictures)
        plain += np.abs(run(round_kernels(model, to_four_bits), pictures) - expected).mean()
        corrected = correct_biases(model, pictures, to_four_bits)
        left += np.abs(run(round_kernels(corrected, to_four_bits), pictures) - expected).mean()
    assert left < 0.9 * plain


def test_the_model_itself_is_not_changed(tiny):
    before = [weight.copy() for weight in tiny.get_weights()]
    copy = correct_biases(tiny, random_pictures(3), to_four_bits)
    for old, new in zip(before, tiny.get_weights(), strict=True):
        np.testing.assert_array_equal(new, old)
    changed = [not np.array_equal(old, new) for old, new in zip(before, copy.get_weights(), strict=True)]
    # Kernels stay, biases do not.
    assert changed == [len(weight.shape) == 1 for weight in before]


def test_exact_weights_need_no_correction(tiny):
    copy = correct_biases(tiny, random_pictures(3), lambda kernel, axes: kernel)
    for old, new in zip(tiny.get_weights(), copy.get_weights(), strict=True):
        np.testing.assert_array_equal(new, old)


@pytest.mark.parametrize("options", [{"use_bias": False}, {"groups": 3}])
def test_layers_that_cannot_be_corrected_stay_as_they_are(options):
    model = one_layer(keras.layers.Conv2D(3, 1, **options), SHAPE)
    copy = correct_biases(model, random_pictures(2), to_whole_numbers)
    for old, new in zip(model.get_weights(), copy.get_weights(), strict=True):
        np.testing.assert_array_equal(new, old)


def test_the_rest_is_corrected_beside_a_layer_without_bias():
    image = keras.Input((*SHAPE, 3))
    x = keras.layers.Conv2D(3, 1, use_bias=False, name="bare")(image)
    model = keras.Model(image, keras.layers.Conv2D(1, 1, name="layer")(x))
    model.set_weights([np.eye(3)[None, None], np.full((1, 1, 3, 1), 0.25), np.zeros(1)])
    copy = correct_biases(model, constant_pictures((4, 8, 12), SHAPE), to_whole_numbers)
    np.testing.assert_allclose(copy.get_layer("layer").get_weights()[1], [6], atol=1e-5)


kernels = arrays.arrays(
    np.float32,
    arrays.array_shapes(min_dims=4, max_dims=4, max_side=4),
    # Weights below 1e-20 are nothing: near the smallest float a scale has no digits left.
    elements=st.floats(-100, 100, width=32).map(lambda weight: weight if abs(weight) > 1e-20 else 0.0),
)


@given(kernels, st.sampled_from(((0, 1), (0, 1, 2))))
def test_int8_keeps_each_filters_largest_weight_and_every_sign(kernel, axes):
    rounded = round_to_int8(kernel, axes)
    largest = np.abs(kernel).max(axis=axes, keepdims=True)
    np.testing.assert_allclose(np.abs(rounded).max(axis=axes, keepdims=True), largest, rtol=1e-5)
    assert (rounded * np.sign(kernel) >= 0).all()
    assert (np.abs(rounded - kernel) <= largest / 254 * 1.001 + 1e-37).all()
    levels = rounded / np.maximum(largest / 127, np.finfo(np.float32).tiny)
    np.testing.assert_allclose(levels, np.rint(levels), atol=1e-3)


def test_int8_has_a_scale_for_each_filter():
    kernel = np.array([[1.0, 1000.0], [0.5, 400.0]], np.float32)[None, None]
    rounded = round_to_int8(kernel, (0, 1, 2))
    np.testing.assert_allclose(rounded[0, 0], [[1, 1000], [64 / 127, 1000 * 51 / 127]], rtol=1e-6)


@given(st.lists(st.floats(width=16, allow_nan=False, allow_infinity=False), min_size=1))
def test_float16_keeps_what_it_can_hold(values):
    kernel = np.array(values, np.float32)
    rounded = round_to_float16(kernel, (0,))
    assert rounded.dtype == np.float32
    np.testing.assert_array_equal(rounded, kernel)


def test_float16_rounds_the_rest():
    np.testing.assert_array_equal(round_to_float16(np.float32([1 + 2**-12, 1 + 2**-10]), (0,)), [1, 1 + 2**-10])


def test_randomized_networks_differ_by_seed(tiny):
    """The networks of these tests are the same in every run."""
    again, other = randomize(tiny_generator()), randomize(tiny_generator(), seed=1)
    for old, new in zip(tiny.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(new, old)
    assert not np.array_equal(other.get_weights()[0], tiny.get_weights()[0])
