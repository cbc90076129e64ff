"""Compare the speed of the metrics with pysaliency's, on the same maps by the same definitions.

    python benchmarks/metrics.py --pysaliency PYTHON [--data ROOT] [--split val]

PYTHON is the interpreter of an environment with pysaliency; tests/goldens/make_pysaliency.py says how to make one. The
maps are the edge model's predictions at the photographs' own size, the baseline is a centre prior, and both sides hold
all of them in memory before anything is measured. The sides take turns, metric by metric: ours in one thread and in a
pool of threads, as `evaluate` measures, and pysaliency in its one thread. Printed are medians over the rounds, in
milliseconds per image; a first round, in which numba compiles, does not count. The last column is the largest
difference between the values of an image. For AUC-Judd pysaliency returns only the mean, and jitters at random.
"""

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

# Libraries read these when they are imported; pysaliency's process inherits them.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["NUMBA_NUM_THREADS"] = "1"

import numpy as np

from salgan_tf.data.fixations import Gaze
from salgan_tf.data.folder import index_folder, read_example
from salgan_tf.evaluation.scoring import NegativeFixations
from salgan_tf.exporting.processor import describe_processor
from salgan_tf.inference import SaliencyPredictor
from salgan_tf.metrics import maps, points

# Added to each map, so that no information gain is infinite.
FLOOR = 2.0**-10


class Scene(NamedTuple):
    """What the metrics need of an image: maps float32 (H, W), fixations int32 (N, 2)."""

    saliency: np.ndarray
    truth: np.ndarray
    baseline: np.ndarray
    fixations: np.ndarray


class Turn(NamedTuple):
    """A measurement of a metric on all images: seconds, and a value per image."""

    seconds: float
    values: list[float]


Calls = dict[str, Callable[[], list[float]]]


def make_prior(shape: tuple[int, int]) -> np.ndarray:
    """Make a Gaussian around the centre whose standard deviation is a fifth of each side."""
    vertical, horizontal = (((np.arange(size) + 0.5 - size / 2) / (size / 5)) ** 2 for size in shape)
    return np.outer(np.exp(-vertical / 2), np.exp(-horizontal / 2)).astype(np.float32)


def make_scenes(root: str, split: str, limit: int | None) -> list[Scene]:
    """Predict the photographs of a split."""
    predict, scenes = SaliencyPredictor(), []
    for example in index_folder(root, split)[:limit]:
        sample = read_example(example)
        if sample.gaze is not None and len(sample.gaze.points):
            prediction = predict(sample.image) + np.float32(FLOOR)
            scenes.append(Scene(prediction, sample.saliency, make_prior(prediction.shape), sample.gaze.points))
    return scenes


def make_calls(scenes: list[Scene], run: Callable) -> Calls:
    """Make a function per metric; `run` is `map`, or the `map` of a pool of threads."""

    def over_scenes(metric: Callable, *fields: str) -> Callable[[], list[float]]:
        return lambda: list(run(lambda scene: metric(*(getattr(scene, field) for field in fields)), scenes))

    def shuffled(metric: Callable, which: str) -> Callable[[], list[float]]:
        def call() -> list[float]:
            names = list(map(str, range(len(scenes))))
            gazes = [Gaze(scene.saliency.shape, scene.fixations, None, 0) for scene in scenes]
            negatives = NegativeFixations(dict(zip(names, gazes, strict=True)))

            def score(name: str, scene: Scene) -> float:
                return metric(scene.saliency, scene.fixations, getattr(negatives.of(name), which))

            return list(run(score, names, scenes))

        return call

    calls = {
        name: over_scenes(getattr(points, name), "saliency", "fixations")
        for name in ("nss", "nss_mit", "auc_uniform", "auc_judd", "auc_borji")
    }
    calls["sauc"] = shuffled(points.sauc, "all")
    calls["sauc_borji"] = shuffled(points.sauc_borji, "ten")
    calls["information_gain"] = over_scenes(points.information_gain, "saliency", "baseline", "fixations")
    for name in ("cc", "sim", "sim_mit", "kl_divergence", "emd"):
        calls[name] = over_scenes(getattr(maps, name), "saliency", "truth")
    return calls


