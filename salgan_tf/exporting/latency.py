"""How long a run of a file takes, beside float32 in the same minute: on a shared machine only the ratio is reliable."""

import os
import statistics
import time
from pathlib import Path

import numpy as np

from salgan_tf.inference import SaliencyPredictor

_SECONDS = 1.5
_FEWEST_ROUNDS, _MOST_ROUNDS = 5, 50


def measure(paths: dict[str, Path], picture: np.ndarray) -> dict[str, dict[str, dict[str, float]]]:
    """Measure the latency of files in turns, with one thread and with one for each core.

    Args:
        paths: LiteRT or ONNX files by name; `"float32"` is the one that the others are compared with.
        picture: uint8 (H, W, 3) at their size.

    Returns:
        By name, by number of threads ("1", "2"): `milliseconds`, the median of a run, and `times as fast as float32`.
    """
    results: dict[str, dict[str, dict[str, float]]] = {name: {} for name in paths}
    for threads in sorted({1, os.cpu_count() or 1}):
        medians = _medians(
            {name: SaliencyPredictor(path, threads, trusted=True) for name, path in paths.items()}, picture
        )
        for name, milliseconds in medians.items():
            ratio = medians["float32"] / milliseconds
            results[name][str(threads)] = {"milliseconds": milliseconds, "times as fast as float32": ratio}
    return results


def _medians(files: dict[str, SaliencyPredictor], picture: np.ndarray) -> dict[str, float]:
    # The first runs allocate memory, and show how many rounds fit into the time.
    slowest = max(_seconds(file, picture) + _seconds(file, picture) for file in files.values()) / 2
    rounds = round(np.clip(_SECONDS / slowest, _FEWEST_ROUNDS, _MOST_ROUNDS))
    times: dict[str, list[float]] = {name: [] for name in files}
    for _ in range(rounds):
        for name, file in files.items():
            times[name].append(_seconds(file, picture))
    return {name: 1000 * statistics.median(values) for name, values in times.items()}


def _seconds(file: SaliencyPredictor, picture: np.ndarray) -> float:
    started = time.perf_counter()
    file.run_network(picture)
    return time.perf_counter() - started
