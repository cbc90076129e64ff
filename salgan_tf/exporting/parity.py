"""Is a file the model? Compare its maps with those of the Keras generator."""

from dataclasses import dataclass

import keras
import numpy as np

from salgan_tf.exporting.format import Limits
from salgan_tf.inference import SaliencyPredictor
from salgan_tf.metrics import maps

# A map with less contrast than this has no shape that 8 bits could keep: only its values are compared.
_FLAT = 8 / 255


@dataclass(frozen=True)
class Parity:
    """How close a file's maps are to the generator's.

    Attributes:
        pictures: number of pictures that were compared.
        flat: number of maps without a shape to correlate.
        difference: largest absolute difference of a pixel.
        mean_cc: mean correlation coefficient; NaN if all maps are flat.
        worst_cc: smallest correlation coefficient; NaN if all maps are flat.
        worst: index of the picture with the smallest CC, or with the largest difference if all maps are flat.
        limits: what the format allows.
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
        """The limit of the difference; it is narrow if no map has a shape, since nothing else is compared then."""
        return self.limits.difference if self.flat < self.pictures else min(self.limits.difference, _FLAT)

    def failures(self) -> list[str]:
        """List the checks that fail, each with its figure and its limit; empty if the file is the model."""
        checks = {"largest difference": (self.difference, "at most", self.difference_allowed)}
        if self.flat < self.pictures:
            checks["mean CC"] = (self.mean_cc, "at least", self.limits.mean_cc)
            checks["worst CC"] = (self.worst_cc, "at least", self.limits.worst_cc)
        # A NaN satisfies no comparison, so it fails.
        return [
            f"{name} {value:.3g}, expected {relation} {limit:g}"
            for name, (value, relation, limit) in checks.items()
            if not (value <= limit if relation == "at most" else value >= limit)
        ]


def run_generator(generator: keras.Model, pictures: np.ndarray) -> np.ndarray:
    """Run the Keras generator on pictures uint8 (N, H, W, 3); return its maps, float32 (N, H, W)."""
    # One by one, as the files run: a batch would round differently.
    batches = [generator.predict_on_batch(picture[None].astype(np.float32)) for picture in pictures]
    return np.concatenate(batches)[..., 0]


def compare(expected: np.ndarray, file: SaliencyPredictor, pictures: np.ndarray, limits: Limits) -> Parity:
    """Compare a file with the generator that it was made from.

    Args:
        expected: the maps of `run_generator`, float32 (N, H, W).
        file: the file, opened.
        pictures: uint8 (N, H, W, 3).
        limits: those of the file's format.
    """
    found = np.stack([file.run_network(picture) for picture in pictures])
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
