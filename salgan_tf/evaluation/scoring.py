"""Every metric of one map, and of people: each observer is predicted from all others."""

import functools
import math
import zlib
from typing import NamedTuple

import numpy as np

from salgan_tf.data.fixations import Gaze, blur_fixations
from salgan_tf.metrics import maps, points

# MIT's shuffled AUC draws its negatives from the fixations on ten other images.
_BORJI_IMAGES = 10


class Metric(NamedTuple):
    """A column of the tables: its name in files, its label, whether higher or lower is better, and its meaning."""

    name: str
    label: str
    better: str
    meaning: str


METRICS = (
    Metric("auc_judd", "AUC-J", "higher", "AUC-Judd, mean over MIT's jitter"),
    Metric("auc_borji", "AUC-B", "higher", "AUC-Borji of the MIT benchmark, mean over its draws"),
    Metric("auc_uniform", "AUC", "higher", "pysaliency's AUC: against all pixels"),
    Metric("sauc", "sAUC", "higher", "shuffled AUC, exact, against the fixations on all other images"),
    Metric("sauc_borji", "sAUC-B", "higher", "shuffled AUC of the MIT benchmark, mean over its draws from ten images"),
    Metric("nss", "NSS", "higher", "normalized scanpath saliency, every fixation"),
    Metric("nss_mit", "NSS-MIT", "higher", "NSS of the MIT benchmark: pixels once, deviation over N - 1"),
    Metric("ig", "IG", "higher", "information gain over the centre prior, bits per fixation, map / sum"),
    Metric("ig_uniform", "IG-U", "higher", "information gain over a uniform map, bits per fixation, map / sum"),
    Metric("ig_fitted", "IG-fit", "higher", "information gain of the fitted density, bits per fixation"),
    Metric("cc", "CC", "higher", "Pearson's correlation with the density of fixations"),
    Metric("sim", "SIM", "higher", "similarity, both divided by their sums"),
    Metric("sim_mit", "SIM-MIT", "higher", "similarity of the MIT benchmark: minima shifted to 0"),
    Metric("kl", "KL", "lower", "KL divergence from the truth, nats"),
    Metric("emd", "EMD", "lower", "earth mover's distance, cells of 32 pixels"),
)
BY_NAME = {metric.name: metric for metric in METRICS}
_AGAINST_FIXATIONS = tuple(BY_NAME)[: tuple(BY_NAME).index("ig_fitted")]


class Negatives(NamedTuple):
    """Fixations on other images at the size of this one, (M, 2) each; empty if there are no other images.

    Attributes:
        all: those of all other images.
        ten: those of ten other images, drawn by the name of this one.
    """

    all: np.ndarray
    ten: np.ndarray


class NegativeFixations:
    """The negatives of the shuffled metrics: for each image the fixations on others.

    Args:
        gazes: the fixations of all images, by name.
    """

    def __init__(self, gazes: dict[str, Gaze]):
        self._gazes = gazes
        # Most data sets have few sizes.
        self._rescale = functools.lru_cache(8)(self._rescale_all)

    def of(self, name: str) -> Negatives:
        """Return the negatives of an image."""
        rescaled = self._rescale(self._gazes[name].shape)
        others = [fixations for other, fixations in rescaled.items() if other != name]
        drawn = np.random.default_rng(zlib.crc32(name.encode())).permutation(len(others))[:_BORJI_IMAGES]
        none = np.empty((0, 2), int)
        return Negatives(np.concatenate([none, *others]), np.concatenate([none, *(others[index] for index in drawn)]))

    def _rescale_all(self, shape: tuple[int, int]) -> dict[str, np.ndarray]:
        return {name: points.rescale_fixations(gaze.points, gaze.shape, shape) for name, gaze in self._gazes.items()}


def score_map(
    saliency: np.ndarray,
    truth: np.ndarray,
    fixations: np.ndarray,
    prior: np.ndarray,
    negatives: Negatives,
    fitted: np.ndarray | None = None,
) -> dict[str, float]:
    """Return every metric of a map, by name; NaN for those that are undefined.

    Args:
        saliency: the map (H, W).
        truth: the density of fixations (H, W).
        fixations: (N, 2); if there are none, the metrics against fixations are undefined.
        prior: the centre prior's density (H, W), the baseline of `ig`.
        negatives: the negatives of the shuffled metrics.
        fitted: the map as a fitted density (H, W), for `ig_fitted`.
    """
    saliency, truth = _rescale(saliency), _rescale(truth)
    return _score_points(saliency, fixations, prior, negatives) | {
        "ig_fitted": np.nan if fitted is None else points.information_gain(fitted, prior, fixations),
        "cc": maps.cc(saliency, truth),
        "sim": maps.sim(saliency, truth),
        "sim_mit": maps.sim_mit(saliency, truth),
        "kl": maps.kl_divergence(saliency, truth),
        "emd": maps.emd(saliency, truth),
    }


def _rescale(saliency: np.ndarray) -> np.ndarray:
    """Multiply a map by a power of two, which changes no metric, if squares of its values would leave float32."""
    peak = float(np.abs(saliency).max())
    return saliency if 1e-12 < peak < 1e12 or not peak else np.ldexp(saliency, -math.frexp(peak)[1])


def count_observers(gaze: Gaze) -> int:
    """Return the number of observers with fixations in the photograph; 0 if the file does not tell them apart."""
    return 0 if gaze.observers is None else len(np.unique(gaze.observers))


def score_observers(gaze: Gaze, prior: np.ndarray, negatives: Negatives) -> dict[str, float]:
    """Return the metrics against fixations of each observer predicted from all others: the mean over observers.

    The prediction is the fixations of the others, blurred by 3 % of the width, with the centre prior as one more
    observer, so that no place is impossible. The metrics against densities are NaN, since the density of a single
    observer is not the one that maps are compared with. So is AUC-Judd, whose last step adds more if there are fewer
    fixations. With fewer than two observers all metrics are NaN.
    """
    means: dict[str, float] = {}
    observers = np.unique(gaze.observers) if gaze.observers is not None else ()
    if len(observers) > 1:
        rows = []
        for observer in observers:
            own = gaze.observers == observer
            others = maps.to_density(blur_fixations(gaze.points[~own], gaze.shape))
            prediction = (others * (len(observers) - 1) + prior) / len(observers)
            rows.append(_score_points(prediction, gaze.points[own], prior, negatives))
        means = {name: float(np.mean([row[name] for row in rows])) for name in rows[0] if name != "auc_judd"}
    return {metric.name: means.get(metric.name, np.nan) for metric in METRICS}


def _score_points(
    saliency: np.ndarray, fixations: np.ndarray, prior: np.ndarray, negatives: Negatives
) -> dict[str, float]:
    if not len(fixations):
        return dict.fromkeys(_AGAINST_FIXATIONS, np.nan)
    shuffled = len(negatives.all) > 0
    return {
        "auc_judd": points.auc_judd(saliency, fixations),
        "auc_borji": points.auc_borji(saliency, fixations),
        "auc_uniform": points.auc_uniform(saliency, fixations),
        "sauc": points.sauc(saliency, fixations, negatives.all) if shuffled else np.nan,
        "sauc_borji": points.sauc_borji(saliency, fixations, negatives.ten) if shuffled else np.nan,
        "nss": points.nss(saliency, fixations),
        "nss_mit": points.nss_mit(saliency, fixations),
        "ig": points.information_gain(saliency, prior, fixations),
        "ig_uniform": points.information_gain(saliency, np.ones_like(prior), fixations),
    }
