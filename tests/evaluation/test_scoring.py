"""Every metric of a map equals that of the metric function called by hand, and so do the metrics of people."""

import numpy as np
import pytest
from handmade import SHAPE, render_spot
from hypothesis import assume, given
from hypothesis import strategies as st

from salgan_tf.data.fixations import Gaze, blur_fixations
from salgan_tf.evaluation.scoring import BY_NAME, METRICS, NegativeFixations, Negatives, score_map, score_observers
from salgan_tf.metrics import maps, points

# The metrics of people.
OF_PEOPLE = {"auc_borji", "auc_uniform", "sauc", "sauc_borji", "nss", "nss_mit", "ig", "ig_uniform"}


def make_gaze(fixations, observers: list | None = None, shape: tuple[int, int] = SHAPE) -> Gaze:
    whose = None if observers is None else np.array(observers, np.int32)
    return Gaze(shape, np.array(fixations, np.int32).reshape(-1, 2), whose, 0)


def draw_gaze(count: int, shape: tuple[int, int], seed: int) -> Gaze:
    return make_gaze(np.random.default_rng(seed).integers(0, shape, (count, 2)), shape=shape)


GAZES = {"own": draw_gaze(9, SHAPE, 1), "large": draw_gaze(20, (120, 90), 2), "small": draw_gaze(15, (30, 31), 3)}
FIXATIONS = GAZES["own"].points
TRUTH = blur_fixations(FIXATIONS, SHAPE)
NEGATIVES = NegativeFixations(GAZES).of("own")
PRIOR = maps.to_density(render_spot(row=0.5, column=0.5, width=0.3))


@pytest.mark.parametrize("scale", [2.0**-90, 2.0**-50, 2.0**50, 2.0**99])
def test_no_scale_of_a_map_changes_a_metric(scale):
    saliency, truth = render_spot().astype(np.float32), TRUTH.astype(np.float32)
    expected = score_map(saliency, truth, FIXATIONS, PRIOR, NEGATIVES)
    scaled = (saliency * np.float32(scale), truth * np.float32(scale))
    assert score_map(*scaled, FIXATIONS, PRIOR, NEGATIVES) == pytest.approx(expected, rel=1e-5, nan_ok=True)


def test_every_metric_is_the_result_of_its_function():
    saliency, fitted = render_spot(), maps.to_density(render_spot(width=0.2))
    negatives = Negatives(NEGATIVES.all, NEGATIVES.all[:7])
    scores = score_map(saliency, TRUTH, FIXATIONS, PRIOR, negatives, fitted)
    assert scores == {
        "auc_judd": points.auc_judd(saliency, FIXATIONS),
        "auc_borji": points.auc_borji(saliency, FIXATIONS),
        "auc_uniform": points.auc_uniform(saliency, FIXATIONS),
        "sauc": points.sauc(saliency, FIXATIONS, negatives.all),
        "sauc_borji": points.sauc_borji(saliency, FIXATIONS, negatives.ten),
        "nss": points.nss(saliency, FIXATIONS),
        "nss_mit": points.nss_mit(saliency, FIXATIONS),
        "ig": points.information_gain(saliency, PRIOR, FIXATIONS),
        "ig_uniform": points.information_gain(saliency, np.ones(SHAPE), FIXATIONS),
        "ig_fitted": points.information_gain(fitted, PRIOR, FIXATIONS),
        "cc": maps.cc(saliency, TRUTH),
        "sim": maps.sim(saliency, TRUTH),
        "sim_mit": maps.sim_mit(saliency, TRUTH),
        "kl": maps.kl_divergence(saliency, TRUTH),
        "emd": maps.emd(saliency, TRUTH),
    }
    assert set(scores) == set(BY_NAME)
    assert {metric.name for metric in METRICS if metric.better == "lower"} == {"kl", "emd"}


@pytest.mark.parametrize(
    ("negatives", "undefined"),
    [
        (NEGATIVES, ["ig_fitted"]),
        (NegativeFixations({"own": GAZES["own"]}).of("own"), ["sauc", "sauc_borji", "ig_fitted"]),
    ],
    ids=["no fitted density", "no other images"],
)
def test_undefined_metrics_are_nan(negatives, undefined):
    scores = score_map(render_spot(), TRUTH, FIXATIONS, PRIOR, negatives)
    assert [name for name, value in scores.items() if np.isnan(value)] == undefined


def test_negatives_are_the_fixations_of_all_other_images_at_this_ones_size():
    expected = [
        points.rescale_fixations(GAZES[name].points, GAZES[name].shape, SHAPE).tolist() for name in ("large", "small")
    ]
    assert sorted(NEGATIVES.all.tolist()) == sorted(expected[0] + expected[1])
    assert (NEGATIVES.all >= 0).all()
    assert (NEGATIVES.all < SHAPE).all()
    # With no more than ten others, the ten are all of them.
    assert sorted(NEGATIVES.ten.tolist()) == sorted(NEGATIVES.all.tolist())


