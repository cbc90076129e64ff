"""TFRecords: examples at the training size in a few large files, for data sets on slow or remote disks."""

import hashlib
import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import tensorflow as tf
from tqdm import tqdm

from salgan_tf.data import folder
from salgan_tf.data.grid import EXAMPLES_PER_SHARD, GridExample, check_size, grid_examples
from salgan_tf.data.layouts import Example
from salgan_tf.errors import InputError, InputErrors
from salgan_tf.files import atomic_path, check_outputs, is_file, make_folder, read_json, write_json
from salgan_tf.images import format_size
from salgan_tf.limits import check_file, check_regular

MANIFEST = "records.json"
_AGAIN = "write it again with `prepare`"
# Channels and type of each array of a `GridExample`; PNG keeps both.
_PIXELS = {"image": (3, tf.uint8), "saliency": (1, tf.uint16), "fixations": (1, tf.uint8)}


class Shard(NamedTuple):
    """A file of records to write, and the examples that it is to hold."""

    path: Path
    examples: list[Example]


class Plan(NamedTuple):
    """What is to be written of a data set.

    Attributes:
        root: the data set.
        out: folder of the records.
        image_shape: (height, width) of the training.
        shards: the files of each split.
        fingerprints: of each split.
    """

    root: Path
    out: Path
    image_shape: tuple[int, int]
    shards: dict[str, list[Shard]]
    fingerprints: dict[str, str]

    def total(self) -> int:
        """Return the number of examples."""
        return sum(len(shard.examples) for shards in self.shards.values() for shard in shards)


class Written(NamedTuple):
    """How many examples a shard holds, and the errors of those that it lacks."""

    examples: int
    errors: list[InputError]


def write_records(root: str | Path, out: str | Path, image_shape: tuple[int, int] = (192, 256)) -> None:
    """Write every split of a data set as records, with a progress bar.

    Existing shards are kept, so repeating an interrupted call resumes it. Examples with a bad file are left out and
    reported at the end. `records_fleet` does the same on many machines.

    Args:
        root: the data set.
        out: folder of the records: `SPLIT-00000-of-00003-DIGEST.tfrecord` and `records.json`, which lists them.
        image_shape: (height, width) of the training.

    Raises:
        InputError: not a data set, a folder that cannot be written or has a `records.json` of other origin, or a size
            at which the examples of a shard need too much memory.
        InputErrors: some examples were left out; all others are written.
    """
    plan = plan_shards(root, out, image_shape)
    with tqdm(total=plan.total(), desc="prepare", unit="picture", disable=None) as progress:
        written = {
            shard.path: write_shard(shard, image_shape, progress) for shards in plan.shards.values() for shard in shards
        }
    write_manifest(plan, written)


def plan_shards(root: str | Path, out: str | Path, image_shape: tuple[int, int]) -> Plan:
    """Decide which examples go into which file, and make the folder of the records.

    Raises:
        InputError: see `write_records`.
    """
    indexes = {split: folder.index_folder(root, split) for split in folder.find_splits(root)}
    check_outputs(
        [Path(out) / MANIFEST], [path for examples in indexes.values() for path in folder.list_files(examples)]
    )
    _check_manifest(Path(out) / MANIFEST)
    check_size(image_shape, max(map(len, indexes.values())))
    plan = Plan(Path(root), make_folder(out), image_shape, {}, {})
    for split, examples in indexes.items():
        plan.fingerprints[split] = folder.fingerprint(examples)
        # The name depends on the size, so that a shard of another size does not count as finished.
        key = hashlib.sha256(f"{plan.fingerprints[split]} {image_shape}".encode()).hexdigest()[:8]
        starts = range(0, len(examples), EXAMPLES_PER_SHARD)
        plan.shards[split] = [
            Shard(
                plan.out / f"{split}-{index:05d}-of-{len(starts):05d}-{key}.tfrecord",
                examples[start : start + EXAMPLES_PER_SHARD],
            )
            for index, start in enumerate(starts)
        ]
    return plan


def write_shard(
    shard: Shard, image_shape: tuple[int, int], progress: tqdm | None = None, threads: int | None = None
) -> Written:
    """Write a shard, whole or not at all. One that is whole already is kept.

    Args:
        shard: of `plan_shards`.
        image_shape: (height, width).
        progress: counts the examples.
        threads: how many examples are read at a time; None for one on each core.

    Raises:
        InputError: the file cannot be written.
    """
    progress = progress if progress is not None else tqdm(disable=True)
    found = _count(shard.path, image_shape, len(shard.examples))
    if found == len(shard.examples):
        progress.update(found)
        return Written(found, [])
    # The shard is missing, damaged, or lacks bad examples, which are reported again.
    good, errors = grid_examples(shard.examples, image_shape, progress, threads)
    # An empty file would be taken for a damaged one.
    if good and found != len(good):
        _write_examples(shard.path, good)
    return Written(len(good), errors)


