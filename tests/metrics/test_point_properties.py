"""Properties of the metrics against fixations: invariants, symmetries and no reward for a centre bias."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from salgan_tf.metrics import points

SHAPE = (5, 6)
OTHERS = np.array([[0, 0], [1, 4], [4, 5], [2, 2], [2, 2], [3, 1], [4, 0]])
EXACT_AREAS = {
    "auc_uniform": points.auc_uniform,
    "auc_judd": points.auc_judd,
    "sauc": lambda saliency, fixations: points.sauc(saliency, fixations, OTHERS),
}
AREAS = EXACT_AREAS | {
    "auc_borji": points.auc_borji,
    "sauc_borji": lambda saliency, fixations: points.sauc_borji(saliency, fixations, OTHERS),
}
ALL = AREAS | {
    "nss": points.nss,
    "nss_mit": points.nss_mit,
    "information_gain": lambda saliency, fixations: points.information_gain(saliency, 1 + saliency**2, fixations),
}
# Few integers, so that there are ties, which scaling by powers of two keeps.
integer_maps = arrays.arrays(np.int64, SHAPE, elements=st.integers(0, 7))
places = st.tuples(st.integers(0, SHAPE[0] - 1), st.integers(0, SHAPE[1] - 1))
some_fixations = st.lists(places, min_size=1, max_size=12).map(np.array)


# === Invariants ===


@pytest.mark.parametrize("name", [*AREAS, "nss", "nss_mit"])
@given(saliency=integer_maps, fixations=some_fixations, power=st.integers(-8, 8), shift=st.integers(-100, 100))
def test_scale_and_shift_do_not_matter(name, saliency, fixations, power, shift):
    expected = ALL[name](saliency, fixations)
    assert ALL[name](2.0**power * saliency + shift, fixations) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("name", EXACT_AREAS)
@given(
    saliency=integer_maps,
    fixations=some_fixations,
    levels=st.lists(st.floats(-1e6, 1e6), min_size=8, max_size=8, unique=True).map(sorted),
)
def test_only_the_order_of_values_matters(name, saliency, fixations, levels):
    assert EXACT_AREAS[name](np.array(levels)[saliency], fixations) == EXACT_AREAS[name](saliency, fixations)


@pytest.mark.parametrize("name", ["nss_mit", "auc_judd", "auc_borji", "sauc_borji"])
@given(saliency=integer_maps, fixations=some_fixations, repeats=st.integers(2, 4), seed=st.integers(0, 99))
def test_repeats_and_order_do_not_matter_to_metrics_of_mit(name, saliency, fixations, repeats, seed):
    repeated = np.concatenate([np.repeat(fixations[:2], repeats, axis=0), fixations])
    shuffled = np.random.default_rng(seed).permutation(repeated)
    assert ALL[name](saliency, shuffled) == ALL[name](saliency, fixations)


@pytest.mark.parametrize("name", ["nss", "auc_uniform", "sauc", "information_gain"])
@given(saliency=integer_maps, fixations=some_fixations, repeats=st.integers(2, 4))
def test_other_metrics_are_means_over_all_fixations(name, saliency, fixations, repeats):
    repeated = np.concatenate([fixations, *[fixations[:1]] * repeats])
    each = [ALL[name](saliency, fixation[None]) for fixation in repeated]
    assert ALL[name](saliency, repeated) == pytest.approx(np.mean(each), abs=1e-9)


# === Symmetries and ranges ===


@given(saliency=integer_maps, fixations=some_fixations)
def test_areas_of_the_negative_map(saliency, fixations):
    for name in ("auc_uniform", "sauc"):
        area, mirrored = (EXACT_AREAS[name](sign * saliency, fixations) for sign in (1, -1))
        assert mirrored == pytest.approx(1 - area, abs=1e-12)
        assert 0 <= area <= 1
    assert points.sauc(saliency, OTHERS, fixations) == pytest.approx(1 - points.sauc(saliency, fixations, OTHERS))


@given(saliency=integer_maps, baseline=integer_maps, fixations=some_fixations)
def test_information_gain_over_itself_is_0_and_swaps_sign(saliency, baseline, fixations):
    assert points.information_gain(8 * baseline, baseline, fixations) == pytest.approx(0, abs=1e-9)
    gain = points.information_gain(saliency, baseline, fixations)
    assert points.information_gain(baseline, saliency, fixations) == pytest.approx(-gain, abs=1e-9)


@given(
    fixations=some_fixations,
    rows=st.integers(SHAPE[0], 2000),
    columns=st.integers(SHAPE[1], 2000),
    to=st.tuples(st.integers(1, 2000), st.integers(1, 2000)),
)
def test_rescaled_fixations_stay_inside(fixations, rows, columns, to):
    corner = np.concatenate([fixations, [[rows - 1, columns - 1]]])
    rescaled = points.rescale_fixations(corner, (rows, columns), to)
    assert (rescaled >= 0).all()
    assert (rescaled < to).all()
    np.testing.assert_array_equal(points.rescale_fixations(corner, (rows, columns), (rows, columns)), corner)


@pytest.mark.parametrize("shuffled", [points.sauc, points.sauc_borji])
def test_shuffled_areas_do_not_reward_a_centre_bias(shuffled):
    """All images are fixated alike, in the middle: a map of the middle is good, but says nothing about an image."""
    rows, columns = np.mgrid[-1:1:384j, -1:1:512j]
    centre = np.exp(-(rows**2 + columns**2) / 0.18)
    drawn = np.random.default_rng(0).choice(centre.size, (40, 30), p=centre.ravel() / centre.sum())
    everyone = np.stack(np.unravel_index(drawn, centre.shape), axis=-1)
    areas = []
    for index, fixations in enumerate(everyone):
        # Ten other images, as in MIT's code: with many, each pixel once, the middle is no longer the densest.
        others = np.roll(everyone, -index, axis=0)[1:11]
        areas.append(shuffled(centre, fixations, np.concatenate(others)))
    assert np.mean(areas) == pytest.approx(0.5, abs=0.01)
    assert np.mean([points.auc_uniform(centre, fixations) for fixations in everyone]) > 0.8
