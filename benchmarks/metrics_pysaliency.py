"""Measure pysaliency for `benchmarks/metrics.py`, in an environment of its own.

    PYTHON benchmarks/metrics_pysaliency.py MAPS.npz

It first prints the metrics that it knows. Then it reads the name of a metric per line, and answers each with a line of
JSON: the seconds that it took, and a value per image, or only their mean where pysaliency returns no more.
"""

import argparse
import json
import sys
import time
import types
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

# pysaliency imports torch for its models; its metrics do without.
sys.modules.setdefault("torch", types.ModuleType("torch"))
import pysaliency  # noqa: E402
from pysaliency import metrics, models  # noqa: E402


class MapsInMemory(pysaliency.SaliencyMapModel):
    """A model that looks up its map by the number in a stimulus' first pixel, without a cache and hashing."""

    def __init__(self, maps: list[np.ndarray]):
        super().__init__(caching=False)
        self.maps = maps

    def _saliency_map(self, stimulus: np.ndarray) -> np.ndarray:
        return self.maps[stimulus[0, 0]]


def make_fixations(fixations: list[np.ndarray]) -> pysaliency.Fixations:
    """Join the fixations of all images."""
    rows, columns = np.concatenate(fixations).T
    images = np.repeat(np.arange(len(fixations)), [len(points) for points in fixations])
    return pysaliency.Fixations.create_without_history(x=columns, y=rows, n=images)


def make_calls(path: Path) -> dict[str, Callable[[], np.ndarray]]:
    """Read the maps, and make a function for each metric that pysaliency has."""
    with np.load(path, allow_pickle=False) as stored:
        count = int(stored["count"])
        columns = {
            name: [stored[f"{name}_{index}"] for index in range(count)]
            for name in ("saliency", "truth", "baseline", "fixations")
        }
    stimuli = []
    for index, saliency in enumerate(columns["saliency"]):
        stimulus = np.zeros(saliency.shape, np.uint16)
        stimulus[0, 0] = index
        stimuli.append(stimulus)
    stimuli = pysaliency.Stimuli(stimuli)
    model, truth, baseline = (MapsInMemory(columns[name]) for name in ("saliency", "truth", "baseline"))
    fixations = make_fixations(columns["fixations"])
    # Each pixel once, as in MIT's binary fixation maps.
    once = make_fixations([np.unique(points, axis=0) for points in columns["fixations"]])
    density, prior = models.SaliencyMapNormalizingModel(model), models.SaliencyMapNormalizingModel(baseline)

    def over_images(values: np.ndarray) -> np.ndarray:
        return np.bincount(fixations.n, values) / np.bincount(fixations.n)

    def kl_divergences() -> Iterator[float]:
        for saliency, other in zip(columns["saliency"], columns["truth"], strict=True):
            yield metrics.MIT_KLDiv(saliency, other)

    return {
        "nss": lambda: over_images(model.NSSs(stimuli, fixations)),
        "auc_uniform": lambda: model.AUC_per_image(stimuli, fixations, nonfixations="uniform"),
        "auc_judd": lambda: [model.AUC_Judd(stimuli, once)],
        "sauc": lambda: model.AUC_per_image(stimuli, fixations, nonfixations="shuffled"),
        "information_gain": lambda: over_images(density.information_gains(stimuli, fixations, baseline_model=prior)),
        "cc": lambda: model.CCs(stimuli, truth),
        "sim": lambda: model.SIMs(stimuli, truth),
        "kl_divergence": lambda: list(kl_divergences()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("maps", type=Path, metavar="MAPS.npz", help="written by benchmarks/metrics.py")
    calls = make_calls(parser.parse_args().maps)
    print(json.dumps(sorted(calls)), flush=True)
    for line in sys.stdin:
        started = time.perf_counter()
        values = calls[line.strip()]()
        seconds = time.perf_counter() - started
        print(json.dumps({"seconds": seconds, "values": [float(value) for value in values]}), flush=True)


if __name__ == "__main__":
    main()
