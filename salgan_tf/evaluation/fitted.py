"""The fairest density of a map: blur, contrast and centre bias, fitted on photographs that are not measured.

A map that only ranks places, or was saved with 8 bits, is no density, and dividing it by its sum says little of what it
knows. The Tübingen benchmark fits such a conversion for each model that gives no density of its own (Kümmerer, Wallis,
Bethge: Information-theoretic model comparison unifies saliency metrics, PNAS 2015, with a piecewise linear contrast and
centre bias); here it has four numbers.
"""

from dataclasses import asdict, dataclass

import cv2
import numpy as np
import scipy.optimize
from tqdm import tqdm

from salgan_tf import images
from salgan_tf.data import fixations, folder
from salgan_tf.errors import InputError, InputErrors
from salgan_tf.evaluation.contenders import CentrePrior, Contender
from salgan_tf.metrics import maps
from salgan_tf.parallel import attempt_all

# Four numbers need no more photographs and no finer grid.
_MOST_PHOTOGRAPHS = 200
_FEWEST_PHOTOGRAPHS = 10
_GRID_HEIGHT = 64
# Of Nelder and Mead's simplex. scipy's own takes steps of 5 % of the start, and from log 1 = 0 as good as none.
_START = np.log([0.02, 0.02, 1.0, 0.5])
_SIMPLEX = np.vstack([_START, _START + 0.7 * np.eye(4)])
# A number that does not matter would wander off to 1e-90; and a wide blur takes minutes, where a large offset does too.
_SMALLEST, _LARGEST = np.log(1e-4), np.log([0.2, 1e2, 1e2, 1e2])


@dataclass(frozen=True)
class FittedDensity:
    """Turns a map s into the density p ~ (blur(s / max s) + offset)^contrast * prior^centre_bias.

    Attributes:
        blur: sigma of the Gaussian, as a share of the width.
        offset: what is added, in [0, 1] of the map's maximum.
        contrast: exponent of the map.
        centre_bias: exponent of the centre prior.
    """

    blur: float
    offset: float
    contrast: float
    centre_bias: float

    def __call__(self, saliency: np.ndarray, prior: np.ndarray) -> np.ndarray:
        """Give the density, float64 (H, W), of a map and a centre prior's density, both (H, W)."""
        saliency = saliency - min(float(saliency.min()), 0.0)
        saliency = (saliency / max(float(saliency.max()), np.finfo(np.float32).tiny)).astype(np.float32)
        blurred = cv2.GaussianBlur(saliency, (0, 0), max(self.blur * saliency.shape[1], 1e-3)).astype(np.float64)
        logits = self.contrast * np.log(blurred + self.offset) + self.centre_bias * np.log(prior)
        return maps.to_density(np.exp(logits - logits.max()))

    def as_dict(self) -> dict[str, float]:
        """Give the four numbers by name."""
        return asdict(self)


def fit_density(contender: Contender, examples: list[folder.Example], prior: CentrePrior) -> FittedDensity:
    """Fit a contender's density: the likeliest fixations of (at most 200, evenly chosen) examples.

    Raises:
        InputError: the contender has maps of fewer than 10 of the examples; InputErrors: examples with a bad file.
    """
    usable = find_usable(contender, examples)
    chosen = [usable[index] for index in np.unique(np.linspace(0, len(usable) - 1, _MOST_PHOTOGRAPHS).astype(int))]

    def prepare(example: folder.Example) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        sample = folder.read_example(example)
        shape = sample.saliency.shape
        grid = (_GRID_HEIGHT, max(round(_GRID_HEIGHT * shape[1] / shape[0]), 1))
        saliency = images.resize_map(contender.predict(example, sample.image), grid)
        counts = fixations.count_fixations(sample.gaze.points, shape, grid)
        # Where all fixations lie outside of the image there is nothing to learn, and nothing is added to the cost.
        return saliency, prior.density(example, grid), counts / max(counts.sum(), 1)

    with tqdm(total=len(chosen), desc="fit density", unit="picture", disable=None) as progress:
        prepared, errors = attempt_all(prepare, chosen, progress)
    if errors:
        raise InputErrors(examples[0].image.parent, errors, len(chosen))

    def from_logarithms(logarithms: np.ndarray) -> FittedDensity:
        return FittedDensity(*np.exp(logarithms.clip(_SMALLEST, _LARGEST)).tolist())

    def cost(logarithms: np.ndarray) -> float:
        density = from_logarithms(logarithms)
        return -float(
            np.mean([(shares * np.log(density(one, centre) + 1e-20)).sum() for one, centre, shares in prepared])
        )

    found = scipy.optimize.minimize(
        cost, _START, method="Nelder-Mead", options={"initial_simplex": _SIMPLEX, "xatol": 0.02, "fatol": 1e-4}
    )
    return from_logarithms(found.x)


def find_usable(contender: Contender, examples: list[folder.Example]) -> list[folder.Example]:
    """Find the examples that a contender's density can be fitted on: those with fixations, of which it has maps.

    Raises:
        InputError: they are fewer than 10.
    """
    usable, missing = [], None
    for example in examples:
        try:
            contender.check(example)
            usable += [example] if example.fixations is not None else []
        except InputError as error:
            missing = error
    if len(usable) < _FEWEST_PHOTOGRAPHS:
        wanted = f"{_FEWEST_PHOTOGRAPHS} photographs with fixations and maps are needed to fit a density"
        cause = f"{wanted}, also of the split train, and there are {len(usable)}"
        raise InputError(missing.subject if missing else examples[0].image.parent, cause)
    return usable
