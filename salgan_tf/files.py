"""Write files so that they appear whole or not at all, and read them so that errors name the bad one."""

import contextlib
import io
import json
import math
import os
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from salgan_tf.errors import InputError
from salgan_tf.limits import check_memory, read_bytes


@contextlib.contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a scratch path beside `path`; it replaces `path` when the block succeeds.

    The scratch file keeps the ending of `path`, because writers choose a format by it. If the block fails, is
    interrupted or fills the disk, the scratch file is removed and an older `path` stays as it was.

    Raises:
        InputError: the folder or file cannot be written.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        ending = "".join(path.suffixes[-2:])
        with tempfile.TemporaryDirectory(prefix=".partial-", dir=path.parent) as scratch_folder:
            # The caller opens the file itself, so it has the user's umask, which mkstemp ignores.
            scratch = Path(scratch_folder) / f"scratch{ending}"
            yield scratch
            scratch.replace(path)
    except OSError as error:
        raise InputError(path, f"cannot be written: {error.strerror or error}") from error


def is_folder(path: Path) -> bool:
    """Return whether `path` is a folder; unlike `Path.is_dir`, False if its name is too long or a parent is closed."""
    return os.path.isdir(path)  # noqa: PTH112


def is_file(path: Path) -> bool:
    """Return whether `path` is a file; unlike `Path.is_file`, False if its name is too long or a parent is closed."""
    return os.path.isfile(path)  # noqa: PTH113


def write_bytes(path: str | Path, content: bytes) -> None:
    """Write `content` to `path`, whole or not at all."""
    with atomic_path(path) as scratch:
        scratch.write_bytes(content)


def write_json(path: str | Path, value: object) -> None:
    """Write `value` as indented JSON to `path`, whole or not at all."""
    write_bytes(path, (json.dumps(value, indent=2) + "\n").encode())


def read_json(path: str | Path) -> dict:
    """Read a JSON object.

    Raises:
        InputError: there is no such file, or it is not a JSON object.
    """
    try:
        value = json.loads(Path(path).read_text())
    except OSError as error:
        raise InputError(path, error) from error
    except ValueError as error:
        raise InputError(path, f"not a JSON file: {error}") from error
    if not isinstance(value, dict):
        raise InputError(path, "not a JSON object")
    return value


def make_folder(path: str | Path) -> Path:
    """Make a writable folder and its parents.

    Raises:
        InputError: it cannot be made or written to.
    """
    path = Path(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise InputError(path, f"cannot be written: {error.strerror or error}") from error
    return path


def read_npz(path: str | Path) -> dict[str, np.ndarray]:
    """Read all arrays of an .npz file, but no pickled objects.

    Raises:
        InputError: the file is missing, damaged, contains Python objects, or needs more memory than `limits` allows.
    """
    # From bytes, so that the file is closed even if numpy fails.
    content = io.BytesIO(read_bytes(path))
    try:
        with zipfile.ZipFile(content) as archive:
            check_memory(path, sum(member.file_size for member in archive.infolist()))
            for member in archive.infolist():
                _check_array(archive, member)
        content.seek(0)
        with np.load(content, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except InputError:
        raise
    except Exception as error:  # numpy and zipfile raise nearly anything for a damaged file.
        cause = (
            "contains pickled Python objects, which may run code and are never loaded"
            if "pickle" in str(error) or content.getvalue().startswith(b"\x80")
            else "not an .npz file of arrays, or damaged"
        )
        raise InputError(path, cause) from error


def _check_array(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """Check that an array declares no more than its member of an archive stores: numpy allocates what is declared.

    Raises:
        ValueError: it does, or it is not an array.
    """
    with archive.open(member) as content:
        version = np.lib.format.read_magic(content)
        read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read_header(content)
    if not dtype.hasobject and math.prod(shape) * dtype.itemsize > member.file_size:
        raise ValueError("an array is larger than its member")
