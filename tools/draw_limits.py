"""Draw what the bundled model predicts for scenes that it was not made for.

    python tools/draw_limits.py

The picture is for the model card: rendered scenes, and Grace Hopper's photograph (public domain) as nobody photographs
people, each with its overlay below.
"""

import argparse
from pathlib import Path

import cv2
import matplotlib
import numpy as np
from PIL import Image

from salgan_tf import SaliencyPredictor, images, visualization
from salgan_tf.weights import BUNDLED

SHAPE = (240, 320)
_PAPER, _INK = 245, 40


def pop_out() -> np.ndarray:
    """Draw one red bar, which everybody sees first, among green ones."""
    scene = np.full((*SHAPE, 3), 128, np.uint8)
    for row in range(6):
        for column in range(8):
            color = (200, 40, 40) if (row, column) == (1, 6) else (40, 150, 60)
            cv2.rectangle(scene, (20 + column * 38, 15 + row * 38), (28 + column * 38, 40 + row * 38), color, -1)
    return scene


def conjunction() -> np.ndarray:
    """Draw one tilted bar among upright ones, which differs only by its direction."""
    scene = np.full((*SHAPE, 3), 128, np.uint8)
    for row in range(6):
        for column in range(8):
            x, y = 24 + column * 38, 28 + row * 38
            dx, dy = (9, 9) if (row, column) == (4, 1) else (0, 13)
            cv2.line(scene, (x - dx, y - dy), (x + dx, y + dy), (_PAPER,) * 3, 4, cv2.LINE_AA)
    return scene


def page() -> np.ndarray:
    """Draw a page of text with a headline, which people read from the top left."""
    scene = np.full((*SHAPE, 3), _PAPER, np.uint8)
    cv2.putText(scene, "The headline", (15, 40), cv2.FONT_HERSHEY_DUPLEX, 1.1, (_INK,) * 3, 2, cv2.LINE_AA)
    for line in range(8):
        text = "one line of a text that nobody reads to its end"
        cv2.putText(scene, text, (15, 75 + line * 20), cv2.FONT_HERSHEY_SIMPLEX, 0.38, (_INK,) * 3, 1, cv2.LINE_AA)
    return scene


def nothing() -> np.ndarray:
    """Draw a grey ramp, on which there is nothing to look at."""
    return np.broadcast_to(np.linspace(60, 190, SHAPE[1])[None, :, None], (*SHAPE, 3)).astype(np.uint8)


def portrait() -> np.ndarray:
    """Crop Grace Hopper's head and shoulders."""
    photograph = images.read_image(Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg")
    return images.resize_area(photograph[:384, :512], SHAPE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = BUNDLED["edge"].file.with_name("limits.jpg")
    parser.add_argument("--out", type=Path, metavar="FILE.jpg", default=default, help="(default: the card's picture)")
    out = parser.parse_args().out
    face = portrait()
    scenes = {
        "pop-out by colour": pop_out(),
        "by direction": conjunction(),
        "a page": page(),
        "nothing": nothing(),
        "upside down": np.ascontiguousarray(face[::-1]),
        "in the dark": (face // 12).astype(np.uint8),
    }
    predictor = SaliencyPredictor()
    overlays = [visualization.overlay(scene, predictor(scene)) for scene in scenes.values()]
    titled = [scene.copy() for scene in scenes.values()]
    for title, scene in zip(scenes, titled, strict=True):
        cv2.rectangle(scene, (0, SHAPE[0] - 24), (12 + 9 * len(title), SHAPE[0]), (0, 0, 0), -1)
        cv2.putText(scene, title, (6, SHAPE[0] - 8), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 255, 255), 1, cv2.LINE_AA)
    # Small, because each version of it stays in the repository's history.
    Image.fromarray(visualization.picture_grid([titled, overlays])).save(out, quality=65, optimize=True)
    print(out)


if __name__ == "__main__":
    main()
