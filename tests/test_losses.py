"""The losses: against the metrics, whose own tests have numbers by hand and invariants, and against plain numpy."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from salgan_tf import losses
from salgan_tf.metrics import maps, points

MAP_LOSSES = {
    "kl": losses.kl_divergence,
    "cc": losses.correlation_coefficient,
    "sim": losses.similarity,
    "nss": losses.normalized_scanpath_saliency,
    "bce": losses.downsampled_binary_crossentropy,
}
seeds = st.integers(0, 2**32 - 1)


def batch(*images) -> np.ndarray:
    """Stack maps (H, W) to float32 (B, H, W, 1)."""
    return np.stack([np.asarray(image, np.float32) for image in images])[..., None]


def random_maps(seed: int, count: int = 2, side: int = 8) -> np.ndarray:
    """Random maps in [0, 1] of different contrasts; some pixels are exactly 0."""
    random = np.random.default_rng(seed)
    values = random.uniform(0, 1, (count, side, side, 1)) ** random.uniform(0.5, 4, (count, 1, 1, 1))
    return (values * (random.uniform(size=values.shape) > 0.1)).astype(np.float32)


def random_fixations(seed: int, count: int = 2, side: int = 8) -> np.ndarray:
    """Random fixation counts, at least one per image."""
    fixations = np.random.default_rng(seed).poisson(0.2, (count, side, side, 1)).astype(np.float32)
    fixations[:, 0, 0] += 1
    return fixations


# === Values ===


def test_density_sums_to_1_and_of_zeros_is_uniform():
    density = np.asarray(losses.to_density(batch([[1, 3], [0, 4]], [[0, 0], [0, 0]])))
    np.testing.assert_allclose(density[0, ..., 0], [[0.125, 0.375], [0, 0.5]])
    np.testing.assert_allclose(density[1, ..., 0], np.full((2, 2), 0.25))


def test_nss_without_fixations_is_0():
    nowhere, prediction = batch(np.zeros((2, 2))), batch([[0, 0], [0, 4]])
    np.testing.assert_array_equal(losses.normalized_scanpath_saliency(nowhere, prediction), [0])


@pytest.mark.parametrize("constant", [0.0, 0.1, 0.7, 1.0])
def test_constant_map_has_no_contrast(constant):
    """With this number of pixels, the float32 mean of a constant is not that constant."""
    flat, random = np.full((2, 150, 150, 1), constant, np.float32), random_maps(1, side=150)
    fixations = random_fixations(1, side=150)
    np.testing.assert_array_equal(losses.correlation_coefficient(random, flat), [0, 0])
    np.testing.assert_array_equal(losses.correlation_coefficient(flat, random), [0, 0])
    np.testing.assert_array_equal(losses.normalized_scanpath_saliency(fixations, flat), [0, 0])
    np.testing.assert_allclose(losses.kl_divergence(flat, flat), [0, 0], atol=1e-5)
    np.testing.assert_allclose(losses.similarity(flat, flat), [1, 1], rtol=1e-5)


@pytest.mark.parametrize("factor", [1, 2, 4])
def test_downsampled_crossentropy_is_that_of_averaged_squares(factor):
    truth, prediction = random_maps(2, side=16), random_maps(3, side=16)
    truth, prediction = truth[:, :8], prediction[:, :8]

    def average(values: np.ndarray) -> np.ndarray:
        squares = values[..., 0].astype(np.float64).reshape(2, 8 // factor, factor, 16 // factor, factor)
        return squares.mean(axis=(2, 4))

    q, p = average(truth), average(prediction).clip(1e-7, 1 - 1e-7)
    expected = -(q * np.log(p) + (1 - q) * np.log(1 - p)).mean(axis=(1, 2))
    actual = losses.downsampled_binary_crossentropy(truth, prediction, factor)
    np.testing.assert_allclose(actual, expected, rtol=1e-5)


@pytest.mark.parametrize("label", [1.0, 0.9, 0.0])
def test_adversarial_loss_is_the_crossentropy_of_a_label_that_may_be_smoothed(label):
    probability = np.array([0.5, 0.9, 0.1], np.float32)
    expected = -label * np.log(probability) - (1 - label) * np.log(1 - probability)
    np.testing.assert_allclose(losses.adversarial_loss(probability[:, None], label), expected, rtol=1e-5)


@settings(max_examples=25)
@given(seed=seeds)
def test_losses_agree_with_the_numpy_metrics(seed):
    truth, prediction, fixations = random_maps(seed), random_maps(seed + 1), random_fixations(seed)
    for name, metric in {"kl": maps.kl_divergence, "cc": maps.cc, "sim": maps.sim}.items():
        expected = [metric(ours[..., 0], theirs[..., 0]) for ours, theirs in zip(prediction, truth, strict=True)]
        np.testing.assert_allclose(MAP_LOSSES[name](truth, prediction), expected, rtol=1e-4, atol=1e-5, err_msg=name)
    places = [np.repeat(np.argwhere(counts), counts[counts > 0].astype(int), axis=0) for counts in fixations[..., 0]]
    expected = [points.nss(saliency[..., 0], where) for saliency, where in zip(prediction, places, strict=True)]
    np.testing.assert_allclose(MAP_LOSSES["nss"](fixations, prediction), expected, rtol=1e-4, atol=1e-5)


# === Gradients ===


def saturated_maps() -> np.ndarray:
    """Zeros, ones, half of each, and a single bright pixel."""
    half, pixel = np.zeros((8, 8)), np.zeros((8, 8))
    half[:4], pixel[2, 3] = 1, 1
    return batch(np.zeros((8, 8)), np.ones((8, 8)), half, pixel)


def assert_finite(loss, truth):
    """Assert that a loss of saturated predictions is a finite number for each map, with a finite gradient."""
    prediction = tf.Variable(saturated_maps())
    with tf.GradientTape() as tape:
        values = loss(truth, prediction)
    assert values.shape == (4,)
    assert np.isfinite(values).all()
    assert np.isfinite(tape.gradient(values, prediction)).all()


@pytest.mark.parametrize("name", MAP_LOSSES)
def test_gradient_of_saturated_predictions_is_finite(name):
    assert_finite(MAP_LOSSES[name], random_fixations(4, 4) if name == "nss" else random_maps(4, 4))


@pytest.mark.parametrize("loss", [losses.DownsampledBinaryCrossentropy(), losses.DensityLoss()])
@pytest.mark.parametrize("truth", [np.zeros((4, 8, 8, 1), np.float32), random_maps(4, 4)], ids=["zeros", "random"])
def test_gradient_of_content_losses_is_finite(loss, truth):
    assert_finite(loss, {"saliency": truth, "fixations": np.zeros_like(truth)})


def test_float16_maps_are_summed_in_float32():
    """256 x 256 ones sum to 65,536, more than float16 holds."""
    half = np.ones((1, 256, 256, 1), np.float16)
    half[0, :128] = 0.5
    for loss in (losses.kl_divergence, losses.similarity, losses.correlation_coefficient):
        np.testing.assert_allclose(loss(half, half), loss(half.astype(np.float32), half.astype(np.float32)))


# === Content losses ===


def test_density_loss_is_the_weighted_sum_of_its_terms():
    truth = {"saliency": random_maps(5), "fixations": random_fixations(5)}
    prediction = random_maps(6)
    names = ("kl", "cc", "sim", "bce")
    kl, cc, sim, bce = (np.asarray(MAP_LOSSES[name](truth["saliency"], prediction)) for name in names)
    nss = np.asarray(MAP_LOSSES["nss"](truth["fixations"], prediction))
    loss = losses.DensityLoss(kl=2.0, cc=3.0, nss=5.0, sim=11.0, bce=7.0)
    np.testing.assert_allclose(loss(truth, prediction), 2 * kl - 3 * cc - 5 * nss - 11 * sim + 7 * bce, rtol=1e-5)
    without = loss({"saliency": truth["saliency"]}, prediction)
    np.testing.assert_allclose(without, 2 * kl - 3 * cc - 11 * sim + 7 * bce, rtol=1e-5)


@pytest.mark.parametrize(
    "loss",
    [losses.DownsampledBinaryCrossentropy(factor=2), losses.DensityLoss(kl=0.3, cc=0.2, nss=0.7, bce=0.9)],
    ids=lambda loss: type(loss).__name__,
)
def test_content_loss_survives_being_saved(loss):
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
    truth = {"saliency": random_maps(7), "fixations": random_fixations(7)}
    assert type(again) is type(loss)
    assert again.get_config() == loss.get_config()
    np.testing.assert_array_equal(again(truth, random_maps(8)), loss(truth, random_maps(8)))


@pytest.mark.parametrize(
    ("text", "loss"),
    [
        ("bce", losses.DownsampledBinaryCrossentropy()),
        ("density", losses.DensityLoss()),
        ("kl=1,sim=0.5", losses.DensityLoss(kl=1, cc=0, nss=0, sim=0.5, bce=0)),
    ],
)
def test_content_losses_are_made_from_names_and_weights(text, loss):
    made = losses.make_content_loss(text)
    assert type(made) is type(loss)
    assert made.get_config() == loss.get_config()


@pytest.mark.parametrize("text", ["", "kl", "kl=", "kl=x", "mse=1", "kl=1;cc=1"])
def test_invalid_content_loss_is_refused_with_the_valid_ones(text):
    with pytest.raises(ValueError, match="bce, density, mlnet, mse, or weights of kl,cc,nss,sim,bce"):
        losses.make_content_loss(text)
