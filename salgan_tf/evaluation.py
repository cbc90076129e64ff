"""A data set in, a table out: the metrics of maps against recorded fixations, at the photographs' own size."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from tqdm import tqdm

from salgan_tf import images
from salgan_tf.data import folder
from salgan_tf.errors import InputError, InputErrors
from salgan_tf.inference import MAP_ENDING, SaliencyPredictor
from salgan_tf.metrics import maps, points

METRICS = ("nss", "cc", "sim", "kl")
_PRIOR_SHAPE = (192, 256)
# What a map of the picture NAME may be called: as `predict` writes it, or plainly.
_MAP_NAMES = (f"{{}}{MAP_ENDING}", "{}.png")

# From an example and its photograph to a map (H, W) of the photograph's size.
Source = Callable[[folder.Example, np.ndarray], np.ndarray]


def from_predictor(predictor: SaliencyPredictor) -> Source:
    """Evaluate a model, on its float maps."""
    return lambda example, image: predictor(image)


def from_maps(directory: str | Path) -> Source:
    """Evaluate a folder of 8- or 16-bit grey maps `NAME_saliency.png` or `NAME.png`, each of its photograph's size.

    Raises:
        InputError: there is no such folder.
    """
    if not Path(directory).is_dir():
        raise InputError(directory, "no such folder of maps")

    def source(example: folder.Example, image: np.ndarray) -> np.ndarray:
        candidates = [Path(directory) / name.format(example.name) for name in _MAP_NAMES]
        path = next((one for one in candidates if one.is_file()), None)
        if path is None:
            raise InputError(
                directory, f"no map of {example.name}: neither {candidates[0].name} nor {candidates[1].name}"
            )
        saliency = images.read_grey(path)
        if saliency.shape != image.shape[:2]:
            sizes = folder.format_size(saliency.shape), folder.format_size(image.shape[:2])
            raise InputError(path, "the map is {} and its photograph {}".format(*sizes))
        return saliency

    return source


def centre_prior(root: str | Path, split: str = "train") -> Source:
    """Evaluate what is known without looking: the mean density of another split, stretched to each photograph.

    Raises:
        InputError: there is no such split; InputErrors: examples with a bad file, each named.
    """
    total = np.zeros(_PRIOR_SHAPE)
    examples, errors = folder.index_folder(root, split), []
    for example in tqdm(examples, desc="centre prior", unit="picture", disable=None):
        try:
            total += maps.to_density(images.resize_area(folder.read_example(example).saliency, _PRIOR_SHAPE))
        except InputError as error:
            errors.append(error)
    if errors:
        raise InputErrors(root, errors, len(examples))
    prior = total.astype(np.float32)
    return lambda example, image: images.resize_cubic(prior, image.shape[:2]).clip(0)


def evaluate(root: str | Path, split: str, sources: dict[str, Source]) -> dict[str, dict[str, float]]:
    """Measure sources of maps against a split, with a progress bar.

    Args:
        root: folder in SALICON's layout; every photograph needs fixations, since NSS on a blurred map is wrong.
        split: such as `"val"`.
        sources: by the name that the table shows.

    Returns:
        By source: the means over images of NSS, CC, SIM and KL, and `images`, their number.

    Raises:
        InputError: no such data; InputErrors: a picture without fixations, a bad file or a missing map, each named.
    """
    examples = folder.index_folder(root, split)
    measured = {name: [] for name in sources}
    errors = []
    for example in tqdm(examples, desc=f"evaluate {split}", unit="picture", disable=None):
        try:
            if example.fixations is None:
                raise InputError(example.image, "no fixations were recorded for it, and NSS needs them")
            sample = folder.read_example(example)
            if not len(sample.fixations):
                raise InputError(example.fixations, "no fixations inside the image, and NSS needs them")
            for name, source in sources.items():
                measured[name].append(_measure(source(example, sample.image), sample))
        except InputError as error:
            errors.append(error)
    if errors:
        raise InputErrors(root, errors, len(examples))
    return {
        name: dict(zip(METRICS, np.mean(rows, axis=0).tolist(), strict=True)) | {"images": len(rows)}
        for name, rows in measured.items()
    }


def _measure(saliency: np.ndarray, sample: folder.Sample) -> tuple[float, ...]:
    return (
        points.nss(saliency, sample.fixations),
        maps.cc(saliency, sample.saliency),
        maps.sim(saliency, sample.saliency),
        maps.kl_divergence(saliency, sample.saliency),
    )


def format_table(results: dict[str, dict[str, float]]) -> str:
    """Set the results of `evaluate` as a table of text."""
    width = max(map(len, results))
    lines = [f"{'':{width}}  images    NSS     CC    SIM     KL"]
    for name, row in results.items():
        numbers = " ".join(f"{row[metric]:6.3f}" for metric in METRICS)
        lines.append(f"{name:{width}}  {row['images']:6d} {numbers}")
    return "\n".join(lines)
