"""Records: written once and whole, resumed, and refused if they do not fit."""

import json

import numpy as np
import pytest
import tensorflow as tf
from conftest import write_example

from salgan_tf.data import folder, records
from salgan_tf.data.grid import grid_example
from salgan_tf.data.pipeline import load_examples
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


@pytest.mark.parametrize("per_shard", [4, 100])
def test_records_hold_every_example_in_order(salicon, out, monkeypatch, per_shard):
    monkeypatch.setattr(records, "EXAMPLES_PER_SHARD", per_shard)
    records.write_records(salicon, out, SHAPE)
    assert len(shards_of(out)) == (2 if per_shard == 4 else 1)
    assert records.is_records(out)
    assert not records.is_records(salicon)
    for split in ("train", "val"):
        index = folder.index_folder(salicon, split)
        serialized, digest = records.read_records(out, split, SHAPE)
        assert digest == folder.fingerprint(index)
        for content, example in zip(serialized, index, strict=True):
            parsed = records.parse(tf.constant(content), SHAPE)
            for found, expected in zip(parsed, grid_example(example, SHAPE), strict=True):
                assert found.dtype.as_numpy_dtype == expected.dtype
                np.testing.assert_array_equal(found, expected)


def test_the_folder_contains_only_what_the_manifest_lists(written):
    manifest = json.loads((written / "records.json").read_text())
    listed = [name for entry in manifest["splits"].values() for name in entry["shards"]]
    assert sorted(path.name for path in written.iterdir()) == sorted([*listed, "records.json"])
    assert manifest["image_shape"] == list(SHAPE)


def test_an_existing_shard_is_kept_and_a_missing_one_written_again(salicon, written):
    (train,), (val,) = shards_of(written), shards_of(written, "val")
    kept = val.stat().st_mtime_ns, val.read_bytes()
    content = train.read_bytes()
    train.unlink()
    records.write_records(salicon, written, SHAPE)
    assert (val.stat().st_mtime_ns, val.read_bytes()) == kept
    assert train.read_bytes() == content


def test_an_interrupted_call_leaves_only_whole_shards_and_is_resumed(salicon, out, monkeypatch):
    monkeypatch.setattr(records, "EXAMPLES_PER_SHARD", 4)
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


def test_another_size_gets_its_own_shards(salicon, written):
    earlier = {path.name for path in shards_of(written)}
    records.write_records(salicon, written, (64, 64))
    assert {path.name for path in shards_of(written)} > earlier
    assert len(records.read_records(written, "train", (64, 64))[0]) == 6


def test_changed_data_gets_new_shards(salicon, written):
    (before,) = shards_of(written)
    (salicon / "fixations" / "train" / "scene_0.mat").unlink()
    records.write_records(salicon, written, SHAPE)
    serialized, _ = records.read_records(written, "train", SHAPE)
    assert not records.parse(tf.constant(serialized[0]), SHAPE).fixations.numpy().any()
    assert len(shards_of(written)) == 2
    assert before in shards_of(written)


def test_bad_examples_are_left_out_and_reported_each_time(salicon, out):
    bad = salicon / "images" / "train" / "scene_2.png"
    bad.write_bytes(bad.read_bytes()[:100])
    for _ in range(2):
        with pytest.raises(InputErrors) as caught:
            records.write_records(salicon, out, SHAPE)
        assert [error.subject for error in caught.value.errors] == [str(bad)]
        assert "1 of 9" in str(caught.value)
        assert [len(records.read_records(out, split, SHAPE)[0]) for split in ("train", "val")] == [5, 3]


def test_a_size_at_which_a_shard_does_not_fit_in_memory_is_refused(salicon, out):
    shape, line = (16384, 16000), r"^--size 16384x16000: needs .* GB of memory and the limit is 2 GB"
    with pytest.raises(InputError, match=line):
        records.write_records(salicon, out, shape)
    assert not out.exists()
    with pytest.raises(InputError, match=line):
        load_examples(salicon, "train", shape)
    records.write_records(salicon, out, SHAPE)
    manifest = json.loads((out / "records.json").read_text())
    (out / "records.json").write_text(json.dumps(manifest | {"image_shape": shape}))
    with pytest.raises(InputError, match=line):
        load_examples(out, "train", shape)


def test_a_shard_without_a_good_example_is_left_out(salicon, out, monkeypatch):
    monkeypatch.setattr(records, "EXAMPLES_PER_SHARD", 4)
    for index in range(4):
        (salicon / "images" / "train" / f"scene_{index}.png").write_bytes(b"no picture")
    with pytest.raises(InputErrors, match="4 of 9"):
        records.write_records(salicon, out, SHAPE)
    assert len(shards_of(out)) == 1
    assert len(records.read_records(out, "train", SHAPE)[0]) == 2


@pytest.mark.parametrize(
    ("split", "shape", "cause"),
    [("train", (32, 32), r"size \(32, 64\), not \(32, 32\)"), ("test", SHAPE, "lacks 'test'")],
)
def test_another_size_and_an_unknown_split_are_refused(written, split, shape, cause):
    with pytest.raises(InputError, match=cause) as caught:
        records.read_records(written, split, shape)
    assert caught.value.subject == str(written / "records.json")


@pytest.mark.parametrize("damage", ["missing", "truncated", "bit flipped"])
def test_the_error_names_a_bad_shard(written, damage):
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


def test_a_shard_cut_between_examples_is_noticed(written):
    (shard,) = shards_of(written)
    serialized, _ = records.read_records(written, "train", SHAPE)
    # 12 bytes precede a record, and 4 follow it.
    shard.write_bytes(shard.read_bytes()[: -(len(serialized[-1]) + 16)])
    with pytest.raises(InputError, match="shards hold 5"):
        records.read_records(written, "train", SHAPE)


def test_a_damaged_shard_does_not_count_as_finished(salicon, written):
    (shard,) = shards_of(written)
    content = shard.read_bytes()
    shard.write_bytes(content[: len(content) // 2])
    # An error with its name would do as well as writing it again.
    try:
        records.write_records(salicon, written, SHAPE)
    except InputError as error:
        assert error.subject == str(shard)
    else:
        assert shard.read_bytes() == content


@pytest.mark.parametrize("manifest", ["{}", '{"splits": 3}', '{"splits": {"train": {}}}', "[]", "{"])
def test_the_error_names_a_bad_manifest(written, manifest):
    path = written / "records.json"
    path.write_text(manifest)
    with pytest.raises(InputError) as caught:
        records.read_records(written, "train", SHAPE)
    assert caught.value.subject == str(path)


@pytest.mark.parametrize("content", ['{"my": "notes"}', "[]", "notes", ""])
def test_a_list_of_records_replaces_no_other_file(salicon, out, content):
    out.mkdir()
    (out / "records.json").write_text(content)
    with pytest.raises(InputError, match=r"records\.json: is in the way, and prepare did not write it"):
        records.write_records(salicon, out, SHAPE)
    assert [path.read_text() for path in out.iterdir()] == [content]


def test_records_do_not_overwrite_fixations(tmp_path):
    write_example(tmp_path, "", "records", 0)
    fixations = tmp_path / "fixations" / "records.json"
    fixations.with_suffix(".mat").unlink()
    fixations.write_text('[{"x": 3, "y": 4}]')
    with pytest.raises(InputError, match=r"would overwrite .*, an input"):
        records.write_records(tmp_path, fixations.parent, SHAPE)
    assert fixations.read_text() == '[{"x": 3, "y": 4}]'
