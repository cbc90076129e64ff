"""Records: written once and whole, resumed, and refused when they are not what is wanted."""

import json

import numpy as np
import pytest
import tensorflow as tf

from salgan_tf.data import folder, records
from salgan_tf.data.grid import grid_example
from salgan_tf.errors import InputError, InputErrors

SHAPE = (32, 64)


@pytest.fixture
def out(tmp_path):
    return tmp_path / "records"


@pytest.fixture
def written(salicon, out):
    records.write_records(salicon, out, SHAPE)
    return out


def shards_of(out, split="train"):
    return sorted(out.glob(f"{split}-*.tfrecord"))


def test_records_hold_every_example_in_order(salicon, written):
    assert records.is_records(written)
    assert not records.is_records(salicon)
    for split in ("train", "val"):
        index = folder.index_folder(salicon, split)
        serialized, digest = records.read_records(written, split, SHAPE)
        assert digest == folder.fingerprint(index)
        for content, example in zip(serialized, index, strict=True):
            for found, wanted in zip(
                records.parse(tf.constant(content), SHAPE), grid_example(example, SHAPE), strict=True
            ):
                assert found.dtype.as_numpy_dtype == wanted.dtype
                np.testing.assert_array_equal(found, wanted)


def test_the_folder_holds_only_what_the_manifest_names(written):
    manifest = json.loads((written / "records.json").read_text())
    named = [name for entry in manifest["splits"].values() for name in entry["shards"]]
    assert sorted(path.name for path in written.iterdir()) == sorted([*named, "records.json"])
    assert manifest["image_shape"] == list(SHAPE)


def test_a_shard_that_is_there_is_kept_and_a_missing_one_written_again(salicon, written):
    (train,), (val,) = shards_of(written), shards_of(written, "val")
    kept = val.stat().st_mtime_ns, val.read_bytes()
    content = train.read_bytes()
    train.unlink()
    records.write_records(salicon, written, SHAPE)
    assert (val.stat().st_mtime_ns, val.read_bytes()) == kept
    assert train.read_bytes() == content


def test_several_shards_keep_the_order(salicon, out, monkeypatch):
    monkeypatch.setattr(records, "_EXAMPLES_PER_SHARD", 4)
    records.write_records(salicon, out, SHAPE)
    assert len(shards_of(out)) == 2
    serialized, _ = records.read_records(out, "train", SHAPE)
    images = [records.parse(tf.constant(one), SHAPE).image.numpy() for one in serialized]
    for image, example in zip(images, folder.index_folder(salicon, "train"), strict=True):
        np.testing.assert_array_equal(image, grid_example(example, SHAPE).image)


def test_an_interrupted_writing_leaves_no_half_of_anything_and_is_resumed(salicon, out, monkeypatch):
    monkeypatch.setattr(records, "_EXAMPLES_PER_SHARD", 4)
    real, calls = records.grid_examples, []

    def interrupted(*arguments):
        calls.append(arguments)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(records, "grid_examples", interrupted)
    with pytest.raises(KeyboardInterrupt):
        records.write_records(salicon, out, SHAPE)
    (first,) = out.iterdir()
    assert not records.is_records(out)
    written_at = first.stat().st_mtime_ns
    records.write_records(salicon, out, SHAPE)
    assert first.stat().st_mtime_ns == written_at
    assert len(records.read_records(out, "train", SHAPE)[0]) == 6


def test_a_failing_writer_leaves_nothing(salicon, out, monkeypatch):
    class FullDisk(tf.io.TFRecordWriter):
        def write(self, record):
            super().write(record)
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(tf.io, "TFRecordWriter", FullDisk)
    with pytest.raises(InputError, match=r"\.tfrecord: .*No space left"):
        records.write_records(salicon, out, SHAPE)
    assert list(out.iterdir()) == []


def test_another_size_writes_its_own_shards(salicon, written):
    earlier = {path.name for path in shards_of(written)}
    records.write_records(salicon, written, (64, 64))
    assert {path.name for path in shards_of(written)} > earlier
    assert len(records.read_records(written, "train", (64, 64))[0]) == 6


def test_changed_data_is_written_again(salicon, written):
    (before,) = shards_of(written)
    (salicon / "fixations" / "train" / "scene_0.mat").unlink()
    records.write_records(salicon, written, SHAPE)
    serialized, _ = records.read_records(written, "train", SHAPE)
    assert not records.parse(tf.constant(serialized[0]), SHAPE).fixations.numpy().any()
    assert len(shards_of(written)) == 2
    assert before in shards_of(written)


def test_bad_examples_are_left_out_and_reported(salicon, out):
    bad = salicon / "images" / "train" / "scene_2.png"
    bad.write_bytes(bad.read_bytes()[:100])
    with pytest.raises(InputErrors) as caught:
        records.write_records(salicon, out, SHAPE)
    assert [error.subject for error in caught.value.errors] == [str(bad)]
    assert "1 of 9" in str(caught.value)
    assert len(records.read_records(out, "train", SHAPE)[0]) == 5
    assert len(records.read_records(out, "val", SHAPE)[0]) == 3


def test_repeating_a_writing_reports_what_was_left_out_again(salicon, out):
    bad = salicon / "images" / "train" / "scene_2.png"
    bad.write_bytes(bad.read_bytes()[:100])
    for _ in range(2):
        with pytest.raises(InputErrors) as caught:
            records.write_records(salicon, out, SHAPE)
        assert [error.subject for error in caught.value.errors] == [str(bad)]


def test_another_size_is_refused(written):
    with pytest.raises(InputError, match=r"size \(32, 64\), not \(32, 32\)") as caught:
        records.read_records(written, "train", (32, 32))
    assert caught.value.subject == str(written / "records.json")


def test_an_unknown_split_is_refused(written):
    with pytest.raises(InputError, match="'test'"):
        records.read_records(written, "test", SHAPE)


@pytest.mark.parametrize("damage", ["missing", "truncated", "bit flipped"])
def test_a_bad_shard_is_named(written, damage):
    (shard,) = shards_of(written)
    content = shard.read_bytes()
    if damage == "missing":
        shard.unlink()
    elif damage == "truncated":
        shard.write_bytes(content[: len(content) // 2])
    else:
        middle = len(content) // 2
        shard.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
    with pytest.raises(InputError) as caught:
        records.read_records(written, "train", SHAPE)
    assert caught.value.subject == str(shard)
    assert "\n" not in str(caught.value)


def test_a_shard_cut_between_examples_is_noticed(written):
    (shard,) = shards_of(written)
    serialized, _ = records.read_records(written, "train", SHAPE)
    # A record is framed by 12 bytes before it and 4 behind.
    shard.write_bytes(shard.read_bytes()[: -(len(serialized[-1]) + 16)])
    with pytest.raises(InputError, match="shards hold 5"):
        records.read_records(written, "train", SHAPE)


def test_a_damaged_shard_is_not_taken_for_a_finished_one(salicon, written):
    (shard,) = shards_of(written)
    content = shard.read_bytes()
    shard.write_bytes(content[: len(content) // 2])
    # Either way will do: it is named, or it is written again.
    try:
        records.write_records(salicon, written, SHAPE)
    except InputError as error:
        assert error.subject == str(shard)
    else:
        assert shard.read_bytes() == content


@pytest.mark.parametrize("manifest", ["{}", '{"splits": 3}', '{"splits": {"train": {}}}', "[]", "{"])
def test_a_bad_manifest_is_named(written, manifest):
    path = written / "records.json"
    path.write_text(manifest)
    with pytest.raises(InputError) as caught:
        records.read_records(written, "train", SHAPE)
    assert caught.value.subject == str(path)
