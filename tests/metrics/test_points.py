"""The metrics against fixations: numbers computed by hand."""

import numpy as np
import pytest

from salgan_tf.metrics import points

NOWHERE, SOMEWHERE = np.empty((0, 2), int), np.array([[0, 1]])
CALLS = {
    "nss": points.nss,
    "nss_mit": points.nss_mit,
    "auc_uniform": points.auc_uniform,
    "auc_judd": points.auc_judd,
    "auc_borji": points.auc_borji,
    "sauc": lambda saliency, fixations: points.sauc(saliency, fixations, SOMEWHERE),
    "sauc, no others": lambda saliency, fixations: points.sauc(saliency, SOMEWHERE, fixations),
    "sauc_borji": lambda saliency, fixations: points.sauc_borji(saliency, fixations, SOMEWHERE),
    "sauc_borji, no others": lambda saliency, fixations: points.sauc_borji(saliency, SOMEWHERE, fixations),
    "information_gain": lambda saliency, fixations: points.information_gain(
        saliency, np.ones_like(saliency), fixations
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_no_fixations_is_an_error(name):
    with pytest.raises(ValueError, match="fixation"):
        CALLS[name](np.eye(3), NOWHERE)


@pytest.mark.parametrize("name", CALLS)
def test_rows_come_before_columns(name):
    """In the wrong order, the first would be a dark pixel and the second outside the map."""
    saliency = np.zeros((2, 3))
    saliency[0, 1] = 1
    assert CALLS[name](saliency, np.array([[0, 1]])) != CALLS[name](saliency, np.array([[1, 2]]))


# === NSS ===


def test_nss_of_four_pixels():
    """Map (0, 0, 0, 4), mean 1: the deviation over N is sqrt 3, over N - 1 it is 2; MIT counts repeats once."""
    saliency, repeated = np.array([[0, 0], [0, 4]], np.uint8), np.array([[1, 1], [1, 1], [0, 0]])
    assert points.nss(saliency, repeated[:1]) == pytest.approx(np.sqrt(3))
    assert points.nss(saliency, repeated) == pytest.approx(5 / 3 / np.sqrt(3))
    assert points.nss_mit(saliency, repeated[:1]) == pytest.approx(1.5)
    assert points.nss_mit(saliency, repeated) == pytest.approx(0.5)


@pytest.mark.parametrize("constant", [0.0, 0.1, 1.0, 1e-30, 255.0])
def test_nss_of_a_constant_map_is_0(constant):
    flat = np.full((7, 9), constant)
    assert points.nss(flat, np.array([[3, 4]])) == 0.0
    assert points.nss_mit(flat, np.array([[3, 4]])) == 0.0
    assert points.nss_mit(np.full((1, 1), constant), np.array([[0, 0]])) == 0.0


# === Exact areas ===


def test_auc_uniform_counts_ties_half():
    """In (1, 2, 2, 3) one is below 2 and two equal it, (1 + 1) / 4; three are below 3, (3 + 1/2) / 4; repeats count."""
    saliency = np.array([[1, 2], [2, 3]], np.uint8)
    assert points.auc_uniform(saliency, np.array([[0, 1], [1, 1]])) == pytest.approx((0.5 + 0.875) / 2)
    assert points.auc_uniform(saliency, np.array([[0, 1], [1, 1], [1, 1], [1, 1]])) == pytest.approx(3.125 / 4)


def test_sauc_counts_ties_half_and_repeats():
    """Positive 2 against (1, 2, 2, 3, 3): one below and two equal, (1 + 1) / 5; positive 3: (3 + 1) / 5."""
    saliency, others = np.array([[1, 2, 3]]), np.array([[0, 0], [0, 1], [0, 1], [0, 2], [0, 2]])
    assert points.sauc(saliency, np.array([[0, 1]]), others) == pytest.approx(0.4)
    assert points.sauc(saliency, np.array([[0, 1], [0, 2], [0, 2]]), others) == pytest.approx(2 / 3)


def test_auc_judd_of_five_pixels():
    """Fixated 4 and 2 of (1, 2, 3, 4, 5): exactly (2/3 + 1/3) / 2, and 2/3 of the negatives lie above 2: 1/2 + 2/3 / 4.

    By the curve: (0, 0), (1/3, 1/2), (2/3, 1), (1, 1) have the area 1/12 + 3/12 + 4/12.
    """
    fixations = np.array([[0, 3], [0, 1], [0, 1]])
    assert points.auc_judd(np.array([[1, 2, 3, 4, 5]]), fixations) == pytest.approx(2 / 3)


@pytest.mark.parametrize(("shape", "fixations", "area"), [((1, 3), [[0, 0]], 3 / 4), ((2, 2), [[0, 0], [1, 0]], 2 / 3)])
def test_auc_judd_of_tied_pixels(shape, fixations, area):
    """The jitter gives the fixated one of three 0, 1 or 2 negatives above it: areas 1, 3/4 and 1/2.

    Of two negatives, on average 2/3 lie above the lower of two fixated pixels: 1/2 + 2/3 / 4.
    """
    assert points.auc_judd(np.full(shape, 0.1), np.array(fixations)) == pytest.approx(area)


def test_auc_judd_without_negatives_is_chance():
    assert points.auc_judd(np.array([[1, 2]]), np.array([[0, 0], [0, 1]])) == 0.5


# === Areas that MIT samples ===


def test_auc_borji_does_not_distinguish_values_between_thresholds():
    """0.05 of (0, 0.05, 1) is not a threshold: it ties with 0 and itself, so (1/2 + 1/2 + 0) / 3; exactly it is 1/2."""
    saliency, fixation = np.array([[0, 0.05, 1]]), np.array([[0, 1]])
    assert points.auc_borji(saliency, fixation) == pytest.approx(1 / 3)
    assert points.auc_uniform(saliency, fixation) == pytest.approx(0.5)


def test_sauc_borji_takes_all_others_if_they_are_few():
    """Levels 10 and 5 against 2 and 5, each pixel once: (1 + 1 + 1 + 1/2) / 4."""
    saliency, fixations = np.array([[0, 0.25, 0.5, 0.55, 1]]), np.array([[0, 4], [0, 2], [0, 2]])
    others = np.array([[0, 1], [0, 3], [0, 3], [0, 3]])
    assert points.sauc_borji(saliency, fixations, others) == pytest.approx(0.875)


@pytest.mark.parametrize("constant", [0, 0.1, 7])
def test_borji_of_a_constant_map_is_chance(constant):
    flat = np.full((4, 5), constant)
    assert points.auc_borji(flat, np.array([[0, 1], [2, 2]])) == 0.5
    assert points.sauc_borji(flat, np.array([[0, 1], [2, 2]]), SOMEWHERE) == 0.5


# === Information gain ===


def test_information_gain_of_two_pixels():
    """p = (3/4, 1/4) over b = (1/2, 1/2): log2 3/2 bits at the first, log2 1/2 at the second."""
    saliency, baseline = np.array([[3, 1]], np.uint8), np.array([[1, 1]])
    assert points.information_gain(saliency, baseline, np.array([[0, 0]])) == pytest.approx(np.log2(1.5))
    three = np.array([[0, 0], [0, 0], [0, 1]])
    assert points.information_gain(saliency, baseline, three) == pytest.approx((2 * np.log2(1.5) - 1) / 3)


def test_fixation_where_the_map_is_0_costs_52_bits_less_the_baselines():
    """log2 2^-52 against log2 1/2."""
    gain = points.information_gain(np.array([[0, 1]]), np.array([[1, 1]]), np.array([[0, 0]]))
    assert gain == pytest.approx(-51, abs=1e-9)


# === Fixations of another image ===


def test_rescaled_fixations_are_rounded_down():
    """299 of 300 rows is 478.4 of 480, and 199 of 400 columns is 99.5 of 200."""
    rescaled = points.rescale_fixations(np.array([[0, 0], [299, 399], [1, 199]]), (300, 400), (480, 200))
    np.testing.assert_array_equal(rescaled, [[0, 0], [478, 199], [1, 99]])
    assert rescaled.dtype == int
