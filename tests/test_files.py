"""Files appear whole or not at all; errors name bad ones, and nothing in them is executed."""

import errno
import io
import os
import pickle
import stat
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from conftest import names_in
from hypothesis import given
from hypothesis import strategies as st

from salgan_tf import files, weights
from salgan_tf.errors import InputError, InputErrors, first_line

NOBODY = 65534


class Payload:
    """Unpickling this makes a folder, so that a test can see it."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (os.mkdir, (str(self.path),))


def test_content_replaces_the_older_file(tmp_path):
    path = tmp_path / "new folder" / "deeper" / "file.bin"
    files.write_bytes(path, b"old")
    files.write_bytes(path, b"new")
    assert path.read_bytes() == b"new"
    assert names_in(path.parent) == ["file.bin"]


@pytest.mark.parametrize("error", [ValueError("bad"), KeyboardInterrupt(), SystemExit(3), InputError("other", "bad")])
@pytest.mark.parametrize("older", [None, b"older"])
def test_an_interrupted_block_leaves_only_the_older_file(tmp_path, error, older):
    path = tmp_path / "file.bin"
    if older is not None:
        path.write_bytes(older)
    with pytest.raises(type(error)) as caught, files.atomic_path(path) as scratch:
        scratch.write_bytes(b"half of")
        raise error
    assert caught.value is error
    assert names_in(tmp_path) == ([] if older is None else ["file.bin"])
    assert older is None or path.read_bytes() == older


def test_the_error_of_a_full_disk_names_the_file(tmp_path):
    path = tmp_path / "file.bin"
    path.write_bytes(b"older")
    with pytest.raises(InputError, match="No space left") as caught, files.atomic_path(path) as scratch:
        scratch.write_bytes(b"half of")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(scratch))
    assert caught.value.subject == str(path)
    assert "partial" not in str(caught.value)
    assert path.read_bytes() == b"older"
    assert names_in(tmp_path) == ["file.bin"]


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o027, 0o640), (0o077, 0o600)])
def test_the_umask_decides_the_permissions_of_the_file(tmp_path, mask, mode):
    earlier = os.umask(mask)
    try:
        files.write_bytes(tmp_path / "file.bin", b"content")
    finally:
        os.umask(earlier)
    assert stat.S_IMODE((tmp_path / "file.bin").stat().st_mode) == mode


@pytest.mark.parametrize("name", ["model.weights.h5", "model.keras", "plain", "with.many.dots.tflite", "ünïcode .png"])
def test_the_scratch_file_keeps_the_ending(tmp_path, name):
    path = tmp_path / name
    with files.atomic_path(path) as scratch:
        assert scratch.suffixes[-2:] == path.suffixes[-2:]
        assert scratch != path
        assert not path.exists()
        scratch.write_bytes(b"content")
    assert names_in(tmp_path) == [name]


def test_a_block_that_writes_nothing_is_an_error(tmp_path):
    with pytest.raises(InputError, match=r"file\.bin"), files.atomic_path(tmp_path / "file.bin"):
        pass
    assert names_in(tmp_path) == []


def test_weights_beside_a_file_belong_to_it(tmp_path):
    for name in ("x[1].onnx", "x[1].onnx.data", "x[1].onnx_data", "x1.onnx.data"):
        (tmp_path / name).touch()
    found = weights.list_files(tmp_path / "x[1].onnx")
    assert {path.name for path in found} == {"x[1].onnx", "x[1].onnx.data", "x[1].onnx_data"}


def test_json_is_counted_as_the_objects_that_it_becomes(tmp_path, monkeypatch):
    (tmp_path / "a.json").write_text("{}" + " " * 100)
    assert files.read_json(tmp_path / "a.json") == {}
    monkeypatch.setenv("SALGAN_TF_MEMORY_GB", "1e-6")
    with pytest.raises(InputError, match="of memory and the limit is"):
        files.read_json(tmp_path / "a.json")


def test_the_error_names_a_file_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "folder" / "inside").mkdir(parents=True)
    for path in (tmp_path / "file" / "below.bin", tmp_path / "folder"):
        with pytest.raises(InputError, match="cannot be written") as caught:
            files.write_bytes(path, b"content")
        assert caught.value.subject == str(path)
    with pytest.raises(InputError, match="cannot be written") as caught:
        files.check_outputs([tmp_path / "folder"], [])
    assert caught.value.subject == str(tmp_path / "folder")
    with pytest.raises(InputError, match="cannot be written"):
        files.make_folder(tmp_path / "file" / "below")
    assert names_in(tmp_path) == ["file", "folder"]


@pytest.mark.parametrize("place", ["one", "one/two/three", "there/two/three"])
def test_new_folders_without_files_are_removed_with_their_parents(tmp_path, place):
    (tmp_path / "there").mkdir()
    with pytest.raises(ValueError, match="bad"), files.made_folder(tmp_path / place) as folder:
        assert folder.is_dir()
        raise ValueError("bad")
    assert names_in(tmp_path) == ["there"]
    assert names_in(tmp_path / "there") == []
    with files.made_folder(tmp_path / place) as folder:
        files.write_bytes(folder / "file.bin", b"content")
    assert names_in(tmp_path / place) == ["file.bin"]


def test_a_folder_that_cannot_be_made_leaves_no_parents(tmp_path):
    with pytest.raises(InputError, match="cannot be written"), files.made_folder(tmp_path / "new" / ("x" * 300)):
        pass
    assert names_in(tmp_path) == []


def test_make_folder_makes_parents_and_leaves_the_folder_empty(tmp_path):
    folder = files.make_folder(tmp_path / "one" / "two")
    assert folder.is_dir()
    assert files.make_folder(folder) == folder
    assert names_in(folder) == []


@pytest.mark.parametrize(
    "make", [Path.symlink_to, Path.hardlink_to, lambda path, target: None], ids=["symlink", "hardlink", "same"]
)
def test_an_output_is_neither_an_input_nor_another_output(tmp_path, make):
    given, other = tmp_path / "given.jpg", tmp_path / "other.csv"
    given.touch()
    make(other, given)
    twice = other if other.exists() else given
    with pytest.raises(InputError, match=r"would overwrite .*given.jpg, an input") as caught:
        files.check_outputs([tmp_path / "new.json", twice], [tmp_path / "missing", given])
    assert caught.value.subject == str(twice)
    with pytest.raises(InputError, match=r"would overwrite .*, another output"):
        files.check_outputs([given, twice], [])
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(InputError, match=r"would overwrite .*new.json, another output"):
        files.check_outputs([tmp_path / "new.json", tmp_path / "link" / "new.json"], [given])
    with pytest.raises(InputError, match="null"):
        files.check_outputs([tmp_path / "null\0.csv"], [given])
    devices = [Path("/dev/null"), Path("/dev/null"), Path("/dev/stdout"), Path("/dev/stdout")]
    files.check_outputs([*devices, tmp_path / "a", tmp_path / "b"], [Path("/dev/null"), given])


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), json_values, max_size=4))
def test_json_round_trip(tmp_path_factory, value):
    path = tmp_path_factory.getbasetemp() / "value.json"
    files.write_json(path, value)
    assert files.read_json(path) == value


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (b"{", "not a JSON file"),
        (b"", "is empty"),
        (b"\xff\xfe{}", "not a JSON file"),
        (b"[1]", "not a JSON obj"),
        (None, "No such file"),
    ],
)
def test_the_error_names_bad_json(tmp_path, content, cause):
    path = tmp_path / "bad.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=cause) as caught:
        files.read_json(path)
    assert caught.value.subject == str(path)


def test_the_error_names_a_file_without_permission():
    user = os.geteuid()
    # pytest's own folders can only be read by root, so this file lies outside of them.
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"{}")
        file.flush()
        Path(file.name).chmod(0)
        if user == 0:
            os.seteuid(NOBODY)
        try:
            with pytest.raises(InputError, match="Permission denied") as caught:
                files.read_json(file.name)
        finally:
            os.seteuid(user)
    assert caught.value.subject == file.name


def write_zip_of_text(path, trap) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("k00", "not an array")


def write_npy(path, trap) -> None:
    with path.open("wb") as file:
        np.save(file, np.zeros(3))


BAD_NPZ = {
    "object array": lambda path, trap: np.savez(path, arr_0=np.array([Payload(trap)], dtype=object)),
    "pickle": lambda path, trap: path.write_bytes(pickle.dumps(Payload(trap))),
    "npy": write_npy,
    "garbage": lambda path, trap: path.write_bytes(bytes(range(256))),
    "zip of text": write_zip_of_text,
}


@pytest.mark.parametrize("kind", BAD_NPZ)
def test_the_error_names_a_bad_npz_which_is_never_executed(tmp_path, kind):
    path, trap = tmp_path / "bad.npz", tmp_path / "executed"
    BAD_NPZ[kind](path, trap)
    with pytest.raises(InputError) as caught:
        files.read_npz(path)
    assert caught.value.subject == str(path)
    assert not trap.exists()
    if kind in ("object array", "pickle"):
        assert "pickle" in str(caught.value)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_a_damaged_npz_gives_arrays_or_an_error_with_its_name(tmp_path, save):
    buffer = io.BytesIO()
    save(buffer, k00=np.ones((2, 3), np.float32))
    content = buffer.getvalue()
    path = tmp_path / "damaged.npz"
    damaged = [content[:length] for length in range(0, len(content), 3)]
    damaged += [
        bytes([*content[:place], content[place] ^ mask, *content[place + 1 :]])
        for place in range(len(content))
        for mask in (0x01, 0x20, 0xFF)
    ]
    refused = 0
    for changed in damaged:
        path.write_bytes(changed)
        try:
            assert all(isinstance(array, np.ndarray) for array in files.read_npz(path).values())
        except InputError as error:
            assert error.subject == str(path)
            refused += 1
    assert refused > len(content) // 3


def test_errors_are_one_line():
    assert str(InputError("photo.jpg", OSError(errno.EACCES, "Permission denied"))) == "photo.jpg: Permission denied"
    assert str(InputError("photo.jpg", "two\n  lines")) == "photo.jpg: two lines"
    assert str(InputError("photo.jpg", EOFError())) == "photo.jpg: EOFError"


@pytest.mark.parametrize(
    ("message", "line"),
    [
        ("", "ValueError"),
        ("\n a \t line \nand more", "a line"),
        ("Example error:\n\n  the cause:\nits end.\nmore", "Example error: the cause: its end."),
        ("an example:", "an example:"),
        ("x" * 200, "x" * 200),
        ("x" * 201, "x" * 199 + "…"),
    ],
)
def test_the_first_line_of_a_librarys_error(message, line):
    assert first_line(ValueError(message)) == line


def test_errors_of_a_batch_are_one_line_each():
    batch = InputErrors("data", [InputError("a.jpg", "bad"), InputError("b.jpg", "worse")], 9)
    assert str(batch).splitlines() == ["a.jpg: bad", "b.jpg: worse", "data: 2 of 9 cannot be used"]
    assert isinstance(batch, InputError)
