"""Hostile and odd files of a data set: each is refused in one line that names it, before it takes memory or time."""

import json
import struct
import zlib

import numpy as np
import pytest
import tensorflow as tf
from conftest import UNREADABLE, draw_fixations, save_picture, write_cat2000, write_example, write_mit1003

from salgan_tf.data import folder, records
from salgan_tf.data.fixations import read_fixations
from salgan_tf.data.matfile import read_mat
from salgan_tf.errors import InputError, InputErrors

_CELL, _STRUCT, _CHAR, _DOUBLE = 1, 2, 4, 6


def element(code: int, value: bytes) -> bytes:
    return struct.pack("<II", code, len(value)) + value + bytes(-len(value) % 8)


def array(kind: int, sizes: tuple[int, ...], *parts: bytes, name: bytes = b"gaze") -> bytes:
    start = element(6, struct.pack("<II", kind, 0)) + element(5, struct.pack(f"<{len(sizes)}i", *sizes))
    return element(14, start + element(1, name) + b"".join(parts))


def field_names(names: bytes) -> bytes:
    return element(5, struct.pack("<i", 32)) + element(1, names)


def compress(content: bytes) -> bytes:
    return struct.pack("<II", 15, len(packed := zlib.compress(content, 9))) + packed


def write_mat(path, *elements: bytes):
    path.write_bytes(b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM" + b"".join(elements))
    return path


EMPTY = element(14, b"")
# Files below 100 kB that declare, or inflate to, more than 2 GB of arrays.
GIANTS = {
    "struct without fields": lambda: array(_STRUCT, (30000, 30000), field_names(b"")),
    "struct in a cell": lambda: array(_CELL, (1, 1), array(_STRUCT, (30000, 30000), field_names(b""))),
    "struct of more axes": lambda: array(_STRUCT, (3000, 3000, 3000), field_names(b"")),
    "text without letters": lambda: array(_CHAR, (30000, 30000), element(16, b"")),
    "cells": lambda: compress(array(_CELL, (10**7, 1), EMPTY * 10**7)),
    "cells that are not there": lambda: array(_CELL, (30000, 30000)),
    "struct with fields": lambda: array(_STRUCT, (30000, 30000), field_names(b"fixations".ljust(32, b"\0"))),
    "inflated size": lambda: compress(struct.pack("<II", 14, 2**32 - 8) + bytes(10**6)),
}


@pytest.mark.parametrize("kind", GIANTS)
def test_a_mat_file_that_needs_too_much_memory_is_refused(tmp_path, kind):
    path = write_mat(tmp_path / "giant.mat", GIANTS[kind]())
    assert path.stat().st_size < 120_000
    with pytest.raises(InputError, match=r"needs .* GB of memory and the limit is 2 GB") as caught:
        read_mat(path)
    assert caught.value.subject == str(path)


def test_the_limit_is_for_all_variables_together(tmp_path, monkeypatch):
    monkeypatch.setenv("SALGAN_TF_MEMORY_GB", "0.0006")
    variables = [array(_DOUBLE, (100, 100), element(9, bytes(80_000)), name=name) for name in (b"a", b"b", b"c", b"d")]
    assert list(read_mat(write_mat(tmp_path / "two.mat", *map(compress, variables[:2])))) == ["a", "b"]
    with pytest.raises(InputError, match="of memory and the limit"):
        read_mat(write_mat(tmp_path / "four.mat", *map(compress, variables)))


WHOLE = array(_DOUBLE, (2, 2), element(9, bytes(32)))
DAMAGED = {
    "compressed in compressed": compress(compress(WHOLE)),
    "more than it says": compress(WHOLE + bytes(8)),
    "less than it says": compress(WHOLE[:-8]),
    "no checksum": compress(WHOLE)[:4] + struct.pack("<I", len(compress(WHOLE)) - 12) + compress(WHOLE)[8:-4],
    "two of one name": WHOLE + WHOLE,
    "fewer values than its size": array(_DOUBLE, (2, 3), element(9, bytes(32))),
    "more values than its size": array(_DOUBLE, (1, 1), element(9, bytes(32))),
    "fewer cells than its size": array(_CELL, (2, 1), EMPTY),
    "more cells than its size": array(_CELL, (1, 1), EMPTY, EMPTY),
    "nested cells": b"",
    "nothing compressed": struct.pack("<II", 15, 0),
}
for _ in range(2000):
    DAMAGED["nested cells"] = array(_CELL, (1, 1), DAMAGED["nested cells"] or EMPTY)


@pytest.mark.parametrize("kind", DAMAGED)
def test_a_damaged_mat_file_is_refused(tmp_path, kind):
    path = write_mat(tmp_path / "damaged.mat", DAMAGED[kind])
    with pytest.raises(InputError, match="not a MATLAB 5 file, or damaged") as caught:
        read_mat(path)
    assert caught.value.subject == str(path)


def test_arrays_without_elements_are_read(tmp_path):
    parts = [
        array(_STRUCT, (1, 1), field_names(b""), name=b"a"),
        array(_CELL, (0, 0), name=b"b"),
        array(_CHAR, (0, 0), element(16, b""), name=b"c"),
        array(_DOUBLE, (0, 9), element(9, b""), name=b"d"),
    ]
    content = read_mat(write_mat(tmp_path / "empty.mat", *parts))
    assert list(content) == ["a", "b", "c", "d"]
    assert content["d"].shape == (0, 9)


RECORD = (32, 64)


@pytest.fixture
def written(salicon, tmp_path):
    records.write_records(salicon, tmp_path / "records", RECORD)
    return tmp_path / "records"


def find_shard(folder):
    (shard,) = folder.glob("train-*.tfrecord")
    return shard


def png(height: int, width: int, channels: int = 1, dtype=np.uint8) -> bytes:
    return tf.io.encode_png(np.ones((height, width, channels), dtype)).numpy()


def serialize(**features: bytes) -> bytes:
    whole = {"image": png(*RECORD, 3), "saliency": png(*RECORD, 1, np.uint16), "fixations": png(*RECORD)} | features
    lists = {
        name: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value] if value else []))
        for name, value in whole.items()
    }
    return tf.train.Example(features=tf.train.Features(feature=lists)).SerializeToString()


