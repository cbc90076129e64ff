"""What is measured: models, folders of maps, and the baselines that every table needs beside them."""

import io
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from salgan_tf import images
from salgan_tf.data import folder
from salgan_tf.errors import InputError, InputErrors
from salgan_tf.files import is_file, is_folder
from salgan_tf.inference import MAP_ENDING, SaliencyPredictor
from salgan_tf.metrics import maps
from salgan_tf.parallel import attempt_all

_PRIOR_SHAPE = (192, 256)
# The prior's share of a uniform density: nowhere is impossible, or information gains over it would have no bound.
_PRIOR_UNIFORM = 0.01
# What a map of the picture NAME may be called: as `predict` writes it, or plainly; floats before levels of grey.
_MAP_ENDINGS = (".npy", MAP_ENDING, ".png", ".tif", ".tiff", ".jpg", ".jpeg", ".bmp")


class Contender:
    """Gives a saliency map of each photograph; may be called from several threads."""

    def check(self, example: folder.Example) -> None:
        """Raise an `InputError` if it can be known beforehand that there is no map of this photograph."""

    def predict(self, example: folder.Example, image: np.ndarray) -> np.ndarray:
        """Give the map of a photograph.

        Args:
            example: where its files are.
            image: uint8 (H, W, 3).

        Returns:
            Float (H, W), any range.

        Raises:
            InputError: there is none, or it is bad.
        """
        raise NotImplementedError


class Model(Contender):
    """A model, on its float maps."""

    def __init__(self, predictor: SaliencyPredictor):
        self._predictor = predictor

    def predict(self, example, image):
        return self._predictor(image)


class MapFolder(Contender):
    """A folder of maps made by anybody: `NAME.png`, `NAME_saliency.png` (8 or 16 bits) or `NAME.npy` (floats).

    A map of another size is resized to its photograph's: by area if it is larger, else with cubic interpolation.

    Args:
        directory: the folder; NAME may hold subfolders, as CAT2000's categories.

    Raises:
        InputError: there is no such folder.
    """

    def __init__(self, directory: str | Path):
        self._directory = Path(directory)
        if not is_folder(self._directory):
            raise InputError(directory, "no such folder of maps")

    def check(self, example):
        self._find(example)

    def predict(self, example, image):
        path = self._find(example)
        saliency = _read_array(path) if path.suffix == ".npy" else images.read_grey(path)
        return images.resize_map(saliency, image.shape[:2])

    def _find(self, example: folder.Example) -> Path:
        candidates = [self._directory / f"{example.name}{ending}" for ending in _MAP_ENDINGS]
        path = next(filter(is_file, candidates), None)
        if path is None:
            raise InputError(self._directory, f"no map of {example.name}, such as {example.name}.png or .npy")
        return path


def _read_array(path: Path) -> np.ndarray:
    try:
        array = np.load(io.BytesIO(path.read_bytes()), allow_pickle=False)
    except OSError as error:
        raise InputError(path, error) from error
    except Exception as error:  # On a damaged file numpy raises nearly anything, and advises to load it unsafely.
        raise InputError(path, "not a .npy file of numbers, or damaged") from error
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiub" or not array.size:
        raise InputError(path, "not a .npy file of numbers")
    if array.ndim == 3 and 1 in (array.shape[0], array.shape[-1]):
        array = array[0] if array.shape[0] == 1 else array[..., 0]
    if array.ndim != 2:
        raise InputError(path, f"a map is (H, W), and this is {array.shape}")
    with np.errstate(over="ignore"):
        array = array.astype(np.float32)
    if not np.isfinite(array).all():
        raise InputError(path, "the map has values that are not finite numbers (NaN, infinity or beyond float32)")
    return array


def open_contenders(models: Sequence[str], folders: Sequence[str]) -> dict[str, Contender]:
    """Open models and folders of maps, each under the name by which it was given.

    Raises:
        InputError: one cannot be opened, or two have one name; the same folder has others, such as ./folder.
    """
    name, count = Counter([*models, *folders]).most_common(1)[0] if models or folders else ("", 0)
    if count > 1:
        raise InputError(name, "given twice; a folder that is called like a model can be given as ./FOLDER")
    return {name: Model(SaliencyPredictor(name)) for name in models} | {name: MapFolder(name) for name in folders}


class Uniform(Contender):
    """Knows nothing: the same value everywhere."""

    def predict(self, example, image):
        return np.ones(image.shape[:2], np.float32)


class CentrePrior(Contender):
    """What is known without looking: the mean density of other photographs, stretched to each one's size.

    A share of 1 % is uniform, so that nowhere is impossible.

    Args:
        examples: the photographs to take the mean of: the `train` split, or those that are measured themselves;
            then each is left out of its own prior.

    Raises:
        InputErrors: examples with a bad file, each named.
    """

    def __init__(self, examples: list[folder.Example]):
        with tqdm(total=len(examples), desc="centre prior", unit="picture", disable=None) as progress:
            densities, errors = attempt_all(_small_density, examples, progress)
        if errors:
            raise InputErrors(examples[0].image.parent, errors, len(examples))
        self._total = np.sum(densities, axis=0)
        self._examples = frozenset(examples)

    def predict(self, example, image):
        return self.density(example, image.shape[:2])

    def density(self, example: folder.Example, shape: tuple[int, int]) -> np.ndarray:
        """Give the prior of a photograph, float64 (H, W), summing to 1."""
        total = self._total
        if example in self._examples:
            # Not below 0 by rounding; and where there is no other photograph, what is left is uniform.
            total = np.maximum(total - _small_density(example), 0)
        density = maps.to_density(images.resize_map(total.astype(np.float32), shape))
        return (1 - _PRIOR_UNIFORM) * density + _PRIOR_UNIFORM / density.size


def _small_density(example: folder.Example) -> np.ndarray:
    return maps.to_density(images.resize_area(folder.read_density(example), _PRIOR_SHAPE))
