"""What a file may cost: readers ask here before they allocate, so that a small hostile file cannot take all memory."""

import contextlib
import math
import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

from salgan_tf.errors import InputError

VARIABLE = "SALGAN_TF_MEMORY_GB"
_DEFAULT = 2.0
_change = threading.Condition()
# Bytes of the blocks of `reserve_memory` that run now.
_reserved = 0.0


def check_memory(path: str | Path, needed: float) -> None:
    """Check that reading a file needs no more memory than the limit, which SALGAN_TF_MEMORY_GB sets (default: 2).

    Args:
        path: the file, named in the error.
        needed: bytes of memory.

    Raises:
        InputError: it needs more, or the variable is not a positive number.
    """
    limit = read_limit()
    if needed > limit:
        enough = f"{VARIABLE}={math.ceil(needed / 1e9)}"
        # Rounded up, or it might be called equal to the limit.
        gigabytes = math.ceil(needed / 1e8) / 10
        raise InputError(
            path, f"needs {gigabytes} GB of memory and the limit is {limit / 1e9:g} GB: raise it with {enough}"
        )


def read_limit() -> float:
    """Return the limit in bytes.

    Raises:
        InputError: the variable is not a positive number.
    """
    text = os.environ.get(VARIABLE, "")
    try:
        limit = float(text) if text else _DEFAULT
    except ValueError:
        limit = 0.0
    if not 0 < limit < float("inf"):
        raise InputError(VARIABLE, f"invalid value {text!r}: expected gigabytes, such as 4")
    return limit * 1e9


@contextlib.contextmanager
def reserve_memory(path: str | Path, needed: float) -> Iterator[None]:
    """Check like `check_memory`, and wait until all blocks that run in other threads fit in the limit together.

    A block must not contain another one of the same thread.
    """
    global _reserved
    check_memory(path, needed)
    with _change:
        _change.wait_for(lambda: not _reserved or _reserved + needed <= read_limit())
        _reserved += needed
    try:
        yield
    finally:
        with _change:
            _reserved -= needed
            _change.notify_all()


def check_objects(path: str | Path, size: int) -> None:
    """Check like `check_memory` what text of JSON or CSV takes as Python objects: `[{},{}]`, the worst, 25 times more.

    Args:
        path: the file that has the text.
        size: of the text, in bytes.
    """
    check_memory(path, 40 * size)


def check_regular(path: str | Path) -> int:
    """Check that a path is a regular file, and return its size. A pipe, a socket or a device might never end.

    Raises:
        InputError: it does not exist or cannot be reached, is not a regular file, or is empty.
    """
    try:
        # Asked before it is opened: opening a pipe without a writer would block.
        status = Path(path).stat()
    except (OSError, ValueError) as error:  # ValueError: a null character in the name.
        raise InputError(path, error) from error
    if not stat.S_ISREG(status.st_mode):
        raise InputError(path, "is a folder" if stat.S_ISDIR(status.st_mode) else "not a regular file")
    if not status.st_size:
        # So are the files of /proc, some of which never end.
        raise InputError(path, "is empty")
    return status.st_size


def check_file(path: str | Path) -> None:
    """Check that a path is a regular file below the limit of memory.

    Raises:
        InputError: it fails `check_regular`, or is too large.
    """
    check_memory(path, check_regular(path))


def read_bytes(path: str | Path) -> bytes:
    """Read a file whole, after `check_file`.

    Raises:
        InputError: it fails that check, or cannot be read.
    """
    check_file(path)
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise InputError(path, error) from error
