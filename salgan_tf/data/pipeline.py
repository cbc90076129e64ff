"""Batches for `fit`: from a folder or from records, the same either way, in the same order for the same seed."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from salgan_tf.data import folder, records
from salgan_tf.data.augmentation import AUGMENTATIONS, augment
from salgan_tf.data.grid import GridExample, grid_examples
from salgan_tf.errors import InputErrors


@dataclass(frozen=True)
class Examples:
    """The examples of a split at the training size, in memory; `get` gives one of them, in a TensorFlow graph too."""

    get: Callable[[tf.Tensor], GridExample]
    count: int
    fingerprint: str


def load_dataset(
    root: str | Path,
    split: str,
    image_shape: tuple[int, int] = (192, 256),
    batch_size: int = 32,
    shuffle: bool = False,
    augmentations: tuple[str, ...] = (),
    seed: int = 0,
) -> tf.data.Dataset:
    """Load a split as one epoch of batches for `fit` or `evaluate`: `load_examples`, then `make_batches`, see there."""
    return make_batches(load_examples(root, split, image_shape), batch_size, shuffle, augmentations, seed)


def load_examples(root: str | Path, split: str, image_shape: tuple[int, int] = (192, 256)) -> Examples:
    """Read the examples of a split into memory, with a progress bar.

    Args:
        root: a data set in a folder (which takes 0.3 MB an example at 192x256), or one of records written by
            `prepare` (which stay compressed, 0.15 MB, and are read several times as fast).
        split: such as `"train"`.
        image_shape: (height, width).

    Raises:
        InputError: no such data, or records of another size; InputErrors: examples with a bad file, each named.
    """
    if records.is_records(root):
        serialized, fingerprint = records.read_records(root, split, image_shape)

        def get(position) -> GridExample:
            # Compressed examples stay in Python's memory: as a constant of the graph they would be copied with it.
            content = tf.numpy_function(lambda one: serialized[one], [position], tf.string, stateful=False)
            return records.parse(tf.ensure_shape(content, ()), image_shape)

        return Examples(get, len(serialized), fingerprint)

    index = folder.index_folder(root, split)
    with tqdm(total=len(index), desc=f"reading {split}", unit="picture", disable=None) as progress:
        examples, errors = grid_examples(index, tuple(image_shape), progress)
    if errors:
        raise InputErrors(root, errors, len(index))

    def get(position) -> GridExample:
        types = [pixels.dtype for pixels in examples[0]]
        arrays = tf.numpy_function(lambda one: examples[one], [position], types, stateful=False)
        return GridExample(*(tf.ensure_shape(one, like.shape) for one, like in zip(arrays, examples[0], strict=True)))

    return Examples(get, len(examples), folder.fingerprint(index))


def concatenate(parts: list[Examples]) -> Examples:
    """Put examples behind one another, those of the second part after those of the first, and so on."""
    ends = np.cumsum([part.count for part in parts])

    def get(position) -> GridExample:
        def nth(part: Examples, end: int):
            return lambda: part.get(position - (end - part.count))

        choices = [(tf.less(position, end), nth(part, end)) for part, end in zip(parts, ends, strict=True)]
        return tf.case(choices[:-1], default=choices[-1][1])

    return Examples(get, int(ends[-1]), "+".join(part.fingerprint for part in parts))


def make_batches(
    examples: Examples,
    batch_size: int = 32,
    shuffle: bool = False,
    augmentations: tuple[str, ...] = (),
    seed: int = 0,
    first_epoch: int | None = None,
) -> tf.data.Dataset:
    """Make batches of `(image, {"saliency": …, "fixations": …})`, all float32.

    `image` (B, H, W, 3) is RGB in [0, 255]; `saliency` (B, H, W, 1) a density with maximum 1; `fixations` (B, H, W, 1)
    counts, all 0 where none were recorded.

    Args:
        examples: from `load_examples`.
        batch_size: examples a batch.
        shuffle: a new order each epoch; the last, partial batch is left out.
        augmentations: names from `salgan_tf.data.augmentation.AUGMENTATIONS`.
        seed: of order and augmentation: the same seed gives the same batches.
        first_epoch: None for one pass over the data, in another order and augmentation each time it is iterated. A
            number for the endless stream of epochs from that one on, for `fit(steps_per_epoch=…)`: a training that
            is resumed at an epoch sees what it would have seen.

    Raises:
        ValueError: unknown augmentations, or fewer examples than a batch when shuffling.
    """
    count = examples.count
    if unknown := set(augmentations) - set(AUGMENTATIONS):
        raise ValueError(f"unknown augmentations {sorted(unknown)}; there are {', '.join(AUGMENTATIONS)}")
    if shuffle and count < batch_size:
        raise ValueError(f"{count} examples are fewer than one batch of {batch_size}")

    taken = count - count % batch_size if shuffle else count

    def epoch(number) -> tf.data.Dataset:
        return tf.data.Dataset.range(taken).map(lambda turn: (number, turn))

    def example(epoch_number, turn):
        epoch_seed = tf.stack([epoch_number, seed])
        position = tf.random.experimental.index_shuffle(turn, epoch_seed, count - 1) if shuffle else turn
        pixels = examples.get(position)
        image = tf.cast(pixels.image, tf.float32)
        saliency = tf.cast(pixels.saliency, tf.float32) / 65535
        fixations = tf.cast(pixels.fixations, tf.float32)
        if augmentations:
            example_seed = tf.random.fold_in(epoch_seed, position)
            image, saliency, fixations = augment(image, saliency, fixations, augmentations, example_seed)
        return image, {"saliency": saliency, "fixations": fixations}

    if first_epoch is None:
        epochs = tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=True).take(1)
    else:
        epochs = tf.data.Dataset.range(first_epoch, np.iinfo(np.int64).max)
    batches = epochs.flat_map(epoch).map(example, tf.data.AUTOTUNE, deterministic=True).batch(batch_size)
    if first_epoch is None:
        batches = batches.apply(tf.data.experimental.assert_cardinality(-(-taken // batch_size)))
    return batches.prefetch(tf.data.AUTOTUNE)
