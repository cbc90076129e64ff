"""The Keras metrics: means over images of what the numpy metrics give."""

import keras
import numpy as np
import pytest

from salgan_tf.metrics import maps, points, streaming

METRICS = {
    "cc": streaming.CorrelationCoefficient,
    "kl": streaming.KLDivergence,
    "sim": streaming.Similarity,
    "nss": streaming.NormalizedScanpathSaliency,
}


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
