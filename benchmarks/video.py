"""Compare the frames per second of a film, from file to overlay, with those of the network alone.

    python benchmarks/video.py [--film FILE]

The network runs alone in as many interpreters and threads as a film has: one per core. Both are measured in turns, in
one process; printed are medians over the rounds.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np

from salgan_tf import SaliencyPredictor, predict_files, predict_video
from salgan_tf.exporting.processor import describe_processor
from salgan_tf.film import FilmSettings
from salgan_tf.inference import spread
from salgan_tf.video_writer import FilmWriter

_RATE = 30


def render_film(path: Path, shape: tuple[int, int], count: int) -> None:
    """Write a film of smooth colours with some noise, over which a square moves."""
    random = np.random.default_rng(0)
    coarse = random.integers(0, 200, (9, 16, 3)).astype(np.uint8)
    scene = cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_CUBIC)
    side = shape[0] // 5
    with FilmWriter(path, shape, _RATE) as writer:
        for index in range(count):
            frame = scene + random.integers(0, 8, scene.shape, np.uint8)
            left = 3 * index % (shape[1] - side)
            frame[side : 2 * side, left : left + side] = 255
            writer.write(frame, index / _RATE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--film", type=Path, help="(default: a rendered one)")
    parser.add_argument(
        "--size", type=int, nargs=2, default=(640, 360), metavar=("W", "H"), help="of the rendered film"
    )
    parser.add_argument("--frames", type=int, default=300, metavar="N", help="of the rendered film")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="(default: %(default)s)")
    arguments = parser.parse_args()
    threads = os.cpu_count() or 1
    predictor = SaliencyPredictor()
    networks = [SaliencyPredictor(threads=1) for _ in range(threads)]
    image = np.random.default_rng(0).integers(0, 256, (*predictor.image_shape, 3), np.uint8)
    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(threads) as pool:
        film = arguments.film
        if film is None:
            film = Path(scratch) / "film.mp4"
            render_film(film, arguments.size[::-1], arguments.frames)
        count = sum(1 for _ in predict_video(film, predictor))

        def run_network() -> None:
            def run(network: SaliencyPredictor) -> None:
                for _ in range(-(-count // threads)):
                    network.run_network(image)

            list(pool.map(run, networks))

        def run_predictor() -> None:
            predict = spread(predictor, threads)
            full = np.zeros((*arguments.size[::-1], 3), np.uint8)
            list(pool.map(predict, [full] * count))

        def write(**settings: bool) -> None:
            predict_files([film], f"{scratch}/out", predictor, film=FilmSettings(**settings))

        ways: dict[str, Callable[[], object]] = {
            "network alone": run_network,
            "network, resizing and blur": run_predictor,
            "predict_video": lambda: list(map(bool, (time for time, _ in predict_video(film, predictor)))),
            "predict, overlay": write,
            "predict, overlay and maps": lambda: write(maps=True),
        }
        seconds: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(arguments.rounds):
            for name, way in ways.items():
                started = time.perf_counter()
                way()
                seconds[name].append(time.perf_counter() - started)
    rates = {name: count / statistics.median(times) for name, times in seconds.items()}
    print(f"{describe_processor()}, {count} frames")
    for name, rate in rates.items():
        print(f"{name:28} {rate:7.1f} frames per second, {rate / rates['network alone']:.2f} of the network alone")


if __name__ == "__main__":
    main()
