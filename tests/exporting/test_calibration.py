"""Pictures to calibrate with: photographs of a folder, chosen by a seed; generated ones with natural statistics."""

import itertools

import numpy as np
import pytest
from conftest import render_photograph, save_picture
from hypothesis import given, settings
from hypothesis import strategies as st

from salgan_tf.errors import InputError
from salgan_tf.exporting.calibration import COUNT, choose_pictures, dead_leaves, read_chosen

SHAPE = (24, 32)


@pytest.fixture(scope="module")
def leaves() -> np.ndarray:
    return dead_leaves((96, 128))


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    """A folder of nine photographs, each with its own level of grey, and files that do not count."""
    folder = tmp_path_factory.mktemp("photographs")
    for index in range(9):
        save_picture(folder / f"scene_{index}.png", np.full((60 + index, 80, 3), 20 * index, np.uint8))
    (folder / "notes.txt").write_text("not a picture")
    save_picture(folder / "deeper" / "other.png", np.full((60, 80, 3), 255, np.uint8))
    return folder


def chosen_of(folder, count: int = COUNT, seed: int = 0) -> list[int]:
    """The numbers of the `photographs` that are chosen, in order."""
    pictures, words = choose_pictures(folder, SHAPE, count, seed)
    assert pictures.shape[1:] == (*SHAPE, 3)
    assert pictures.dtype == np.uint8
    assert words == f"{len(pictures)} pictures of {folder}"
    return (pictures[:, 0, 0, 0] // 20).tolist()


def spectral_exponent(pictures: np.ndarray) -> float:
    """Fit the exponent of the mean power spectrum; -2 for natural pictures (Field, JOSA 1987)."""
    grey = pictures.mean(axis=-1)
    grey = grey - grey.mean(axis=(1, 2), keepdims=True)
    # Without a window the edges of the picture alone would give -2.
    window = np.hanning(grey.shape[1])[:, None] * np.hanning(grey.shape[2])
    power = np.abs(np.fft.fft2(grey * window)) ** 2
    # Every picture has the same weight, whatever its contrast.
    power = (power / power.sum(axis=(1, 2), keepdims=True)).mean(axis=0)
    vertical, horizontal = (np.fft.fftfreq(side) for side in grey.shape[1:])
    radius = np.hypot(vertical[:, None], horizontal)
    bins = np.geomspace(0.03, 0.3, 9)
    mean = [power[(radius >= low) & (radius < high)].mean() for low, high in itertools.pairwise(bins)]
    return np.polyfit(np.log(np.sqrt(bins[1:] * bins[:-1])), np.log(mean), 1)[0]


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 3), st.integers(0, 2**32))
def test_generated_pictures_depend_on_their_arguments_only(height, width, count, seed):
    pictures = dead_leaves((height, width), count, seed)
    assert pictures.shape == (count, height, width, 3)
    assert pictures.dtype == np.uint8
    np.testing.assert_array_equal(dead_leaves((height, width), count, seed), pictures)


def test_fewer_generated_pictures_are_the_first_ones():
    np.testing.assert_array_equal(dead_leaves(SHAPE, 2, seed=5), dead_leaves(SHAPE, 4, seed=5)[:2])


def test_every_seed_generates_other_pictures():
    pictures = np.concatenate([dead_leaves(SHAPE, 4, seed) for seed in range(4)])
    assert len(np.unique(pictures.reshape(16, -1), axis=0)) == 16


def test_generated_pictures_have_the_spectrum_of_natural_ones(leaves):
    assert -3 < spectral_exponent(leaves) < -1.5
    # The check can fail: white noise has a flat spectrum.
    noise = np.random.default_rng(0).integers(0, 256, (20, 96, 128, 3), np.uint8)
    assert abs(spectral_exponent(noise)) < 0.2


def test_generated_pictures_use_all_levels_and_colours(leaves):
    assert len(leaves) == COUNT
    assert leaves.min() <= 3
    assert leaves.max() >= 252
    means = leaves.mean(axis=(1, 2))
    # From dark to bright, and of all hues.
    assert np.ptp(means.mean(axis=1)) > 80
    assert means.std(axis=1).max() > 25


def test_generated_pictures_go_from_sparse_to_full(leaves):
    steps = np.abs(np.diff(leaves.astype(int).mean(axis=-1), axis=2))
    edges = (steps > 20).mean(axis=(1, 2))
    assert np.quantile(edges, 0.1) < 0.01
    assert np.quantile(edges, 0.9) > 0.03


def test_without_a_folder_pictures_are_generated():
    pictures, words = choose_pictures(None, SHAPE, 3, seed=4)
    np.testing.assert_array_equal(pictures, dead_leaves(SHAPE, 3, seed=4))
    assert words == "3 generated pictures (dead leaves)"


@pytest.mark.parametrize("count", [1, 4, 8, 9, 100])
def test_a_choice_is_a_subset_in_order_the_same_for_the_same_seed(photographs, count):
    chosen = chosen_of(photographs, count, seed=3)
    assert len(chosen) == min(count, 9)
    assert chosen == sorted(set(chosen))
    assert chosen_of(photographs, count, seed=3) == chosen


def test_a_choice_depends_on_its_seed(photographs):
    choices = {tuple(chosen_of(photographs, 4, seed)) for seed in range(8)}
    assert len(choices) > 4
    # And not on the first pictures alone.
    assert set().union(*choices) == set(range(9))


@pytest.mark.parametrize("given", [True, False])
def test_a_size_at_which_the_pictures_do_not_fit_in_memory_is_refused(photographs, given):
    with pytest.raises(InputError, match=r"^--size 16384x16384: needs .* GB of memory and the limit is 2 GB"):
        choose_pictures(photographs if given else None, (16384, 16384))


def test_pictures_are_resized_by_area(tmp_path):
    save_picture(tmp_path / "a.png", render_photograph(0, (48, 64)))
    (picture,) = read_chosen([tmp_path / "a.png"], SHAPE)
    expected = render_photograph(0, (48, 64)).reshape(24, 2, 32, 2, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(picture, expected, atol=0.51)


@pytest.mark.parametrize(
    ("name", "cause"),
    [("empty", "no pictures in this folder"), ("missing", "No such file"), ("bad/picture.png", "not a picture")],
)
def test_a_folder_that_cannot_be_used_is_named(tmp_path, name, cause):
    (tmp_path / "empty").mkdir()
    save_picture(tmp_path / "bad" / "good.png", render_photograph(0))
    (tmp_path / "bad" / "picture.png").write_bytes(b"text")
    with pytest.raises(InputError, match=cause) as caught:
        choose_pictures(tmp_path / name.split("/")[0], SHAPE)
    assert caught.value.subject == str(tmp_path / name)
