"""The metrics against pysaliency 0.2.22 and the MIT benchmark's own code in Octave: numbers stored in tests/goldens.

What is not sampled agrees to 1e-6 of the number; what is, within three standard errors, both sides' together.
"""

import functools
import json
import math
from collections.abc import Callable
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
SAMPLED = {"auc_judd": points.auc_judd, "auc_borji": points.auc_borji, "sauc_borji": points.sauc_borji}
# What the references leave undefined, and this package does not.
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
    """Bring the fixations of all other images to this one's size."""
    made = make_cases()
    shape = made[name].saliency.shape
    return np.concatenate(
        [points.rescale_fixations(one.fixations, one.saliency.shape, shape) for key, one in made.items() if key != name]
    )


def lowest_at_0(array: np.ndarray) -> np.ndarray:
    """Shift a map to minimum 0, as InfoGain.m does before anything else."""
    array = array.astype(np.float64)
    return array - array.min()


OF_PYSALIENCY: dict[str, Callable[[str, cases.Case], float]] = {
    "nss": lambda name, case: points.nss(case.saliency, case.fixations),
    "auc_uniform": lambda name, case: points.auc_uniform(case.saliency, case.fixations),
    "sauc": lambda name, case: points.sauc(case.saliency, case.fixations, other_fixations(name)),
    "information_gain": lambda name, case: points.information_gain(case.saliency, case.baseline, case.fixations),
    "cc": lambda name, case: maps.cc(case.saliency, case.truth),
    "sim": lambda name, case: maps.sim(case.saliency, case.truth),
    "kl_divergence": lambda name, case: maps.kl_divergence(case.saliency, case.truth),
}
OF_MIT: dict[str, Callable[[str, cases.Case], float]] = {
    "nss_mit": lambda name, case: points.nss_mit(case.saliency, case.fixations),
    "information_gain": lambda name, case: points.information_gain(
        lowest_at_0(case.saliency), lowest_at_0(case.baseline), np.unique(case.fixations, axis=0)
    ),
    "cc": lambda name, case: maps.cc(case.saliency, case.truth),
    "sim_mit": lambda name, case: maps.sim_mit(case.saliency, case.truth),
    "kl_divergence": lambda name, case: maps.kl_divergence(case.saliency, case.truth),
}


def without_undefined(source: str, metrics: tuple[str, ...]) -> list[tuple[str, str]]:
    """List (name of the case, metric) where the reference has a number."""
    return [(name, metric) for name in NAMES for metric in metrics if (source, name, metric) not in UNDEFINED]


@pytest.mark.parametrize("source", GOLDENS)
def test_cases_are_those_that_were_measured(source):
    """To the last bit, whatever numpy made them; and nothing is missing but what is known to be undefined."""
    assert cases.checksum(make_cases()) == GOLDENS[source]["checksum"]
    missing = {
        (source, name, metric)
        for name, metrics in GOLDENS[source]["values"].items()
        for metric, value in metrics.items()
        if value is None
    }
    assert missing == {one for one in UNDEFINED if one[0] == source}


@pytest.mark.parametrize(("name", "metric"), without_undefined("pysaliency", tuple(OF_PYSALIENCY)))
def test_as_pysaliency(name, metric):
    expected = GOLDENS["pysaliency"]["values"][name][metric]
    assert OF_PYSALIENCY[metric](name, make_cases()[name]) == pytest.approx(expected, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize(("name", "metric"), without_undefined("mit", tuple(OF_MIT)))
def test_as_mit(name, metric):
    expected = GOLDENS["mit"]["values"][name][metric]
    assert OF_MIT[metric](name, make_cases()[name]) == pytest.approx(expected, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("metric", ["auc_uniform", "sauc"])
def test_means_over_the_set_are_pysaliencys(metric):
    values = [OF_PYSALIENCY[metric](name, case) for name, case in make_cases().items()]
    assert np.mean(values) == pytest.approx(GOLDENS["pysaliency"]["set_means"][metric], rel=1e-6)


@pytest.mark.parametrize("source", GOLDENS)
@pytest.mark.parametrize("name", NAMES)
def test_auc_judd_is_the_mean_over_their_jitters(source, name):
    reference, case = GOLDENS[source]["values"][name]["auc_judd"], make_cases()[name]
    # Without ties the jitter does nothing, and all that differs is rounding.
    assert abs(points.auc_judd(case.saliency, case.fixations) - reference["mean"]) <= 3 * reference["error"] + 1e-12


@pytest.mark.parametrize("source", GOLDENS)
@pytest.mark.parametrize("name", WITHOUT_TIES)
def test_auc_judd_without_ties_is_theirs_without_jitter(source, name):
    case, expected = make_cases()[name], GOLDENS[source]["values"][name]["auc_judd_without_jitter"]
    assert points.auc_judd(case.saliency, case.fixations) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("name", "metric"), without_undefined("mit", ("auc_borji", "sauc_borji")))
def test_sampled_areas_are_mits(name, metric):
    """Ours is the mean over all draws, theirs that of hundreds of calls with 100 draws each."""
    reference, case = GOLDENS["mit"]["values"][name][metric], make_cases()[name]
    given = (case.fixations, other_fixations(name)) if metric == "sauc_borji" else (case.fixations,)
    assert abs(SAMPLED[metric](case.saliency, *given) - reference["mean"]) <= 3 * reference["error"]


def test_where_the_references_are_undefined():
    """The documented values: 0 for constant maps, 52 bits for a 0 at a fixation, shifts for negative maps."""
    made = make_cases()
    constant, patch, negative = made["constant"], made["patch"], made["negative"]
    assert points.nss_mit(constant.saliency, constant.fixations) == 0
    assert maps.cc(constant.saliency, constant.truth) == 0
    assert maps.sim_mit(constant.saliency, constant.truth) == 0
    assert maps.kl_divergence(negative.saliency, negative.truth) == pytest.approx(
        maps.kl_divergence(lowest_at_0(negative.saliency), negative.truth), rel=1e-12
    )
    pixels, baseline_total = constant.saliency.size, constant.baseline.sum()
    at = [float(constant.baseline[row, column]) / baseline_total for row, column in constant.fixations]
    expected = np.mean([math.log2(1 / pixels) - math.log2(one) for one in at])
    gain = points.information_gain(constant.saliency, constant.baseline, constant.fixations)
    assert gain == pytest.approx(expected, rel=1e-6)
    dark = np.array([one for one in patch.fixations if patch.saliency[tuple(one)] == 0])
    gain = points.information_gain(patch.saliency, np.ones(patch.saliency.shape), dark)
    assert gain == pytest.approx(-52 + math.log2(patch.saliency.size), rel=1e-6)
    alone = made["single_fixation"]
    levels = np.floor(10 * (alone.saliency - alone.saliency.min()) / np.ptp(alone.saliency))
    expected = points.auc_uniform(levels, alone.fixations)
    assert points.auc_borji(alone.saliency, alone.fixations) == pytest.approx(expected, rel=1e-3)