# The header of a PNG of 30000x30000, which TensorFlow would allocate.
GIANT = png(*RECORD)[:16] + struct.pack(">II", 30000, 30000) + png(*RECORD)[24:]
CONTENTS = {
    "garbage": b"garbage" * 9,
    "empty": b"",
    "another schema": tf.train.Example().SerializeToString(),
    "a feature without a value": serialize(fixations=b""),
    "a PNG of another size": serialize(saliency=png(64, 32, 1, np.uint16)),
    "a giant PNG": serialize(fixations=GIANT),
    "not a PNG": serialize(image=b"JPEG" * 99),
    "a truncated PNG": serialize(image=png(*RECORD, 3)[:60]),
    "a black map": serialize(saliency=tf.io.encode_png(np.zeros((*RECORD, 1), np.uint16)).numpy()),
    "damaged pixels": serialize(image=png(*RECORD, 3).replace(b"IDAT", b"IDAT\xff\xff")),
}


@pytest.mark.parametrize("kind", CONTENTS)
def test_records_with_right_checksums_and_wrong_content_are_named_by_their_shard(written, kind):
    shard = find_shard(written)
    with tf.io.TFRecordWriter(str(shard)) as writer:
        for content in [*[serialize()] * 5, CONTENTS[kind]]:
            writer.write(content)
    cause = "holds a map that is black all over" if kind == "a black map" else "something other than examples of 32x64"
    with pytest.raises(InputError, match=cause) as caught:
        records.read_records(written, "train", RECORD)
    assert caught.value.subject == str(shard)
    assert len(caught.value.cause) < 200


def test_a_record_that_declares_a_terabyte_is_refused(written):
    """TensorFlow allocates the length, if its checksum is right, and crashes."""
    shard = find_shard(written)
    shard.write_bytes(bytes.fromhex("0000000000010000aa3d6be4") + bytes(400))
    with pytest.raises(InputError, match="truncated or damaged") as caught:
        records.read_records(written, "train", RECORD)
    assert caught.value.subject == str(shard)


MANIFESTS = {
    "shards of an outer folder": {"shards": ["../shard"]},
    "absolute shards": {"shards": ["/etc/passwd"]},
    "shards without a name": {"shards": [""]},
    "shards of numbers": {"shards": [1]},
    "a null character": {"shards": ["a\0b"]},
    "shards in a text": {"shards": "abc"},
    "shards in an object": {"shards": {}},
    "a text as count": {"examples": "6"},
    "a fraction as count": {"examples": 6.0},
    "a negative count": {"examples": -6},
    "null as count": {"examples": None},
    "no examples": {"examples": 0, "shards": []},
    "a number as fingerprint": {"fingerprint": 7},
    "a list as split": [],
    "a text as split": "abc",
    "null as split": None,
}


@pytest.mark.parametrize("kind", MANIFESTS)
def test_a_damaged_manifest_is_named(written, kind):
    path = written / "records.json"
    manifest, change = json.loads(path.read_text()), MANIFESTS[kind]
    splits = manifest["splits"]
    splits["train"] = splits["train"] | change if isinstance(change, dict) else change
    path.write_text(json.dumps(manifest))
    with pytest.raises(InputError) as caught:
        records.read_records(written, "train", RECORD)
    assert caught.value.subject == str(path)
    assert caught.value.cause.startswith(("damaged", "the records have no examples"))


