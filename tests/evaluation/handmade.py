"""Shared by the tests of the evaluation: contenders with known maps, and evaluations with known numbers."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from salgan_tf import images
from salgan_tf.data import folder
from salgan_tf.data.folder import Example
from salgan_tf.evaluation import Contender, Evaluation
from salgan_tf.evaluation.scoring import BY_NAME

SHAPE = (60, 80)


class Made(Contender):
    """A contender whose maps are made by a function of the example and its image."""

    def __init__(self, make: Callable[[Example, np.ndarray], np.ndarray]):
        self._make = make

    def predict(self, example, image):
        return self._make(example, image)


BRIGHTNESS = Made(lambda example, image: image.mean(axis=-1))
DARKNESS = Made(lambda example, image: 255 - image.mean(axis=-1))


def render_spot(
    shape: tuple[int, int] = SHAPE, row: float = 0.4, column: float = 0.6, width: float = 0.1
) -> np.ndarray:
    """Render a Gaussian spot, float32 (H, W), at most 1; its place is given in shares of height and width."""
    rows, columns = ((np.arange(side) + 0.5) / side for side in shape)
    square = (rows[:, None] - row) ** 2 + (columns[None] - column) ** 2
    return np.exp(-square / (2 * width**2)).astype(np.float32)


def read(root: Path, split: str = "val", index: int = 0) -> tuple[Example, np.ndarray]:
    """Return an example of a data set and its image."""
    example = folder.index_folder(root, split)[index]
    return example, images.read_image(example.image)


def make_evaluation(scores: dict[str, dict[str, list]], sources: list[str] | None = None) -> Evaluation:
    """Make an evaluation with these scores; all other metrics are NaN."""
    count = len(next(iter(next(iter(scores.values())).values())))
    sources = sources or [""] * count
    examples = [
        Example(f"scene_{index:03d}", Path(f"scene_{index:03d}.png"), None, None, source)
        for index, source in enumerate(sources)
    ]
    full = {
        name: {metric: np.array(columns.get(metric, [np.nan] * count), np.float64) for metric in BY_NAME}
        for name, columns in scores.items()
    }
    return Evaluation(examples, full, {}, {}, "the photographs of train")
