"""Records as a stream of shards, for data larger than memory: each epoch reads every shard once, from end to end."""

import collections
import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import tensorflow as tf

from salgan_tf.data import records
from salgan_tf.data.grid import GridExample
from salgan_tf.errors import InputError
from salgan_tf.limits import check_regular

# How many shards are read at a time. The order depends on it.
_OPEN = 16
# Bytes of serialized examples that wait to be drawn, at most. Photographs take about half of it.
_WAITING = 3 * 2**27
# What TensorFlow raises for shards that are damaged, of other content, refused by `Stream._open`, or gone. A lost
# worker raises none of these, and is no reason to read an epoch again.
_FAULTS = (
    tf.errors.DataLossError,
    tf.errors.InvalidArgumentError,
    tf.errors.UnknownError,
    tf.errors.NotFoundError,
)


@dataclass(frozen=True)
class Stream:
    """A split of records that is read from its shards again in each epoch.

    How well an epoch is shuffled: the shards come in a random order, 16 at a time in turn, an example of each. What is
    read passes through a buffer, from which the next example is drawn at random. The buffer holds 384 MiB of the
    largest possible examples: some 1280 at 192x256. So a split that fits in the buffer is shuffled evenly. In a larger
    one, a batch has examples of about 16 shards, other ones in each epoch, but from similar places in them: shards
    have 500 examples, and an example at place p of its shard is drawn about 16 p examples after the shard was opened,
    give or take the size of the buffer. Examples that follow one another in the data set never come as a block.

    Everything is a function of the seed: nothing of a stream has to be saved to continue at an epoch.

    Attributes:
        shards: the files.
        counts: number of examples of each shard.
        image_shape: (height, width).
        fingerprint: of the data set that the records were made from.
        worker: (index, number) of the process among those that share the split. Each reads its own part of the order
            of shards, of the same size up to one example, and so its own shards but for the first and the last.
    """

    shards: list[Path]
    counts: list[int]
    image_shape: tuple[int, int]
    fingerprint: str
    worker: tuple[int, int] = (0, 1)
    _opened: collections.deque = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # An epoch opens each shard once, so that all that are being read are among the last ones.
        object.__setattr__(self, "_opened", collections.deque(maxlen=len(self.shards)))

    @property
    def count(self) -> int:
        """Number of examples, over all workers."""
        return sum(self.counts)

    @property
    def workers(self) -> int:
        """Number of workers that share an epoch."""
        return self.worker[1]

    def order(self, seed: tf.Tensor | None = None) -> tf.data.Dataset:
        """Return this worker's part of an epoch; call it in a function of `tf.data`.

        Args:
            seed: int64 (2,); None for the order of writing.

        Returns:
            Pairs of an example's position in the split, int64, and its serialized content, for `decode`.
        """
        counts = tf.constant(self.counts, tf.int64)
        firsts = tf.cumsum(counts, exclusive=True)
        shards = tf.range(len(self.counts), dtype=tf.int64)
        if seed is not None:
            shards = tf.random.experimental.index_shuffle(shards, seed, len(self.counts) - 1)
        # The shards in this order, end to end, are cut into a part for each worker.
        index, workers = self.worker
        bounds = (self.count * part // workers for part in (index, index + 1))
        sizes = tf.gather(counts, shards)
        begins = tf.cumsum(sizes, exclusive=True)
        first, last = (tf.minimum(tf.maximum(bound - begins, 0), sizes) for bound in bounds)
        mine = first < last
        parts = tf.data.Dataset.from_tensor_slices((shards[mine], first[mine], last[mine]))

        def read(shard: tf.Tensor, first: tf.Tensor, last: tf.Tensor) -> tf.data.Dataset:
            path = tf.ensure_shape(tf.numpy_function(self._open, [shard], tf.string), ())
            examples = tf.data.TFRecordDataset(path).take(last).skip(first)
            return examples.enumerate(tf.gather(firsts, shard) + first)

        if seed is None:
            return parts.flat_map(read)
        examples = parts.interleave(read, _OPEN, 1, num_parallel_calls=_OPEN, deterministic=True)
        # The seed of this graph. It is Keras' global seed otherwise, which would take part.
        tf.compat.v1.set_random_seed(None)
        number = tf.random.stateless_uniform((), seed, maxval=2**31 - 1, dtype=tf.int64)
        waiting = max(1, _WAITING // records.largest_record(self.image_shape))
        return examples.shuffle(min(waiting, self.count), number, reshuffle_each_iteration=False)

    def _open(self, shard: int) -> str:
        """Return the path of a shard, after a check that it holds as many examples as `records.json` lists."""
        self._opened.append(shard)
        path, expected = self.shards[shard], self.counts[shard]
        found = records.count_records(path, self.image_shape, expected)
        if found != expected:
            raise InputError(path, f"holds {found} examples instead of {expected}; write it again with `prepare`")
        return str(path)

    def decode(self, content: tf.Tensor) -> GridExample:
        """Decode a serialized example into tensors."""
        pixels = records.parse_safely(content, self.image_shape)
        with tf.control_dependencies([tf.debugging.assert_positive(tf.reduce_max(tf.cast(pixels.saliency, tf.int32)))]):
            return GridExample(*map(tf.identity, pixels))

    def find_fault(self) -> None:
        """Read the shards of the last epoch again, the last one first, until one is bad.

        Raises:
            InputError: one is; it is named.
        """
        for shard in reversed(list(self._opened)):
            for _ in records.read_shard(Path(self._open(shard)), self.image_shape, self.counts[shard]):
                pass


def open_stream(root: str | Path, split: str, image_shape: tuple[int, int]) -> Stream:
    """Open a split of records as a stream, after a check that every shard is there.

    Raises:
        InputError: no records, no such split, another size than `image_shape` (height, width), records of a version
            that did not count the examples of shards, or a missing shard.
    """
    if not records.is_records(root):
        raise InputError(root, "is not a folder of records, which --stream reads: write them with `prepare`")
    path = Path(root) / records.MANIFEST
    entry = records.read_manifest(path, split, image_shape)
    if entry.counts is None:
        raise InputError(path, "has no numbers of examples of its shards: call `prepare` again, which keeps the shards")
    for shard in entry.shards:
        check_regular(shard)
    return Stream(entry.shards, entry.counts, image_shape, entry.fingerprint)


def join_streams(streams: list[Stream]) -> Stream:
    """Put streams behind one another; their shards are shuffled together."""
    shards = [shard for stream in streams for shard in stream.shards]
    counts = [count for stream in streams for count in stream.counts]
    fingerprint = "+".join(stream.fingerprint for stream in streams)
    return Stream(shards, counts, streams[0].image_shape, fingerprint)


@contextlib.contextmanager
def naming_bad_shards(splits: Iterable[object]) -> Iterator[None]:
    """Turn TensorFlow's error about what it read into one that names the shard.

    Raises:
        InputError: a shard of one of the streams among `splits` is bad.
    """
    try:
        yield
    except _FAULTS as error:
        for split in splits:
            if isinstance(split, Stream):
                try:
                    split.find_fault()
                except InputError as fault:
                    raise fault from error
        raise