@pytest.mark.parametrize("size", ["32x64", 32, None, {}, [], [32], [32, 64, 3], ["32", "64"], [[32], [64]], [32.0, 64]])
def test_a_damaged_size_in_the_manifest_is_named(written, size):
    path = written / "records.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"image_shape": size}))
    with pytest.raises(InputError, match=r"damaged|the records have size") as caught:
        records.read_records(written, "train", RECORD)
    assert caught.value.subject == str(path)


@pytest.mark.parametrize("kind", UNREADABLE)
def test_a_shard_that_is_not_a_small_regular_file_is_refused_unread(written, kind):
    shard = find_shard(written)
    shard.unlink()
    make, cause = UNREADABLE[kind]
    make(shard)
    with pytest.raises(InputError, match=cause) as caught:
        records.read_records(written, "train", RECORD)
    assert caught.value.subject == str(shard)


SHAPE = (60, 80)


@pytest.mark.parametrize("levels", [(1, np.uint8), (2, np.uint8), (100, np.uint8), (1, np.uint16), (255, np.uint16)])
def test_a_fixation_picture_of_0_and_a_dark_level_is_read(tmp_path, levels):
    fixated = draw_fixations(0)
    save_picture(tmp_path / "dark.png", fixated.astype(levels[1]) * levels[0])
    np.testing.assert_array_equal(read_fixations(tmp_path / "dark.png", SHAPE).points, np.argwhere(fixated))


def test_a_fixation_picture_of_three_dark_levels_is_refused(tmp_path):
    save_picture(tmp_path / "grey.png", np.arange(4800, dtype=np.uint16).reshape(SHAPE).astype(np.uint8) % 100)
    with pytest.raises(InputError, match="nothing is fixated"):
        read_fixations(tmp_path / "grey.png", SHAPE)


POINTS = {
    "columns.csv": "x,y,observer\n0,0,b\n79,59,a\n79.4,0,b\n",
    "order.csv": "\ufeff Observer, Y, duration, X \r\nb,0,9,0\r\na,59,,79\r\n\r\nb,0,9,79.4\r\n",
    "quoted.csv": '"x","y","observer"\n"0","0","b"\n"79","59","a"\n"79.4","0","b"',
    "objects.json": '[{"x": 0, "y": 0, "observer": 7}, {"x": 79, "y": 59, "observer": 3}, '
    '{"x": 79.4, "y": 0, "observer": 7, "duration": [1]}]',
    "lists.json": '{"x": [0, 79, 79.4], "y": [0, 59, 0], "observer": ["b", "a", "b"], "duration": 3}',
}


