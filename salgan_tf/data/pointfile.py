"""Read the fixations of one photograph as points, from CSV and JSON."""

import csv
import io
import json
import math
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from salgan_tf.errors import InputError
from salgan_tf.limits import check_objects, read_bytes

# Lines of a file. Nobody fixates a photograph a million times, and reading more takes minutes.
_MOST_LINES = 10**6


def read_points(path: Path) -> tuple[np.ndarray, np.ndarray | None]:
    """Read points in 0-based pixel coordinates: (0, 0) is the middle of the upper left pixel.

    Args:
        path: one of
            - a `.csv` file whose first row names the columns `x`, `y` and, if observers are known, `observer`;
            - a `.json` file with a list of objects with these names, or with an object of three lists.
            Other columns are ignored. An observer is a number or text. An empty cell, or null, is NaN.

    Returns:
        float64 (N, 2), (row, column), and int32 (N,), the observers in order of appearance; None if there is no
        `observer`.

    Raises:
        InputError: the file cannot be read, or is of neither kind.
    """
    content = read_bytes(path)
    check_objects(path, len(content))
    if content.count(b"\n") > _MOST_LINES:
        raise InputError(path, f"has more than {_MOST_LINES} lines: expected the fixations of one photograph")
    try:
        # Spreadsheets write a byte order mark.
        text = content.decode("utf-8-sig")
        table = _read_csv(text) if path.suffix.lower() == ".csv" else _read_json(text)
    except (ValueError, csv.Error, RecursionError) as error:
        raise InputError(path, f"not fixations in columns x, y and observer: {error}") from error
    observers = table.get("observer")
    numbers: dict[object, int] = {}
    whose = None
    if observers is not None:
        whose = np.array([numbers.setdefault(name, len(numbers)) for name in observers], np.int32)
    return np.array([table["y"], table["x"]], np.float64).T.reshape(-1, 2), whose


# Columns by name. "x" and "y" are floats, "observer" is text or numbers.
_Table = dict[str, list]


def _read_csv(text: str) -> _Table:
    header, *rows = csv.reader(io.StringIO(text, newline=""), strict=True) if text else [[]]
    names = [name.strip().lower() for name in header]
    return _to_columns(names, (row for row in rows if row))


def _read_json(text: str) -> _Table:
    value = json.loads(text)
    if isinstance(value, dict):
        columns = {name: value[name] for name in ("x", "y", "observer") if name in value}
        if not all(isinstance(column, list) for column in columns.values()):
            raise ValueError("expected lists of numbers")
        if len({len(column) for column in columns.values()}) > 1:
            raise ValueError("the lists have different lengths")
        return _to_columns(list(columns), zip(*columns.values(), strict=True))
    if not isinstance(value, list) or not all(isinstance(point, dict) for point in value):
        raise ValueError("expected a list of objects, or an object of lists")
    # Without points there are no names either.
    names = [name for name in ("x", "y", "observer") if not value or any(name in point for point in value)]
    return _to_columns(names, ([point.get(name) for name in names] for point in value))


def _to_columns(names: list[str], rows: Iterable[Iterable]) -> _Table:
    """Turn rows into columns, and check them."""
    for name in ("x", "y"):
        if names.count(name) != 1:
            raise ValueError(f"no column {name}" if name not in names else f"several columns {name}")
    table: _Table = {name: [] for name in ("x", "y", "observer") if name in names}
    for number, row in enumerate(rows, 1):
        cells = dict(zip(names, row, strict=False))
        for name, column in table.items():
            if name not in cells:
                raise ValueError(f"fixation {number} has no {name}")
            column.append(_to_observer(cells[name], number) if name == "observer" else _to_number(cells[name], number))
    return table


def _to_number(cell: object, number: int) -> float:
    if cell is None or cell == "":
        return math.nan
    if isinstance(cell, int | float | str) and not isinstance(cell, bool):
        try:
            return float(cell)
        except (ValueError, OverflowError):
            pass
    raise ValueError(f"fixation {number} has {str(cell)[:40]!r} in place of a number")


def _to_observer(cell: object, number: int) -> object:
    if not isinstance(cell, int | float | str):
        raise ValueError(f"fixation {number} has no observer")
    return cell
