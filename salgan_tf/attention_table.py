"""The attention of the regions of many photographs, as a table in JSON and CSV."""

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from salgan_tf.attention import area_of_half, attention_share
from salgan_tf.errors import InputError
from salgan_tf.files import atomic_path, check_outputs, write_json
from salgan_tf.regions import Region, Regions

_JSON, _CSV = "attention.json", "attention.csv"


class Share(NamedTuple):
    """What a region gets: its share of the attention, its share of the area, and the first divided by the second."""

    name: str
    attention: float
    area: float
    ratio: float

    @property
    def label(self) -> str:
        """What is written beside the region on an overlay."""
        return f"{self.name} {self.attention:.0%}"


class Row(NamedTuple):
    """A photograph: its file, its (height, width), the share of its area with half of the attention, its regions."""

    photograph: str
    shape: tuple[int, int]
    half: float
    shares: list[Share]


class AttentionTable:
    """Measures the regions of photographs, and writes what was found.

    Args:
        regions: the file of the regions.

    Raises:
        InputError: it cannot be read, or is not of this kind.
    """

    def __init__(self, regions: str | Path):
        self.regions = Regions(regions)

    def check(
        self, photographs: list[Path], inputs: list[Path], folder: Path, report: Callable[[InputError], None]
    ) -> None:
        """Check that the table overwrites no input, and report names without a photograph, and the reverse.

        Raises:
            InputError: it would overwrite one.
        """
        check_outputs([folder / _JSON, folder / _CSV], [*photographs, *inputs])
        found = [self.regions.name_of(photograph) for photograph in photographs]
        unused = [name for name in self.regions.names if name not in found]
        without = [str(path) for path, name in zip(photographs, found, strict=True) if name is None]
        for names, cause in ((unused, "it names photographs that were not given"), (without, "it has no regions of")):
            if names:
                listed = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
                report(InputError(self.regions.path, f"{cause}: {listed}"))

    def measure(self, photograph: Path, saliency: np.ndarray, regions: list[Region]) -> Row:
        """Measure a map float32 (H, W).

        Raises:
            InputError: the map is 0 everywhere, or a region is so small that it contains the middle of no pixel.
        """
        shares = []
        for region in regions:
            mask = region.make_mask(saliency.shape)
            area = float(mask.mean())
            if not area:
                raise InputError(self.regions.path, f"region {region.name!r} of {photograph.name} contains no pixel")
            attention = _measure(photograph, attention_share, saliency, mask)
            shares.append(Share(region.name, attention, area, attention / area))
        return Row(photograph.as_posix(), saliency.shape, _measure(photograph, area_of_half, saliency), shares)

    def write(self, folder: Path, rows: list[Row]) -> None:
        """Write rows as JSON and CSV, both files or none, if there are any.

        Raises:
            InputError: a file cannot be written.
        """
        if not rows:
            return
        text = io.StringIO(newline="")
        lines = csv.writer(text)
        lines.writerow(["photograph", "region", *Share._fields[1:]])
        lines.writerows([row.photograph, *share] for row in rows for share in row.shares)
        photographs = [
            {
                "photograph": row.photograph,
                "height": row.shape[0],
                "width": row.shape[1],
                "area_of_half_the_attention": row.half,
                "regions": [share._asdict() for share in row.shares],
            }
            for row in rows
        ]
        with atomic_path(folder / _CSV) as scratch:
            scratch.write_bytes(text.getvalue().encode())
            write_json(folder / _JSON, {"photographs": photographs})


def _measure(photograph: Path, function: Callable[..., float], *arrays: np.ndarray) -> float:
    try:
        return function(*arrays)
    except ValueError as error:
        raise InputError(photograph, error) from error
