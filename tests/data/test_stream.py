"""Streams of shards: every example once an epoch, in an order of its own, and bad shards named in the middle of one."""

import dataclasses
import itertools
import json
import os

import numpy as np
import pytest
import tensorflow as tf

from salgan_tf.data import records, stream
from salgan_tf.data.augmentation import AUGMENTATIONS
from salgan_tf.data.pipeline import concatenate, load_dataset, load_examples, make_batches
from salgan_tf.data.stream import Stream, naming_bad_shards, open_stream
from salgan_tf.errors import InputError

SHAPE = (4, 6)


def encode(pixels: np.ndarray) -> bytes:
    return tf.io.encode_png(pixels).numpy()


def serialize(number: int) -> bytes:
    """Return an example whose picture holds its number."""
    image = np.zeros((*SHAPE, 3), np.uint8)
    image[0, 0] = number // 256**2, number // 256 % 256, number % 256
    pngs = {
        "image": encode(image),
        "saliency": encode(np.full((*SHAPE, 1), 65535, np.uint16)),
        "fixations": encode(np.zeros((*SHAPE, 1), np.uint8)),
    }
    features = {name: tf.train.Feature(bytes_list=tf.train.BytesList(value=[png])) for name, png in pngs.items()}
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()


def write_numbered(root, counts: list[int], first: int = 0):
    """Write records whose examples are numbered from `first` on, in shards of these sizes."""
    root.mkdir()
    for index, count in enumerate(counts):
        with tf.io.TFRecordWriter(str(root / f"{index}.tfrecord")) as writer:
            for number in range(first, first + count):
                writer.write(serialize(number))
        first += count
    names = [f"{index}.tfrecord" for index in range(len(counts))]
    entry = {"examples": sum(counts), "fingerprint": root.name, "shards": names, "counts": counts}
    (root / records.MANIFEST).write_text(json.dumps({"image_shape": SHAPE, "splits": {"train": entry}}))
    return root


def numbers(batches) -> list[int]:
    first_pixels = np.concatenate([images.numpy()[:, 0, 0] for images, _ in batches])
    return (first_pixels.astype(int) @ [256**2, 256, 1]).tolist()


COUNTS = [40, 3, 40, 40, 1, 76]


@pytest.fixture
def root(tmp_path):
    return write_numbered(tmp_path / "records", COUNTS)


@pytest.fixture
def few_waiting(monkeypatch):
    """Let 16 examples wait to be drawn, and three shards be open, so that a small split is a large one."""
    monkeypatch.setattr(stream, "_WAITING", 16 * records.largest_record(SHAPE))
    monkeypatch.setattr(stream, "_OPEN", 3)


