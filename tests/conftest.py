"""What all tests share: small photographs and data sets, made here so that the tests need nothing from outside."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

from pathlib import Path

import numpy as np
import pytest
import scipy.io
from PIL import Image


def render_photograph(seed: int, shape: tuple[int, int] = (60, 80)) -> np.ndarray:
    """Render a smooth colourful scene with one bright square, uint8 (H, W, 3)."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 200, (4, 5, 3)).astype(np.uint8)
    scene = np.asarray(Image.fromarray(coarse).resize(shape[::-1], Image.Resampling.BICUBIC)).copy()
    top, left = random.integers(0, shape[0] // 2), random.integers(0, shape[1] // 2)
    scene[top : top + shape[0] // 4, left : left + shape[1] // 4] = 255
    return scene


def write_fixations(path: Path, observers: list[np.ndarray], shape: tuple[int, int]) -> None:
    """Write a file in SALICON's format; each observer's fixations are (n, 2), 1-based [x y]."""
    gaze = np.empty((len(observers), 1), dtype=[("location", "O"), ("timestamp", "O"), ("fixations", "O")])
    for index, points in enumerate(observers):
        gaze[index, 0] = (points.astype(float), np.arange(len(points))[:, None], points.astype(np.uint16))
    path.parent.mkdir(parents=True, exist_ok=True)
    scipy.io.savemat(path, {"image": path.stem, "resolution": np.array([shape], np.uint16), "gaze": gaze})


def write_example(root: Path, split: str, name: str, seed: int, shape: tuple[int, int] = (60, 80)) -> None:
    """Write a photograph, its map and the fixations of three observers near its bright square."""
    photograph = render_photograph(seed, shape)
    random = np.random.default_rng(seed + 1000)
    bright = np.argwhere((photograph == 255).all(axis=-1))
    observers = [bright[random.integers(0, len(bright), 4)][:, ::-1] + 1 for _ in range(3)]
    for folder in ("images", "maps", "fixations"):
        (root / folder / split).mkdir(parents=True, exist_ok=True)
    Image.fromarray(photograph).save(root / "images" / split / f"{name}.png")
    write_fixations(root / "fixations" / split / f"{name}.mat", observers, shape)
    density = np.zeros(shape, np.float32)
    for x, y in np.concatenate(observers):
        density[y - 1, x - 1] += 1
    blurred = np.asarray(Image.fromarray(density).resize((10, 8), Image.Resampling.BOX).resize(shape[::-1]))
    grey = np.rint(blurred.clip(0) / blurred.max() * 255).astype(np.uint8)
    Image.fromarray(grey).save(root / "maps" / split / f"{name}.png")


@pytest.fixture
def photograph() -> np.ndarray:
    """A rendered photograph, uint8 (60, 80, 3)."""
    return render_photograph(0)


def write_salicon(root: Path) -> Path:
    """Write a data set in SALICON's layout: six photographs in train, three in val."""
    for index in range(6):
        write_example(root, "train", f"scene_{index}", index)
    for index in range(3):
        write_example(root, "val", f"scene_{index + 10}", index + 10)
    return root


@pytest.fixture
def salicon(tmp_path: Path) -> Path:
    """A data set of `write_salicon`, for one test."""
    return write_salicon(tmp_path / "salicon")
