"""Find smartcrop's windows for `benchmarks/crops.py`, in an environment of its own.

    PYTHON benchmarks/crops_smartcrop.py

It reads a line of JSON per window, `[photograph, width, height]`, and answers each with a line `[left, top]`.
"""

import argparse
import json
import sys

from PIL import Image, ImageOps
from smartcrop import SmartCrop


def find_corner(path: str, width: int, height: int) -> tuple[int, int]:
    """Find the window of this size in a photograph."""
    with Image.open(path) as stored:
        picture = ImageOps.exif_transpose(stored).convert("RGB")
    # Of the largest window of this aspect; smartcrop then tries no other size.
    scale = max(width / picture.width, height / picture.height)
    # As its command does it, for a thumbnail 100 pixels wide: it finds better windows than at full size.
    found = SmartCrop().crop(picture, 100, round(100 * height / width), min_scale=scale, max_scale=scale)["top_crop"]
    return found["x"], found["y"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.parse_args()
    for line in sys.stdin:
        print(json.dumps(find_corner(*json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
