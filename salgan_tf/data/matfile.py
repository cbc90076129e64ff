"""Read MATLAB 5 files safely: some damaged files crash scipy or make it take all memory, so all are checked first."""

import io
import itertools
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import scipy.io

from salgan_tf.errors import InputError
from salgan_tf.limits import check_memory, read_bytes, reserve_memory

# Codes from MathWorks' "MAT-File Format", tables 1-1 and 1-3.
_INT8, _INT32, _UINT32, _MATRIX, _COMPRESSED = 1, 5, 6, 14, 15
# Bytes of a number, and of a unit of text, by code.
_NUMBERS = {1: 1, 2: 1, 3: 2, 4: 2, 5: 4, 6: 4, 7: 4, 9: 8, 12: 8, 13: 8}
_TEXT = frozenset((_INT8, 2, 3, 4, 16, 17, 18))
_CELL, _STRUCT, _CHAR, _SPARSE = 1, 2, 4, 5
_NUMERIC_ARRAYS = frozenset(range(6, 16))
_COMPLEX = 0x0800
_HEADER_BYTES = 128
# Memory of a variable, cell or field besides its values, and of a character or of an element of a cell or struct, which
# scipy allocates even if the file has nothing for it. Measured, and rounded up.
_ARRAY_BYTES, _ELEMENT_BYTES = 256, 16


class _UnsupportedError(ValueError):
    """The file is valid, but of a kind that is not supported."""


def read_mat(path: str | Path, names: tuple[str, ...] | None = None) -> dict[str, np.ndarray]:
    """Read variables of a MATLAB 5 file, as `scipy.io.loadmat` returns them.

    Args:
        path: the file.
        names: variables to read, if the file has them; None for all.

    Raises:
        InputError: the file cannot be read, is damaged, contains sparse arrays, complex numbers or objects, or takes
            more memory than `limits.check_memory` allows.
    """
    content = read_bytes(path)
    try:
        if content[124:128] == b"\x00\x01IM":
            needed = _Check(path, "<").check_file(content)
        elif content[124:128] == b"\x01\x00MI":
            needed = _Check(path, ">").check_file(content)
        elif content[124:128] == b"\x00\x02IM":
            raise _UnsupportedError("a .mat file of version 7.3 is not supported: save it in MATLAB with -v7")
        else:
            raise ValueError("it has no MATLAB 5 header")
        with reserve_memory(path, needed):
            variables = scipy.io.loadmat(io.BytesIO(content), variable_names=names)
    except _UnsupportedError as error:
        raise InputError(path, error) from error
    except InputError:
        raise
    except Exception as error:  # scipy raises nearly anything: ValueError, TypeError, KeyError, zlib.error, …
        raise InputError(path, f"not a MATLAB 5 file, or damaged: {error}") from error
    # scipy adds entries such as __header__, whose names MATLAB does not allow.
    return {name: value for name, value in variables.items() if not name.startswith("__")}


