"""A cold `predict` against `import tensorflow`, and a folder against a single photograph: ratios of one run.

    python benchmarks/predict.py [--folder DIR]

Whole processes, started in turns; medians over the rounds. Without a folder, a hundred copies of the demo photograph.
"""

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import matplotlib

from salgan_tf import images


def seconds(command: list[str | Path]) -> float:
    """Run a process to its end and give the time that it took."""
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="photographs")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    photograph = Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.folder
        if folder is None:
            folder = Path(scratch) / "photographs"
            folder.mkdir()
            for index in range(100):
                shutil.copy(photograph, folder / f"{index}.jpg")
        predict = [sys.executable, "-m", "salgan_tf", "predict", "--out", Path(scratch) / "out"]
        contenders = {
            "import tensorflow": [sys.executable, "-c", "import tensorflow"],
            "predict one photograph": [*predict, photograph],
            "predict the folder": [*predict, folder],
            "predict the folder, maps only": [*predict, folder, "--no-overlay"],
        }
        rounds = [{name: seconds(command) for name, command in contenders.items()} for _ in range(arguments.rounds)]
    median = {name: statistics.median(one[name] for one in rounds) for name in contenders}
    base = median["import tensorflow"]
    for name, value in median.items():
        print(f"{name:30} {value:6.2f} s, {value / base:5.2f} times import tensorflow")
    count = len(images.find_pictures(folder)) if arguments.folder else 100
    print(f"folder of {count}: {count / median['predict the folder']:.0f} pictures a second")


if __name__ == "__main__":
    main()
