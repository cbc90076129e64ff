"""Regions of interest: named boxes and polygons of a file, as masks of photographs.

The file is JSON. With `regions` it is for every photograph, and with `photographs` for those that it names:

    {"regions": [
        {"name": "logo", "x": 40, "y": 20, "width": 120, "height": 60},
        {"name": "face", "polygon": [[300, 80], [380, 90], [350, 200]]}
    ]}
    {"photographs": {"poster.jpg": [{"name": "logo", …}], "summer/poster.jpg": […]}}

Numbers are pixels of the upright photograph, and (0, 0) is the corner of its upper left pixel, as in a drawing program.
A pixel belongs to a region if its middle lies inside; a polygon that crosses itself is filled by the even-odd rule.
"""

import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from salgan_tf.errors import InputError
from salgan_tf.files import read_json
from salgan_tf.images import format_size, row_bands

_BOX = ("x", "y", "width", "height")
_LONGEST_NAME = 100
_EXPECTED = "expected name and either x, y, width and height, or polygon"


class Region(NamedTuple):
    """A named polygon.

    Attributes:
        name: its name, which no other region of the photograph has.
        corners: float64 (N, 2), (x, y) in pixels.
    """

    name: str
    corners: np.ndarray

    def make_mask(self, shape: tuple[int, int]) -> np.ndarray:
        """Return which pixels of a photograph of `shape` (height, width) are inside, bool (H, W)."""
        mask = np.empty(shape, bool)
        for rows in row_bands(shape):
            mask[rows] = self._fill(rows, shape[1])
        return mask

    def _fill(self, rows: slice, width: int) -> np.ndarray:
        """Return which pixels of some rows are inside, with an odd number of edges to the left of their middle."""
        crossed = np.zeros((rows.stop - rows.start, width + 1), bool)
        for ends in zip(self.corners, np.roll(self.corners, -1, axis=0), strict=True):
            # From top to bottom, so that neighbours with a common edge leave no pixel between them, and share none.
            (x, y), (last_x, last_y) = sorted(ends, key=lambda corner: corner[1])
            first, last = (min(max(math.ceil(end - 0.5), rows.start), rows.stop) for end in (y, last_y))
            if first < last:
                places = np.arange(first, last)
                at = x + (places + 0.5 - y) * ((last_x - x) / (last_y - y))
                columns = np.ceil(at - 0.5).clip(0, width).astype(int)
                crossed[places - rows.start, columns] ^= True
        return np.logical_xor.accumulate(crossed, axis=1)[:, :width]


class Regions:
    """The regions of a file, for every photograph or for some by name.

    Args:
        path: the file, see the top of this module.

    Attributes:
        path: the file.
        names: the names of its photographs; empty if it is for every photograph.

    Raises:
        InputError: the file cannot be read, or is not of this kind.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        content = read_json(path)
        if content.keys() == {"regions"}:
            content = {"": content["regions"]}
        elif content.keys() == {"photographs"} and isinstance(content["photographs"], dict):
            content = content["photographs"]
            if "" in content:
                raise InputError(path, "a photograph without a name")
        else:
            raise InputError(path, "expected either regions, a list, or photographs, an object of lists by name")
        try:
            self._by_name = {name: _read_list(name, regions) for name, regions in content.items()}
        except ValueError as error:
            raise InputError(path, error) from error
        self.names = [name for name in self._by_name if name]

    def name_of(self, photograph: Path) -> str | None:
        """Return the name that the file has for a photograph, the one with most folders; None if it has none."""
        parts = photograph.parts
        fitting = [name for name in self._by_name if not name or parts[-len(Path(name).parts) :] == Path(name).parts]
        return max(fitting, key=lambda name: len(Path(name).parts), default=None)

    def find(self, photograph: Path, shape: tuple[int, int]) -> list[Region]:
        """Return the regions of a photograph of `shape` (height, width), none if the file does not name it.

        Raises:
            InputError: a region reaches out of the photograph.
        """
        name = self.name_of(photograph)
        found = [] if name is None else self._by_name[name]
        for region in found:
            if region.corners.min() < 0 or (region.corners.max(axis=0) > shape[::-1]).any():
                cause = f"region {region.name!r} reaches out of {photograph.name}, which is {format_size(shape)}"
                raise InputError(self.path, cause)
        return found


def _read_list(photograph: str, regions: Any) -> list[Region]:
    """Read the regions of one photograph.

    Raises:
        ValueError: they are no list of regions, or two have the same name.
    """
    of = f" of {photograph}" if photograph else ""
    if not isinstance(regions, list):
        raise ValueError(f"the regions{of} are not a list")
    found: dict[str, Region] = {}
    for number, value in enumerate(regions, 1):
        try:
            region = _read_region(value)
        except ValueError as error:
            raise ValueError(f"region {number}{of}: {error}") from error
        if region.name in found:
            raise ValueError(f"region {number}{of}: there is another one called {region.name!r}")
        found[region.name] = region
    return list(found.values())


def _read_region(value: Any) -> Region:
    if not isinstance(value, dict) or value.keys() not in ({"name", *_BOX}, {"name", "polygon"}):
        raise ValueError(_EXPECTED)
    name, polygon = value["name"], value.get("polygon")
    if not isinstance(name, str) or not name.strip() or not name.isprintable() or len(name) > _LONGEST_NAME:
        raise ValueError(f"its name is not a line of up to {_LONGEST_NAME} letters")
    if "polygon" in value:
        if not isinstance(polygon, list) or len(polygon) < 3:
            raise ValueError("a polygon is a list of at least three corners [x, y]")
        if not all(isinstance(corner, list) and len(corner) == 2 for corner in polygon):
            raise ValueError("a corner of a polygon is a list [x, y]")
        return Region(name, np.array([[_read_number(number) for number in corner] for corner in polygon]))
    x, y, width, height = (_read_number(value[key]) for key in _BOX)
    if width <= 0 or height <= 0:
        raise ValueError("width and height must be above 0")
    return Region(name, np.array([[x, y], [x + width, y], [x + width, y + height], [x, y + height]]))


def _read_number(value: Any) -> float:
    # The last comparison refuses infinity and what is not a number, which Python's JSON has.
    if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) < 1e9:
        raise ValueError(f"{str(value)[:40]!r} is not a number of pixels")
    return float(value)
