"""Bias correction: by hand, and for its purpose: rounded weights that leave the mean output of a layer alone."""

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


def changed_weights(before: keras.Model, after: keras.Model) -> list[bool]:
    pairs = zip(before.get_weights(), after.get_weights(), strict=True)
    return [not np.array_equal(old, new) for old, new in pairs]


@pytest.fixture(scope="module")
def tiny():
    return tiny_generator()


@pytest.fixture(scope="module")
def convolution():
    """Without padding, whose zeros would make the mean input differ from what a filter sees."""
    return one_layer(keras.layers.Conv2D(3, (2, 3), name="layer"))


DEPTHWISE = np.zeros((2, 2, 3, 1), np.float32)
DEPTHWISE[..., 0, 0], DEPTHWISE[..., 1, 0], DEPTHWISE[0, 1, 2, 0] = 0.25, -0.75, 2.5


@pytest.mark.parametrize(
    ("layer", "kernel", "bias"),
    [
        # Rounded to 1, 0, 2 and 4, -1, 0: 10 * 0.4 - 20 * 0.3 = -2, and 20 * 0.25 - 40 * 0.5 = -15.
        (keras.layers.Conv2D(2, 1), [[[[0.6, 4.0], [0.3, -1.25], [2.0, 0.5]]]], [2, 15]),
        # Four times 0.25 too little of 10, four times 0.25 too much off 20, and 2.5 rounds to the even 2.
        (keras.layers.DepthwiseConv2D(2), DEPTHWISE, [10, 20, 20]),
        # Two filters share each channel.
        (
            keras.layers.DepthwiseConv2D(1, depth_multiplier=2),
            [[[[0.25, 1.25], [-0.25, 1], [0, 0.75]]]],
            [2.5, 2.5, -5, 0, 0, -10],
        ),
    ],
)
def test_the_shift_of_a_layer_is_subtracted_from_its_bias(layer, kernel, bias):
    model = one_layer(layer)
    start = np.arange(len(bias), dtype=np.float32)
    model.set_weights([np.array(kernel, np.float32), start])
    copy = correct_biases(model, constant_pictures((10, 20, 40)), to_whole_numbers)
    np.testing.assert_allclose(copy.get_weights()[1], start + bias, atol=1e-4)
    assert changed_weights(model, copy) == [False, True]


@settings(deadline=None, max_examples=15)
@given(
    seed=st.integers(0, 999),
    spread=st.sampled_from((0.01, 1, 30)),
    color=st.tuples(*[st.integers(0, 255)] * 3),
)
def test_nothing_is_lost_on_a_constant_picture(convolution, seed, spread, color):
    random = np.random.default_rng(seed)
    kernel, bias = (random.normal(0, spread, weight.shape) for weight in convolution.weights)
    convolution.set_weights([kernel, bias])
    pictures = constant_pictures(color)
    expected = run(convolution, pictures)
    found = run(round_kernels(correct_biases(convolution, pictures), round_to_int8), pictures)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=spread * 0.02)


def test_part_of_the_loss_behind_relu6_is_regained():
    """The part of the maps' error that rounding adds to every pixel is corrected; the rest differs by pixel."""
    pictures = random_pictures(8)
    plain = left = 0.0
    for seed in range(3):
        model = randomize(tiny_generator(), seed)
        expected = run(model, pictures)
        plain += np.abs(run(round_kernels(model, to_four_bits), pictures) - expected).mean()
        corrected = correct_biases(model, pictures, to_four_bits)
        left += np.abs(run(round_kernels(corrected, to_four_bits), pictures) - expected).mean()
    assert left < 0.9 * plain


def test_only_the_biases_of_a_copy_are_changed(tiny):
    before = keras.models.clone_model(tiny)
    before.set_weights(tiny.get_weights())
    copy = correct_biases(tiny, random_pictures(3), to_four_bits)
    assert not any(changed_weights(before, tiny))
    assert changed_weights(tiny, copy) == [len(weight.shape) == 1 for weight in tiny.weights]


def test_exact_weights_need_no_correction(tiny):
    copy = correct_biases(tiny, random_pictures(3), lambda kernel, axes: kernel)
    assert not any(changed_weights(tiny, copy))


@pytest.mark.parametrize("options", [{"use_bias": False}, {"groups": 3}])
def test_layers_that_cannot_be_corrected_stay_as_they_are(options):
    model = one_layer(keras.layers.Conv2D(3, 1, **options), SHAPE)
    assert not any(changed_weights(model, correct_biases(model, random_pictures(2), to_whole_numbers)))


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
    # Weights below 1e-20 become 0: near the smallest float a scale has no digits left.
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


@given(st.lists(st.floats(width=16, allow_nan=False, allow_infinity=False), min_size=1))
def test_float16_keeps_what_it_can_hold_and_rounds_the_rest(values):
    kernel = np.array([*values, 1 + 2**-12], np.float32)
    rounded = round_to_float16(kernel, (0,))
    assert rounded.dtype == np.float32
    np.testing.assert_array_equal(rounded, [*values, 1])
