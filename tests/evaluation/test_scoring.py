"""Every metric of one map is that of the metric functions called by hand; and so for people."""

import numpy as np
import pytest
from handmade import SHAPE, render_spot, untimed
from hypothesis import assume, given
from hypothesis import strategies as st

from salgan_tf.data.fixations import Gaze, blur_fixations
from salgan_tf.data.folder import Sample
from salgan_tf.evaluation.scoring import BY_NAME, METRICS, OtherFixations, score_map, score_observers
from salgan_tf.metrics import maps, points

OF_POINTS = (
    "auc_judd",
    "auc_borji",
    "auc_uniform",
    "sauc",
    "sauc_borji",
    "nss",
    "nss_mit",
    "ig",
    "ig_uniform",
)
SHUFFLED = ("sauc", "sauc_borji")


def make_sample(points_: list, observers: list | None = None, shape: tuple[int, int] = SHAPE) -> Sample:
    where = np.array(points_, np.int32).reshape(-1, 2)
    whose = None if observers is None else np.array(observers, np.int32)
    return Sample(np.zeros((*shape, 3), np.uint8), blur_fixations(where, shape), Gaze(shape, where, whose, 0))


def make_gaze(count: int, shape: tuple[int, int], seed: int = 0) -> Gaze:
    where = np.random.default_rng(seed).integers(0, shape, (count, 2)).astype(np.int32)
    return Gaze(shape, where, None, 0)


GAZES = {
    "own": make_gaze(9, SHAPE, 1),
    "large": make_gaze(20, (120, 90), 2),
    "small": make_gaze(15, (30, 31), 3),
}
NEGATIVES = OtherFixations(GAZES).of("own")
PRIOR = maps.to_density(render_spot(row=0.5, column=0.5, width=0.3))


def test_every_metric_is_what_its_function_gives():
    sample = make_sample(GAZES["own"].points)
    saliency, fitted = render_spot(), maps.to_density(render_spot(width=0.2))
    fixations, truth = sample.gaze.points, sample.saliency
    assert score_map(saliency, sample, PRIOR, NEGATIVES, fitted) == {
        "auc_judd": points.auc_judd(saliency, fixations),
        "auc_borji": points.auc_borji(saliency, fixations),
        "auc_uniform": points.auc_uniform(saliency, fixations),
        "sauc": points.sauc(saliency, fixations, NEGATIVES.all),
        "sauc_borji": points.sauc_borji(saliency, fixations, NEGATIVES.ten),
        "nss": points.nss(saliency, fixations),
        "nss_mit": points.nss_mit(saliency, fixations),
        "ig": points.information_gain(saliency, PRIOR, fixations),
        "ig_uniform": points.information_gain(saliency, np.ones(SHAPE), fixations),
        "ig_fitted": points.information_gain(fitted, PRIOR, fixations),
        "cc": maps.cc(saliency, truth),
        "sim": maps.sim(saliency, truth),
        "sim_mit": maps.sim_mit(saliency, truth),
        "kl": maps.kl_divergence(saliency, truth),
        "emd": maps.emd(saliency, truth),
    }


def test_the_columns_are_the_metrics():
    scores = score_map(render_spot(), make_sample([(3, 4)]), PRIOR, NEGATIVES)
    assert set(scores) == set(BY_NAME) == {metric.name for metric in METRICS}
    assert [name for name, value in scores.items() if np.isnan(value)] == ["ig_fitted"]
    assert {metric.name for metric in METRICS if metric.better == "lower"} == {"kl", "emd"}


def test_the_truth_itself_is_perfect():
    sample = make_sample(GAZES["own"].points)
    scores = score_map(sample.saliency, sample, PRIOR, NEGATIVES)
    for metric in ("cc", "sim", "sim_mit"):
        assert scores[metric] == pytest.approx(1)
    for metric in ("kl", "emd"):
        assert scores[metric] == pytest.approx(0, abs=1e-9)


def test_the_baselines_gain_nothing_over_themselves():
    sample = make_sample(GAZES["own"].points)
    assert score_map(PRIOR, sample, PRIOR, NEGATIVES)["ig"] == pytest.approx(0, abs=1e-12)
    uniform = score_map(np.ones(SHAPE), sample, PRIOR, NEGATIVES)
    assert uniform["ig_uniform"] == uniform["nss"] == uniform["cc"] == 0
    for metric in ("auc_uniform", "auc_borji", "sauc", "sauc_borji"):
        assert uniform[metric] == pytest.approx(0.5)