@pytest.mark.parametrize("name", POINTS)
def test_points_are_0_based_x_and_y_with_observers(tmp_path, name):
    (tmp_path / name).write_text(POINTS[name])
    gaze = read_fixations(tmp_path / name, SHAPE)
    np.testing.assert_array_equal(gaze.points, [[0, 0], [59, 79], [0, 79]])
    np.testing.assert_array_equal(gaze.observers, [0, 1, 0])
    assert gaze.points.dtype == gaze.observers.dtype == np.int32
    assert (gaze.shape, gaze.outside) == (SHAPE, 0)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("points.csv", "x,y\n80,3\n-1,3\n,5\nnan,2\n1,inf\n4,3\n"),
        (
            "points.json",
            '{"x": [80, -1, null, NaN, 1, 4], "y": [3, 3, 5, 2, 1e999, 3]}',
        ),
    ],
)
def test_points_outside_are_counted_and_observers_may_be_unknown(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    gaze = read_fixations(tmp_path / name, SHAPE)
    np.testing.assert_array_equal(gaze.points, [[3, 4]])
    assert (gaze.observers, gaze.outside) == (None, 5)


@pytest.mark.parametrize(("name", "text"), [("a.csv", "x,y\n"), ("a.json", "[]"), ("a.json", '{"x": [], "y": []}')])
def test_a_file_without_points_is_read(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    assert read_fixations(tmp_path / name, SHAPE).points.shape == (0, 2)


BAD_POINTS = {
    "empty.csv": (b"", "is empty"),
    "headless.csv": (b"3,4\n5,6\n", "no column x"),
    "semicolons.csv": (b"x;y\n3;4\n", "no column x"),
    "half.csv": (b"x,observer\n3,4\n", "no column y"),
    "twice.csv": (b"x,y,x\n3,4,5\n", "several columns x"),
    "short.csv": (b"x,y\n3,4\n3\n", "fixation 2 has no y"),
    "words.csv": (b"x,y\n3,four\n", "fixation 1 has 'four' in place of a number"),
    "quote.csv": (b'x,y\n"3,4\n', "unexpected end of data"),
    "binary.csv": (b"\xff\xfe\x00\x80" * 9, "codec"),
    "long.csv": (b"x,y\n" + b"9" * 200_000, "field larger"),
    "endless.csv": (b"x,y\n" + b"1,2\n" * 10**6, "more than 1000000 lines"),
    "empty.json": (b"", "is empty"),
    "number.json": (b"3", "expected a list of objects"),
    "numbers.json": (b"[[3, 4]]", "expected a list of objects"),
    "object.json": (b'{"x": 3, "y": 4}', "expected lists"),
    "nameless.json": (b"{}", "no column x"),
    "lengths.json": (b'{"x": [3], "y": [4, 5]}', "different lengths"),
    "half.json": (b'[{"x": 3}]', "no column y"),
    "words.json": (b'[{"x": "three", "y": 4}]', "in place of a number"),
    "true.json": (b'[{"x": true, "y": 4}]', "in place of a number"),
    "nested.json": (b'[{"x": {"x": 3}, "y": 4}]', "in place of a number"),
    "observer.json": (b'[{"x": 3, "y": 4, "observer": [1]}]', "no observer"),
    "digits.json": (b'[{"x": ' + b"9" * 400 + b', "y": 4}]', "in place of a number"),
    "more digits.json": (b'[{"x": ' + b"9" * 9000 + b', "y": 4}]', "digits"),
    "deep.json": (b"[" * 100_000, "recursion"),
}


@pytest.mark.parametrize("name", BAD_POINTS)
def test_the_error_names_a_bad_file_of_points(tmp_path, name):
    content, cause = BAD_POINTS[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=cause) as caught:
        read_fixations(tmp_path / name, SHAPE)
    assert caught.value.subject == str(tmp_path / name)


@pytest.mark.parametrize("ending", [".csv", ".json", ".mat"])
@pytest.mark.parametrize("kind", UNREADABLE)
def test_fixations_that_are_not_a_small_regular_file_are_refused_unread(salicon, kind, ending):
    path = salicon / "fixations" / "val" / "scene_10.mat"
    path.unlink()
    make, cause = UNREADABLE[kind]
    make(path.with_suffix(ending))
    with pytest.raises(InputError, match=cause) as caught:
        folder.read_gaze(folder.index_folder(salicon, "val")[0])
    assert caught.value.subject == str(path.with_suffix(ending))


SPLITS = [
    "",
    ".",
    "..",
    "../train",
    "train/",
    "train/../val",
    "/etc",
    "{root}/images/train",
    "tr\0ain",
    "x" * 5000,
    "*",
]


@pytest.mark.parametrize("layout", ["salicon", "published", "mit1003", "cat2000"])
@pytest.mark.parametrize("split", SPLITS)
def test_a_split_is_a_name_in_the_data_set(tmp_path, salicon, split, layout):
    if layout == "published":
        write_example(tmp_path, "", "COCO_train2014_1", 0)
    root = {"salicon": salicon, "published": tmp_path}.get(layout) or {
        "mit1003": write_mit1003,
        "cat2000": write_cat2000,
    }[layout](tmp_path / "data")
    with pytest.raises(InputError, match=r"no pictures of the split .*: the (only split is|splits are) ") as caught:
        folder.index_folder(root, split.format(root=root))
    assert caught.value.subject == str(root)


def test_a_data_set_without_splits_has_the_split_all(tmp_path):
    for index, name in enumerate(("a_deer", "b")):
        write_example(tmp_path, "", name, index)
    assert folder.find_splits(tmp_path) == ["all"]
    examples = folder.index_folder(tmp_path, "all")
    assert [example.name for example in examples] == ["a_deer", "b"]
    assert examples[0].fixations == tmp_path / "fixations" / "a_deer.mat"
    with pytest.raises(InputError, match="the only split is 'all'"):
        folder.index_folder(tmp_path, "train")


def test_a_broken_link_is_named_and_the_others_are_prepared(salicon, tmp_path):
    for name in ("images/train/scene_1.png", "fixations/train/scene_2.mat"):
        (salicon / name).unlink()
        (salicon / name).symlink_to("nowhere")
    with pytest.raises(InputErrors) as caught:
        records.write_records(salicon, tmp_path / "out", RECORD)
    assert [error.subject for error in caught.value.errors] == [
        str(salicon / "images/train/scene_1.png"),
        str(salicon / "fixations/train/scene_2.mat"),
    ]
    assert len(records.read_records(tmp_path / "out", "train", RECORD)[0]) == 4