def epochs(source: Stream, seed: int = 0, first_epoch: int = 0, count: int = 3) -> list[list[int]]:
    batches = make_batches(source, 10, shuffle=True, seed=seed, first_epoch=first_epoch)
    order = numbers(batches.take(count * (source.count // 10)))
    size = source.count // 10 * 10
    return [order[start : start + size] for start in range(0, count * size, size)]


def test_every_epoch_shows_each_example_once_in_another_order(root, few_waiting):
    shown = epochs(open_stream(root, "train", SHAPE))
    assert all(sorted(epoch) == list(range(200)) for epoch in shown)
    assert len(set(map(tuple, shown))) == 3


def test_seed_and_epoch_decide_the_order_and_the_global_seed_does_not(root, few_waiting):
    source = open_stream(root, "train", SHAPE)
    whole = epochs(source)
    for global_seed in (1, 2):
        tf.random.set_seed(global_seed)
        assert epochs(source, first_epoch=1, count=2) == whole[1:]
    assert epochs(source, seed=1, count=1)[0] not in whole


def test_shards_are_mixed(root, few_waiting):
    """Ten examples come from three open shards and 16 examples that wait: seldom from one shard alone."""
    shard_of = np.repeat(np.arange(len(COUNTS)), COUNTS)
    for epoch in epochs(open_stream(root, "train", SHAPE)):
        shards = [set(shard_of[epoch[start : start + 10]]) for start in range(0, 120, 10)]
        assert np.mean([len(some) for some in shards]) > 2


def test_a_split_that_fits_in_the_buffer_is_shuffled_evenly(root):
    """Where an example lies says nothing of when it is shown."""
    orders = np.array(epochs(open_stream(root, "train", SHAPE), count=40))
    turns = orders.argsort(axis=1)
    # Of 200 turns, the mean of 40 has a standard deviation of 9.1.
    assert np.abs(turns.mean(axis=0) - 99.5).max() < 45
    assert abs(np.corrcoef(turns.mean(axis=0), np.arange(200))[0, 1]) < 0.25


def test_without_shuffling_a_stream_equals_the_split_in_memory(root):
    loaded, streamed = (
        numbers(make_batches(load_examples(root, "train", SHAPE, streamed), 64)) for streamed in (False, True)
    )
    assert streamed == loaded == list(range(200))


def test_an_example_is_augmented_as_in_memory(salicon, tmp_path):
    """By epoch and position, whatever the order is."""
    records.write_records(salicon, tmp_path / "records", (32, 64))
    found = []
    for streamed in (False, True):
        source = load_examples(tmp_path / "records", "train", (32, 64), streamed)
        batches = make_batches(source, 6, shuffle=True, augmentations=AUGMENTATIONS, first_epoch=4)
        ((image, truth),) = batches.take(1).as_numpy_iterator()
        arrays = np.concatenate([image, *truth.values()], axis=-1)
        found.append(arrays[np.lexsort(arrays.reshape(6, -1).T)])
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize("workers", [2, 3, 7])
def test_workers_share_every_epoch(root, few_waiting, workers):
    parts, opened = [], []
    for index in range(workers):
        source = dataclasses.replace(open_stream(root, "train", SHAPE), worker=(index, workers))
        order = source.order
        # An epoch of one worker, as the pipeline makes it: inside a graph.
        pairs = tf.data.Dataset.from_tensors(tf.constant([5, 0], tf.int64)).flat_map(order)
        parts.append([int(position) for position, _ in pairs.as_numpy_iterator()])
        opened += source._opened
    assert sorted(itertools.chain(*parts)) == list(range(200))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1
    # A shard is opened by a second worker only where two parts meet.
    assert len(opened) <= len(COUNTS) + workers - 1


def test_a_stream_is_a_dataset_for_fit(root):
    """Each pass has an order of its own."""
    batches = load_dataset(root, "train", SHAPE, batch_size=64, shuffle=True, streamed=True)
    assert batches.cardinality() == 3
    orders = [numbers(batches) for _ in range(2)]
    assert all(len(set(order)) == 192 for order in orders)
    assert orders[0] != orders[1]


def test_streams_are_joined(root, tmp_path, few_waiting):
    other = write_numbered(tmp_path / "other", [5, 25], first=200)
    joined = concatenate([load_examples(path, "train", SHAPE, streamed=True) for path in (root, other)])
    assert joined.fingerprint == "records+other"
    (epoch,) = epochs(joined, count=1)
    assert sorted(epoch) == list(range(230))
    # Shuffled together: the second's are not the last ones.
    assert max(epoch[:150]) >= 200


def test_a_folder_of_pictures_is_refused(salicon):
    with pytest.raises(
        InputError, match=r"is not a folder of records, which --stream reads: write them with `prepare`"
    ):
        load_examples(salicon, "train", SHAPE, streamed=True)


def test_records_without_counts_are_refused_until_they_are_prepared_again(salicon, tmp_path):
    records.write_records(salicon, tmp_path / "records", SHAPE)
    path = tmp_path / "records" / records.MANIFEST
    content = path.read_text()
    manifest = json.loads(content)
    del manifest["splits"]["train"]["counts"]
    path.write_text(json.dumps(manifest))
    with pytest.raises(InputError, match=r"records\.json: has no numbers of examples .* call `prepare` again"):
        open_stream(tmp_path / "records", "train", SHAPE)
    assert load_examples(tmp_path / "records", "train", SHAPE).count == 6
    records.write_records(salicon, tmp_path / "records", SHAPE)
    assert path.read_text() == content


@pytest.mark.parametrize("counts", [[6, 0], [3, 4], [-1, 7], [6], 6, "33", [3.0, 3.0], [True, 5]])
def test_damaged_counts_are_refused(tmp_path, counts):
    path = write_numbered(tmp_path / "records", [3, 3]) / records.MANIFEST
    manifest = json.loads(path.read_text())
    manifest["splits"]["train"]["counts"] = counts
    path.write_text(json.dumps(manifest))
    with pytest.raises(InputError, match=r"records\.json: damaged"):
        open_stream(path.parent, "train", SHAPE)


def rewrite(shard, contents: list[bytes]) -> None:
    with tf.io.TFRecordWriter(str(shard)) as writer:
        for content in contents:
            writer.write(content)


def flip_bit(shard) -> None:
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 1
    shard.write_bytes(content)


def black_map() -> bytes:
    example = tf.train.Example.FromString(serialize(0))
    example.features.feature["saliency"].bytes_list.value[0] = encode(np.zeros((*SHAPE, 1), np.uint16))
    return example.SerializeToString()


DAMAGES = {
    "missing": (lambda shard: shard.unlink(), "No such file"),
    "truncated": (lambda shard: shard.write_bytes(shard.read_bytes()[:-7]), "truncated"),
    "empty": (lambda shard: shard.write_bytes(b""), "is empty"),
    "a terabyte of zeros": (lambda shard: os.truncate(shard, 10**12), "more than the 40 examples"),
    "too few examples": (lambda shard: rewrite(shard, [serialize(0)]), "holds 1 examples instead of 40"),
    "too many examples": (lambda shard: rewrite(shard, [serialize(0)] * 41), "more than the 40 examples"),
    "a flipped bit": (flip_bit, "damaged"),
    "a giant example": (lambda shard: rewrite(shard, [bytes(9999)] * 40), "other than examples of 4x6"),
    "garbage": (lambda shard: rewrite(shard, [b"garbage"] * 40), "other than examples of 4x6"),
    "a black map": (lambda shard: rewrite(shard, [serialize(0)] * 39 + [black_map()]), "black all over"),
}


@pytest.mark.parametrize("kind", DAMAGES)
def test_a_shard_that_is_damaged_in_the_middle_of_training_is_named(root, few_waiting, kind):
    damage, cause = DAMAGES[kind]
    source = open_stream(root, "train", SHAPE)
    batches = iter(make_batches(source, 10, shuffle=True, first_epoch=0))
    next(batches)
    damage(root / "2.tfrecord")
    with pytest.raises(InputError, match=cause) as caught, naming_bad_shards([source]):
        for _ in range(40):
            next(batches)
    assert caught.value.subject == str(root / "2.tfrecord")
    assert len(str(caught.value).splitlines()) == 1


def test_another_error_of_tensorflow_stays_as_it_is(root):
    source = open_stream(root, "train", SHAPE)
    batches = make_batches(source, 10).map(lambda image, truth: tf.ensure_shape(image, (11, *SHAPE, 3)))
    with pytest.raises(tf.errors.InvalidArgumentError), naming_bad_shards([source]):
        next(iter(batches))


def test_a_missing_shard_is_named_before_anything_is_read(root):
    (root / "3.tfrecord").unlink()
    with pytest.raises(InputError, match=r"3\.tfrecord: No such file"):
        open_stream(root, "train", SHAPE)
