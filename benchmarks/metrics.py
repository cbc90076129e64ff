"""The metrics against pysaliency's, on the same maps by the same definitions: milliseconds an image, ratios of one run.

    python benchmarks/metrics.py --pysaliency PYTHON [--data ROOT] [--split val]

PYTHON is the interpreter of an environment with pysaliency, made as tests/goldens/make_pysaliency.py tells. The maps
are the edge model's predictions at the photographs' own size, in memory on both sides before anything is measured, the
baseline a centre prior. Both sides take turns, metric by metric; ours once in one thread and once in a pool of threads,
as `evaluate` measures; pysaliency has one thread. Medians over the rounds, after one that does not count and in which
numba compiles. The last column is the largest difference of an image's values; of
AUC-Judd pysaliency gives no more than the mean, and jitters at random.
"""

import argparse
import functools
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

# On both sides; libraries read it when they are imported.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["NUMBA_NUM_THREADS"] = "1"

import numpy as np

from salgan_tf.data.fixations import Gaze
from salgan_tf.data.folder import index_folder, read_example
from salgan_tf.evaluation.scoring import NegativeFixations
from salgan_tf.inference import SaliencyPredictor
from salgan_tf.metrics import maps, points

# Added to each map, so that no information gain is infinite.
FLOOR = 2.0**-10


class Scene(NamedTuple):
    """What is measured of an image: maps (H, W) float32, fixations (N, 2)."""

    saliency: np.ndarray
    truth: np.ndarray
    baseline: np.ndarray
    fixations: np.ndarray


def make_prior(shape: tuple[int, int]) -> np.ndarray:
    """Make a Gaussian about the centre, its deviation a fifth of each side."""
    scores = ((np.arange(size) + 0.5 - size / 2) / (size / 5) for size in shape)
    return np.outer(*[np.exp(-(one**2) / 2) for one in scores]).astype(np.float32)


def make_scenes(root: str, split: str, limit: int | None) -> list[Scene]:
    """Predict the photographs of a split."""
    predict, scenes = SaliencyPredictor(), []
    for example in index_folder(root, split)[:limit]:
        sample = read_example(example)
        if sample.gaze is not None and len(sample.gaze.points):
            prediction = predict(sample.image) + np.float32(FLOOR)
            scenes.append(Scene(prediction, sample.saliency, make_prior(prediction.shape), sample.gaze.points))
    return scenes


def make_calls(scenes: list[Scene], run: Callable) -> dict[str, Callable[[], list[float]]]:
    """Give a function for each metric; `run` is `map`, or that of a pool of threads as `evaluate` uses one."""

    def at_fixations(metric: Callable) -> list[float]:
        return list(run(lambda one: metric(one.saliency, one.fixations), scenes))

    def against_truth(metric: Callable) -> list[float]:
        return list(run(lambda one: metric(one.saliency, one.truth), scenes))

    def shuffled(metric: Callable, which: str) -> list[float]:
        gazes = {str(at): Gaze(one.saliency.shape, one.fixations, None, 0) for at, one in enumerate(scenes)}
        negatives = NegativeFixations(gazes)

        def score(at: int) -> float:
            return metric(scenes[at].saliency, scenes[at].fixations, getattr(negatives.of(str(at)), which))

        return list(run(score, range(len(scenes))))

    calls = {
        name: functools.partial(at_fixations, getattr(points, name))
        for name in ("nss", "nss_mit", "auc_uniform", "auc_judd", "auc_borji")
    }
    calls["sauc"] = functools.partial(shuffled, points.sauc, "all")
    calls["sauc_borji"] = functools.partial(shuffled, points.sauc_borji, "ten")
    calls["information_gain"] = lambda: list(
        run(lambda one: points.information_gain(one.saliency, one.baseline, one.fixations), scenes)
    )
    return calls | {
        name: functools.partial(against_truth, getattr(maps, name))
        for name in ("cc", "sim", "sim_mit", "kl_divergence", "emd")
    }