class _Check:
    """Checks a file's elements, and counts the memory that they take before it is allocated.

    Args:
        path: the file, named in the error.
        order: its byte order, as in `struct`.
    """

    def __init__(self, path: str | Path, order: str):
        self._path, self._order = path, order
        self._needed = 0

    def check_file(self, content: bytes) -> int:
        """Check the whole file, and return the bytes of memory that it takes.

        Raises:
            ValueError: it is damaged.
            InputError: it takes too much memory.
        """
        self._take(len(content))
        names = set()
        for code, value in self._elements(memoryview(content)[_HEADER_BYTES:]):
            if code == _COMPRESSED:
                code, value = self._inflate(value)
            if code != _MATRIX:
                raise ValueError(f"an element of kind {code} in place of a variable")
            name = self._check_matrix(value)
            if name in names:
                raise ValueError("two variables have the same name")
            names.add(name)
        return self._needed

    def _take(self, size: int) -> None:
        self._needed += size
        check_memory(self._path, self._needed)

    def _unpack(self, letters: str, content: memoryview) -> tuple[int, ...]:
        return struct.unpack(f"{self._order}{letters}", content)

    def _elements(self, content: memoryview) -> Iterator[tuple[int, memoryview]]:
        """Split content into its data elements, (code, bytes) each."""
        start = 0
        while start < len(content):
            if start + 8 > len(content):
                raise ValueError("it ends inside an element")
            code, size = self._unpack("II", content[start : start + 8])
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

    def _inflate(self, content: memoryview) -> tuple[int, memoryview]:
        """Inflate a compressed element, as far as the size at its start says."""
        stream = zlib.decompressobj()
        code, size = self._unpack("II", memoryview(stream.decompress(content, 8)))
        self._take(size)
        value = stream.decompress(stream.unconsumed_tail, max(size, 1))
        # The second call reads the checksum.
        if len(value) != size or stream.decompress(stream.unconsumed_tail, 1) or not stream.eof:
            raise ValueError("a compressed variable has another size than it says")
        return code, memoryview(value)

    def _check_matrix(self, content: memoryview) -> bytes:
        """Check that an array has the parts that its class requires, and return its name."""
        self._take(_ARRAY_BYTES)
        if not content:
            return b""  # MATLAB writes an empty cell like this.
        elements = self._elements(content)
        parts = list(itertools.islice(elements, 3))
        if [code for code, _ in parts] != [_UINT32, _INT32, _INT8] or len(parts[0][1]) != 8 or len(parts[1][1]) % 4:
            raise ValueError("a variable without flags, size and name")
        flags, _ = self._unpack("II", parts[0][1])
        kind = flags & 0xFF
        if kind == _SPARSE:
            raise _UnsupportedError("a sparse matrix is not supported: save it in MATLAB after full(…)")
        if flags & _COMPLEX:
            raise _UnsupportedError("complex numbers are not supported: save their real part or absolute value")
        sizes = self._unpack(f"{len(parts[1][1]) // 4}i", parts[1][1])
        count = int(np.prod(sizes, dtype=object)) if sizes and min(sizes) >= 0 else -1
        if count < 0:
            raise ValueError("an array of negative size")
        if kind in _NUMERIC_ARRAYS:
            self._check_values(elements, count)
        elif kind == _CHAR:
            self._take(_ELEMENT_BYTES * count)
            if [code in _TEXT for code, _ in itertools.islice(elements, 2)] != [True]:
                raise ValueError("an array without its values")
        elif kind in (_CELL, _STRUCT):
            # scipy allocates a struct's elements even if it has no fields.
            self._take(_ELEMENT_BYTES * count)
            fields = count * (self._count_fields(elements) if kind == _STRUCT else 1)
            self._take(_ELEMENT_BYTES * fields)
            # Asked at once: to walk through millions of fields takes long.
            check_memory(self._path, self._needed + _ARRAY_BYTES * fields)
            found = 0
            for code, value in elements:
                found += 1
                if code != _MATRIX or found > fields:
                    raise ValueError("a cell or field that is not an array")
                self._check_matrix(value)
            if found != fields:
                raise ValueError("a cell or field that is not an array")
        else:
            raise ValueError(f"an array of class {kind}: expected numbers, text, cells or structs")
        return bytes(parts[2][1])

    def _check_values(self, elements: Iterator[tuple[int, memoryview]], count: int) -> None:
        parts = list(itertools.islice(elements, 2))
        if [code in _NUMBERS and len(value) == count * _NUMBERS[code] for code, value in parts] != [True]:
            raise ValueError("an array without its values")
        # As scipy returns them, and a copy while it reads.
        self._take(2 * len(parts[0][1]))

    def _count_fields(self, elements: Iterator[tuple[int, memoryview]]) -> int:
        """Return the number of fields of a struct."""
        (code, width), (names_code, names) = itertools.islice(elements, 2)
        if code != _INT32 or names_code != _INT8 or len(width) != 4 or self._unpack("i", width)[0] < 1:
            raise ValueError("a struct without field names")
        return len(names) // self._unpack("i", width)[0]
