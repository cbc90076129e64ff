"""Means and intervals: the properties of a bootstrap over photographs."""

import numpy as np
import pytest
from handmade import make_evaluation
from hypothesis import given
from hypothesis import strategies as st

from salgan_tf.evaluation import compare, summarize
from salgan_tf.evaluation.statistics import count_images

NUMBERS = st.floats(-100, 100)
COLUMNS = st.lists(NUMBERS, min_size=2, max_size=25)


def estimate(column: list):
    return summarize(make_evaluation({"ours": {"nss": column}}))["all"]["ours"]["nss"]


def width(estimate) -> float:
    return estimate.high - estimate.low


@given(COLUMNS)
def test_an_interval_contains_its_mean_and_lies_within_the_numbers(column):
    mean, low, high = estimate(column)
    assert mean == pytest.approx(np.mean(column), abs=1e-9)
    assert min(column) - 1e-9 <= low <= mean + 1e-9
    assert mean - 1e-9 <= high <= max(column) + 1e-9


@given(column=COLUMNS, scale=st.floats(-100, 100), shift=NUMBERS)
def test_intervals_follow_scale_and_shift(column, scale, shift):
    mean, low, high = scale * np.array(estimate(column)) + shift
    moved = estimate([scale * number + shift for number in column])
    np.testing.assert_allclose(moved, (mean, min(low, high), max(low, high)), atol=1e-6)


@pytest.mark.parametrize("count", [25, 100, 400])
def test_an_interval_of_many_images_is_that_of_the_central_limit(count):
    column = np.random.default_rng(0).normal(5, 2, count)
    assert width(estimate(list(column))) == pytest.approx(2 * 1.96 * column.std() / np.sqrt(count), rel=0.1)


def test_undefined_numbers_are_left_out():
    column = list(np.random.default_rng(2).normal(size=40))
    holes = column + [np.nan] * 10
    assert estimate(holes).mean == pytest.approx(np.mean(column))
    assert width(estimate(holes)) == pytest.approx(width(estimate(column)), rel=0.15)
    # A single image has a mean and no interval.
    np.testing.assert_array_equal(estimate([np.nan, 3.0, np.nan]), [3, np.nan, np.nan])
    # Resamples that draw neither of the two numbers are ignored.
    np.testing.assert_array_equal(estimate([np.nan, 3.0, np.nan, 3.0]), [3, 3, 3])
    assert np.isnan(estimate([np.nan, np.nan])).all()


def test_the_same_numbers_give_the_same_intervals():
    column = list(np.random.default_rng(3).normal(size=30))
    both = make_evaluation({"ours": {"nss": column}, "theirs": {"nss": column, "cc": column}})
    estimates = summarize(both)["all"]
    assert summarize(both)["all"]["ours"]["nss"] == estimates["ours"]["nss"]
    assert estimates["ours"]["nss"] == estimates["theirs"]["nss"] == estimates["theirs"]["cc"] == estimate(column)


@pytest.mark.parametrize(
    ("sources", "means", "counts"),
    [
        (["indoor", "street", "indoor", "", "indoor"], {"indoor": 3367, "street": 10, "other": 1000}, [3, 1, 1]),
        (["all", "other", "", "street", "all"], {"all_": 5000.5, "other": 55, "street": 1000}, [2, 2, 1]),
        (["COCO"] * 5, {}, []),
        ([""] * 5, {}, []),
    ],
    ids=["sources", "a source named all", "a single source", "no sources"],
)
def test_groups_are_all_images_and_each_of_several_sources(sources, means, counts):
    numbers = [1, 10, 100, 1000, 10000]
    evaluation = make_evaluation({"ours": {"nss": numbers}}, sources)
    groups = summarize(evaluation)
    found = {name: group["ours"]["nss"].mean for name, group in groups.items()}
    assert next(iter(found)) == "all"
    assert found == pytest.approx({"all": np.mean(numbers)} | means)
    assert {name: count_images(evaluation, name) for name in found} == dict(zip(found, [5, *counts], strict=True))


@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=2, max_size=15))
def test_a_difference_is_the_mean_of_the_differences(pairs):
    first, second = map(list, zip(*pairs, strict=True))
    evaluation = make_evaluation({"first": {"nss": first}, "second": {"nss": second}, "again": {"nss": first}})
    differences = compare(evaluation)
    assert differences["second"]["nss"] == estimate(list(np.subtract(second, first)))
    assert differences["again"]["nss"] == (0, 0, 0)


def test_the_first_contender_is_compared_with_all_others_but_the_baselines():
    column = {"nss": [1.0, 2.0]}
    names = ["b", "a", "c", "centre prior", "uniform", "humans"]
    differences = compare(make_evaluation(dict.fromkeys(names, column)))
    assert list(differences) == ["a", "c"]
    assert np.isnan(differences["a"]["cc"]).all()
    assert compare(make_evaluation(dict.fromkeys(names[2:], column))) == {}
    assert compare(make_evaluation(dict.fromkeys(names[3:], column))) == {}
