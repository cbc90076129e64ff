"""Augmentations: image, map and fixations are changed alike, and only the seed decides how."""

import functools

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from salgan_tf.data.augmentation import AUGMENTATIONS, augment
from salgan_tf.data.fixations import blur_fixations, count_fixations

SHAPE = (32, 48)
SEEDS = st.tuples(st.integers(0, 2**40), st.integers(0, 2**40))
few_examples = settings(max_examples=40)


@functools.cache
def compiled(names: tuple[str, ...]) -> tf.types.experimental.ConcreteFunction:
    """Augment in a graph, as the pipeline does."""

    def call(image, saliency, fixations, seed):
        return augment(image, saliency, fixations, names, seed)

    like = [tf.TensorSpec((*SHAPE, channels), tf.float32) for channels in (3, 1, 1)]
    return tf.function(call).get_concrete_function(*like, tf.TensorSpec((2,), tf.int64))


def apply(names, example, seed) -> list[np.ndarray]:
    arrays = [tf.constant(array, tf.float32) for array in example]
    return [array.numpy() for array in compiled(tuple(names))(*arrays, tf.constant(seed, tf.int64))]


def scene_with_square(row: int, column: int, half: int = 2) -> list[np.ndarray]:
    """Draw a dark picture with a bright square, two fixations in its middle, and a density around them."""
    image, fixations = np.full((*SHAPE, 3), 20, np.float32), np.zeros((*SHAPE, 1), np.float32)
    image[row - half : row + half + 1, column - half : column + half + 1] = 250
    fixations[row, column] = 2
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    density = np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / 50)
    return [image, density[..., None].astype(np.float32), fixations]


places = st.tuples(st.integers(2, SHAPE[0] - 3), st.integers(2, SHAPE[1] - 3))


@pytest.mark.parametrize("names", [("flip",), ("crop",), ("flip", "crop"), AUGMENTATIONS])
@few_examples
@given(place=places, seed=SEEDS)
def test_fixations_and_map_stay_on_the_square(names, place, seed):
    image, saliency, fixations = apply(names, scene_with_square(*place), seed)
    assert fixations.sum() in (0, 2)
    for row, column in np.argwhere(fixations[..., 0]):
        assert image[row, column].mean() > 120
        assert saliency[row, column, 0] > 0.85


@few_examples
@given(place=places, seed=SEEDS)
def test_flips_keep_or_mirror_everything(place, seed):
    example = scene_with_square(*place)
    changed = apply(("flip",), example, seed)
    mirrored = [array[:, ::-1] for array in example]
    assert any(all(map(np.array_equal, changed, expected)) for expected in (example, mirrored))


def test_half_of_the_examples_are_flipped():
    example = scene_with_square(10, 5)
    flips = [not np.array_equal(apply(("flip",), example, (7, seed))[0], example[0]) for seed in range(200)]
    assert 70 < sum(flips) < 130


@few_examples
@given(data=st.data(), seed=SEEDS)
def test_crops_never_add_fixations_and_keep_the_maximum(data, seed):
    random = np.random.default_rng(data.draw(st.integers(0, 1000)))
    image = random.uniform(0, 255, (*SHAPE, 3))
    saliency = random.uniform(0, 1, (*SHAPE, 1))
    fixations = random.poisson(0.1, (*SHAPE, 1))
    changed_image, changed_saliency, changed_fixations = apply(
        ("crop",), (image, saliency / saliency.max(), fixations), seed
    )
    assert changed_fixations.sum() <= fixations.sum()
    assert (changed_fixations == np.rint(changed_fixations)).all()
    assert changed_saliency.max() == pytest.approx(1, abs=1e-6)
    assert changed_saliency.min() >= 0
    assert 0 <= changed_image.min() <= changed_image.max() <= 255.001


@few_examples
@given(data=st.data(), seed=SEEDS)
def test_maps_of_crops_are_as_sharp_as_maps_of_whole_pictures(data, seed):
    shape = (64, 96)
    points = np.array(data.draw(st.lists(st.tuples(st.integers(0, 63), st.integers(0, 95)), min_size=1, max_size=9)))
    counts = count_fixations(points, shape, shape).astype(np.float32)[..., None]
    example = (np.zeros((*shape, 3), np.float32), blur_fixations(points, shape)[..., None], counts)
    _, saliency, fixations = augment(*map(tf.constant, example), ("crop",), tf.constant(seed, tf.int64))
    cells = np.argwhere(fixations[..., 0])
    moved = cells.repeat(fixations.numpy()[fixations > 0].astype(int), axis=0)
    if len(moved):
        np.testing.assert_allclose(saliency[..., 0], blur_fixations(moved, shape), atol=0.02)


def test_crops_keep_three_quarters_of_a_side_or_more():
    # The range of the ramp that is left gives the window's width.
    ramp = np.broadcast_to(np.linspace(0, 235, SHAPE[1])[None, :, None], (*SHAPE, 3))
    example = (ramp, np.ones((*SHAPE, 1)), np.ones((*SHAPE, 1)))
    widths = []
    for seed in range(100):
        image, _, fixations = apply(("crop",), example, (3, seed))
        widths.append((image.max() - image.min()) / 235)
        assert fixations.sum() / np.prod(SHAPE) == pytest.approx(widths[-1] ** 2, abs=0.06)
    assert 0.7 < min(widths) < 0.8
    assert 0.95 < max(widths) <= 1


def test_a_window_in_which_nobody_looked_leaves_the_example_whole():
    example = scene_with_square(2, 2, half=1)
    example[1] = (example[2] > 0).astype(np.float32)
    kept = 0
    for seed in range(60):
        image, saliency, fixations = apply(("crop",), example, (0, seed))
        assert saliency.max() == pytest.approx(1)
        if fixations.sum() == 2 and np.array_equal(image, example[0]):
            kept += 1
    assert kept > 5


@few_examples
@given(seed=SEEDS, level=st.sampled_from([0.0, 10.0, 128.0, 250.0, 255.0]))
def test_colours_stay_in_range_and_do_not_change_the_ground_truth(seed, level):
    image = np.random.default_rng(0).uniform(0, 255, (*SHAPE, 3)).astype(np.float32)
    image[: SHAPE[0] // 2] = level
    _, saliency, fixations = example = scene_with_square(9, 9)
    changed = apply(("color",), (image, *example[1:]), seed)
    assert changed[0].min() >= 0
    assert changed[0].max() <= 255
    assert not np.array_equal(changed[0], image)
    np.testing.assert_array_equal(changed[1], saliency)
    np.testing.assert_array_equal(changed[2], fixations)


@few_examples
@given(seed=SEEDS)
def test_only_the_seed_decides(seed):
    example = scene_with_square(12, 30)
    first = apply(AUGMENTATIONS, example, seed)
    tf.random.uniform((3,))
    tf.random.set_seed(seed[0])
    assert all(map(np.array_equal, first, apply(AUGMENTATIONS, example, seed)))
    other_seed = apply(AUGMENTATIONS, example, (seed[0], seed[1] + 1))
    assert not np.array_equal(first[0], other_seed[0])


@pytest.mark.parametrize("names", [(), *((name,) for name in AUGMENTATIONS), AUGMENTATIONS])
def test_shapes_are_static(names):
    outputs = compiled(names).structured_outputs
    assert [tuple(output.shape) for output in outputs] == [(*SHAPE, 3), (*SHAPE, 1), (*SHAPE, 1)]
    assert {output.dtype for output in outputs} == {tf.float32}


def test_no_augmentation_changes_nothing():
    example = scene_with_square(12, 30)
    assert all(map(np.array_equal, example, apply((), example, (1, 2))))
