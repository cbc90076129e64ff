"""Every metric of one map, and of people: each observer predicted from all others."""

import functools
import zlib
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from salgan_tf.data.fixations import Gaze, blur_fixations
from salgan_tf.data.folder import Sample
from salgan_tf.metrics import maps, points

# MIT's shuffled AUC draws its negatives from the fixations of ten other images.
_BORJI_IMAGES = 10


class Metric(NamedTuple):
    """A column of the table: its name in files, its label, what is better, and what it is."""

    name: str
    label: str
    better: str
    meaning: str


METRICS = (
    Metric("auc_judd", "AUC-J", "higher", "AUC-Judd, mean over MIT's jitter"),
    Metric("auc_borji", "AUC-B", "higher", "AUC-Borji of the MIT benchmark, mean over its draws"),
    Metric("auc_uniform", "AUC", "higher", "pysaliency's AUC: against all pixels"),
    Metric("sauc", "sAUC", "higher", "shuffled AUC, exact, against the fixations of all other images"),
    Metric(
        "sauc_borji",
        "sAUC-B",
        "higher",
        "shuffled AUC of the MIT benchmark, mean over its draws, from ten other images",
    ),
    Metric("nss", "NSS", "higher", "normalized scanpath saliency, every fixation"),
    Metric("nss_mit", "NSS-MIT", "higher", "NSS of the MIT benchmark: pixels once, deviation over N - 1"),
    Metric("ig", "IG", "higher", "information gain over the centre prior, bits a fixation, map / sum"),
    Metric("ig_uniform", "IG-U", "higher", "information gain over a uniform map, bits a fixation, map / sum"),
    Metric(
        "ig_fitted", "IG-fit", "higher", "information gain over the centre prior of the fitted density, bits a fixation"
    ),
    Metric("cc", "CC", "higher", "Pearson's correlation with the density of fixations"),
    Metric("sim", "SIM", "higher", "similarity, both divided by their sums"),
    Metric("sim_mit", "SIM-MIT", "higher", "similarity of the MIT benchmark: minima shifted to 0 first"),
    Metric("kl", "KL", "lower", "KL divergence from the truth, nats"),
    Metric("emd", "EMD", "lower", "earth mover's distance, cells of 32 pixels"),
)
BY_NAME = {metric.name: metric for metric in METRICS}


class OtherFixations:
    """The fixations of all images, to take those of all others from.

    Args:
        gazes: by the name of the image.
    """

    def __init__(self, gazes: dict[str, Gaze]):
        self._shapes = {name: gaze.shape for name, gaze in gazes.items()}
        self._points = np.concatenate([gaze.points for gaze in gazes.values()])
        # Of each fixation, the size of its image.
        self._sizes = np.concatenate([np.tile(gaze.shape, (len(gaze.points), 1)) for gaze in gazes.values()])
        ends = np.cumsum([len(gaze.points) for gaze in gazes.values()]).tolist()
        # Most data sets have few sizes.
        self._rescale = functools.lru_cache(8)(lambda shape: points.rescale_fixations(self._points, self._sizes, shape))
        self._slices = {name: slice(*bounds) for name, bounds in zip(gazes, pairwise([0, *ends]), strict=True)}

    def of(self, name: str) -> "Negatives":
        """Give the fixations of all images but `name`, at its size."""
        return Negatives(self._rescale(self._shapes[name]), self._slices, name)


class Negatives:
    """Fixations of other images at the size of one, (M, 2), made when they are asked for; None if there are no others.

    Args:
        scaled: the fixations of all images at its size.
        slices: by image, which of them are its own.
        name: the image.
    """

    def __init__(self, scaled: np.ndarray, slices: dict[str, slice], name: str):
        self._scaled, self._slices, self._name = scaled, slices, name

    @functools.cached_property
    def all(self) -> np.ndarray | None:
        """Of all other images."""
        own = self._slices[self._name]
        others = np.concatenate([self._scaled[: own.start], self._scaled[own.stop :]])
        return others if len(others) else None

    @functools.cached_property
    def ten(self) -> np.ndarray | None:
        """Of ten other images, drawn by the name."""
        others = [slice_ for name, slice_ in self._slices.items() if name != self._name]
        if not others:
            return None
        chosen = np.random.default_rng(zlib.crc32(self._name.encode())).permutation(len(others))[:_BORJI_IMAGES]
        return np.concatenate([self._scaled[others[index]] for index in chosen])


def score_map(
    saliency: np.ndarray, sample: Sample, prior: np.ndarray, negatives: Negatives, fitted: np.ndarray | None = None
) -> dict[str, float]:
    """Give every metric of a map (H, W), by name; NaN for those that cannot be had.

    Args:
        saliency: the map.
        sample: the photograph's fixations and density.
        prior: the centre prior's density (H, W), the baseline of `ig`.
        negatives: of the shuffled metrics.
        fitted: the map as a fitted density (H, W), for `ig_fitted`.
    """
    scores = _score_points(saliency, sample.gaze.points, prior, negatives)
    truth = sample.saliency
    scores |= {
        "ig_fitted": np.nan if fitted is None else points.information_gain(fitted, prior, sample.gaze.points),
        "cc": maps.cc(saliency, truth),
        "sim": maps.sim(saliency, truth),
        "sim_mit": maps.sim_mit(saliency, truth),
        "kl": maps.kl_divergence(saliency, truth),
        "emd": maps.emd(saliency, truth),
    }
    return scores


def score_observers(sample: Sample, prior: np.ndarray, negatives: Negatives) -> dict[str, float]:
    """Give the metrics against fixations of each observer predicted from all others: the mean over observers.

    The prediction is the others' fixations blurred by 3 % of the width, with the centre prior as one more observer, so
    that no place is impossible. The metrics against densities are NaN: a single observer's density is not what the
    maps are held against; and so is AUC-Judd, whose last step adds more the fewer the fixations are. With fewer than
    two observers all are NaN.
    """
    observers = np.unique(sample.gaze.observers)
    if len(observers) < 2:
        return {metric.name: np.nan for metric in METRICS}
    rows = []
    for observer in observers:
        own = sample.gaze.observers == observer
        others = maps.to_density(blur_fixations(sample.gaze.points[~own], prior.shape))
        prediction = (others * (len(observers) - 1) + prior) / len(observers)
        rows.append(_score_points(prediction, sample.gaze.points[own], prior, negatives))
    means = {name: float(np.mean([row[name] for row in rows])) for name in rows[0] if name != "auc_judd"}
    return {metric.name: means.get(metric.name, np.nan) for metric in METRICS}


def _score_points(
    saliency: np.ndarray, fixations: np.ndarray, prior: np.ndarray, negatives: Negatives
) -> dict[str, float]:
    shuffled = negatives.all is not None
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
