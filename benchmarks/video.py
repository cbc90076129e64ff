"""Compare the frames per second of a film, from file to overlay, with those of the network alone.

    python benchmarks/video.py [--film FILE]

The network runs alone in as many interpreters and threads as a film has: one per core. Both are measured in turns, in
one process; printed are medians over the rounds. The time of all cores together is printed too, which says less of how
well they are kept busy, but is nearly the same on a machine that has other work; and then that of each step, in one
thread.
"""

import argparse
import itertools
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from salgan_tf import SaliencyPredictor, images, predict_files, predict_video, visualization
from salgan_tf.exporting.processor import describe_processor
from salgan_tf.film import FilmSettings
from salgan_tf.frames import Frame, to_planes
from salgan_tf.inference import spread
from salgan_tf.video import Film
from salgan_tf.video_writer import FilmWriter

_RATE = 30
# Frames of which the steps are measured.
_STEP_FRAMES = 100


def render_film(path: Path, shape: tuple[int, int], count: int) -> None:
    """Write a film of smooth colours with some noise, over which a square moves."""
    random = np.random.default_rng(0)
    coarse = random.integers(0, 200, (9, 16, 3)).astype(np.uint8)
    scene = cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_CUBIC)
    side = shape[0] // 5
    with FilmWriter(path, shape, _RATE, "ITU601") as writer:
        for index in range(count):
            frame = scene + random.integers(0, 8, scene.shape, np.uint8)
            left = 3 * index % (shape[1] - side)
            frame[side : 2 * side, left : left + side] = 255
            writer.write(to_planes(frame), index / _RATE)


def read_frames(path: Path) -> list[Frame]:
    with Film(path, lambda remark: None) as film:
        return list(itertools.islice(film.read(), _STEP_FRAMES))


def measure_steps(path: Path, result: Path) -> dict[str, float]:
    """Return the milliseconds of a core that each step takes per frame, in one thread, the shortest of three."""

    def measure(step: Callable[[Any], object], items: Iterable[Any]) -> float:
        times = []
        for _ in range(3):
            started = time.process_time()
            done = sum(1 for _ in map(step, items))
            times.append((time.process_time() - started) / done)
        return 1000 * min(times)

    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    predictor = SaliencyPredictor(threads=1)
    frames = read_frames(path)
    with Film(path, lambda remark: None) as film:
        small = [images.resize_area(frame.image, predictor.image_shape) for frame in frames]
        maps = [predictor(frame.image) for frame in frames]
        planes = [frame.planes() for frame in frames]
        with FilmWriter(result, film.shape, _RATE, film.matrix) as writer:
            palette = writer.convert(visualization.overlay_palette())
            pairs = list(zip(planes, maps, strict=True))
            drawn = [visualization.overlay_planes(shown, saliency, palette) for shown, saliency in pairs]
            # Further on each time, as a film goes on.
            places = itertools.count()
            times = {
                "decoding, RGB": measure(read_frames, [path]) / len(frames),
                "shrinking": measure(lambda frame: images.resize_area(frame.image, predictor.image_shape), frames),
                "network": measure(predictor.run_network, small),
                "whole prediction": measure(lambda frame: predictor(frame.image), frames),
                "Y, U and V": measure(lambda frame: frame.planes(), frames),
                "drawing": measure(lambda pair: visualization.overlay_planes(pair[0], pair[1], palette), pairs),
                "H.264": measure(lambda picture: writer.write(picture, next(places) / _RATE), drawn),
            }
    cv2.setNumThreads(threads)
    # Cubic enlargement, blur and clipping.
    times["enlarging"] = times.pop("whole prediction") - times["shrinking"] - times["network"]
    return times


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
        cores: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(arguments.rounds):
            for name, way in ways.items():
                started, started_cores = time.perf_counter(), time.process_time()
                way()
                seconds[name].append(time.perf_counter() - started)
                cores[name].append(time.process_time() - started_cores)
        steps = measure_steps(film, Path(scratch) / "steps.mp4")
    rates = {name: count / statistics.median(times) for name, times in seconds.items()}
    print(f"{describe_processor()}, {count} frames")
    for name, rate in rates.items():
        spent = 1000 * statistics.median(cores[name]) / count
        print(
            f"{name:28} {rate:7.1f} frames per second, {rate / rates['network alone']:.2f} of the network alone; "
            f"{spent:.1f} ms of a core per frame"
        )
    print("of which in one thread: " + ", ".join(f"{name} {spent:.2f}" for name, spent in steps.items()))


if __name__ == "__main__":
    main()
