"""The maps and fixations that the reference numbers were measured on, made by the tests and by the scripts alike.

They are a set of images of three sizes, one image per case. They are made with integer arithmetic, raw words of PCG64
(numpy promises a bit generator's stream, not `Generator`'s methods) and single divisions, so that they are equal to the
bit on any machine; the `checksum` stored beside the numbers proves it. The scripts run in other environments, so only
numpy is imported.
"""

import datetime
import hashlib
import json
import platform
from pathlib import Path
from typing import NamedTuple

import numpy as np


class Case(NamedTuple):
    """One image: maps (H, W) and fixations (N, 2), 0-based (row, column)."""

    saliency: np.ndarray
    truth: np.ndarray
    baseline: np.ndarray
    fixations: np.ndarray


def _integers(seed: int, count: int, below: int) -> np.ndarray:
    return (np.random.PCG64(seed).random_raw(count) % np.uint64(below)).astype(np.int64)


def _box_sums(array: np.ndarray, reach: int) -> np.ndarray:
    """Sum integers over squares that extend by `reach` pixels on each side and wrap around at the borders."""
    for _ in range(2):
        wrapped = np.concatenate([array[-reach:], array, array[:reach]])
        sums = np.pad(wrapped.cumsum(axis=0), ((1, 0), (0, 0)))
        array = (sums[2 * reach + 1 :] - sums[: -2 * reach - 1]).T
    return array


def _smooth(seed: int, shape: tuple[int, int]) -> np.ndarray:
    """Make blurred lights, integers from 0 to 4096, with many ties."""
    lights = np.zeros(shape, np.int64)
    places = _integers(seed, 30, lights.size)
    lights.flat[places] = 1 + _integers(seed + 1, 30, 9)
    for reach in (40, 45, 50):
        lights = _box_sums(lights, reach)
    return (lights - lights.min()) * 4096 // (lights.max() - lights.min())


def _break_ties(seed: int, array: np.ndarray) -> np.ndarray:
    """Make all values different, and keep the order of those that already were."""
    ranks = np.argsort(np.random.PCG64(seed).random_raw(array.size), kind="stable").reshape(array.shape)
    return array * array.size + ranks


def _fixations(seed: int, saliency: np.ndarray, count: int) -> np.ndarray:
    """Draw pairs of pixels and return the more salient one of each."""
    pairs = _integers(seed, 2 * count, saliency.size).reshape(2, count)
    values = saliency.ravel()[pairs]
    return np.stack(np.unravel_index(np.where(values[0] >= values[1], *pairs), saliency.shape), axis=1)


def _counts(fixations: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    counts = np.zeros(shape, np.int64)
    np.add.at(counts, tuple(fixations.T), 1)
    return counts


def _pyramid(shape: tuple[int, int]) -> np.ndarray:
    """Make a centre prior whose values are at least 1."""
    sides = (np.minimum(np.arange(size), np.arange(size)[::-1]) + 1 for size in shape)
    return np.multiply.outer(*sides).astype(np.float64)


def make_cases() -> dict[str, Case]:
    """Return all cases, always in the same order."""
    small, middle, large = (300, 400), (384, 512), (480, 640)
    smooth = [_smooth(10 + 2 * index, shape) for index, shape in enumerate(2 * (middle, small, large))]
    patch = np.zeros(middle)
    patch[100:180, 220:330] = 1 + np.arange(110) % 7
    borders = np.array(
        [[0, 0], [0, 639], [479, 0], [479, 639], [0, 320], [479, 100], [200, 0], [77, 639], [1, 1], [478, 638]]
    )
    # Values differ by more than the 1e-7 of the jitter, which must only break ties.
    maps = {
        # Without ties AUC-Judd needs no jitter.
        "smooth": _break_ties(20, smooth[0]) / 2**14,
        "eight_bit": (smooth[1] * 255 // 4096).astype(np.uint8),
        "constant": np.full(large, 0.5),
        "patch": patch,
        "single_fixation": smooth[4] / 4096,
        "duplicates": _break_ties(21, smooth[2]) / 2**14,
        "borders": (1 + smooth[5]) / 4096,
        "single_precision": (smooth[3] / 4096).astype(np.float32),
        "negative": (smooth[4] - 1500) / 16,
    }
    cases = {}
    for index, (name, saliency) in enumerate(maps.items()):
        fixations = _fixations(30 + index, saliency, 60)
        if name == "single_fixation":
            fixations = fixations[:1]
        elif name == "duplicates":
            fixations = np.concatenate([fixations[:20], fixations[:10], fixations[:5], fixations[:5]])
        elif name == "borders":
            fixations = borders
        truth = _box_sums(_box_sums(_counts(fixations, saliency.shape), 12), 12)
        if name == "eight_bit":
            truth = (truth * 255 // truth.max()).astype(np.uint8)
        cases[name] = Case(saliency, truth / 16 if name != "eight_bit" else truth, _pyramid(saliency.shape), fixations)
    return cases


def other_fixations(cases: dict[str, Case], name: str) -> np.ndarray:
    """Return the fixations on all other images at the size of this one, in integer arithmetic."""
    to = np.array(cases[name].saliency.shape)
    return np.concatenate(
        [case.fixations * to // case.saliency.shape for other, case in cases.items() if other != name]
    )


def checksum(cases: dict[str, Case]) -> str:
    """Return the SHA-256 of all arrays, in little-endian order."""
    digest = hashlib.sha256()
    for name, case in cases.items():
        digest.update(name.encode())
        for array in case:
            little = array.astype(array.dtype.newbyteorder("<"))
            digest.update(f"{little.dtype.str} {little.shape}".encode() + little.tobytes())
    return digest.hexdigest()


def write_numbers(path: Path, cases: dict[str, Case], versions: dict[str, str], **numbers: dict) -> None:
    """Write what was measured on the cases, with the date, the versions of the code and the checksum."""
    content = {
        "date": datetime.date.today().isoformat(),
        "versions": {"python": platform.python_version(), "numpy": np.__version__} | versions,
        "checksum": checksum(cases),
    }
    path.write_text(json.dumps(content | numbers, indent=1) + "\n")
