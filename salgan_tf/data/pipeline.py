"""Batches for `fit`, in an order that the seed and the epoch decide: the same from a folder and from its records."""

import numbers
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from salgan_tf.data import folder, records
from salgan_tf.data.augmentation import AUGMENTATIONS, augment
from salgan_tf.data.grid import GridExample, check_size, grid_examples
from salgan_tf.data.stream import Stream, join_streams, open_stream
from salgan_tf.errors import InputErrors


@dataclass(frozen=True)
class Split:
    """All examples of a split at the training size, in memory.

    Attributes:
        decode: return the example at a position, an int64 scalar; works in a TensorFlow graph.
        count: number of examples.
        fingerprint: of the files, see `folder.fingerprint`.
    """

    decode: Callable[[tf.Tensor], GridExample]
    count: int
    fingerprint: str
    # Of those that share an epoch's order: what is in memory is divided later, by the strategy.
    workers: ClassVar[int] = 1

    def order(self, seed: tf.Tensor | None = None) -> tf.data.Dataset:
        """Return an epoch's positions, int64: shuffled by an int64 (2,) seed, or in order.

        Returns:
            Pairs of an example's position in the split and what `decode` takes, which is the position too.
        """

        def position(turn: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            place = turn if seed is None else tf.random.experimental.index_shuffle(turn, seed, self.count - 1)
            return place, place

        return tf.data.Dataset.range(self.count).map(position)


def load_dataset(
    root: str | Path,
    split: str,
    image_shape: tuple[int, int] = (192, 256),
    batch_size: int = 32,
    shuffle: bool = False,
    augmentations: tuple[str, ...] = (),
    seed: int = 0,
    streamed: bool = False,
) -> tf.data.Dataset:
    """Load a split as one epoch of batches for `fit` or `evaluate`; see `load_examples` and `make_batches`."""
    return make_batches(load_examples(root, split, image_shape, streamed), batch_size, shuffle, augmentations, seed)


def load_examples(
    root: str | Path, split: str, image_shape: tuple[int, int] = (192, 256), streamed: bool = False
) -> Split | Stream:
    """Read the examples of a split into memory, with a progress bar, or open its records as a stream.

    Args:
        root: folder of a data set (0.3 MB of memory per example at 192x256), or of records written by `prepare`, which
            stay compressed (0.15 MB) and are read several times as fast.
        split: name of the split, such as `"train"`.
        image_shape: (height, width).
        streamed: leave records on disk; for data larger than memory, see `Stream`.

    Raises:
        InputError: no such data, records of another size, or a size at which the examples need too much memory;
            InputErrors: examples with a bad file, each named. A stream is not read before its batches are.
    """
    if streamed:
        return open_stream(root, split, image_shape)
    load = _load_records if records.is_records(root) else _load_folder
    return load(root, split, image_shape)


def _load_records(root: str | Path, split: str, image_shape: tuple[int, int]) -> Split:
    serialized, fingerprint = records.read_records(root, split, image_shape)

    def get(position: tf.Tensor) -> GridExample:
        # Compressed examples stay in Python's memory: a graph with them as a constant would copy them.
        content = tf.numpy_function(lambda index: serialized[index], [position], tf.string, stateful=False)
        return records.parse(tf.ensure_shape(content, ()), image_shape)

    return Split(get, len(serialized), fingerprint)


def _load_folder(root: str | Path, split: str, image_shape: tuple[int, int]) -> Split:
    index = folder.index_folder(root, split)
    check_size(image_shape, len(index))
    with tqdm(total=len(index), desc=f"reading {split}", unit="picture", disable=None) as progress:
        examples, errors = grid_examples(index, image_shape, progress)
    if errors:
        raise InputErrors(root, errors, len(index))
    types, shapes = [pixels.dtype for pixels in examples[0]], [pixels.shape for pixels in examples[0]]

    def get(position: tf.Tensor) -> GridExample:
        pixels = tf.numpy_function(lambda index: examples[index], [position], types, stateful=False)
        return GridExample(*map(tf.ensure_shape, pixels, shapes))

    return Split(get, len(examples), folder.fingerprint(index))


def concatenate(splits: list[Split | Stream]) -> Split | Stream:
    """Put splits behind one another, all in memory or all streams: the examples of the first, then of the second, …"""
    if streams := [split for split in splits if isinstance(split, Stream)]:
        return join_streams(streams)
    loaded = [split for split in splits if isinstance(split, Split)]
    ends = np.cumsum([split.count for split in loaded])

    def get(position: tf.Tensor) -> GridExample:
        def nth(split: Split, end: int) -> Callable[[], GridExample]:
            return lambda: split.decode(position - (end - split.count))

        choices = [(tf.less(position, end), nth(split, end)) for split, end in zip(loaded, ends, strict=True)]
        return tf.case(choices[:-1], default=choices[-1][1])

    return Split(get, int(ends[-1]), "+".join(split.fingerprint for split in loaded))


def make_batches(
    split: Split | Stream,
    batch_size: int = 32,
    shuffle: bool = False,
    augmentations: tuple[str, ...] = (),
    seed: int = 0,
    first_epoch: int | None = None,
    steps_per_epoch: int | None = None,
) -> tf.data.Dataset:
    """Make batches of `(image, {"saliency": …, "fixations": …})`, all float32.

    `image` (B, H, W, 3) is RGB in [0, 255], `saliency` (B, H, W, 1) a density with maximum 1, and `fixations`
    (B, H, W, 1) counts, all 0 if none were recorded.

    Args:
        split: the examples, from `load_examples`.
        batch_size: number of examples in a batch. Workers that share a stream make whole batches, and a training step
            takes its part of one from each.
        shuffle: use a new order each epoch, and leave out the last, partial batch.
        augmentations: names from `salgan_tf.data.augmentation.AUGMENTATIONS`.
        seed: seed of order and augmentation: the same seed gives the same batches.
        first_epoch: None for one pass over the data, with a new order and augmentation each time it is iterated. A
            number for the endless stream of epochs from that one on, for `fit(steps_per_epoch=…)`: a training
            resumed at an epoch sees the batches that it would have seen without the interruption.
        steps_per_epoch: batches of an epoch of that stream; None means all examples once. An epoch with fewer shows
            the first ones of its order, and the next epoch has a new order.

    Raises:
        ValueError: unknown augmentations, no whole number of examples in a batch, or more than there are when
            shuffling.
    """
    count = split.count
    if not isinstance(batch_size, numbers.Integral) or batch_size < 1:
        raise ValueError(f"batch_size={batch_size!r} is not a whole number of at least 1")
    if unknown := set(augmentations) - set(AUGMENTATIONS):
        raise ValueError(f"unknown augmentations {sorted(unknown)}: expected some of {', '.join(AUGMENTATIONS)}")
    if shuffle and count < batch_size:
        raise ValueError(f"{count} examples are fewer than one batch of {batch_size}")

    taken = count - count % batch_size if shuffle else count
    epoch_size = steps_per_epoch * batch_size if steps_per_epoch else taken
    # An epoch of more steps than there are batches passes over the examples several times, each in its own order.
    passes = -(-epoch_size // taken)
    # Of these examples, a worker takes as many as the others.
    taken, epoch_size = taken // split.workers, epoch_size // split.workers

    def one_pass(number) -> tf.data.Dataset:
        order = split.order(tf.stack([number, seed]) if shuffle else None)
        return order.take(taken).map(lambda position, content: (number, position, content))

    def epoch(number) -> tf.data.Dataset:
        numbers = tf.data.Dataset.range(number * passes, (number + 1) * passes)
        return numbers.flat_map(one_pass).take(epoch_size)

    def example(pass_number, position, content):
        pixels = split.decode(content)
        image = tf.cast(pixels.image, tf.float32)
        saliency = tf.cast(pixels.saliency, tf.float32) / 65535
        fixations = tf.cast(pixels.fixations, tf.float32)
        if augmentations:
            example_seed = tf.random.fold_in(tf.stack([pass_number, seed]), position)
            image, saliency, fixations = augment(image, saliency, fixations, augmentations, example_seed)
        return image, {"saliency": saliency, "fixations": fixations}

    if first_epoch is None:
        examples = tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=True).take(1).flat_map(one_pass)
    else:
        examples = tf.data.Dataset.range(first_epoch, np.iinfo(np.int64).max).flat_map(epoch)
    batches = examples.map(example, tf.data.AUTOTUNE, deterministic=True).batch(batch_size)
    if first_epoch is None:
        batches = batches.apply(tf.data.experimental.assert_cardinality(-(-taken // batch_size)))
    # Two, as an unbounded number of batches that are read ahead could take any memory.
    return batches.prefetch(2)