def timed(call: Callable[[], list[float]]) -> Turn:
    """Measure a metric."""
    started = time.perf_counter()
    values = call()
    return Turn(time.perf_counter() - started, values)


def measure(sides: list[Calls], python: str, stored: Path, rounds: int) -> list[dict[str, list[Turn]]]:
    """Let our sides and pysaliency take turns; return the counted turns of each by metric, pysaliency's last."""
    script = Path(__file__).with_name("metrics_pysaliency.py")
    # Its warnings about the logarithm of 0 are of no interest here; an error ends it visibly.
    environment = os.environ | {"PYTHONWARNINGS": "ignore"}
    with subprocess.Popen(
        [python, script, stored], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as pysaliency:
        # For mypy: both are pipes.
        assert pysaliency.stdin
        assert pysaliency.stdout
        known = json.loads(pysaliency.stdout.readline())
        turns: list[dict[str, list[Turn]]] = [{name: [] for name in names} for names in (*sides, known)]
        for index in range(rounds + 1):
            for name in sides[0]:
                taken = [timed(calls[name]) for calls in sides]
                if name in known:
                    print(name, file=pysaliency.stdin, flush=True)
                    taken.append(Turn(**json.loads(pysaliency.stdout.readline())))
                # The first round fills caches and lets numba compile.
                for side, turn in zip(turns, taken, strict=False) if index else ():
                    side[name].append(turn)
    return turns


def largest_difference(first: list[float], second: list[float]) -> float:
    """Compare values image by image, or the means if one side has only that."""
    if len(first) != len(second):
        first, second = [statistics.mean(first)], [statistics.mean(second)]
    return max(abs(ours - theirs) for ours, theirs in zip(first, second, strict=True))


def format_row(name: str, theirs: float, *ours: float) -> str:
    """Format the milliseconds of pysaliency and of our sides, and how many times as fast ours are."""
    return f"{name:18} {theirs:10.2f} " + " ".join(f"{value:9.2f} ({theirs / value:4.1f}x)" for value in ours)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pysaliency", required=True, metavar="PYTHON", help="an environment's interpreter")
    parser.add_argument("--data", default="../shared/data/freeview", metavar="ROOT", help="(default: %(default)s)")
    parser.add_argument("--split", default="val", help="(default: %(default)s)")
    parser.add_argument("--images", type=int, metavar="N", help="only the first N images")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="(default: %(default)s)")
    arguments = parser.parse_args()
    scenes = make_scenes(arguments.data, arguments.split, arguments.images)
    with tempfile.TemporaryDirectory() as scratch:
        stored = Path(scratch) / "maps.npz"
        fields = [
            (f"{name}_{index}", array) for index, scene in enumerate(scenes) for name, array in scene._asdict().items()
        ]
        np.savez(stored, allow_pickle=False, count=len(scenes), **dict(fields))
        with ThreadPoolExecutor() as pool:
            sides = [make_calls(scenes, map), make_calls(scenes, pool.map)]
            turns = measure(sides, arguments.pysaliency, stored, arguments.rounds)
    alone, together, theirs = [
        {name: statistics.median(turn.seconds for turn in side[name]) * 1000 / len(scenes) for name in side}
        for side in turns
    ]
    print(describe_processor())
    print(f"{len(scenes)} images of {arguments.split}, medians of {arguments.rounds} rounds, milliseconds per image")
    heads = "pysaliency", "one thread", f"{os.cpu_count()} cores"
    print(f"{'metric':18} {heads[0]:>10} {heads[1]:>17} {heads[2]:>17} {'largest difference':>19}")
    for name in theirs:
        values = [side[name][-1].values for side in (turns[0], turns[2])]
        of_mean = " of the mean" if len(values[1]) == 1 else ""
        print(
            format_row(name, theirs[name], alone[name], together[name]), f"{largest_difference(*values):19.1e}{of_mean}"
        )
    print(format_row("all of these", *(sum(side[name] for name in theirs) for side in (theirs, alone, together))))
    for name in (name for name in alone if name not in theirs):
        print(f"{name:18} {'':10} {alone[name]:9.2f} {'':8} {together[name]:9.2f}")


if __name__ == "__main__":
    main()
