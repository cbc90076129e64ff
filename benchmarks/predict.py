"""Compare a cold `predict` with `import tensorflow`, and a folder with a single photograph.

    python benchmarks/predict.py [--folder DIR]

Whole processes, started in turns; printed are medians over the rounds.
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
from processor import describe_processor

from salgan_tf import images


def seconds(command: list[str]) -> float:
    """Run a process to its end and return the time that it took."""
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="photographs (default: 100 copies of the demo's photograph)")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="(default: %(default)s)")
    arguments = parser.parse_args()
    photograph = Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.folder
        if folder is None:
            folder = Path(scratch) / "photographs"
            folder.mkdir()
            for index in range(100):
                shutil.copy(photograph, folder / f"{index}.jpg")
        count = len(images.find_pictures(folder))
        predict = [sys.executable, "-m", "salgan_tf", "predict", "--out", f"{scratch}/out"]
        commands = {
            "import tensorflow": [sys.executable, "-c", "import tensorflow"],
            "predict one photograph": [*predict, str(photograph)],
            "predict the folder": [*predict, str(folder)],
            "predict the folder, maps only": [*predict, str(folder), "--no-overlay"],
        }
        rounds = [{name: seconds(command) for name, command in commands.items()} for _ in range(arguments.rounds)]
    medians = {name: statistics.median(times[name] for times in rounds) for name in commands}
    print(describe_processor())
    for name, value in medians.items():
        print(f"{name:30} {value:6.2f} s, {value / medians['import tensorflow']:5.2f} times import tensorflow")
    print(f"folder of {count}: {count / medians['predict the folder']:.0f} pictures per second")


if __name__ == "__main__":
    main()
