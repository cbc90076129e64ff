"""The other side of `benchmarks/metrics.py`, in an environment with pysaliency: a line of answer a request.

    PYTHON benchmarks/metrics_pysaliency.py MAPS.npz < names of metrics

A request is the name of a metric; its answer, JSON, holds the seconds that it took and a value an image, or, where
pysaliency gives no more, their mean.
"""

import json
import sys
import time
import types
from collections.abc import Callable, Iterator

import numpy as np

# pysaliency imports torch for its models; its metrics do without.
sys.modules.setdefault("torch", types.ModuleType("torch"))
import pysaliency  # noqa: E402
from pysaliency import metrics, models  # noqa: E402


class MapsInMemory(pysaliency.SaliencyMapModel):
    """A model that looks its map up by the number in a stimulus' first pixel: no cache and no hashing."""

    def __init__(self, maps: list[np.ndarray]):
        super().__init__(caching=False)
        self.maps = maps

    def _saliency_map(self, stimulus: np.ndarray) -> np.ndarray:
        return self.maps[stimulus[0, 0]]


def make_fixations(fixations: list[np.ndarray]) -> pysaliency.Fixations:
    """Make fixations of one image after the other."""
    rows, columns = np.concatenate(fixations).T
    images = np.repeat(np.arange(len(fixations)), [len(one) for one in fixations])
    return pysaliency.Fixations.create_without_history(x=columns, y=rows, n=images)


def make_calls(path: str) -> dict[str, Callable[[], np.ndarray]]:
    """Read the maps, and give a function for each metric that pysaliency has."""
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
    # A pixel once, as in MIT's binary fixation maps.
    once = make_fixations([np.unique(one, axis=0) for one in columns["fixations"]])
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
    calls = make_calls(sys.argv[1])
    print(json.dumps(sorted(calls)), flush=True)
    for line in sys.stdin:
        started = time.perf_counter()
        values = calls[line.strip()]()
        seconds = time.perf_counter() - started
        print(json.dumps({"seconds": seconds, "values": [float(one) for one in values]}), flush=True)


if __name__ == "__main__":
    main()
