"""Batches: their contents, and that only seed and epoch decide their order and augmentation."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from salgan_tf.data.augmentation import AUGMENTATIONS
from salgan_tf.data.grid import GridExample
from salgan_tf.data.pipeline import Split, load_dataset, load_examples, make_batches
from salgan_tf.data.records import write_records
from salgan_tf.errors import InputErrors

SHAPE = (32, 64)


def numbered_examples(count: int) -> Split:
    """Make a split without files, in which each image is filled with its position."""

    def get(position) -> GridExample:
        image = tf.fill((4, 6, 3), tf.cast(position, tf.uint8))
        return GridExample(image, tf.fill((4, 6, 1), tf.constant(65535, tf.uint16)), tf.zeros((4, 6, 1), tf.uint8))

    return Split(get, count, "numbered")


def positions(batches) -> list[int]:
    return [position for images, _ in batches for position in images.numpy()[:, 0, 0, 0].astype(int).tolist()]


def take(batches: tf.data.Dataset, count: int) -> list[list[np.ndarray]]:
    """Return the first batches, each as a list of image, saliency and fixations."""
    return [
        [image, truth["saliency"], truth["fixations"]]
        for image, truth in itertools.islice(batches.as_numpy_iterator(), count)
    ]


@pytest.mark.parametrize("augmentations", [(), AUGMENTATIONS])
def test_batches_keep_the_contract(salicon, augmentations):
    batches = load_dataset(salicon, "train", SHAPE, batch_size=2, shuffle=True, augmentations=augmentations)
    assert batches.cardinality() == 3
    image_spec, truth_spec = batches.element_spec
    assert image_spec.shape.as_list() == [None, *SHAPE, 3]
    assert truth_spec["saliency"].shape.as_list() == [None, *SHAPE, 1]
    for image, truth in batches:
        assert image.shape == (2, *SHAPE, 3)
        assert truth["saliency"].shape == truth["fixations"].shape == (2, *SHAPE, 1)
        assert {image.dtype, truth["saliency"].dtype, truth["fixations"].dtype} == {tf.float32}
        assert 0 <= image.numpy().min() <= 100 < image.numpy().max() <= 255
        np.testing.assert_allclose(truth["saliency"].numpy().max(axis=(1, 2, 3)), 1, atol=1e-6)
        counts = truth["fixations"].numpy().sum(axis=(1, 2, 3))
        assert (counts <= 12).all()
        assert augmentations or (counts == 12).all()


def test_without_shuffling_the_examples_are_in_order_and_the_last_batch_is_partial():
    batches = make_batches(numbered_examples(7), batch_size=3)
    assert batches.cardinality() == 3
    assert [len(image) for image, _ in batches] == [3, 3, 1]
    assert positions(batches) == list(range(7))


def test_missing_fixations_give_counts_of_zero(salicon):
    (salicon / "fixations" / "val" / "scene_10.mat").unlink()
    ((_, truth),) = load_dataset(salicon, "val", SHAPE)
    assert truth["fixations"].numpy().sum(axis=(1, 2, 3)).tolist() == [0, 12, 12]


@pytest.mark.parametrize("count", [1, 2, 3, 5, 16, 40])
def test_every_epoch_is_a_permutation(count):
    batches = make_batches(numbered_examples(count), batch_size=1, shuffle=True, seed=3, first_epoch=0)
    order = positions(batches.take(4 * count))
    epochs = [order[start : start + count] for start in range(0, 4 * count, count)]
    assert all(sorted(epoch) == list(range(count)) for epoch in epochs)
    if count > 4:
        assert len({tuple(epoch) for epoch in epochs}) == 4


def test_no_example_is_always_in_the_partial_batch():
    batches = make_batches(numbered_examples(5), batch_size=2, shuffle=True, first_epoch=0)
    epochs = np.array(positions(batches.take(2 * 40))).reshape(40, 4)
    assert all(len(set(epoch)) == 4 for epoch in epochs)
    left_out = {next(iter(set(range(5)) - set(epoch.tolist()))) for epoch in epochs}
    assert left_out == set(range(5))


def test_seed_and_epoch_decide_the_order():
    examples = numbered_examples(30)

    def order(seed: int, epoch: int) -> list[int]:
        return positions(make_batches(examples, 6, shuffle=True, seed=seed, first_epoch=epoch).take(5))

    assert order(1, 0) == order(1, 0)
    assert len({tuple(order(seed, epoch)) for seed, epoch in ((1, 0), (2, 0), (1, 1), (0, 1))}) == 4


def test_the_seed_decides_a_stream_and_a_later_epoch_continues_it(salicon):
    examples = load_examples(salicon, "train", SHAPE)

    def stream(first_epoch: int | None, count: int, seed: int = 5) -> list:
        options = {"shuffle": True, "augmentations": AUGMENTATIONS, "seed": seed}
        return take(make_batches(examples, 2, first_epoch=first_epoch, **options), count)

    for first_epoch, count in ((0, 12), (None, 3)):
        np.testing.assert_equal(stream(first_epoch, count), stream(first_epoch, count))
        assert not np.array_equal(stream(first_epoch, 1)[0][0], stream(first_epoch, 1, seed=6)[0][0])
    whole = stream(0, 12)
    np.testing.assert_equal(whole[6:], stream(2, 6))
    assert not np.array_equal(whole[0][0], whole[3][0])


@pytest.mark.parametrize("steps", [1, 4, 11])
def test_an_epoch_of_given_steps_begins_with_an_order_of_its_own(steps):
    """Ten examples have five batches of two: an epoch of one or four leaves some out, one of eleven repeats some."""

    def batches(first_epoch: int) -> tf.data.Dataset:
        return make_batches(
            numbered_examples(10), 2, shuffle=True, seed=1, first_epoch=first_epoch, steps_per_epoch=steps
        )

    whole = positions(batches(0).take(3 * steps))
    for epoch in range(3):
        shown = whole[epoch * 2 * steps : (epoch + 1) * 2 * steps]
        assert positions(batches(epoch).take(steps)) == shown
        assert max(shown.count(position) for position in shown) <= -(-steps // 5)
    assert whole[: 2 * steps] != whole[2 * steps : 4 * steps]


def test_each_example_is_changed_differently_in_each_epoch():
    ramp = tf.tile(tf.cast(tf.range(6), tf.uint8)[None, :, None], (4, 1, 3))

    def get(position) -> GridExample:
        return numbered_examples(64).decode(position)._replace(image=ramp)

    batches = make_batches(Split(get, 64, "ramps"), 64, augmentations=("flip",), first_epoch=0)
    first, second = (image[:, 0, 0, 0] for image, _, _ in take(batches, 2))
    for corners in (first, second):
        assert set(corners.tolist()) == {0, 5}
        assert 15 < (corners == 0).sum() < 49
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("global_seed", [None, 1, 2])
def test_each_pass_has_a_new_order_whatever_the_global_seed(global_seed):
    if global_seed is not None:
        keras.utils.set_random_seed(global_seed)
    batches = make_batches(numbered_examples(30), 6, shuffle=True, seed=4)
    assert batches.cardinality() == 5
    orders = [positions(batches) for _ in range(3)]
    assert all(sorted(order) == list(range(30)) for order in orders)
    assert len(set(map(tuple, orders))) == 3


def test_the_global_seed_does_not_change_a_stream():
    orders = []
    for global_seed in (1, 2):
        keras.utils.set_random_seed(global_seed)
        batches = make_batches(numbered_examples(30), 6, shuffle=True, seed=4, first_epoch=0)
        orders.append(positions(batches.take(10)))
    assert orders[0] == orders[1]


def test_records_and_folder_give_the_same_batches(salicon, tmp_path):
    write_records(salicon, tmp_path / "records", SHAPE)
    options = {"batch_size": 2, "shuffle": True, "augmentations": AUGMENTATIONS, "seed": 9, "first_epoch": 1}
    roots = (salicon, tmp_path / "records")
    sources = [load_examples(root, "train", SHAPE) for root in roots]
    np.testing.assert_equal(*[take(make_batches(source, **options), 7) for source in sources])
    np.testing.assert_equal(*[take(load_dataset(root, "val", SHAPE, batch_size=2), 2) for root in roots])


def test_the_error_names_every_bad_file(salicon):
    truncated = salicon / "images" / "train" / "scene_1.png"
    truncated.write_bytes(truncated.read_bytes()[:200])
    corrupt = salicon / "fixations" / "train" / "scene_4.mat"
    corrupt.write_bytes(b"nothing")
    with pytest.raises(InputErrors) as caught:
        load_examples(salicon, "train", SHAPE)
    assert [error.subject for error in caught.value.errors] == [str(truncated), str(corrupt)]
    assert "2 of 6" in str(caught.value)


def test_wrong_settings_are_refused():
    with pytest.raises(ValueError, match=r"'spin'.*flip, crop, color"):
        make_batches(numbered_examples(3), augmentations=("flip", "spin"))
    for batch_size in (0, -1, 2.5):
        with pytest.raises(ValueError, match=rf"batch_size={batch_size} is not a whole number of at least 1"):
            make_batches(numbered_examples(3), batch_size)
    with pytest.raises(ValueError, match="3 examples are fewer than one batch of 4"):
        make_batches(numbered_examples(3), batch_size=4, shuffle=True)