def write_manifest(plan: Plan, written: Mapping[Path, Written]) -> None:
    """List the shards in `records.json`. It is written last: without it, a folder holds no records.

    Raises:
        InputError: it cannot be written.
        InputErrors: some examples were left out.
    """
    entries = {}
    for split, shards in plan.shards.items():
        counts = {shard.path.name: count for shard in shards if (count := written[shard.path].examples)}
        entries[split] = {
            "examples": sum(counts.values()),
            "fingerprint": plan.fingerprints[split],
            "shards": list(counts),
            "counts": list(counts.values()),
        }
    write_json(plan.out / MANIFEST, {"image_shape": list(plan.image_shape), "splits": entries})
    bad = [error for shards in plan.shards.values() for shard in shards for error in written[shard.path].errors]
    if bad:
        raise InputErrors(plan.root, bad, plan.total())


def _check_manifest(path: Path) -> None:
    """Check that what will be replaced is a list of records. No other file has a shard's name, which has a digest."""
    try:
        manifest = read_json(path)
        own = manifest.keys() == {"image_shape", "splits"} and isinstance(manifest["splits"], dict)
    except InputError:
        own = not os.path.lexists(path)
    if not own:
        raise InputError(path, "is in the way, and prepare did not write it: remove it, or choose another folder")


def _count(path: Path, image_shape: tuple[int, int], most: int) -> int | None:
    """Count a shard's examples; return None if it is missing, damaged or has more than `most`."""
    try:
        count_records(path, image_shape, most)
        return sum(1 for _ in tf.data.TFRecordDataset(str(path)))
    except (InputError, tf.errors.OpError):
        return None


def largest_record(image_shape: tuple[int, int]) -> int:
    """Return how many bytes a serialized example has at most: PNG makes noise a little larger than its pixels."""
    pixels = math.prod(image_shape)
    return sum(channels * dtype.size for channels, dtype in _PIXELS.values()) * pixels * 21 // 20 + 4096


def count_records(path: Path, image_shape: tuple[int, int], most: int) -> int:
    """Count a shard's records by the lengths that they declare: TensorFlow allocates those, and may crash.

    Raises:
        InputError: the shard is missing or not a regular file, has no end of a record at its own end, more than `most`
            records, or one that is larger than any example of `image_shape` (height, width).
    """
    size, end, count = check_regular(path), 0, 0
    try:
        with path.open("rb") as file:
            while end < size and count <= most:
                file.seek(end)
                # The length, with a checksum of 4 bytes, stands before the content, and a checksum behind it.
                length = int.from_bytes(file.read(8), "little")
                end += length + 16
                count += 1
                if end <= size and length > largest_record(image_shape):
                    raise InputError(path, _foreign(image_shape))
    except OSError as error:
        raise InputError(path, error) from error
    if count > most:
        raise InputError(path, f"holds more than the {most} examples that {MANIFEST} lists; {_AGAIN}")
    if end != size:
        raise InputError(path, f"the file is truncated or damaged; {_AGAIN}")
    return count


def _foreign(image_shape: tuple[int, int]) -> str:
    return f"holds something other than examples of {format_size(image_shape)}; {_AGAIN}"


def _write_examples(path: Path, examples: list[GridExample]) -> None:
    try:
        with atomic_path(path) as scratch, tf.io.TFRecordWriter(str(scratch)) as writer:
            for example in examples:
                features = {
                    name: tf.train.Feature(bytes_list=tf.train.BytesList(value=[tf.io.encode_png(pixels).numpy()]))
                    for name, pixels in example._asdict().items()
                }
                content = tf.train.Example(features=tf.train.Features(feature=features))
                # Otherwise the order of the features is that of a process.
                writer.write(content.SerializeToString(deterministic=True))
    except tf.errors.OpError as error:  # TensorFlow's error for a full disk.
        raise InputError(path, f"cannot be written: {error.message}") from error


def is_records(root: str | Path) -> bool:
    """Return whether a folder holds records."""
    return is_file(Path(root) / MANIFEST)


def read_records(root: str | Path, split: str, image_shape: tuple[int, int]) -> tuple[list[bytes], str]:
    """Read a split of a folder of records, in the order of writing.

    Returns:
        The serialized examples, for `parse`, and the fingerprint of the data set they were made from.

    Raises:
        InputError: no such split, a size other than `image_shape` (height, width) or at which the examples need too
            much memory, or a missing or damaged shard.
    """
    path = Path(root) / MANIFEST
    entry = read_manifest(path, split, image_shape)
    check_size(image_shape, entry.examples)
    serialized: list[bytes] = []
    for shard in tqdm(entry.shards, desc=f"reading {split}", unit="shard", disable=None):
        check_file(shard)
        serialized += read_shard(shard, image_shape, entry.examples)
    if len(serialized) != entry.examples:
        raise InputError(path, f"lists {entry.examples} examples of {split!r}, but the shards hold {len(serialized)}")
    return serialized, entry.fingerprint


