"""Properties of the metrics against fixations: invariants, symmetries and the level of chance."""

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


def mean_and_error(values: list[float]) -> tuple[float, float]:
    """Return a mean and its standard error."""
    return float(np.mean(values)), float(np.std(values, ddof=1) / np.sqrt(len(values)))


def draw(density: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Draw fixations from a density."""
    drawn = np.random.default_rng(seed).choice(density.size, count, p=density.ravel() / density.sum())
    return np.stack(np.unravel_index(drawn, density.shape), axis=1)


def gaussian(shape: tuple[int, int], deviation: float) -> np.ndarray:
    """Make a Gaussian density about the centre whose deviation is a share of each side."""
    scores = [(np.arange(size) + 0.5 - size / 2) / (deviation * size) for size in shape]
    return np.outer(*[np.exp(-(score**2) / 2) for score in scores])


def blur(density: np.ndarray) -> np.ndarray:
    """Add the four neighbours."""
    return density + sum(np.roll(density, step, axis) for step in (1, -1) for axis in (0, 1))


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


@pytest.mark.parametrize("name", ALL)
@given(saliency=integer_maps, fixations=some_fixations, seed=st.integers(0, 99))
def test_order_of_fixations_does_not_matter(name, saliency, fixations, seed):
    other_order = np.random.default_rng(seed).permutation(fixations)
    assert ALL[name](saliency, other_order) == pytest.approx(ALL[name](saliency, fixations), abs=1e-9)


@pytest.mark.parametrize("name", ["nss_mit", "auc_judd", "auc_borji", "sauc_borji"])
@given(saliency=integer_maps, fixations=some_fixations, repeats=st.integers(2, 4))
def test_repeats_do_not_matter_to_metrics_of_mit(name, saliency, fixations, repeats):
    repeated = np.concatenate([np.repeat(fixations[:2], repeats, axis=0), fixations])
    assert ALL[name](saliency, repeated) == ALL[name](saliency, fixations)


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


# === The best map ===


@pytest.mark.parametrize(
    "spoil", [blur, np.rot90, lambda map_: np.roll(map_, 3, axis=1), lambda map_: 1.1 - map_, np.ones_like]
)
@pytest.mark.parametrize("name", ["auc_uniform", "auc_judd", "information_gain"])
def test_no_map_is_better_than_the_density_that_fixations_are_drawn_from(name, spoil):
    density = np.random.default_rng(0).random((12, 12)) ** 4
    fixations = draw(density, 20_000, seed=1)
    if name == "information_gain":
        # A wrong map loses its divergence from the density.
        wrong = spoil(density)
        p, q = density / density.sum(), wrong / wrong.sum()
        bits = np.log2(p / q)
        loss = (p * bits).sum()
        error = np.sqrt((p * (bits - loss) ** 2).sum() / len(fixations))
        assert abs(points.information_gain(density, wrong, fixations) - loss) < 3 * error
        assert loss > 30 * error
    else:
        # AUC-Judd counts a pixel once, so there must be few fixations.
        fixations = fixations[:60] if name == "auc_judd" else fixations
        assert EXACT_AREAS[name](density, fixations) > EXACT_AREAS[name](spoil(density), fixations) + 0.01


# === Chance ===


@pytest.mark.parametrize("name", AREAS)
def test_random_map_is_at_chance(name):
    """It is 0.5 within three standard errors; the last step of AUC-Judd adds 1 / 2(n + 1) for n fixated pixels."""
    values = []
    for seed in range(300):
        source = np.random.default_rng(seed)
        fixations, others = (source.integers(0, (40, 50), (size, 2)) for size in (15, 200))
        negatives = (others,) if name in ("sauc", "sauc_borji") else ()
        bonus = 1 / (2 * (len(np.unique(fixations, axis=0)) + 1)) if name == "auc_judd" else 0.0
        values.append(getattr(points, name)(source.random((40, 50)), fixations, *negatives) - bonus)
    mean, error = mean_and_error(values)
    assert abs(mean - 0.5) < 3 * error
    assert error < 0.01


@pytest.mark.parametrize("shuffled", [points.sauc, points.sauc_borji])
def test_shuffled_areas_do_not_reward_a_centre_bias(shuffled):
    """All images are fixated alike, in the middle: a map of the middle is good, but says nothing about an image."""
    centre = gaussian((384, 512), 0.15)
    everyone = [draw(centre, 30, seed) for seed in range(40)]
    values, plain = [], []
    for index, fixations in enumerate(everyone):
        # Ten images, as in MIT's code: with many, each pixel once, the middle is no longer the densest.
        others = np.concatenate((everyone[:index] + everyone[index + 1 :])[:10])
        values.append(shuffled(centre, fixations, others))
        plain.append(points.auc_uniform(centre, fixations))
    mean, error = mean_and_error(values)
    assert abs(mean - 0.5) < 3 * error
    assert error < 0.02
    assert np.mean(plain) > 0.8
