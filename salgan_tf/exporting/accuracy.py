"""How well models predict recorded fixations: the generator and its files on the same photographs."""

import numpy as np
from tqdm import tqdm

from salgan_tf.data import folder
from salgan_tf.inference import SaliencyPredictor
from salgan_tf.metrics import maps, points


def measure(predictors: dict[str, SaliencyPredictor], examples: list[folder.Example]) -> dict[str, dict[str, float]]:
    """Measure models on the examples that have fixations.

    Returns:
        By name: mean `nss`, `cc`, `sim` and `kl`, and the number of `images`; empty if no example has fixations.
    """
    rows: dict[str, list[list[float]]] = {name: [] for name in predictors}
    for example in tqdm(examples, desc="measure", unit="picture", disable=None):
        sample = folder.read_example(example)
        if sample.gaze is None or not len(sample.gaze.points):
            continue
        for name, predictor in predictors.items():
            saliency = predictor(sample.image)
            density = [metric(saliency, sample.saliency) for metric in (maps.cc, maps.sim, maps.kl_divergence)]
            rows[name].append([points.nss(saliency, sample.gaze.points), *density])
    return {
        name: dict(zip(("nss", "cc", "sim", "kl"), np.mean(values, axis=0).tolist(), strict=True))
        | {"images": len(values)}
        for name, values in rows.items()
        if values
    }