def timed(call: Callable[[], list[float]]) -> dict:
    """Give the seconds that a metric takes on all images, and its values."""
    started = time.perf_counter()
    values = call()
    return {"seconds": time.perf_counter() - started, "values": values}


def measure(sides: list[dict], python: str, stored: Path, rounds: int) -> list[dict]:
    """Let the sides and pysaliency take turns; give each one's answers of the counted rounds by metric, its last."""
    command = [python, Path(__file__).with_name("metrics_pysaliency.py"), stored]
    # Its warnings of a logarithm of 0 are of no interest here; an error ends it, and is seen.
    environment = os.environ | {"PYTHONWARNINGS": "ignore"}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as contender:

        def ask(name: str) -> dict:
            contender.stdin.write(f"{name}\n")
            contender.stdin.flush()
            return json.loads(contender.stdout.readline())

        known = json.loads(contender.stdout.readline())
        answers = [*({name: [] for name in sides[0]} for _ in sides), {name: [] for name in known}]
        for index in range(rounds + 1):
            for name in sides[0]:
                turns = [timed(calls[name]) for calls in sides] + ([ask(name)] if name in known else [])
                # The first round is for caches, and for numba to compile.
                for answer, turn in zip(answers, turns, strict=False) if index else ():
                    answer[name].append(turn)
    return answers


def largest_difference(first: list[float], second: list[float]) -> float:
    """Compare values image by image, or their means where one side has no more."""
    if len(first) != len(second):
        first, second = [statistics.mean(first)], [statistics.mean(second)]
    return max(abs(one - other) for one, other in zip(first, second, strict=True))


def line(name: str, theirs: float, *ours: float) -> str:
    """Set a row: milliseconds of both sides, and how many times as fast ours are."""
    return f"{name:18} {theirs:10.2f} " + " ".join(f"{one:9.2f} ({theirs / one:4.1f}x)" for one in ours)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pysaliency", required=True, metavar="PYTHON", help="an environment's interpreter")
    parser.add_argument("--data", default="../shared/data/freeview", metavar="ROOT", help="in SALICON's layout")
    parser.add_argument("--split", default="val")
    parser.add_argument("--images", type=int, help="only the first so many")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    scenes = make_scenes(arguments.data, arguments.split, arguments.images)
    with tempfile.TemporaryDirectory() as scratch:
        stored = Path(scratch) / "maps.npz"
        arrays = {f"{name}_{at}": part for at, one in enumerate(scenes) for name, part in one._asdict().items()}
        np.savez(stored, count=len(scenes), **arrays)
        with ThreadPoolExecutor() as pool:
            sides = [make_calls(scenes, map), make_calls(scenes, pool.map)]
            answers = measure(sides, arguments.pysaliency, stored, arguments.rounds)
    alone, together, theirs = [
        {name: statistics.median(one["seconds"] for one in turns) * 1000 / len(scenes) for name, turns in side.items()}
        for side in answers
    ]
    print(f"{len(scenes)} images of {arguments.split}, medians of {arguments.rounds} rounds, milliseconds an image")
    heads = "pysaliency", "one thread", f"{os.cpu_count()} cores"
    print(f"{'metric':18} {heads[0]:>10} {heads[1]:>17} {heads[2]:>17} {'largest difference':>19}")
    for name in theirs:
        values = [side[name][-1]["values"] for side in (answers[0], answers[2])]
        of_mean = " of the mean" if len(values[1]) == 1 else ""
        print(line(name, theirs[name], alone[name], together[name]), f"{largest_difference(*values):19.1e}{of_mean}")
    print(line("all of these", *(sum(side[name] for name in theirs) for side in (theirs, alone, together))))
    for name in alone.keys() - theirs.keys():
        print(f"{name:18} {'':10} {alone[name]:9.2f} {'':8} {together[name]:9.2f}")


if __name__ == "__main__":
    main()
