"""From the metrics of each image to means, 95 % intervals and paired differences."""

from typing import NamedTuple

import numpy as np

from salgan_tf.evaluation.measure import BASELINES, Evaluation

RESAMPLES = 2000
ALL = "all"
_MOST_SOURCES = 24


class Estimate(NamedTuple):
    """A mean over images and its 95 % interval; NaN without images, and an interval of NaN with a single one."""

    mean: float
    low: float
    high: float


# By contender and metric.
Estimates = dict[str, dict[str, Estimate]]


def summarize(evaluation: Evaluation) -> dict[str, Estimates]:
    """Return means and bootstrap intervals by group of images: all, and each source if there are several."""
    groups = {ALL: np.arange(len(evaluation.examples))}
    sources = np.array([_group_of(example.source) for example in evaluation.examples])
    # With more of them, the names of the images just begin differently.
    if 1 < len(names := np.unique(sources)) <= _MOST_SOURCES:
        groups |= {str(name): np.flatnonzero(sources == name) for name in names}
    return {group: _estimate(evaluation.scores, chosen) for group, chosen in groups.items()}


def count_images(evaluation: Evaluation, group: str) -> int:
    """Return the number of images in a group of `summarize`."""
    return sum(group in (ALL, _group_of(example.source)) for example in evaluation.examples)


def _group_of(source: str) -> str:
    # A source that is named "all" must not replace the group of all images.
    return f"{source}_" if source == ALL else source or "other"


def compare(evaluation: Evaluation) -> Estimates:
    """Return the mean paired difference of each contender from the first one, by metric, without the baselines.

    If an interval excludes 0, the difference is not an accident of these images.
    """
    names = [name for name in evaluation.scores if name not in BASELINES]
    differences = {
        name: {
            metric: values - evaluation.scores[names[0]][metric] for metric, values in evaluation.scores[name].items()
        }
        for name in names[1:]
    }
    return _estimate(differences, np.arange(len(evaluation.examples)))


def _estimate(scores: dict[str, dict[str, np.ndarray]], chosen: np.ndarray) -> Estimates:
    """Percentile bootstrap over images (Efron 1979), seeded, with the same resamples for all; NaN is left out."""
    random = np.random.default_rng(0)
    # How often each image is in each resample. A mean is then a product of matrices.
    weights = random.multinomial(len(chosen), np.full(len(chosen), 1 / len(chosen)), size=RESAMPLES).astype(np.float64)
    return {
        name: {metric: _interval(values[chosen], weights) for metric, values in columns.items()}
        for name, columns in scores.items()
    }


def _interval(values: np.ndarray, weights: np.ndarray) -> Estimate:
    there = np.isfinite(values)
    if not there.any():
        return Estimate(np.nan, np.nan, np.nan)
    if there.sum() == 1:
        # A single image says nothing about others.
        return Estimate(float(values[there][0]), np.nan, np.nan)
    counts = weights @ there
    means = (weights @ np.where(there, values, 0))[counts > 0] / counts[counts > 0]
    low, high = np.percentile(means, [2.5, 97.5])
    return Estimate(float(values[there].mean()), float(low), float(high))
