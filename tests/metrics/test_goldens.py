"""The metrics against pysaliency 0.2.22 and the MIT benchmark's own code in Octave: numbers stored in tests/goldens.

Exact metrics agree to a relative 1e-6, and sampled ones within three standard errors of the reference.
"""

import functools
import json
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
from goldens import cases

from salgan_tf.metrics import maps, points

GOLDENS = {
    name: json.loads((Path(cases.__file__).parent / f"{name}.json").read_text()) for name in ("pysaliency", "mit")
}
NAMES = tuple(GOLDENS["mit"]["values"])
WITHOUT_TIES = ("smooth", "duplicates")
# Values that are undefined in the references, but not in this package.
UNDEFINED = {
    ("pysaliency", "patch", "information_gain"): "the map is 0 at a fixation",
    ("mit", "constant", "nss_mit"): "0 / 0",
    ("mit", "constant", "cc"): "0 / 0",
    ("mit", "constant", "sim_mit"): "0 / 0",
    ("mit", "constant", "information_gain"): "0 / 0",
    ("mit", "negative", "kl_divergence"): "logarithms of negative numbers",
    ("mit", "single_fixation", "auc_borji"): "the code fails",
}

make_cases = functools.cache(cases.make_cases)


def other_fixations(name: str) -> np.ndarray:
    return cases.other_fixations(make_cases(), name)


def lowest_at_0(array: np.ndarray) -> np.ndarray:
    """Shift a map to minimum 0, which is the first step of InfoGain.m."""
    array = array.astype(np.float64)
    return array - array.min()


Measure = Callable[[str, cases.Case], float]


def on_points(metric: Callable[[np.ndarray, np.ndarray], float]) -> Measure:
    return lambda name, case: metric(case.saliency, case.fixations)


def on_maps(metric: Callable[[np.ndarray, np.ndarray], float]) -> Measure:
    return lambda name, case: metric(case.saliency, case.truth)


def gain_of_mit(name: str, case: cases.Case) -> float:
    saliency, baseline = lowest_at_0(case.saliency), lowest_at_0(case.baseline)
    return points.information_gain(saliency, baseline, np.unique(case.fixations, axis=0))


# The metrics that agree with a source, by source.
EXACT: dict[str, dict[str, Measure]] = {
    "pysaliency": {
        "nss": on_points(points.nss),
        "auc_uniform": on_points(points.auc_uniform),
        "sauc": lambda name, case: points.sauc(case.saliency, case.fixations, other_fixations(name)),
        "information_gain": lambda name, case: points.information_gain(case.saliency, case.baseline, case.fixations),
        "cc": on_maps(maps.cc),
        "sim": on_maps(maps.sim),
        "kl_divergence": on_maps(maps.kl_divergence),
    },
    "mit": {
        "nss_mit": on_points(points.nss_mit),
        "information_gain": gain_of_mit,
        "cc": on_maps(maps.cc),
        "sim_mit": on_maps(maps.sim_mit),
        "kl_divergence": on_maps(maps.kl_divergence),
    },
}


def defined(source: str, metrics: Iterable[str]) -> list[tuple[str, str]]:
    """List (name of the case, metric) if the reference has a number."""
    return [(name, metric) for name in NAMES for metric in metrics if (source, name, metric) not in UNDEFINED]


@pytest.mark.parametrize("source", GOLDENS)
def test_cases_are_those_that_were_measured(source):
    """They are equal to the bit on any machine, and only the known undefined values are missing."""
    assert cases.checksum(make_cases()) == GOLDENS[source]["checksum"]
    missing = {
        (source, name, metric)
        for name, metrics in GOLDENS[source]["values"].items()
        for metric, value in metrics.items()
        if value is None
    }
    assert missing == {undefined for undefined in UNDEFINED if undefined[0] == source}


@pytest.mark.parametrize(
    ("source", "name", "metric"), [(source, *pair) for source in EXACT for pair in defined(source, EXACT[source])]
)
def test_exact_metrics_agree(source, name, metric):
    expected = GOLDENS[source]["values"][name][metric]
    assert EXACT[source][metric](name, make_cases()[name]) == pytest.approx(expected, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("metric", ["auc_uniform", "sauc"])
def test_means_over_the_set_are_pysaliencys(metric):
    values = [EXACT["pysaliency"][metric](name, case) for name, case in make_cases().items()]
    assert np.mean(values) == pytest.approx(GOLDENS["pysaliency"]["set_means"][metric], rel=1e-6)


@pytest.mark.parametrize("source", GOLDENS)
@pytest.mark.parametrize("name", NAMES)
def test_auc_judd_is_the_mean_over_their_jitters(source, name):
    reference, case = GOLDENS[source]["values"][name]["auc_judd"], make_cases()[name]
    # Without ties the jitter has no effect, and only rounding differs.
    assert abs(points.auc_judd(case.saliency, case.fixations) - reference["mean"]) <= 3 * reference["error"] + 1e-12


@pytest.mark.parametrize("source", GOLDENS)
@pytest.mark.parametrize("name", WITHOUT_TIES)
def test_auc_judd_without_ties_is_theirs_without_jitter(source, name):
    case, expected = make_cases()[name], GOLDENS[source]["values"][name]["auc_judd_without_jitter"]
    assert points.auc_judd(case.saliency, case.fixations) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("name", "metric"), defined("mit", ["auc_borji", "sauc_borji"]))
def test_sampled_areas_are_mits(name, metric):
    """Ours is the mean over all draws, theirs the mean of hundreds of calls with 100 draws each."""
    reference, case = GOLDENS["mit"]["values"][name][metric], make_cases()[name]
    others = (other_fixations(name),) if metric == "sauc_borji" else ()
    area = getattr(points, metric)(case.saliency, case.fixations, *others)
    assert abs(area - reference["mean"]) <= 3 * reference["error"]


def test_values_where_the_references_are_undefined():
    """As documented; tests of single metrics have constant maps, and maps that are 0 at a fixation."""
    made = make_cases()
    negative, constant, alone = made["negative"], made["constant"], made["single_fixation"]
    divergence = maps.kl_divergence(negative.saliency, negative.truth)
    assert divergence == pytest.approx(maps.kl_divergence(lowest_at_0(negative.saliency), negative.truth), rel=1e-12)
    baseline = constant.baseline[tuple(constant.fixations.T)] / constant.baseline.sum()
    gain = points.information_gain(constant.saliency, constant.baseline, constant.fixations)
    assert gain == pytest.approx(-np.log2(constant.saliency.size * baseline).mean(), rel=1e-6)
    levels = np.floor(10 * lowest_at_0(alone.saliency) / np.ptp(alone.saliency))
    expected = points.auc_uniform(levels, alone.fixations)
    assert points.auc_borji(alone.saliency, alone.fixations) == pytest.approx(expected, rel=1e-3)
