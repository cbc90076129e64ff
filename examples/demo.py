"""The demo: predict where people look in a photograph that ships with matplotlib, through the command line."""

import subprocess
import sys
from pathlib import Path

import matplotlib


def main(out: str) -> None:
    # Grace Hopper's portrait by the US Navy, in the public domain.
    photograph = Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"
    subprocess.run([sys.executable, "-m", "salgan_tf", "predict", photograph, "--out", out], check=True)
    print(f"the overlay: {Path(out) / 'grace_hopper_overlay.jpg'}")


if __name__ == "__main__":
    main(sys.argv[1])
