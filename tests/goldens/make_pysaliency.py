"""Measure the cases with pysaliency and write pysaliency.json beside this script.

    python3.11 -m venv pysaliency-env
    pysaliency-env/bin/pip install "numpy<2.3" "setuptools<81" wheel "cython>=3"
    pysaliency-env/bin/pip install --no-build-isolation --no-deps pysaliency==0.2.22
    pysaliency-env/bin/pip install numba scipy imageio boltons deprecation dill natsort piexif requests schema tqdm
    pysaliency-env/bin/python tests/goldens/make_pysaliency.py

numpy before 2.3, because pysaliency calls `numpy.trapz`. About a minute.
"""

import datetime
import importlib.metadata
import json
import math
import platform
import sys
import types
from pathlib import Path

import cases
import numpy as np

# pysaliency imports torch for its models; its metrics do without.
sys.modules["torch"] = types.ModuleType("torch")
import pysaliency  # noqa: E402
from pysaliency import metrics, models  # noqa: E402

SEEDS = range(400)


class MapsInMemory(pysaliency.SaliencyMapModel):
    """A model whose map of a stimulus is looked up by the number in the stimulus' first pixel."""

    def __init__(self, maps: list[np.ndarray]):
        super().__init__(caching=False)
        self.maps = maps

    def _saliency_map(self, stimulus: np.ndarray) -> np.ndarray:
        return self.maps[stimulus[0, 0]]


def make_stimuli(maps: list[np.ndarray]) -> pysaliency.Stimuli:
    """Make grey stimuli of the maps' sizes that hold their own number."""
    stimuli = [np.zeros(one.shape, np.uint16) for one in maps]
    for index, stimulus in enumerate(stimuli):
        stimulus[0, 0] = index
    return pysaliency.Stimuli(stimuli)


def make_fixations(fixations: list[np.ndarray]) -> pysaliency.Fixations:
    """Make fixations of one image after the other."""
    rows, columns = np.concatenate(fixations).T
    images = np.repeat(np.arange(len(fixations)), [len(one) for one in fixations])
    return pysaliency.Fixations.create_without_history(x=columns, y=rows, n=images)


def finite_or_none(value: float) -> float | None:
    """Give what JSON can hold."""
    return float(value) if math.isfinite(value) else None


def mean_and_error(values: list[float]) -> dict:
    """Give a sampled number: its mean, the mean's standard error and how often it was sampled."""
    spread = float(np.std(values, ddof=1))
    return {"mean": float(np.mean(values)), "error": spread / math.sqrt(len(values)), "count": len(values)}


def measure_judd(saliency: np.ndarray, fixations: np.ndarray) -> dict:
    """AUC-Judd with and without jitter; a pixel is given once, as in the binary fixation maps of MIT."""
    model, stimuli = MapsInMemory([saliency]), make_stimuli([saliency])
    once = make_fixations([np.unique(fixations, axis=0)])
    jittered = [model.AUC_Judd(stimuli, once, random_seed=seed) for seed in SEEDS]
    return {
        "auc_judd": mean_and_error(jittered),
        "auc_judd_without_jitter": float(model.AUC_Judd(stimuli, once, jitter=False)),
    }


def measure() -> dict:
    """Measure all cases, each alone but for shuffled AUC."""
    # What is undefined becomes null: the information gain of maps that are 0 at a fixation.
    np.seterr(divide="ignore")
    made = cases.make_cases()
    images = list(made.values())
    model, stimuli = MapsInMemory([one.saliency for one in images]), make_stimuli([one.saliency for one in images])
    baseline = MapsInMemory([one.baseline for one in images])
    fixations = make_fixations([one.fixations for one in images])
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
    return {
        "date": datetime.date.today().isoformat(),
        "versions": {
            "python": platform.python_version(),
            **{name: importlib.metadata.version(name) for name in ("pysaliency", "numpy", "numba", "scipy")},
        },
        "set_means": {
            "auc_uniform": float(model.AUC(stimuli, fixations, nonfixations="uniform", average="image")),
            "sauc": float(model.AUC(stimuli, fixations, nonfixations="shuffled", average="image")),
        },
        "checksum": cases.checksum(made),
        "values": values,
    }


if __name__ == "__main__":
    text = json.dumps(measure(), indent=1)
    (Path(__file__).parent / "pysaliency.json").write_text(text + "\n")
