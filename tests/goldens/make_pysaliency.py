"""Measure the cases with pysaliency and write pysaliency.json beside this script.

    python3.11 -m venv pysaliency-env
    pysaliency-env/bin/pip install "numpy<2.3" "setuptools<81" wheel "cython>=3"
    pysaliency-env/bin/pip install --no-build-isolation --no-deps pysaliency==0.2.22
    pysaliency-env/bin/pip install numba scipy imageio boltons deprecation dill natsort piexif requests schema tqdm
    pysaliency-env/bin/python tests/goldens/make_pysaliency.py

numpy before 2.3, because pysaliency calls `numpy.trapz`. It takes about a minute.
"""

import importlib.metadata
import math
import sys
import types
from pathlib import Path

import cases
import numpy as np

# pysaliency imports torch for its models. Its metrics do not need it.
sys.modules["torch"] = types.ModuleType("torch")
import pysaliency  # noqa: E402
from pysaliency import metrics, models  # noqa: E402

SEEDS = range(400)


class MapsInMemory(pysaliency.SaliencyMapModel):
    """A model that finds its map of a stimulus by the number in the first pixel of the stimulus."""

    def __init__(self, maps: list[np.ndarray]):
        super().__init__(caching=False)
        self.maps = maps

    def _saliency_map(self, stimulus: np.ndarray) -> np.ndarray:
        return self.maps[stimulus[0, 0]]


def make_stimuli(maps: list[np.ndarray]) -> pysaliency.Stimuli:
    """Make a grey stimulus of each map's size whose first pixel is its number."""
    stimuli = [np.zeros(map_.shape, np.uint16) for map_ in maps]
    for index, stimulus in enumerate(stimuli):
        stimulus[0, 0] = index
    return pysaliency.Stimuli(stimuli)


def make_fixations(fixations: list[np.ndarray]) -> pysaliency.Fixations:
    """Concatenate the fixations of all images."""
    rows, columns = np.concatenate(fixations).T
    images = np.repeat(np.arange(len(fixations)), [len(points) for points in fixations])
    return pysaliency.Fixations.create_without_history(x=columns, y=rows, n=images)


def finite_or_none(value: float) -> float | None:
    """Return a number that JSON can hold."""
    return float(value) if math.isfinite(value) else None


def mean_and_error(values: list[float]) -> dict:
    """Return the mean of a sampled number, the standard error of the mean, and the number of samples."""
    spread = float(np.std(values, ddof=1))
    return {"mean": float(np.mean(values)), "error": spread / math.sqrt(len(values)), "count": len(values)}


def measure_judd(saliency: np.ndarray, fixations: np.ndarray) -> dict:
    """Measure AUC-Judd with and without jitter; a pixel is given once, as in the binary fixation maps of MIT."""
    model, stimuli = MapsInMemory([saliency]), make_stimuli([saliency])
    once = make_fixations([np.unique(fixations, axis=0)])
    jittered = [model.AUC_Judd(stimuli, once, random_seed=seed) for seed in SEEDS]
    return {
        "auc_judd": mean_and_error(jittered),
        "auc_judd_without_jitter": float(model.AUC_Judd(stimuli, once, jitter=False)),
    }


def measure() -> None:
    """Measure all cases, each alone except for shuffled AUC, and write the numbers."""
    # The information gain of maps that are 0 at a fixation is undefined and becomes null.
    np.seterr(divide="ignore")
    made = cases.make_cases()
    images = list(made.values())
    maps = [image.saliency for image in images]
    model, stimuli = MapsInMemory(maps), make_stimuli(maps)
    baseline = MapsInMemory([image.baseline for image in images])
    fixations = make_fixations([image.fixations for image in images])
    uniform = model.AUC_per_image(stimuli, fixations, nonfixations="uniform")
    shuffled = model.AUC_per_image(stimuli, fixations, nonfixations="shuffled")
    gains = models.SaliencyMapNormalizingModel(model).information_gains(
        stimuli, fixations, baseline_model=models.SaliencyMapNormalizingModel(baseline)
    )
    values = {}
    for index, (name, image) in enumerate(made.items()):
        rows, columns = image.fixations.T
        deterministic = {
            "nss": metrics.NSS(image.saliency, columns, rows).mean(),
            "cc": metrics.CC(image.saliency, image.truth),
            "sim": metrics.SIM(image.saliency, image.truth),
            "kl_divergence": metrics.MIT_KLDiv(image.saliency, image.truth),
            "auc_uniform": uniform[index],
            "sauc": shuffled[index],
            "information_gain": gains[fixations.n == index].mean(),
        }
        values[name] = {metric: finite_or_none(value) for metric, value in deterministic.items()}
        values[name] |= measure_judd(image.saliency, image.fixations)
    set_means = {
        "auc_uniform": float(model.AUC(stimuli, fixations, nonfixations="uniform", average="image")),
        "sauc": float(model.AUC(stimuli, fixations, nonfixations="shuffled", average="image")),
    }
    versions = {name: importlib.metadata.version(name) for name in ("pysaliency", "numba", "scipy")}
    path = Path(__file__).parent / "pysaliency.json"
    cases.write_numbers(path, made, versions, set_means=set_means, values=values)


if __name__ == "__main__":
    measure()
