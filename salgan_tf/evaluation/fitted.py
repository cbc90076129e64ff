"""The density that does a map most justice: blur, contrast and centre bias, fitted on photographs not measured.

A map that only ranks places, or that was saved with 8 bits, is not a density. Divided by its sum it shows little of
what the model knows. The Tübingen benchmark fits such a conversion for each model that has no density of its own
(Kümmerer, Wallis, Bethge: Information-theoretic model comparison unifies saliency metrics, PNAS 2015, with a piecewise
linear contrast and centre bias); this one has four parameters.
"""

from dataclasses import dataclass

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

# Four parameters need no more photographs and no finer grid.
_MOST_PHOTOGRAPHS = 200
_FEWEST_PHOTOGRAPHS = 10
_GRID_HEIGHT = 64
# The simplex of Nelder and Mead. scipy's default takes steps of 5 % of the start, which is nothing at log 1 = 0.
_START = np.log([0.02, 0.02, 1.0, 0.5])
_SIMPLEX = np.vstack([_START, _START + 0.7 * np.eye(4)])
# A parameter that does not matter would wander off to 1e-90. A wide blur takes minutes; a large offset does the same.
_SMALLEST, _LARGEST = np.log(1e-4), np.log([0.2, 1e2, 1e2, 1e2])


@dataclass(frozen=True)
class FittedDensity:
    """Turns a map s into the density p ~ (blur(s / max s) + offset)^contrast * prior^centre_bias.

    Attributes:
        blur: sigma of the Gaussian, as a share of the width.
        offset: added to the map, as a share of its maximum.
        contrast: exponent of the map.
        centre_bias: exponent of the centre prior.
    """

    blur: float
    offset: float
    contrast: float
    centre_bias: float

    def __call__(self, saliency: np.ndarray, prior: np.ndarray) -> np.ndarray:
        """Return the density, float64 (H, W), of a map and the density of a centre prior, both (H, W)."""
        saliency = saliency - min(float(saliency.min()), 0.0)
        saliency = (saliency / images.find_peak(saliency)).astype(np.float32)
        blurred = cv2.GaussianBlur(saliency, (0, 0), max(self.blur * saliency.shape[1], 1e-3)).astype(np.float64)
        logits = self.contrast * np.log(blurred + self.offset) + self.centre_bias * np.log(prior)
        return maps.to_density(np.exp(logits - logits.max()))


def fit_density(contender: Contender, examples: list[folder.Example], prior: CentrePrior) -> FittedDensity:
    """Fit a contender's density: the one under which the fixations are the likeliest.

    Args:
        contender: what returns the maps.
        examples: the result of `find_usable`. At most 200 of them are used, evenly spaced.
        prior: the centre prior, which leaves each of its own photographs out.

    Raises:
        InputErrors: examples with a bad file, each named.
    """
    chosen = [examples[index] for index in np.unique(np.linspace(0, len(examples) - 1, _MOST_PHOTOGRAPHS).astype(int))]

    def prepare(example: folder.Example) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        image, gaze = images.read_image(example.image), folder.read_gaze(example)
        assert gaze is not None  # by `find_usable`
        grid = (_GRID_HEIGHT, max(round(_GRID_HEIGHT * gaze.shape[1] / gaze.shape[0]), 1))
        saliency = images.resize_map(contender.predict(example, image), grid)
        counts = fixations.count_fixations(gaze.points, gaze.shape, grid)
        # If all fixations lie outside the image there is nothing to learn, and nothing is added to the cost.
        return saliency, prior.density(example, grid), counts / max(counts.sum(), 1)

    with tqdm(total=len(chosen), desc="fit density", unit="picture", disable=None) as progress:
        prepared, errors = attempt_all(prepare, chosen, progress)
    if errors:
        raise InputErrors(examples[0].image.parent, errors, len(chosen))

    def from_logarithms(logarithms: np.ndarray) -> FittedDensity:
        return FittedDensity(*np.exp(logarithms.clip(_SMALLEST, _LARGEST)).tolist())

    def cost(logarithms: np.ndarray) -> float:
        density = from_logarithms(logarithms)
        gains = [(shares * np.log(density(saliency, centre) + 1e-20)).sum() for saliency, centre, shares in prepared]
        return -float(np.mean(gains))

    found = scipy.optimize.minimize(
        cost, _START, method="Nelder-Mead", options={"initial_simplex": _SIMPLEX, "xatol": 0.02, "fatol": 1e-4}
    )
    return from_logarithms(found.x)


def find_usable(contender: Contender, examples: list[folder.Example]) -> list[folder.Example]:
    """Return the examples that a contender's density can be fitted on: those with fixations and a map.

    Raises:
        InputError: there are fewer than 10.
    """
    usable, subject = [], str(examples[0].image.parent)
    for example in examples:
        try:
            contender.check(example)
            usable += [example] if example.fixations is not None else []
        except InputError as error:
            subject = error.subject
    if len(usable) < _FEWEST_PHOTOGRAPHS:
        cause = f"fitting a density takes at least {_FEWEST_PHOTOGRAPHS} photographs of the split train with fixations"
        raise InputError(subject, f"{cause} and maps, and there are {len(usable)}")
    return usable
