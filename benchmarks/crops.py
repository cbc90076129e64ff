"""Measure how many recorded fixations stay in a crop: ours, one at the centre, smartcrop's, and the best possible.

    python benchmarks/crops.py --smartcrop PYTHON [--data ROOT] [--split val] [--model edge]

PYTHON is the interpreter of an environment with smartcrop: `python -m venv DIR && DIR/bin/pip install smartcrop`. All
crops of a photograph have the size of `best_crop`'s window: half of the photograph's area, or the largest of the aspect
where that is smaller. The best possible is `best_crop` of the very fixations that are counted, so that no prediction
reaches it, not even that of other people: their column is the share of an observer's fixations in the crop of all other
observers. Printed are means over the photographs, as a table in Markdown, and how far ours and theirs are on the way
from the centre to the best possible.
"""

import argparse
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np

from salgan_tf import SaliencyPredictor, best_crop
from salgan_tf.crops import Window
from salgan_tf.data.fixations import Gaze, blur_fixations
from salgan_tf.data.folder import index_folder, read_example

ASPECTS = {"1:1": 1.0, "9:16": 9 / 16, "16:9": 16 / 9}
SIDES = ("centre", "smartcrop", "ours", "other people", "best possible")


def count_fixations(points: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Count the fixations (N, 2) of each pixel, float64 (H, W)."""
    counts = np.zeros(shape)
    np.add.at(counts, tuple(points.T), 1)
    return counts


def share_inside(counts: np.ndarray, window: Window) -> float:
    """Return the share of fixations in a window."""
    return counts[window.top : window.bottom, window.left : window.right].sum() / counts.sum()


def share_of_others(gaze: Gaze, aspect: float, area: float) -> float:
    """Return the share of fixations inside of the crop that all other observers' fixations give."""
    if gaze.observers is None:
        return np.nan
    inside = 0.0
    for observer in np.unique(gaze.observers):
        own = gaze.observers == observer
        if own.all():
            return np.nan
        window = best_crop(blur_fixations(gaze.points[~own], gaze.shape), aspect, area)
        counts = count_fixations(gaze.points[own], gaze.shape)
        inside += share_inside(counts, window) * own.sum()
    return inside / len(gaze.points)


def measure(
    root: str, split: str, limit: int | None, predict: SaliencyPredictor, area: float, ask: Callable
) -> dict[str, np.ndarray]:
    """Return, for each aspect, the shares (photographs, sides); `ask` is smartcrop: a window in, its corner out."""
    shares: dict[str, list] = {name: [] for name in ASPECTS}
    for example in index_folder(root, split)[:limit]:
        sample = read_example(example)
        if sample.gaze is None or not len(sample.gaze.points):
            continue
        height, width = shape = sample.gaze.shape
        counts, saliency = count_fixations(sample.gaze.points, shape), predict(sample.image)
        for name, aspect in ASPECTS.items():
            ours, best = (best_crop(array, aspect, area) for array in (saliency, counts))
            across, down = ours.right - ours.left, ours.bottom - ours.top
            # smartcrop rounds down twice: its corner may be a pixel too far.
            left, top = ask(str(example.image), across, down)
            corners = (
                ((width - across) // 2, (height - down) // 2),
                (min(left, width - across), min(top, height - down)),
            )
            centre, theirs = (Window(left, top, left + across, top + down) for left, top in corners)
            row = [share_inside(counts, window) for window in (centre, theirs, ours, best)]
            shares[name].append([*row[:-1], share_of_others(sample.gaze, aspect, area), row[-1]])
    return {name: np.array(rows) for name, rows in shares.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--smartcrop", required=True, metavar="PYTHON", help="an environment's interpreter")
    parser.add_argument("--data", default="../shared/data/freeview", metavar="ROOT", help="(default: %(default)s)")
    parser.add_argument("--split", default="val", help="(default: %(default)s)")
    parser.add_argument("--model", default="edge", help="as for predict (default: %(default)s)")
    parser.add_argument("--images", type=int, metavar="N", help="only the first N images")
    parser.add_argument(
        "--area", type=float, default=0.5, metavar="SHARE", help="of the photograph (default: %(default)s)"
    )
    arguments = parser.parse_args()
    script = Path(__file__).with_name("crops_smartcrop.py")
    with subprocess.Popen(
        [arguments.smartcrop, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as smartcrop:
        # For mypy: both are pipes.
        assert smartcrop.stdin
        assert smartcrop.stdout
        asked, answers = smartcrop.stdin, smartcrop.stdout

        def ask(*window: object) -> list[int]:
            print(json.dumps(window), file=asked, flush=True)
            return json.loads(answers.readline())

        predict = SaliencyPredictor(arguments.model)
        shares = measure(arguments.data, arguments.split, arguments.images, predict, arguments.area, ask)
    count = len(next(iter(shares.values())))
    print(f"{count} photographs of {arguments.split}, crops of {arguments.area:.0%} of the area")
    print(f"| aspect | {' | '.join(SIDES)} | way of ours | way of other people |\n|---|{'---|' * (len(SIDES) + 2)}")
    for name, rows in shares.items():
        centre, _, ours, others, best = means = rows.mean(axis=0)
        ways = [(mean - centre) / (best - centre) for mean in (ours, others)]
        cells = [*(f"{mean:.1%}" for mean in means), *(f"{way:.0%}" for way in ways)]
        print(f"| {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
