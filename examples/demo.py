"""Predict where people look in a photograph that ships with matplotlib, then export the model to int8.

    python examples/demo.py DIR

The photograph is Grace Hopper's portrait by the US Navy, in the public domain. docs/demo.jpg is this script's
demo.jpg, compressed more.
"""

import argparse
import subprocess
import sys
from pathlib import Path

import matplotlib

from salgan_tf import images, visualization


def predict(out: Path) -> None:
    """Write the photograph's saliency map, its overlay, and all three side by side."""
    photograph = Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"
    subprocess.run([sys.executable, "-m", "salgan_tf", "predict", photograph, "--out", out], check=True)
    pictures = [photograph, out / "grace_hopper_saliency.png", out / "grace_hopper_overlay.jpg"]
    row = [images.read_image(picture) for picture in pictures]
    images.write_image(out / "demo.jpg", visualization.picture_grid([row]))
    print(f"photograph, saliency map and overlay: {out / 'demo.jpg'}", flush=True)


def export(out: Path) -> None:
    """Write the model as an int8 file, with its reports."""
    subprocess.run([sys.executable, "-m", "salgan_tf.export", "--int8", "--out", out / "exported"], check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, metavar="DIR", help="folder for what the demo makes")
    out = parser.parse_args().out
    predict(out)
    export(out)


if __name__ == "__main__":
    main()
