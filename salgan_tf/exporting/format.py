"""What an export format is: one object from which the command line, the converter, the checks and the report follow."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import keras


class Limits(NamedTuple):
    """How far the maps of a file may be from those of the Keras generator."""

    difference: float  # largest absolute difference of a pixel
    mean_cc: float
    worst_cc: float


class Contents(NamedTuple):
    """What a file contains: the count of each operation, multiply-adds, and the tensors of each type by purpose."""

    operations: dict[str, int]
    macs: int
    weights: dict[str, int]
    activations: dict[str, int]


# Writes a generator to a path, given pictures uint8 (N, H, W, 3) at its size, to calibrate with.
Converter = Callable[["keras.Model", Path, np.ndarray], None]


@dataclass(frozen=True)
class Format:
    """An export format. Its functions import their libraries when they are called, so that `--help` needs none.

    Attributes:
        name: the format is chosen with `--NAME`, and reports name it so.
        ending: follows the network's name and size in the name of the file; a runtime must open its suffix.
        help: what `export --help` says about it.
        limits: a file whose maps are farther from the generator's is refused.
        convert: writes a generator to a file, for one picture at a time.
        read_contents: reads back what a file contains.
        calibrated: whether the activations are quantized, with ranges measured on the calibration pictures.
        convert_any_batch: as `convert`, for any batch size; None where a file takes one picture only.
        timed: whether the latency on a CPU means something for the device that the format is for.
        extra: the extra of the package that the format needs besides `train`.
    """

    name: str
    ending: str
    help: str
    limits: Limits
    convert: Converter
    read_contents: Callable[[Path], Contents]
    calibrated: bool = False
    convert_any_batch: Converter | None = None
    timed: bool = True
    extra: str | None = None
