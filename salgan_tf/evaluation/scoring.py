"""Every metric of one map, and of people: each observer predicted from all others."""

import zlib
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Negatives:
    """Fixations of other images at this one's size, (M, 2): of all, and of ten; None where there are no others."""

    all: np.ndarray | None
    ten: np.ndarray | None


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
        self._slices = {name: slice(*bounds) for name, bounds in zip(gazes, pairwise([0, *ends]), strict=True)}

    def of(self, name: str) -> Negatives:
        """Bring the fixations of all other images to the size of the image `name`."""
        others = [other for other in self._slices if other != name]
        if not others:
            return Negatives(None, None)
        chosen = np.random.default_rng(zlib.crc32(name.encode())).permutation(len(others))[:_BORJI_IMAGES]
        ten = np.concatenate([np.r_[self._slices[others[index]]] for index in chosen])
        scaled = points.rescale_fixations(self._points, self._sizes, self._shapes[name])
        return Negatives(np.delete(scaled, self._slices[name], axis=0), scaled[ten])


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
    scores = _score_points(saliency, sample.fixations, prior, negatives)
    truth = sample.saliency
    scores |= {
        "ig_fitted": np.nan if fitted is None else points.information_gain(fitted, prior, sample.fixations),
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
    maps are held against. With fewer than two observers all are NaN.
    """
    observers = np.unique(sample.observers)
    if len(observers) < 2:
        return {metric.name: np.nan for metric in METRICS}
    rows = []
    for observer in observers:
        own = sample.observers == observer
        others = maps.to_density(blur_fixations(sample.fixations[~own], prior.shape))
        prediction = (others * (len(observers) - 1) + prior) / len(observers)
        rows.append(_score_points(prediction, sample.fixations[own], prior, negatives))
    means = {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
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
