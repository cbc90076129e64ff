"""Is a file the model? Its maps against those of the Keras generator, and how far they may be apart."""

from dataclasses import dataclass
from typing import NamedTuple

import keras
import numpy as np

from salgan_tf.inference import SaliencyPredictor
from salgan_tf.metrics import maps

# A map of less contrast than this has no shape that 8 bits could keep: it is compared by its values alone.
_FLAT = 8 / 255


class Limits(NamedTuple):
    """How far a file's maps may be from the model's: none of it may be passed."""

    difference: float  # largest of a pixel
    mean_cc: float
    worst_cc: float


LIMITS = {
    "float32": Limits(1e-4, 0.9999, 0.999),
    "float16": Limits(5e-3, 0.9999, 0.999),
    "dynamic": Limits(0.3, 0.99, 0.95),
    "int8": Limits(0.3, 0.995, 0.98),
    "onnx": Limits(1e-4, 0.9999, 0.999),
    "tensorrt": Limits(0.3, 0.99, 0.95),
}


@dataclass(frozen=True)
class Parity:
    """How near a file's maps are to the model's.

    Attributes:
        pictures: how many were compared.
        flat: how many of them had no shape to correlate.
        difference: the largest of any pixel.
        mean_cc: mean correlation coefficient; NaN if all are flat.
        worst_cc: the least.
        worst: place of the picture with the least CC, or the largest difference if all are flat.
        limits: what was allowed.
    """

    pictures: int
    flat: int
    difference: float
    mean_cc: float
    worst_cc: float
    worst: int
    limits: Limits

    @property
    def difference_allowed(self) -> float:
        """The limit of the difference: where no map has a shape, nothing else is left to compare, and it is narrow."""
        return self.limits.difference if self.flat < self.pictures else min(self.limits.difference, _FLAT)

    def failures(self) -> list[str]:
        """Name the checks that fail, each with its figure and its limit; none if the file is the model."""
        failed = []
        # Asked the other way round, a NaN would pass.
        if not self.difference <= self.difference_allowed:
            failed.append(
                f"largest difference {self.difference:.3g}, and at most {self.difference_allowed:g} is wanted"
            )
        if self.flat < self.pictures:
            for name, value, limit in (
                ("mean CC", self.mean_cc, self.limits.mean_cc),
                ("worst CC", self.worst_cc, self.limits.worst_cc),
            ):
                if not value >= limit:
                    failed.append(f"{name} {value:.3g}, and at least {limit:g} is wanted")
        return failed


def run_generator(generator: keras.Model, pictures: np.ndarray) -> np.ndarray:
    """Run the Keras generator on pictures uint8 (N, H, W, 3); float32 (N, H, W)."""
    return np.concatenate([generator.predict_on_batch(one[None].astype(np.float32))[..., 0] for one in pictures])


def compare(expected: np.ndarray, file: SaliencyPredictor, pictures: np.ndarray, limits: Limits) -> Parity:
    """Compare a file with the generator that it was made of.

    Args:
        expected: what `run_generator` gives, float32 (N, H, W).
        file: the file.
        pictures: uint8 (N, H, W, 3).
        limits: an entry of `LIMITS`.
    """
    found = np.stack([file.run_network(one) for one in pictures])
    differences = np.abs(found - expected).max(axis=(1, 2))
    shaped = np.flatnonzero(np.ptp(expected, axis=(1, 2)) >= _FLAT)
    ccs = np.array([maps.cc(found[index], expected[index]) for index in shaped])
    return Parity(
        pictures=len(pictures),
        flat=len(pictures) - len(shaped),
        difference=float(differences.max()),
        mean_cc=float(ccs.mean()) if len(ccs) else float("nan"),
        worst_cc=float(ccs.min()) if len(ccs) else float("nan"),
        worst=int(shaped[ccs.argmin()]) if len(ccs) else int(differences.argmax()),
        limits=limits,
    )
