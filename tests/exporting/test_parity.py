"""The comparison that stands behind every file: its figures, its limits, and the words for what fails."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from networks import random_pictures, tiny_generator

from salgan_tf.exporting.exporter import FORMATS
from salgan_tf.exporting.parity import LIMITS, Limits, Parity, compare, run_generator
from salgan_tf.inference import SaliencyPredictor

STRICT = Limits(difference=0.1, mean_cc=0.99, worst_cc=0.9)
FINE = Parity(pictures=4, flat=0, difference=0.05, mean_cc=0.995, worst_cc=0.95, worst=2, limits=STRICT)


class Maps:
    """Stands for a file: gives maps that were made before, in turn."""

    def __init__(self, maps: np.ndarray):
        self._maps = iter(maps)

    def run_network(self, image: np.ndarray) -> np.ndarray:
        return next(self._maps)


def compare_maps(expected: np.ndarray, found: np.ndarray, limits: Limits = STRICT) -> Parity:
    pictures = np.zeros((len(expected), *expected.shape[1:], 3), np.uint8)
    return compare(expected.astype(np.float32), Maps(found.astype(np.float32)), pictures, limits)


def ramps(count: int) -> np.ndarray:
    """Maps that differ, each from 0 to near 1."""
    return np.random.default_rng(0).uniform(0, 1, (count, 6, 8))


def test_every_format_has_limits():
    assert set(LIMITS) == set(FORMATS)


def test_the_limits_are_those_that_the_issue_asks_for():
    assert [LIMITS[name].difference for name in ("float32", "float16", "onnx")] == [1e-4, 5e-3, 1e-4]
    assert LIMITS["int8"][1:] == (0.995, 0.98)
    assert LIMITS["tensorrt"].mean_cc == 0.99


def test_a_file_within_all_limits_is_the_model():
    assert FINE.failures() == []


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"difference": 0.1234}, "largest difference 0.123, and at most 0.1 is wanted"),
        ({"mean_cc": 0.9876}, "mean CC 0.988, and at least 0.99 is wanted"),
        ({"worst_cc": 0.5}, "worst CC 0.5, and at least 0.9 is wanted"),
        ({"worst_cc": math.nan}, "worst CC nan, and at least 0.9 is wanted"),
        ({"difference": math.nan}, "largest difference nan, and at most 0.1 is wanted"),
    ],
)
def test_a_check_that_fails_is_named_with_its_figure_and_its_limit(changes, line):
    assert dataclasses.replace(FINE, **changes).failures() == [line]


def test_all_checks_that_fail_are_named():
    failures = dataclasses.replace(FINE, difference=1.0, mean_cc=0.0, worst_cc=-1.0).failures()
    assert [line.split(" ")[:2] for line in failures] == [["largest", "difference"], ["mean", "CC"], ["worst", "CC"]]


def test_limits_may_be_met_exactly():
    on_the_edge = dataclasses.replace(FINE, difference=0.1, mean_cc=0.99, worst_cc=0.9)
    assert on_the_edge.failures() == []


@given(
    difference=st.floats(0, 1),
    mean_cc=st.floats(-1, 1),
    worst_cc=st.floats(-1, 1),
)
def test_there_is_a_line_for_each_limit_that_is_passed(difference, mean_cc, worst_cc):
    found = dataclasses.replace(FINE, difference=difference, mean_cc=mean_cc, worst_cc=worst_cc).failures()
    assert len(found) == (difference > 0.1) + (mean_cc < 0.99) + (worst_cc < 0.9)


def test_a_generator_is_its_own_equal():
    generator = tiny_generator()
    pictures = random_pictures(3)
    expected = run_generator(generator, pictures)
    assert expected.shape == (3, 32, 48)
    assert expected.dtype == np.float32
    found = compare(expected, SaliencyPredictor(generator), pictures, LIMITS["float32"])
    assert (found.difference, found.flat, found.pictures) == (0, 0, 3)
    assert found.mean_cc == pytest.approx(1)
    assert found.failures() == []


def test_the_figures_are_those_of_the_maps():
    expected = ramps(3)
    found = expected.copy()
    found[0, 2, 3] += 0.25
    found[1] = 1 - found[1]
    parity = compare_maps(expected, found)
    assert parity.worst == 1
    assert parity.worst_cc == pytest.approx(-1)
    first = np.corrcoef(found[0].ravel(), expected[0].ravel())[0, 1]
    assert parity.mean_cc == pytest.approx((first - 1 + 1) / 3, abs=1e-5)
    assert parity.difference == pytest.approx(np.abs(found - expected).max(), abs=1e-6)
    assert len(parity.failures()) == 3


def test_a_flat_map_is_compared_by_its_values_alone():
    """Of a map within two levels of 8 bits rounding leaves no shape."""
    expected = np.stack([*ramps(1), 0.5 + 0.003 * ramps(1)[0]])
    found = np.stack([expected[0], np.full((6, 8), 0.5)])
    parity = compare_maps(expected, found)
    assert (parity.flat, parity.pictures, parity.worst) == (1, 2, 0)
    assert parity.worst_cc == pytest.approx(1)
    assert parity.failures() == []
    failures = compare_maps(expected, found + np.array([0, 0.3])[:, None, None]).failures()
    assert failures == ["largest difference 0.3, and at most 0.1 is wanted"]


def test_if_all_are_flat_the_largest_difference_decides():
    expected = np.full((3, 6, 8), 0.5)
    found = expected + np.array([0, 0.025, 0.01])[:, None, None]
    parity = compare_maps(expected, found)
    assert (parity.flat, parity.worst) == (3, 1)
    assert math.isnan(parity.mean_cc)
    assert math.isnan(parity.worst_cc)
    assert parity.failures() == []
    assert len(compare_maps(expected, found, STRICT._replace(difference=0.02)).failures()) == 1
    # And it is held to less than where there is a shape to compare: eight levels of 8 bits.
    failures = compare_maps(expected, expected + 0.05).failures()
    assert failures == ["largest difference 0.05, and at most 0.0313725 is wanted"]


def test_a_file_without_shape_is_not_a_model_that_has_one():
    parity = compare_maps(ramps(2), np.full((2, 6, 8), 0.5), STRICT._replace(difference=1.0))
    assert [line.split(" ")[0] for line in parity.failures()] == ["mean", "worst"]
