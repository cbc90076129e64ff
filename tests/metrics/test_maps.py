"""The metrics against densities: numbers computed by hand, and properties."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from salgan_tf.metrics import maps

CELL = 32
saliency_maps = arrays.arrays(np.float64, (4, 5), elements=st.floats(0, 1, width=32))
# Two rows of three cells, at least one of which is not empty.
masses = arrays.arrays(np.int64, (2, 3), elements=st.integers(0, 9)).filter(np.any)


def point_map(cell: tuple[int, int], shape: tuple[int, int] = (5 * CELL, 6 * CELL)) -> np.ndarray:
    """Make a map that is 0 except for one point in a cell."""
    saliency = np.zeros(shape)
    saliency[cell[0] * CELL + 7, cell[1] * CELL + 20] = 3
    return saliency


def spread(mass: np.ndarray) -> np.ndarray:
    """Make a map whose cells have the given masses."""
    return np.kron(mass, np.ones((CELL, CELL)))


# === Computed by hand ===


def test_cc_of_four_pixels():
    """Deviations (-3, -1, 1, 3) and (-1, -3, 3, 1): 12 / 20."""
    assert maps.cc(np.array([[0, 2, 4, 6]], np.uint8), np.array([[2, 0, 6, 4]])) == pytest.approx(0.6)


@pytest.mark.parametrize("constant", [0.0, 0.1, 1.0, 1e-30, 255.0])
@pytest.mark.parametrize("metric", [maps.cc, maps.sim_mit])
def test_cc_and_mits_sim_of_a_constant_map_are_0(metric, constant):
    flat, truth = np.full((7, 9), constant), np.random.default_rng(0).uniform(size=(7, 9))
    assert metric(flat, truth) == 0.0
    assert metric(truth, flat) == 0.0


def test_sim_of_three_pixels_and_mits_shift_to_minimum_0():
    """Shifted (0, 1, 2) / 3 and (0, 0, 2) / 2 share 2/3; as they are, (1, 2, 3) / 6 and (3, 3, 5) / 11, more."""
    assert maps.sim(np.array([[2, 2, 0]]), np.array([[1, 1, 2]])) == pytest.approx(0.5)
    first, second = np.array([[1, 2, 3]], np.uint8), np.array([[3, 3, 5]], np.uint8)
    assert maps.sim_mit(first, second) == pytest.approx(2 / 3)
    assert maps.sim(first, second) == pytest.approx(1 / 6 + 3 / 11 + 5 / 11)


def test_kl_divergence_of_two_pixels():
    """q = (1/2, 1/2) of the truth, p = (1/4, 3/4) of the map."""
    divergence = maps.kl_divergence(np.array([[1, 3]]), np.array([[1, 1]]))
    assert divergence == pytest.approx(0.5 * np.log(2) + 0.5 * np.log(2 / 3))
    assert maps.kl_divergence(np.array([[0, 1]]), np.array([[1, 0]])) == pytest.approx(-np.log(2.2204e-16))


@pytest.mark.parametrize(
    ("saliency", "density"),
    [([0, 0, 0, 0], [0.25, 0.25, 0.25, 0.25]), ([-1, 0, 2], [0, 0.25, 0.75]), ([1, 1, 2], [0.25, 0.25, 0.5])],
)
def test_density_of_zeros_is_uniform_and_negative_values_are_shifted(saliency, density):
    np.testing.assert_array_equal(maps.to_density(np.array([saliency])), [density])
    assert maps.kl_divergence(np.array([saliency]), np.array([density])) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(("cell", "distance"), [((1, 1), 0), ((1, 4), 3), ((4, 1), 3), ((4, 5), 5), ((0, 0), 2**0.5)])
def test_emd_of_a_moved_point_is_the_cells_that_it_moved(cell, distance):
    assert maps.emd(point_map((1, 1)), point_map(cell)) == pytest.approx(distance, abs=1e-12)


def test_emd_is_the_cheapest_transport():
    """One half of the mass moves by 1 cell and the other by 2; crosswise they would move by 5 and 2."""
    first, second = (point_map((1, left)) + point_map((1, right)) for left, right in ((0, 3), (1, 5)))
    assert maps.emd(first, second) == pytest.approx(1.5)
    # Half of a mass moves by 4 cells.
    assert maps.emd(point_map((1, 1)), point_map((1, 1)) + point_map((1, 5))) == pytest.approx(2)


def test_emd_counts_cells_cut_by_the_border():
    """33 x 70 pixels are 2 x 3 cells, the last of one row and of six columns."""
    first, second = np.zeros((33, 70)), np.zeros((33, 70))
    first[0, 0] = second[32, 69] = 1
    assert maps.emd(first, second) == pytest.approx(np.sqrt(5))


# === Properties ===


@given(first=saliency_maps, second=saliency_maps, scale=st.floats(0.01, 100), shift=st.floats(0, 1))
def test_invariants_of_the_map_metrics(first, second, scale, shift):
    """CC ignores scale and shift, SIM and KL ignore scale; each has its best value and its range."""
    contrast = min(first.std(), second.std())
    if contrast > 1e-3:
        assert maps.cc(scale * first + shift, second) == pytest.approx(maps.cc(first, second), abs=1e-6)
        assert maps.cc(first, first) == pytest.approx(1)
        assert maps.cc(first, -first) == pytest.approx(-1)
        assert maps.sim_mit(scale * first + shift, second) == pytest.approx(maps.sim_mit(first, second), abs=1e-6)
        assert maps.sim_mit(first, first) == pytest.approx(1)
    assert -1 - 1e-9 <= maps.cc(first, second) <= 1 + 1e-9
    assert maps.cc(first, second) == pytest.approx(maps.cc(second, first), abs=1e-9)
    for sim in (maps.sim, maps.sim_mit):
        assert 0 <= sim(first, second) <= 1 + 1e-9
        assert sim(first, second) == pytest.approx(sim(second, first), abs=1e-9)
    assert maps.sim(scale * first, first) == pytest.approx(1)
    assert maps.kl_divergence(first, second) >= -1e-9
    assert maps.kl_divergence(scale * first, first) == pytest.approx(0, abs=1e-9)


@given(first=masses, second=masses, third=masses)
def test_emd_is_a_metric_of_densities(first, second, third):
    """It is 0 only for equal densities, it is symmetric, and no detour is shorter."""
    first, second, third = spread(first), spread(second), spread(third)
    assert maps.emd(4 * first, first) == pytest.approx(0, abs=1e-12)
    distance = maps.emd(first, second)
    assert distance == pytest.approx(maps.emd(second, first), abs=1e-9)
    assert distance <= maps.emd(first, third) + maps.emd(third, second) + 1e-9
    if not np.allclose(maps.to_density(first), maps.to_density(second)):
        assert distance > 1e-6
