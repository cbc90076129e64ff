"""Shares of the attention, and the area of half of it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from salgan_tf import attention_share
from salgan_tf.attention import area_of_half

MAPS = arrays(np.float32, array_shapes(min_dims=2, max_dims=2, max_side=12), elements=st.integers(0, 9).map(float))


@given(saliency=MAPS, seed=st.integers(0, 99), scale=st.sampled_from([1e-30, 1.0, 1e30]))
def test_a_part_and_the_rest_share_all_attention(saliency, seed, scale):
    saliency[0, 0] += 1
    mask = np.random.default_rng(seed).random(saliency.shape) < 0.5
    share = attention_share(saliency * np.float32(scale), mask)
    assert share == pytest.approx(saliency[mask].sum() / saliency.sum(), abs=1e-6)
    assert share + attention_share(saliency, ~mask) == pytest.approx(1, abs=1e-6)


@given(saliency=MAPS)
def test_half_of_the_attention_lies_on_the_brightest_pixels(saliency):
    saliency[0, 0] += 1
    brightest = np.sort(saliency.ravel())[::-1]
    needed = np.flatnonzero(np.cumsum(brightest) >= saliency.sum() / 2)[0] + 1
    assert area_of_half(saliency) == needed / saliency.size


def test_pixels_that_differ_by_little_are_told_apart():
    saliency = 1 + np.random.default_rng(0).random((200, 300), np.float32) / 1000
    brightest = np.sort(saliency.ravel().astype(float))[::-1]
    needed = np.searchsorted(np.cumsum(brightest), brightest.sum() / 2) + 1
    assert area_of_half(saliency) == needed / saliency.size


@pytest.mark.parametrize(
    ("saliency", "cause"),
    [
        ([[1.0]], "not list"),
        (np.ones((2, 2, 1)), r"not float64 \(2, 2, 1\)"),
        (np.ones((2, 2), complex), "not complex128"),
        (np.ones((0, 2)), r"\(0, 2\)"),
        (np.full((2, 2), np.nan), "finite numbers of at least 0"),
        (np.full((2, 2), np.inf), "finite numbers of at least 0"),
        (np.full((2, 2), -1.0), "finite numbers of at least 0"),
        (np.zeros((2, 2)), "0 everywhere"),
    ],
    ids=["list", "batch", "complex", "empty", "NaN", "infinite", "negative", "black"],
)
def test_what_is_no_map_is_refused(saliency, cause):
    with pytest.raises(ValueError, match=f"^saliency: .*{cause}"):
        attention_share(saliency, np.ones((2, 2), bool))
    with pytest.raises(ValueError, match=f"^saliency: .*{cause}"):
        area_of_half(saliency)


@pytest.mark.parametrize("mask", [np.ones((2, 2)), np.ones((2, 3), bool), [[True, True]] * 2])
def test_what_is_no_mask_is_refused(mask):
    with pytest.raises(ValueError, match=r"^mask: expected a bool array"):
        attention_share(np.ones((2, 2)), mask)
