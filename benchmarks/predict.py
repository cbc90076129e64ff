"""Compare a cold `predict` with `import tensorflow`, and a folder with a single photograph.

    python benchmarks/predict.py [--folder DIR] [--other CHECKOUT]

Whole processes, started in turns; printed are medians over the rounds, and then the share of each step of a photograph
in one thread. With `--other`, the commands of folders are also run with the package of another checkout.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import matplotlib

from salgan_tf import SaliencyPredictor, images, visualization
from salgan_tf.exporting.processor import describe_processor

# 12 megapixels, as phones take them.
LARGE = (3000, 4000)


def seconds(command: list[str], package: Path | None = None) -> float:
    """Run a process to its end, with the package of another checkout if there is one, and return the time."""
    path = {"PYTHONPATH": str(package)} if package else {}
    started = time.perf_counter()
    subprocess.run(
        command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ | path, cwd="/"
    )
    return time.perf_counter() - started


def make_folder(folder: Path, photograph: Path, count: int) -> Path:
    folder.mkdir()
    for index in range(count):
        shutil.copy(photograph, folder / f"{index}.jpg")
    return folder


def print_steps(photograph: Path, rounds: int) -> None:
    """Print what each step of `predict` takes of a photograph's time, in one thread."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    predictor = SaliencyPredictor(threads=1)
    image = images.read_image(photograph)
    small = images.resize_area(image, predictor.image_shape)
    saliency = predictor(image)
    levels = images.to_levels(saliency)
    steps: dict[str, Callable[[], Any]] = {
        "reading": lambda: images.read_image(photograph),
        "shrinking": lambda: images.resize_area(image, predictor.image_shape),
        "network": lambda: predictor.run_network(small),
        "whole prediction": lambda: predictor(image),
        "levels": lambda: images.to_levels(saliency),
        "PNG": lambda: images.encode_png(levels),
        "overlay": lambda: visualization.overlay(image, saliency),
        "JPEG": lambda: images.write_image(photograph.with_name("written.jpg"), image),
    }
    times: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(rounds):
        for name, step in steps.items():
            started = time.perf_counter()
            step()
            times[name].append(time.perf_counter() - started)
    medians = {name: statistics.median(values) for name, values in times.items()}
    # Cubic enlargement, blur and clipping.
    medians["enlarging"] = medians.pop("whole prediction") - medians["shrinking"] - medians["network"]
    total = sum(medians.values())
    print(f"{images.format_size(image.shape[:2])}: {1000 * total:.0f} ms, of which")
    print("   " + ", ".join(f"{name} {value / total:.0%}" for name, value in medians.items()))
    cv2.setNumThreads(threads)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="photographs (default: 100 copies of the demo's photograph)")
    parser.add_argument(
        "--large", type=int, default=12, metavar="N", help="photographs of 12 MP (default: %(default)s)"
    )
    parser.add_argument("--other", type=Path, metavar="CHECKOUT", help="another version of the package")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="(default: %(default)s)")
    arguments = parser.parse_args()
    photograph = Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"
    with tempfile.TemporaryDirectory() as scratch:
        large = Path(scratch) / "large.jpg"
        images.write_image(large, images.resize_cubic(images.read_image(photograph), LARGE))
        larges = make_folder(Path(scratch) / "larges", large, arguments.large)
        folder = (arguments.folder or make_folder(Path(scratch) / "small", photograph, 100)).resolve()
        predict = [sys.executable, "-m", "salgan_tf", "predict", "--out", f"{scratch}/out"]
        both = {"predict the folder": [*predict, str(folder)], "predict 12 megapixels": [*predict, str(larges)]}
        commands = {
            "import tensorflow": ([sys.executable, "-c", "import tensorflow"], None),
            "predict one photograph": ([*predict, str(photograph)], None),
            **{name: (command, None) for name, command in both.items()},
            "predict the folder, maps only": ([*predict, str(folder), "--no-overlay"], None),
            "12 megapixels, --max-side 1024": ([*predict, str(larges), "--max-side", "1024"], None),
        }
        if arguments.other:
            other = arguments.other.resolve()
            commands |= {f"other: {name}": (command, other) for name, command in both.items()}
        rounds = [{name: seconds(*command) for name, command in commands.items()} for _ in range(arguments.rounds)]
        print(describe_processor())
        medians = {name: statistics.median(times[name] for times in rounds) for name in commands}
        for name, value in medians.items():
            print(f"{name:37} {value:6.2f} s, {value / medians['import tensorflow']:5.2f} times import tensorflow")
        count = len(images.find_pictures(folder))
        print(f"folder of {count}: {count / medians['predict the folder']:.0f} pictures per second")
        print(f"{arguments.large} of 12 MP: {arguments.large / medians['predict 12 megapixels']:.1f} per second")
        for each in (photograph, large):
            print_steps(Path(shutil.copy(each, f"{scratch}/steps.jpg")), arguments.rounds)


if __name__ == "__main__":
    main()
