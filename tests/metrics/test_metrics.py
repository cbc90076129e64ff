"""The metrics: numpy ones against hand-computed numbers, streaming ones as means over images."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from salgan_tf.metrics import maps, points, streaming

METRICS = {
    "cc": streaming.CorrelationCoefficient,
    "kl": streaming.KLDivergence,
    "sim": streaming.Similarity,
    "nss": streaming.NormalizedScanpathSaliency,
}
saliency_maps = arrays.arrays(np.float64, (4, 5), elements=st.floats(0, 1, width=32))
quickly = settings(deadline=None)


def random_batch(seed: int, count: int) -> tuple[dict, np.ndarray]:
    """Random truth, with fixations in every image, and predictions."""
    random = np.random.default_rng(seed)
    shape = (count, 8, 8, 1)
    fixations = random.poisson(0.2, shape)
    fixations[:, 1, 2] += 1
    truth = {"saliency": random.uniform(size=shape) ** 3, "fixations": fixations}
    return {name: value.astype(np.float32) for name, value in truth.items()}, random.uniform(size=shape).astype(
        "float32"
    )


def measure_each(name: str, truth: dict, prediction: np.ndarray) -> list[float]:
    """Measure each image with the numpy metrics."""
    if name == "nss":
        counts = truth["fixations"][..., 0].astype(int)
        places = [np.repeat(np.argwhere(one), one[one > 0], axis=0) for one in counts]
        return [points.nss(one[..., 0], where) for one, where in zip(prediction, places, strict=True)]
    metric = {"cc": maps.cc, "kl": maps.kl_divergence, "sim": maps.sim}[name]
    return [metric(one[..., 0], other[..., 0]) for one, other in zip(prediction, truth["saliency"], strict=True)]


# === Against fixations ===


def test_nss_of_four_pixels():
    """Map (0, 0, 0, 4): mean 1, deviation over N sqrt 3; a repeated fixation counts as often as it was made."""
    saliency = np.array([[0, 0], [0, 4]], np.uint8)
    assert points.nss(saliency, np.array([[1, 1]])) == pytest.approx(np.sqrt(3))
    assert points.nss(saliency, np.array([[1, 1], [1, 1], [0, 0]])) == pytest.approx(5 / 3 / np.sqrt(3))


def test_nss_takes_rows_before_columns():
    saliency = np.zeros((2, 3))
    saliency[1, 2] = 1
    assert points.nss(saliency, np.array([[1, 2]])) == pytest.approx(np.sqrt(5))


@pytest.mark.parametrize("constant", [0.0, 0.1, 1.0, 1e-30, 255.0])
def test_constant_map_scores_0(constant):
    flat, truth = np.full((7, 9), constant), np.random.default_rng(0).uniform(size=(7, 9))
    assert points.nss(flat, np.array([[3, 4]])) == 0.0
    assert maps.cc(flat, truth) == 0.0
    assert maps.cc(truth, flat) == 0.0


def test_nss_without_fixations_is_an_error():
    with pytest.raises(ValueError, match="fixation"):
        points.nss(np.eye(3), np.empty((0, 2), int))


# === Against densities ===


def test_cc_of_four_pixels():
    """Deviations (-3, -1, 1, 3) and (-1, -3, 3, 1): 12 / 20."""
    assert maps.cc(np.array([[0, 2, 4, 6]], np.uint8), np.array([[2, 0, 6, 4]])) == pytest.approx(0.6)


def test_sim_of_three_pixels():
    """Densities (1/2, 1/2, 0) and (1/4, 1/4, 1/2) share 1/2; SIM does not shift the maps' minima to 0 first."""
    assert maps.sim(np.array([[2, 2, 0]]), np.array([[1, 1, 2]])) == pytest.approx(0.5)


def test_kl_divergence_of_two_pixels():
    """q = (1/2, 1/2) of the truth, p = (1/4, 3/4) of the map."""
    divergence = maps.kl_divergence(np.array([[1, 3]]), np.array([[1, 1]]))
    assert divergence == pytest.approx(0.5 * np.log(2) + 0.5 * np.log(2 / 3))
    assert maps.kl_divergence(np.array([[0, 1]]), np.array([[1, 0]])) == pytest.approx(-np.log(2.2204e-16))


