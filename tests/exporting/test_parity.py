"""The comparison behind every file: its figures, its limits, and how it words a failure."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from networks import random_pictures, tiny_generator

from salgan_tf.exporting.format import Limits
from salgan_tf.exporting.formats import FORMATS
from salgan_tf.exporting.parity import Parity, compare, run_generator
from salgan_tf.inference import SaliencyPredictor

STRICT = Limits(difference=0.1, mean_cc=0.99, worst_cc=0.9)
FINE = Parity(pictures=4, flat=0, difference=0.05, mean_cc=0.995, worst_cc=0.95, worst=2, limits=STRICT)


class Maps:
    """Stands for a file: returns given maps in turn."""

    def __init__(self, maps: np.ndarray):
        self._maps = iter(maps)

    def run_network(self, image: np.ndarray) -> np.ndarray:
        return next(self._maps)


def compare_maps(expected: np.ndarray, found: np.ndarray, limits: Limits = STRICT) -> Parity:
    pictures = np.zeros((len(expected), *expected.shape[1:], 3), np.uint8)
    return compare(expected.astype(np.float32), Maps(found.astype(np.float32)), pictures, limits)


def random_maps(count: int) -> np.ndarray:
    return np.random.default_rng(0).uniform(0, 1, (count, 6, 8))


def test_the_limits_are_not_loosened():
    assert [FORMATS[name].limits.difference for name in ("float32", "float16", "onnx")] == [1e-4, 5e-3, 1e-4]
    assert FORMATS["int8"].limits[1:] == (0.995, 0.98)
    assert FORMATS["tensorrt"].limits[1:] == FORMATS["dynamic"].limits[1:] == (0.99, 0.95)


@pytest.mark.parametrize(
    ("changes", "lines"),
    [
        ({}, []),
        # Limits may be met exactly.
        ({"difference": 0.1, "mean_cc": 0.99, "worst_cc": 0.9}, []),
        ({"difference": 0.1234}, ["largest difference 0.123, expected at most 0.1"]),
        ({"mean_cc": 0.9876}, ["mean CC 0.988, expected at least 0.99"]),
        (
            {"worst_cc": math.nan, "difference": math.nan},
            ["largest difference nan, expected at most 0.1", "worst CC nan, expected at least 0.9"],
        ),
    ],
)
def test_a_failed_check_is_named_with_its_figure_and_its_limit(changes, lines):
    assert dataclasses.replace(FINE, **changes).failures() == lines


@given(difference=st.floats(0, 1), mean_cc=st.floats(-1, 1), worst_cc=st.floats(-1, 1))
def test_there_is_a_line_for_each_limit_that_is_exceeded(difference, mean_cc, worst_cc):
    failures = dataclasses.replace(FINE, difference=difference, mean_cc=mean_cc, worst_cc=worst_cc).failures()
    assert len(failures) == (difference > 0.1) + (mean_cc < 0.99) + (worst_cc < 0.9)


def test_a_generator_equals_itself():
    generator = tiny_generator()
    pictures = random_pictures(3)
    expected = run_generator(generator, pictures)
    assert expected.shape == (3, 32, 48)
    assert expected.dtype == np.float32
    parity = compare(expected, SaliencyPredictor(generator), pictures, FORMATS["float32"].limits)
    assert (parity.difference, parity.flat, parity.pictures) == (0, 0, 3)
    assert parity.mean_cc == pytest.approx(1)
    assert parity.failures() == []


def test_the_figures_are_those_of_the_maps():
    expected = random_maps(3)
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


def test_only_the_values_of_a_flat_map_are_compared():
    """Rounding leaves no shape of a map within two levels of 8 bits."""
    expected = np.stack([*random_maps(1), 0.5 + 0.003 * random_maps(1)[0]])
    found = np.stack([expected[0], np.full((6, 8), 0.5)])
    parity = compare_maps(expected, found)
    assert (parity.flat, parity.pictures, parity.worst) == (1, 2, 0)
    assert parity.worst_cc == pytest.approx(1)
    assert parity.failures() == []
    failures = compare_maps(expected, found + np.array([0, 0.3])[:, None, None]).failures()
    assert failures == ["largest difference 0.3, expected at most 0.1"]


def test_if_all_maps_are_flat_the_largest_difference_decides():
    expected = np.full((3, 6, 8), 0.5)
    parity = compare_maps(expected, expected + np.array([0, 0.025, 0.01])[:, None, None])
    assert (parity.flat, parity.worst) == (3, 1)
    assert math.isnan(parity.mean_cc)
    assert math.isnan(parity.worst_cc)
    assert parity.failures() == []
    # Less is allowed than where there is a shape to compare: eight levels of 8 bits, or the format's own limit.
    failures = compare_maps(expected, expected + 0.05).failures()
    assert failures == ["largest difference 0.05, expected at most 0.0313725"]
    failures = compare_maps(expected, expected + 0.025, STRICT._replace(difference=0.02)).failures()
    assert failures == ["largest difference 0.025, expected at most 0.02"]


def test_a_file_without_shape_is_not_a_model_that_has_one():
    parity = compare_maps(random_maps(2), np.full((2, 6, 8), 0.5), STRICT._replace(difference=1.0))
    assert [line.split(" ")[0] for line in parity.failures()] == ["mean", "worst"]