@untimed
@given(scale=st.floats(1e-3, 1e3), seed=st.integers(0, 1000))
def test_no_metric_depends_on_the_scale_of_a_map(scale, seed):
    saliency = np.random.default_rng(seed).random(SHAPE)
    sample = make_sample(GAZES["own"].points)
    once = score_map(saliency, sample, PRIOR, NEGATIVES)
    scaled = score_map(saliency * scale, sample, PRIOR, NEGATIVES)
    for metric in BY_NAME:
        # A threshold of AUC-Borji may fall on another side of a rounded value.
        tolerance = 0.02 if metric.endswith("_borji") else 1e-6
        assert scaled[metric] == pytest.approx(once[metric], rel=1e-6, abs=tolerance, nan_ok=True), metric


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
    gazes = {
        f"i{column}": Gaze(SHAPE, np.array([(row, column) for row in range(column + 1)], np.int32), None, 0)
        for column in range(25)
    }
    others, chosen = OtherFixations(gazes), {}
    for name in gazes:
        negatives = others.of(name)
        columns, counts = np.unique(negatives.ten[:, 1], return_counts=True)
        assert len(columns) == 10
        assert int(name[1:]) not in negatives.all[:, 1]
        np.testing.assert_array_equal(counts, columns + 1)
        assert len(negatives.all) == 25 * 26 // 2 - (int(name[1:]) + 1)
        chosen[name] = tuple(columns)
    assert len(set(chosen.values())) > 20


def test_negatives_are_the_same_in_every_run_and_whatever_is_asked_first():
    gazes = {f"i{index}": make_gaze(3, SHAPE, index) for index in range(20)}
    first, second = OtherFixations(gazes), OtherFixations(gazes)
    second.of("i8")
    for one, other in zip(vars(first.of("i7")).values(), vars(second.of("i7")).values(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_without_other_images_there_is_no_shuffled_metric():
    sample = make_sample(GAZES["own"].points)
    scores = score_map(render_spot(), sample, PRIOR, OtherFixations({"own": GAZES["own"]}).of("own"))
    assert [name for name, value in scores.items() if np.isnan(value)] == [*SHUFFLED, "ig_fitted"]


def test_people_are_predicted_from_all_others():
    where = np.array([(10, 10), (12, 11), (11, 12), (40, 60), (41, 62), (30, 30)])
    whose = np.array([0, 0, 1, 1, 1, 4])
    sample = make_sample(where, whose)
    own = {observer: where[whose == observer] for observer in (0, 1, 4)}
    others = {observer: blur_fixations(where[whose != observer], SHAPE) for observer in own}
    # Two others, and the prior as one more.
    predictions = {observer: (2 * maps.to_density(others[observer]) + PRIOR) / 3 for observer in own}
    scores = score_observers(sample, PRIOR, NEGATIVES)
    expected = {
        "nss": [points.nss(predictions[one], own[one]) for one in own],
        "auc_uniform": [points.auc_uniform(predictions[one], own[one]) for one in own],
        "sauc": [points.sauc(predictions[one], own[one], NEGATIVES.all) for one in own],
        "ig": [points.information_gain(predictions[one], PRIOR, own[one]) for one in own],
    }
    for metric, values in expected.items():
        assert scores[metric] == pytest.approx(np.mean(values)), metric
    # A single observer's density is no truth to hold a map against, and AUC-Judd depends on how often was looked.
    assert {name for name, value in scores.items() if np.isnan(value)} == {"auc_judd", *BY_NAME} - set(OF_POINTS[1:])


def test_people_who_agree_are_predicted_well_and_those_who_do_not_never_impossible():
    agreed = score_observers(make_sample([(20, 30), (20, 30), (20, 30)], [0, 1, 2]), PRIOR, NEGATIVES)
    apart = score_observers(make_sample([(2, 3), (50, 70), (2, 70)], [0, 1, 2]), PRIOR, NEGATIVES)
    assert agreed["auc_uniform"] > 0.99
    assert agreed["ig"] > 3
    # With the prior as one observer of three, at most log2(3) bits are lost.
    assert -np.log2(3) - 1e-6 <= apart["ig"] < 0


@pytest.mark.parametrize("observers", [None, [0, 0, 0], [3, 3, 3]])
def test_fewer_than_two_observers_predict_nobody(observers):
    scores = score_observers(make_sample([(1, 2), (3, 4), (5, 6)], observers), PRIOR, NEGATIVES)
    assert set(scores) == set(BY_NAME)
    assert np.isnan(list(scores.values())).all()


@untimed
@given(st.data())
def test_the_order_and_the_numbers_of_observers_say_nothing(data):
    count = data.draw(st.integers(2, 12))
    where = data.draw(st.lists(st.tuples(st.integers(0, 59), st.integers(0, 79)), min_size=count, max_size=count))
    whose = data.draw(st.lists(st.integers(0, 3), min_size=count, max_size=count))
    assume(len(set(whose)) > 1)
    order = data.draw(st.permutations(range(count)))
    once = score_observers(make_sample(where, whose), PRIOR, NEGATIVES)
    again = score_observers(
        make_sample([where[index] for index in order], [9 - whose[index] for index in order]), PRIOR, NEGATIVES
    )
    for metric in ("nss", "nss_mit", "auc_uniform", "sauc", "ig", "ig_uniform"):
        assert again[metric] == pytest.approx(once[metric], rel=1e-5, abs=1e-6), metric
