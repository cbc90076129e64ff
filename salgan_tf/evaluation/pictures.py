"""What means hide: the distribution of each metric over the images, and the best and the worst images."""

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

from salgan_tf import images, visualization
from salgan_tf.data import folder
from salgan_tf.evaluation.measure import Evaluation
from salgan_tf.evaluation.scoring import BY_NAME
from salgan_tf.files import make_folder, write_bytes

_SPREAD = ("auc_uniform", "sauc", "nss", "ig", "cc", "sim", "kl", "emd")
# The grid shows whole maps, and CC compares whole maps.
_RANKED_BY = "cc"
_EACH = 4
_HEIGHT, _WIDTH, _CAPTION = 180, 240, 20
_LABEL = 30


def write_pictures(evaluation: Evaluation, directory: str | Path) -> list[Path]:
    """Write `distribution.png`, and for each contender `NAME_best_and_worst.jpg`.

    The latter has one row per image, first the best and then the worst by CC: the photograph, the recorded density and
    the contender's map.

    Returns:
        The files.

    Raises:
        InputError: the folder cannot be written, or a file of the data set cannot be read any more.
    """
    written = picture_files(evaluation.contenders, make_folder(directory))
    _plot_distribution(evaluation, written[0])
    for name, path in zip(evaluation.contenders, written[1:], strict=True):
        order = np.argsort(evaluation.scores[name][_RANKED_BY])
        best = order[::-1][:_EACH]
        rows = [_row(evaluation, name, index, "best") for index in best]
        rows += [_row(evaluation, name, index, "worst") for index in order[:_EACH] if index not in best]
        images.write_image(path, visualization.picture_grid(rows))
    return written


def picture_files(names: Iterable[str], directory: Path) -> list[Path]:
    """Return the files that `write_pictures` writes for contenders of these names."""
    paths = [directory / "distribution.png"]
    for name in names:
        path = directory / f"{_file_name(name)}_best_and_worst.jpg"
        while path in paths:  # a/b and a_b have the same file name
            path = path.with_stem(f"{path.stem}_")
        paths.append(path)
    return paths


def _file_name(name: str) -> str:
    legal = "".join(letter if letter.isalnum() or letter in "-." else "_" for letter in name)
    # File names have at most 255 bytes. The end of a long path says most.
    return legal[-60:].strip("_.") or "contender"


def _row(evaluation: Evaluation, name: str, index: int, rank: str) -> list[np.ndarray]:
    example = evaluation.examples[index]
    image, truth = images.read_image(example.image), folder.read_density(example)
    saliency = evaluation.contenders[name].predict(example, image)
    # The metrics shift a map with values below 0 in the same way.
    saliency = saliency - min(float(saliency.min()), 0.0)
    overlays = [visualization.overlay(image, map_) for map_ in (truth, saliency)]
    pictures = [_frame(picture) for picture in (image, *overlays)]
    values = {metric: evaluation.scores[name][metric][index] for metric in ("cc", "nss")}
    scores = [f"{BY_NAME[metric].label} {value:.2f}" for metric, value in values.items() if not np.isnan(value)]
    for picture, words in zip(pictures, (f"{rank}: {example.name}", "recorded", ", ".join(scores)), strict=True):
        picture[-_CAPTION:] //= 3
        cv2.putText(picture, words, (6, _HEIGHT - 6), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (255, 255, 255), 1, cv2.LINE_AA)
    return pictures


def _frame(picture: np.ndarray) -> np.ndarray:
    """Fit a picture into a cell of the grid, on grey."""
    scale = min(_HEIGHT / picture.shape[0], _WIDTH / picture.shape[1])
    height, width = (max(round(side * scale), 1) for side in picture.shape[:2])
    canvas = np.full((_HEIGHT, _WIDTH, 3), 64, np.uint8)
    top, left = (_HEIGHT - height) // 2, (_WIDTH - width) // 2
    canvas[top : top + height, left : left + width] = images.resize_area(picture, (height, width))
    return canvas


def _plot_distribution(evaluation: Evaluation, path: Path) -> None:
    # matplotlib takes half a second to import.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(16, 7), layout="constrained")
    for panel, metric in zip(figure.subplots(2, len(_SPREAD) // 2).ravel(), _SPREAD, strict=True):
        columns = {name: scores[metric] for name, scores in evaluation.scores.items()}
        columns = {name: values[np.isfinite(values)] for name, values in columns.items()}
        columns = {name: values for name, values in columns.items() if len(values)}
        for place, values in enumerate(columns.values()):
            panel.boxplot(values, positions=[place], widths=0.5, showfliers=False)
            jitter = np.random.default_rng(0).uniform(-0.18, 0.18, len(values))
            panel.plot(place + jitter, values, ".", markersize=3, alpha=0.4, color=f"C{place}")
        # The end of a long path says most. A dollar sign must not start a formula.
        labels = [name if len(name) <= _LABEL else f"…{name[1 - _LABEL :]}" for name in columns]
        panel.set_xticks(range(len(columns)), labels, rotation=20, ha="right", parse_math=False)
        panel.set_title(f"{BY_NAME[metric].label} ({BY_NAME[metric].better} is better)")
    write_bytes(path, visualization.encode_figure(figure))
