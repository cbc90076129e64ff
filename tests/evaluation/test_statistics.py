"""Means and intervals: the properties of a bootstrap over photographs."""

import numpy as np
import pytest
from conftest import write_cat2000
from handmade import BRIGHTNESS, make_evaluation
from hypothesis import given
from hypothesis import strategies as st

from salgan_tf.evaluation import compare, evaluate, summarize
from salgan_tf.evaluation.statistics import count_images

NUMBERS = st.floats(-100, 100)
COLUMNS = st.lists(NUMBERS, min_size=2, max_size=25)


def estimate(column: list):
    return summarize(make_evaluation({"one": {"nss": column}}))["all"]["one"]["nss"]


def width(one) -> float:
    return one.high - one.low


@given(COLUMNS)
def test_an_interval_contains_its_mean_and_lies_within_the_numbers(column):
    mean, low, high = estimate(column)
    assert mean == pytest.approx(np.mean(column), abs=1e-9)
    assert min(column) - 1e-9 <= low <= mean + 1e-9
    assert mean - 1e-9 <= high <= max(column) + 1e-9


@given(column=COLUMNS, scale=st.floats(0.01, 100), shift=NUMBERS)
def test_intervals_follow_scale_and_shift(column, scale, shift):
    moved = estimate([scale * number + shift for number in column])
    np.testing.assert_allclose(moved, scale * np.array(estimate(column)) + shift, atol=1e-6)


@given(column=COLUMNS)
def test_negated_numbers_have_the_negated_interval(column):
    mean, low, high = estimate(column)
    np.testing.assert_allclose(estimate([-number for number in column]), (-mean, -high, -low), atol=1e-9)


@given(number=NUMBERS, count=st.integers(2, 25))
def test_a_constant_column_has_an_interval_without_width(number, count):
    np.testing.assert_allclose(estimate([number] * count), [number] * 3, atol=1e-9)


def test_an_interval_is_that_of_the_central_limit_and_shrinks_with_more_images():
    random = np.random.default_rng(0)
    widths = []
    for count in (25, 100, 400):
        column = random.normal(5, 2, count)
        one = estimate(list(column))
        assert width(one) == pytest.approx(2 * 1.96 * column.std() / np.sqrt(count), rel=0.1)
        widths.append(width(one))
    assert widths[0] > 1.5 * widths[1] > 2 * widths[2]


def test_an_interval_contains_the_truth_about_95_times_in_100():
    random = np.random.default_rng(1)
    columns = {f"c{index}": {"nss": list(random.exponential(1, 60))} for index in range(300)}
    estimates = summarize(make_evaluation(columns))["all"]
    covered = np.mean([one["nss"].low <= 1 <= one["nss"].high for one in estimates.values()])
    assert 0.88 < covered < 0.98


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
    both = make_evaluation({"one": {"nss": column}, "other": {"nss": column, "cc": column}})
    estimates = summarize(both)["all"]
    assert summarize(both)["all"]["one"]["nss"] == estimates["one"]["nss"]
    assert estimates["one"]["nss"] == estimates["other"]["nss"] == estimates["other"]["cc"] == estimate(column)


def test_groups_are_all_images_and_those_of_each_source():
    sources = ["indoor", "street", "indoor", "", "indoor"]
    evaluation = make_evaluation({"one": {"nss": [1, 10, 2, 100, 3]}}, sources)
    groups = summarize(evaluation)
    assert {name: group["one"]["nss"].mean for name, group in groups.items()} == {
        "all": pytest.approx(23.2),
        "indoor": 2,
        "street": 10,
        "other": 100,
    }
    assert next(iter(groups)) == "all"
    assert {name: count_images(evaluation, name) for name in groups} == {"all": 5, "indoor": 3, "street": 1, "other": 1}


@pytest.mark.parametrize("source", ["", "COCO"])
def test_a_single_source_is_not_a_group(source):
    assert list(summarize(make_evaluation({"one": {"nss": [1, 2]}}, [source] * 2))) == ["all"]


def test_a_source_with_the_name_of_a_group_does_not_replace_it():
    evaluation = make_evaluation({"one": {"nss": [1, 10, 100, 1000]}}, ["all", "other", "", "street"])
    groups = summarize(evaluation)
    means = {name: group["one"]["nss"].mean for name, group in groups.items()}
    assert means == {"all": 277.75, "all_": 1, "other": 55, "street": 1000}
    assert [count_images(evaluation, name) for name in means] == [4, 1, 2, 1]


def test_groups_are_the_categories_of_cat2000(tmp_path):
    measured = evaluate(write_cat2000(tmp_path / "cat2000"), {"bright": BRIGHTNESS})
    groups = summarize(measured)
    assert {name: count_images(measured, name) for name in groups} == {"all": 3, "Action": 2, "Art": 1}
    assert groups["Action"]["bright"]["nss"].mean == pytest.approx(measured.scores["bright"]["nss"][:2].mean())
    assert groups["Art"]["bright"]["nss"].mean == pytest.approx(measured.scores["bright"]["nss"][2])


def test_paired_differences_are_tighter_than_unpaired_ones():
    random = np.random.default_rng(4)
    # Photographs differ far more than the two contenders do on each of them.
    photographs = random.normal(0, 10, 50)
    columns = [list(photographs + random.normal(shift, 0.1, 50)) for shift in (0, 0.5)]
    evaluation = make_evaluation({"first": {"nss": columns[0]}, "second": {"nss": columns[1]}})
    paired = compare(evaluation)["second"]["nss"]
    unpaired = summarize(evaluation)["all"]
    assert paired.mean == pytest.approx(unpaired["second"]["nss"].mean - unpaired["first"]["nss"].mean)
    assert paired.low < 0.5 < paired.high
    assert paired.low > 0
    assert width(paired) < 0.05 * width(unpaired["second"]["nss"])


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
