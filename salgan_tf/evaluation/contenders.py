"""What is measured: models, folders of maps, and the baselines that every table needs."""

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Union

import numpy as np
from tqdm import tqdm

from salgan_tf import images
from salgan_tf.data import folder
from salgan_tf.data.mapfile import has_aspect_ratio, read_map
from salgan_tf.errors import InputError, InputErrors
from salgan_tf.files import is_folder
from salgan_tf.inference import MAP_ENDING, SaliencyPredictor
from salgan_tf.metrics import maps
from salgan_tf.parallel import attempt_all

if TYPE_CHECKING:
    import keras

_PRIOR_SHAPE = (192, 256)
# The uniform share of the centre prior. Without it a density could be 0, and information gains over it unbounded.
_PRIOR_UNIFORM = 0.01
# The file names of a map are NAME plus one of these. Floats come before grey levels.
_MAP_ENDINGS = (".npy", ".mat", MAP_ENDING, ".png", ".tif", ".tiff", ".jpg", ".jpeg", ".bmp")


class Contender:
    """Returns a saliency map for each photograph; called from several threads."""

    def check(self, example: folder.Example) -> None:
        """Raise an `InputError` if it is known before any work that there is no map of this photograph."""

    def remarks(self) -> list[InputError]:
        """Return what is odd about the maps that were predicted so far, but no reason to refuse them."""
        return []

    def files(self, example: folder.Example) -> list[Path]:
        """Return the files that are read to predict a photograph."""
        return []

    def predict(self, example: folder.Example, image: np.ndarray) -> np.ndarray:
        """Return the map of a photograph.

        Args:
            example: the files of the photograph.
            image: uint8 (H, W, 3).

        Returns:
            Float (H, W), any range.

        Raises:
            InputError: there is no map, or it cannot be used.
        """
        raise NotImplementedError


class Model(Contender):
    """A model, measured on its float maps.

    Args:
        model: what `SaliencyPredictor` takes, or a `SaliencyPredictor`.

    Raises:
        InputError: the model cannot be opened.
    """

    def __init__(self, model: "str | Path | keras.Model | SaliencyPredictor"):
        self._predictor = model if isinstance(model, SaliencyPredictor) else SaliencyPredictor(model)

    def files(self, example: folder.Example) -> list[Path]:
        return self._predictor.files

    def predict(self, example: folder.Example, image: np.ndarray) -> np.ndarray:
        return self._predictor(image)


class MapFolder(Contender):
    """A folder of saliency maps: `NAME.png`, `NAME_saliency.png` (8 or 16 bits), `NAME.npy` or `NAME.mat`.

    A map whose size differs from its photograph's is resized: by area if it is larger, else with cubic interpolation.
    A map of another aspect ratio, as of a network with a fixed output size, is stretched, and `evaluate` says so.
    Negative values and swapped sides are refused, see `data.mapfile.read_map`.

    Args:
        directory: the folder. NAME may contain a subfolder, such as CAT2000's categories.

    Raises:
        InputError: there is no such folder.
    """

    def __init__(self, directory: str | Path):
        self.name, self._directory = str(directory), Path(directory)
        self._stretched: set[str] = set()
        if not is_folder(self._directory):
            raise InputError(directory, "no such folder of maps")

    def check(self, example: folder.Example) -> None:
        self._find(example)

    def files(self, example: folder.Example) -> list[Path]:
        paths = (self._directory / f"{example.name}{ending}" for ending in _MAP_ENDINGS)
        return [path for path in paths if os.path.lexists(path)]

    def predict(self, example: folder.Example, image: np.ndarray) -> np.ndarray:
        path = self._find(example)
        shape = image.shape[:2]
        saliency = read_map(path, shape)
        if not has_aspect_ratio(saliency, shape):
            self._stretched.add(example.name)
        return images.resize_map(saliency, shape)

    def remarks(self) -> list[InputError]:
        count = len(self._stretched)
        cause = f"{count} maps have another aspect ratio than their photographs and were stretched"
        return [InputError(self._directory, cause)] if count else []

    def _find(self, example: folder.Example) -> Path:
        paths = self.files(example)
        if not paths:
            raise InputError(self._directory, f"no map of {example.name}, such as {example.name}.png or .npy")
        return paths[0]


# What can be measured under a name, and what can be measured without one.
Measurable = Union[str, Path, "keras.Model", SaliencyPredictor, Contender]
Contenders = Mapping[str, Measurable] | Sequence[str | Path | MapFolder] | str | Path


def open_contenders(contenders: Contenders) -> dict[str, Contender]:
    """Open what is to be measured.

    Args:
        contenders: by the name that the tables show, a model (all that `SaliencyPredictor` takes, or a
            `SaliencyPredictor`) or a `Contender`, such as `MapFolder`. Or a sequence of names and paths of models and
            of `MapFolder`s, which the tables show as they were given; or a single name or path.

    Raises:
        InputError: a model cannot be opened, or two contenders of a sequence have the same name.
        TypeError: `contenders` is none of these.
    """
    if isinstance(contenders, str | Path):
        contenders = [contenders]
    if not isinstance(contenders, Iterable):
        expected = "a dict of models by name, a sequence of names and paths, or a name or path"
        raise TypeError(f"contenders: expected {expected}, not {contenders!r:.60}")
    if not isinstance(contenders, Mapping):
        named = [(item.name if isinstance(item, MapFolder) else str(item), item) for item in contenders]
        for name, count in Counter(name for name, _ in named).items():
            if count > 1:
                raise InputError(name, "given twice; a folder with the name of a model can be given as ./FOLDER")
        contenders = dict(named)
    return {name: item if isinstance(item, Contender) else Model(item) for name, item in contenders.items()}


class Uniform(Contender):
    """The same value everywhere."""

    def predict(self, example: folder.Example, image: np.ndarray) -> np.ndarray:
        return np.ones(image.shape[:2], np.float32)


class CentrePrior(Contender):
    """The mean density of other photographs, stretched to the size of each photograph, and 1 % of a uniform density.

    Args:
        examples: the photographs to average: the `train` split, or those that are measured. In the latter case each
            photograph is left out of its own prior.

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

    def predict(self, example: folder.Example, image: np.ndarray) -> np.ndarray:
        return self.density(example, image.shape[:2])

    def density(self, example: folder.Example, shape: tuple[int, int]) -> np.ndarray:
        """Return the prior of a photograph, float64 (H, W), summing to 1."""
        total = self._total
        if example in self._examples:
            # Rounding must not leave values below 0. If there is no other photograph, the rest is 0, a uniform density.
            total = np.maximum(total - _small_density(example), 0)
        density = maps.to_density(images.resize_map(total.astype(np.float32), shape))
        return (1 - _PRIOR_UNIFORM) * density + _PRIOR_UNIFORM / density.size


def _small_density(example: folder.Example) -> np.ndarray:
    return maps.to_density(images.resize_area(folder.read_density(example), _PRIOR_SHAPE))