def read_shard(path: Path, image_shape: tuple[int, int], most: int) -> Iterator[bytes]:
    """Read a shard's serialized examples, and decode each to check it.

    Raises:
        InputError: as for `count_records`, or something other than examples of `image_shape` (height, width).
    """

    def check(content: tf.Tensor) -> tuple[tf.Tensor, tuple[tf.Tensor, ...]]:
        # TensorFlow leaves out what no result depends on.
        return content, tuple(tf.reduce_max(pixels) for pixels in parse_safely(content, image_shape))

    count_records(path, image_shape, most)
    try:
        examples = tf.data.TFRecordDataset(str(path)).map(check, tf.data.AUTOTUNE)
        for content, (_, highest, _) in examples.as_numpy_iterator():
            if not highest:
                raise InputError(path, "holds a map that is black all over: nobody looked at anything")
            yield content
    except tf.errors.DataLossError as error:
        raise InputError(path, f"is damaged; {_AGAIN}") from error
    except tf.errors.OpError as error:
        raise InputError(path, _foreign(image_shape)) from error


class Entry(NamedTuple):
    """A split in `records.json`."""

    shards: list[Path]
    counts: list[int] | None  # examples of each shard; None in records of before there were streams
    examples: int
    fingerprint: str


def read_manifest(path: Path, split: str, image_shape: tuple[int, int]) -> Entry:
    """Read what `records.json` says of a split.

    Raises:
        InputError: no such split, another size than `image_shape` (height, width), no examples, or a damaged file.
    """
    manifest = read_json(path)
    again = "write the records again with `prepare`"
    try:
        entry = manifest["splits"][split]
        names, count, digest = entry["shards"], entry["examples"], entry["fingerprint"]
        counts = entry.get("counts")
        written = manifest["image_shape"]
    except (KeyError, TypeError, IndexError) as error:
        cause = f"lacks {error}" if isinstance(error, KeyError) else "damaged"
        raise InputError(path, f"{cause}; {again}") from error
    whole = (
        isinstance(names, list)
        # A name must not lead out of the folder.
        and all(isinstance(name, str) and "" != name == Path(name).name and "\0" not in name for name in names)
        and all(type(number) is int for number in (count, *(written if isinstance(written, list) else [""])))
        and isinstance(digest, str)
        and (counts is None or _fit(counts, names, count))
    )
    if not whole:
        raise InputError(path, f"damaged; {again}")
    if written != list(image_shape):
        cause = f"the records have size {tuple(written)}, not {tuple(image_shape)}"
        raise InputError(path, f"{cause}; {again[:-1]} --size`")
    if count < 1:
        raise InputError(path, f"the records have no examples of {split!r}")
    return Entry([path.with_name(name) for name in names], counts, count, digest)


def _fit(counts: object, names: list[str], total: int) -> bool:
    """Return whether the counts of a split's shards are what they should be."""
    return (
        isinstance(counts, list)
        and len(counts) == len(names)
        and all(type(number) is int and number > 0 for number in counts)
        and sum(counts) == total
    )


def parse_safely(serialized: tf.Tensor, image_shape: tuple[int, int]) -> GridExample:
    """Parse an example, but refuse a PNG of another size before it is decoded."""
    # Width and height, big-endian, stand after 16 bytes.
    sizes = [tf.io.decode_raw(tf.strings.substr(png, 16, 8), tf.int32, False) for png in _features(serialized).values()]
    with tf.control_dependencies([tf.debugging.assert_equal(size, image_shape[::-1]) for size in sizes]):
        return parse(tf.identity(serialized), image_shape)


def _features(serialized: tf.Tensor) -> dict[str, tf.Tensor]:
    """Return the PNGs of an example."""
    return tf.io.parse_single_example(serialized, {name: tf.io.FixedLenFeature([], tf.string) for name in _PIXELS})


def parse(serialized: tf.Tensor, image_shape: tuple[int, int]) -> GridExample:
    """Decode one serialized example into tensors."""
    features = _features(serialized)

    def decode(name: str, channels: int, dtype: tf.DType) -> tf.Tensor:
        pixels = tf.io.decode_png(features[name], channels=channels, dtype=dtype)
        return tf.ensure_shape(pixels, (*image_shape, channels))

    return GridExample(**{name: decode(name, channels, dtype) for name, (channels, dtype) in _PIXELS.items()})
