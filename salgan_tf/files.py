"""Write files so that they appear whole or not at all, and read them so that errors name the bad one."""

import contextlib
import errno
import io
import json
import math
import os
import re
import stat
import tempfile
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from salgan_tf.errors import InputError
from salgan_tf.limits import check_memory, check_objects, read_bytes

# The names of a scratch folder, which tempfile completes, and of the file in it.
_PARTIAL, _SCRATCH = ".partial-", "scratch"


@contextlib.contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a scratch path beside `path`; it replaces `path` when the block succeeds.

    The scratch file keeps the ending of `path`, because writers choose a format by it. If the block fails, is
    interrupted or fills the disk, the scratch file is removed and an older `path` stays as it was. A device, a pipe or
    a standard stream (/dev/stdout) is not replaced: it receives the content. A link stays, and its target is replaced.

    Raises:
        InputError: the folder or file cannot be written.
    """
    path = Path(path)
    if "\0" in str(path):
        raise InputError(path, "cannot be written: its name contains a null character")
    try:
        receiver, target = _find_receiver(path), Path(os.path.realpath(path))
        if receiver is None:
            target.parent.mkdir(parents=True, exist_ok=True)
        ending = "".join(path.suffixes[-2:])
        folder = target.parent if receiver is None else None
        with tempfile.TemporaryDirectory(prefix=_PARTIAL, dir=folder) as scratch_folder:
            # The caller opens the file itself, so it has the user's umask, which mkstemp ignores.
            scratch = Path(scratch_folder) / f"{_SCRATCH}{ending}"
            yield scratch
            if receiver is None:
                scratch.replace(target)
            else:
                content = scratch.read_bytes()
                with open(receiver, "wb", closefd=isinstance(receiver, Path)) as file:
                    file.write(content)
    except OSError as error:
        raise InputError(path, f"cannot be written: {error.strerror or error}") from error


def find_scratch(folder: Path) -> list[Path]:
    """Return the scratch folders that a killed `atomic_path` has left in a folder, and nothing that looks alike."""
    return [
        path
        for path in folder.glob(f"{_PARTIAL}*")
        # The eight letters are tempfile's.
        if re.fullmatch(r"[a-z0-9_]{8}", path.name.removeprefix(_PARTIAL))
        and is_folder(path)
        and not path.is_symlink()
        and all(file.name.split(".")[0] == _SCRATCH for file in path.iterdir())
    ]


def _find_receiver(path: Path) -> Path | int | None:
    """Return what to write into if `path` is not a file that can be replaced: a device, or a stream's descriptor."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    for descriptor in (1, 2):
        with contextlib.suppress(OSError):  # The stream is closed.
            if os.path.samestat(status, os.fstat(descriptor)):
                # Opened by its name, the file of a redirected stream would be written from its start again.
                return descriptor
    return None if stat.S_ISREG(status.st_mode) else path


def identify(path: Path) -> tuple[int, int] | None:
    """Identify a file, also by another name or in other letters on a disk that does not distinguish their case."""
    try:
        status = path.stat()
    except (OSError, ValueError):  # ValueError: a null character in the name.
        return None
    return status.st_dev, status.st_ino


def find_real(path: str | Path) -> Path:
    """Return the path without links and `..`.

    Raises:
        InputError: its name contains a null character.
    """
    try:
        return Path(os.path.realpath(path))
    except ValueError as error:
        raise InputError(path, error) from error


def check_outputs(outputs: Iterable[Path], inputs: Iterable[Path]) -> None:
    """Check that files which will be written are neither inputs nor the same file twice, by whatever names.

    Devices, pipes and standard streams may be given any number of times.

    Raises:
        InputError: an output would overwrite an input or another output, or is no name of a file.
    """
    taken = {identity: f"{path}, an input" for identity, path in identify_all(inputs).items()}
    for path in outputs:
        identity = identify(path)
        try:
            if identity and _find_receiver(path) is not None:
                continue
        except OSError as error:
            raise InputError(path, f"cannot be written: {error.strerror}") from error
        # Nothing identifies a file that is not there but its name.
        key = identity or fold_name(find_real(path))
        if key in taken:
            raise InputError(path, f"would overwrite {taken[key]}: give another name")
        taken[key] = f"{path}, another output"


def check_results(path: Path, results: list[Path], written: dict[str, Path], inputs: dict[object, Path]) -> None:
    """Check that the results of an input overwrite neither it, nor another input, nor the results of another one.

    Args:
        path: the input.
        results: the files that it becomes, at least one.
        written: the inputs whose results are there, by the `fold_name` of their first one.
        inputs: all inputs, by what `identify` says.

    Raises:
        InputError: they would.
    """
    if holder := written.get(fold_name(results[0])):
        raise InputError(path, f"its results would overwrite those of {holder}: rename one, or use another folder")
    for result in results:
        if owner := inputs.get(identify(result)):
            whose = "it" if owner == path else f"{owner}, another input"
            raise InputError(path, f"its results would overwrite {whose}: use another folder")


def identify_all(paths: Iterable[Path]) -> dict[object, Path]:
    """Return those files that are there, by what `identify` says."""
    return {identity: path for path in paths if (identity := identify(path))}


def fold_name(path: Path) -> str:
    """Return the name of a file that is not there yet, the same for names that some disks do not distinguish."""
    return unicodedata.normalize("NFC", str(path)).casefold()


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
    content = read_bytes(path)
    check_objects(path, len(content))
    try:
        value = json.loads(content.decode())
    except (ValueError, RecursionError) as error:
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
    except (OSError, ValueError) as error:  # ValueError: a null character in the name.
        raise InputError(path, f"cannot be written: {getattr(error, 'strerror', None) or error}") from error
    return path


@contextlib.contextmanager
def made_folder(path: str | Path) -> Iterator[Path]:
    """Make a folder and its parents for what a block writes, and remove at the end those that are new and empty.

    Raises:
        InputError: it cannot be made or written to.
    """
    new = [folder for folder in (Path(path), *Path(path).parents) if not is_folder(folder)]
    try:
        yield make_folder(path)
    finally:
        for folder in new:
            with contextlib.suppress(OSError, ValueError):  # It has files, or could not be made.
                folder.rmdir()


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


def write_npz(path: str | Path, arrays: Mapping[str, Any]) -> None:
    """Write arrays as an .npz file, completely or not at all.

    Raises:
        InputError: the file cannot be written.
    """
    with atomic_path(path) as scratch, scratch.open("wb") as file:
        np.savez(file, **arrays)


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
