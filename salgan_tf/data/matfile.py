"""Read MATLAB 5 files safely: some damaged files crash scipy and the process, so all are checked first."""

import io
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import scipy.io

from salgan_tf.errors import InputError

# Codes from MathWorks' "MAT-File Format", tables 1-1 and 1-3.
_INT8, _INT32, _UINT32, _MATRIX, _COMPRESSED = 1, 5, 6, 14, 15
_NUMBERS = frozenset((*range(1, 8), 9, 12, 13))
_TEXT = frozenset((_INT8, 2, 3, 4, 16, 17, 18))
_CELL, _STRUCT, _CHAR, _SPARSE = 1, 2, 4, 5
_NUMERIC_ARRAYS = frozenset(range(6, 16))
_COMPLEX = 0x0800
_HEADER_BYTES = 128


class _UnsupportedError(ValueError):
    """The file is valid, but of a kind that is not supported."""


def read_mat(path: str | Path, names: tuple[str, ...] | None = None) -> dict[str, np.ndarray]:
    """Read variables of a MATLAB 5 file, as `scipy.io.loadmat` returns them.

    Args:
        path: the file.
        names: variables to read, if the file has them; None for all.

    Raises:
        InputError: the file cannot be read, is damaged, or contains sparse arrays or objects.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise InputError(path, error) from error
    try:
        if content[124:128] == b"\x00\x01IM":
            _check_elements(content[_HEADER_BYTES:], "<")
        elif content[124:128] == b"\x01\x00MI":
            _check_elements(content[_HEADER_BYTES:], ">")
        elif content[124:128] == b"\x00\x02IM":
            raise _UnsupportedError("a .mat file of version 7.3 is not supported: save it in MATLAB with -v7")
        else:
            raise ValueError("it has no MATLAB 5 header")
        variables = scipy.io.loadmat(io.BytesIO(content), variable_names=names)
    except _UnsupportedError as error:
        raise InputError(path, error) from error
    except Exception as error:  # scipy raises nearly anything: ValueError, TypeError, KeyError, zlib.error, …
        raise InputError(path, f"not a MATLAB 5 file, or damaged: {error}") from error
    # scipy adds entries such as __header__, whose names MATLAB does not allow.
    return {name: value for name, value in variables.items() if not name.startswith("__")}


def _elements(content: bytes, order: str) -> Iterator[tuple[int, bytes]]:
    """Split content into its data elements, (code, bytes) each."""
    start = 0
    while start < len(content):
        if start + 8 > len(content):
            raise ValueError("it ends inside an element")
        code, size = struct.unpack_from(f"{order}II", content, start)
        if code >> 16:
            # A small element: the upper half of the code is its size, and its bytes take the place of the size.
            code, size, begin, end = code & 0xFFFF, code >> 16, start + 4, start + 8
            if size > 4:
                raise ValueError("a small element is not small")
        else:
            begin = start + 8
            end = begin + size if code == _COMPRESSED else begin + size + -size % 8
        if begin + size > len(content):
            raise ValueError("it ends inside an element")
        yield code, content[begin : begin + size]
        start = end


def _check_elements(content: bytes, order: str) -> None:
    for code, value in _elements(content, order):
        if code == _COMPRESSED:
            _check_elements(zlib.decompress(value), order)
        elif code == _MATRIX:
            _check_matrix(value, order)
        else:
            raise ValueError(f"an element of kind {code} in place of a variable")


def _check_matrix(content: bytes, order: str) -> None:
    """Check that an array has the parts that its class requires."""
    if not content:
        return  # MATLAB writes an empty cell like this.
    parts = list(_elements(content, order))
    if [code for code, _ in parts[:3]] != [_UINT32, _INT32, _INT8] or len(parts[0][1]) != 8 or len(parts[1][1]) % 4:
        raise ValueError("a variable without flags, size and name")
    flags = struct.unpack_from(f"{order}I", parts[0][1])[0]
    kind = flags & 0xFF
    if kind == _SPARSE:
        raise _UnsupportedError("a sparse matrix is not supported: save it in MATLAB after full(…)")
    sizes = struct.unpack(f"{order}{len(parts[1][1]) // 4}i", parts[1][1])
    count = int(np.prod(sizes, dtype=object)) if sizes and min(sizes) >= 0 else -1
    if count < 0:
        raise ValueError("an array of negative size")
    parts = parts[3:]
    if kind == _STRUCT:
        (code, width), (names_code, names) = parts[:2]
        if code != _INT32 or names_code != _INT8 or len(width) != 4 or struct.unpack(f"{order}i", width)[0] < 1:
            raise ValueError("a struct without field names")
        count *= len(names) // struct.unpack(f"{order}i", width)[0]
        parts = parts[2:]
    if kind in (_CELL, _STRUCT):
        if len(parts) != count or any(code != _MATRIX for code, _ in parts):
            raise ValueError("a cell or field that is not an array")
        for _, value in parts:
            _check_matrix(value, order)
    elif kind in _NUMERIC_ARRAYS or kind == _CHAR:
        allowed = _TEXT if kind == _CHAR else _NUMBERS
        expected = 2 if flags & _COMPLEX else 1
        if len(parts) != expected or any(code not in allowed for code, _ in parts):
            raise ValueError("an array without its values")
    else:
        raise ValueError(f"an array of class {kind}: expected numbers, text, cells or structs")
