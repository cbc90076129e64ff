"""Index the folder of a data set and read its examples: photograph, saliency map, fixations."""

import hashlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from salgan_tf import images
from salgan_tf.data.fixations import Gaze, blur_fixations, read_fixations
from salgan_tf.data.layouts import find_layout
from salgan_tf.errors import InputError, InputErrors

# In order of preference: what keeps most of the truth first, the lossy JPEG last.
_MAP_ENDINGS = (".png", ".jpg")
_FIXATIONS_ENDINGS = (".mat", ".png", ".jpg")


@dataclass(frozen=True)
class Example:
    """Where one photograph and its ground truth are.

    Attributes:
        name: its own within the split; CAT2000's have the category in it, as in "Action/001".
        image: the photograph.
        map: its saliency map, None where there is no file.
        fixations: its fixations, of any kind that `read_fixations` knows; None where there is no file.
        source: where the photograph comes from, for tables by source: SALICON's name up to the first "_", CAT2000's
            category; "" where that is not told.
    """

    name: str
    image: Path
    map: Path | None
    fixations: Path | None
    source: str = ""


def index_folder(root: str | Path, split: str) -> list[Example]:
    """List a split's examples, in order of name.

    The layouts that are known, with their splits and names, are those of `salgan_tf.data.layouts`. A saliency map or
    the fixations of a photograph may be missing, but not both.

    Raises:
        InputError: `root` is of no known layout, or the split has no pictures; InputErrors: pictures that have neither.
    """
    places = find_layout(root).places(split)
    if not places:
        raise InputError(root, f"no pictures of the split {split!r}")
    examples, errors = [], []
    for place in places:
        saliency_map, fixations = _find(place.map, _MAP_ENDINGS), _find(place.fixations, _FIXATIONS_ENDINGS)
        if saliency_map is None and fixations is None:
            wanted = " or ".join(_MAP_ENDINGS), " or ".join(_FIXATIONS_ENDINGS)
            cause = f"neither a map {place.map} ({wanted[0]}) nor fixations {place.fixations} ({wanted[1]})"
            errors.append(InputError(place.picture, cause))
        examples.append(Example(place.name, place.picture, saliency_map, fixations, place.source))
    if errors:
        raise InputErrors(root, errors, len(places))
    name, count = Counter(example.name for example in examples).most_common(1)[0]
    if count > 1:
        folder = next(example.image.parent for example in examples if example.name == name)
        raise InputError(folder, f"{count} pictures are named {Path(name).name}")
    return examples


def _find(path: Path, endings: tuple[str, ...]) -> Path | None:
    # Added to the name, since `with_suffix` would cut it at a dot.
    candidates = (path.with_name(f"{path.name}{ending}") for ending in endings)
    return next((candidate for candidate in candidates if candidate.is_file()), None)


def find_splits(root: str | Path) -> list[str]:
    """Name the splits of a folder that have a ground truth; one that is not split has the split "all".

    Raises:
        InputError: `root` is of no known layout, or no split is found in it.
    """
    return find_layout(root).splits()


def fingerprint(examples: list[Example]) -> str:
    """Give 16 hexadecimal digits that change when a file is added, removed, renamed or changes its size."""
    digest = hashlib.sha256()
    for example in examples:
        for path in (example.image, example.map, example.fixations):
            digest.update(f"{path.name} {path.stat().st_size}\n".encode() if path else b"none\n")
    return digest.hexdigest()[:16]


@dataclass(frozen=True)
class Sample:
    """A read example.

    Attributes:
        image: uint8 (H, W, 3), RGB.
        saliency: float32 (H, W) in [0, 1].
        gaze: the fixations, or None where there is no file.
    """

    image: np.ndarray
    saliency: np.ndarray
    gaze: Gaze | None


def read_gaze(example: Example) -> Gaze | None:
    """Read who fixated what, without decoding the photograph; None where there is no file of fixations.

    Raises:
        InputError: a file is bad, or fixations and photograph differ in size.
    """
    return None if example.fixations is None else read_fixations(example.fixations, images.read_size(example.image))


def read_density(example: Example) -> np.ndarray:
    """Read the saliency map of an example without decoding the photograph, or make it from the fixations.

    Returns:
        float32 (H, W) in [0, 1], of the photograph's size.

    Raises:
        InputError: a file is bad, map or fixations and photograph differ in size, or the ground truth is empty.
    """
    shape = images.read_size(example.image)
    if example.map is not None:
        return _read_map(example.map, shape)
    return _blur(example.fixations, read_fixations(example.fixations, shape))


def read_example(example: Example) -> Sample:
    """Read an example at its own size; a missing map is made from the fixations.

    Raises:
        InputError: a file is bad, map or fixations and photograph differ in size, or the ground truth is empty.
    """
    image = images.read_image(example.image)
    shape = image.shape[:2]
    if example.fixations is None:
        return Sample(image, _read_map(example.map, shape), None)
    gaze = read_fixations(example.fixations, shape)
    saliency = _blur(example.fixations, gaze) if example.map is None else _read_map(example.map, shape)
    return Sample(image, saliency, gaze)


def _read_map(path: Path, shape: tuple[int, int]) -> np.ndarray:
    saliency = images.read_grey(path)
    if saliency.shape != shape:
        sizes = images.format_size(saliency.shape), images.format_size(shape)
        raise InputError(path, "the map is {} and its image {}".format(*sizes))
    if saliency.max() <= 0:
        raise InputError(path, "the map is black all over: nothing was looked at")
    return saliency


def _blur(path: Path, gaze: Gaze) -> np.ndarray:
    if not len(gaze.points):
        raise InputError(path, "no fixations inside the image, and there is no map")
    return blur_fixations(gaze.points, gaze.shape)
