"""Hostile and odd files of a data set: each is refused in one line that names it, before it takes memory or time."""

import os
import struct
import zlib

import pytest

from salgan_tf.data.matfile import read_mat
from salgan_tf.errors import InputError

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
    assert "\n" not in str(caught.value)


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


def make_pipe(path):
    os.mkfifo(path)


def make_terabyte(path):
    with path.open("wb") as file:
        file.truncate(10**12)


UNREADABLE = {
    "pipe": (make_pipe, "not a regular file"),
    "sparse terabyte": (make_terabyte, "needs 1000.0 GB of memory"),
    "device": (lambda path: path.symlink_to("/dev/zero"), "not a regular file"),
    "folder": (lambda path: path.mkdir(), "is a folder"),
}


@pytest.mark.parametrize("kind", UNREADABLE)
def test_what_is_not_a_small_regular_file_is_refused_unread(tmp_path, kind):
    make, cause = UNREADABLE[kind]
    path = tmp_path / "fixations.mat"
    make(path)
    with pytest.raises(InputError, match=cause) as caught:
        read_mat(path)
    assert caught.value.subject == str(path)