def test_mit_draws_its_negatives_from_ten_other_images():
    # Image i has i + 1 fixations, all of them in its own column.
    gazes = {f"i{column}": make_gaze([(row, column) for row in range(column + 1)]) for column in range(25)}
    others, chosen = NegativeFixations(gazes), {}
    for name in gazes:
        negatives = others.of(name)
        columns, counts = np.unique(negatives.ten[:, 1], return_counts=True)
        assert len(columns) == 10
        assert int(name[1:]) not in negatives.all[:, 1]
        np.testing.assert_array_equal(counts, columns + 1)
        assert len(negatives.all) == 25 * 26 // 2 - (int(name[1:]) + 1)
        chosen[name] = tuple(columns)
    assert len(set(chosen.values())) > 20


def test_negatives_are_the_same_in_every_run_and_in_any_order_of_calls():
    gazes = {f"i{index}": draw_gaze(3, SHAPE, index) for index in range(20)}
    first, second = NegativeFixations(gazes), NegativeFixations(gazes)
    second.of("i8")
    for negatives, again in zip(first.of("i7"), second.of("i7"), strict=True):
        np.testing.assert_array_equal(negatives, again)


def test_people_are_predicted_from_all_others():
    where = np.array([(10, 10), (12, 11), (11, 12), (40, 60), (41, 62), (30, 30)])
    whose = np.array([0, 0, 1, 1, 1, 4])
    own = {observer: where[whose == observer] for observer in (0, 1, 4)}
    others = {observer: blur_fixations(where[whose != observer], SHAPE) for observer in own}
    # Two others, and the prior as one more.
    predictions = {observer: (2 * maps.to_density(others[observer]) + PRIOR) / 3 for observer in own}
    scores = score_observers(make_gaze(where, whose), PRIOR, NEGATIVES)
    expected = {
        "nss": [points.nss(predictions[observer], own[observer]) for observer in own],
        "auc_uniform": [points.auc_uniform(predictions[observer], own[observer]) for observer in own],
        "sauc": [points.sauc(predictions[observer], own[observer], NEGATIVES.all) for observer in own],
        "ig": [points.information_gain(predictions[observer], PRIOR, own[observer]) for observer in own],
    }
    for metric, values in expected.items():
        assert scores[metric] == pytest.approx(np.mean(values)), metric
    # The density of a single observer is not the truth, and AUC-Judd depends on the number of fixations.
    assert {name for name, value in scores.items() if not np.isnan(value)} == OF_PEOPLE


def test_people_who_agree_are_predicted_well_and_nobody_is_impossible():
    agreed = score_observers(make_gaze([(20, 30), (20, 30), (20, 30)], [0, 1, 2]), PRIOR, NEGATIVES)
    apart = score_observers(make_gaze([(2, 3), (50, 70), (2, 70)], [0, 1, 2]), PRIOR, NEGATIVES)
    assert agreed["auc_uniform"] > 0.99
    assert agreed["ig"] > 3
    # With the prior as one observer of three, at most log2(3) bits are lost.
    assert -np.log2(3) - 1e-6 <= apart["ig"] < 0


@pytest.mark.parametrize("observers", [None, [0, 0, 0], [3, 3, 3]])
def test_fewer_than_two_observers_predict_nobody(observers):
    scores = score_observers(make_gaze([(1, 2), (3, 4), (5, 6)], observers), PRIOR, NEGATIVES)
    assert set(scores) == set(BY_NAME)
    assert np.isnan(list(scores.values())).all()


@given(st.data())
def test_the_order_and_the_numbers_of_observers_do_not_matter(data):
    count = data.draw(st.integers(2, 12))
    where = data.draw(st.lists(st.tuples(st.integers(0, 59), st.integers(0, 79)), min_size=count, max_size=count))
    whose = data.draw(st.lists(st.integers(0, 3), min_size=count, max_size=count))
    assume(len(set(whose)) > 1)
    order = data.draw(st.permutations(range(count)))
    once = score_observers(make_gaze(where, whose), PRIOR, NEGATIVES)
    again = score_observers(
        make_gaze([where[index] for index in order], [9 - whose[index] for index in order]), PRIOR, NEGATIVES
    )
    for metric in ("nss", "nss_mit", "auc_uniform", "sauc", "ig", "ig_uniform"):
        assert again[metric] == pytest.approx(once[metric], rel=1e-5, abs=1e-6), metric