def test_map_of_zeros_is_a_uniform_density():
    np.testing.assert_array_equal(maps.to_density(np.zeros((2, 4))), np.full((2, 4), 0.125))
    assert maps.kl_divergence(np.zeros((2, 4)), np.ones((2, 4))) == pytest.approx(0, abs=1e-12)


@quickly
@given(first=saliency_maps, second=saliency_maps, scale=st.floats(0.01, 100), shift=st.floats(0, 1))
def test_invariants_of_the_map_metrics(first, second, scale, shift):
    """CC does not see scale and shift; SIM and KL do not see scale; each knows its best value and its range."""
    contrast = min(first.std(), second.std())
    if contrast > 1e-3:
        assert maps.cc(scale * first + shift, second) == pytest.approx(maps.cc(first, second), abs=1e-6)
    assert -1 - 1e-9 <= maps.cc(first, second) <= 1 + 1e-9
    assert maps.cc(first, second) == pytest.approx(maps.cc(second, first), abs=1e-9)
    assert 0 <= maps.sim(first, second) <= 1 + 1e-9
    assert maps.sim(first, second) == pytest.approx(maps.sim(second, first), abs=1e-9)
    assert maps.sim(scale * first, first) == pytest.approx(1)
    assert maps.kl_divergence(first, second) >= -1e-9
    assert maps.kl_divergence(scale * first, first) == pytest.approx(0, abs=1e-9)


@quickly
@given(saliency=saliency_maps, scale=st.floats(0.01, 100), shift=st.floats(0, 1))
def test_nss_does_not_see_scale_and_shift(saliency, scale, shift):
    fixations = np.array([[0, 0], [3, 4], [3, 4]])
    if saliency.std() > 1e-3:
        expected = points.nss(saliency, fixations)
        assert points.nss(scale * saliency + shift, fixations) == pytest.approx(expected, abs=1e-6)
    everywhere = np.argwhere(np.ones_like(saliency))
    assert points.nss(saliency, everywhere) == pytest.approx(0, abs=1e-6)


# === Streaming ===


@pytest.mark.parametrize("name", METRICS)
def test_streaming_gives_the_mean_over_images(name):
    """Over images, not over batches: the batches are of different sizes."""
    metric, expected = METRICS[name](), []
    for seed, count in enumerate((3, 1)):
        truth, prediction = random_batch(seed, count)
        metric.update_state(truth, prediction)
        expected += measure_each(name, truth, prediction)
    assert metric.name == name
    assert float(metric.result()) == pytest.approx(np.mean(expected), rel=1e-4)
    metric.reset_state()
    metric.update_state(truth, prediction)
    assert float(metric.result()) == pytest.approx(expected[-1], rel=1e-4)


@pytest.mark.parametrize("name", METRICS)
def test_sample_weight_weighs_images(name):
    truth, prediction = random_batch(2, 3)
    weights = np.array([1.0, 0.0, 3.0], np.float32)
    metric = METRICS[name]()
    metric.update_state(truth, prediction, sample_weight=weights)
    expected = np.average(measure_each(name, truth, prediction), weights=weights)
    assert float(metric.result()) == pytest.approx(expected, rel=1e-4)


def test_nss_leaves_out_images_without_fixations():
    truth, prediction = random_batch(3, 3)
    expected = measure_each("nss", truth, prediction)
    truth["fixations"][1] = 0
    metric = streaming.NormalizedScanpathSaliency()
    metric.update_state(truth, prediction, sample_weight=np.array([1.0, 5.0, 2.0], np.float32))
    assert float(metric.result()) == pytest.approx((expected[0] + 2 * expected[2]) / 3, rel=1e-4)


def test_nss_of_no_fixations_at_all_is_0():
    truth, prediction = random_batch(4, 2)
    metric = streaming.NormalizedScanpathSaliency()
    metric.update_state({"fixations": np.zeros_like(truth["fixations"])}, prediction)
    assert float(metric.result()) == 0.0


@pytest.mark.parametrize("name", METRICS)
def test_metric_survives_being_saved(name):
    metric = METRICS[name](name="renamed")
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(metric))
    truth, prediction = random_batch(5, 2)
    for one in (metric, again):
        one.update_state(truth, prediction)
    assert (type(again), again.name) == (type(metric), "renamed")
    assert float(again.result()) == float(metric.result())
