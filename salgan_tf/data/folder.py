"""Index the folder of a data set and read its examples: photograph, saliency map, fixations."""

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from salgan_tf import images
from salgan_tf.data.fixations import Gaze, blur_fixations, read_fixations
from salgan_tf.data.layouts import Example, find_layout
from salgan_tf.data.mapfile import read_map
from salgan_tf.errors import InputError, InputErrors
from salgan_tf.files import find_real


def find_splits(root: str | Path) -> list[str]:
    """Return the names of the splits that have a ground truth; a data set that is not split has the split "all".

    Raises:
        InputError: `root` has no known layout, or it has no splits.
    """
    return find_layout(root).splits()


def index_folder(root: str | Path, split: str) -> list[Example]:
    """Return the examples of a split in order of name.

    Args:
        root: data set in one of the layouts of `salgan_tf.data.layouts`. A photograph may lack its saliency map or
            its fixations, but not both.
        split: one of `find_splits`.

    Raises:
        InputError: `root` has no known layout, or the split has no pictures.
        InputErrors: pictures that have neither a map nor fixations.
    """
    layout = find_layout(root)
    # A split is a name in the data set, never a path out of it.
    splits = layout.splits()
    if split not in splits:
        known = f"the only split is {splits[0]!r}" if len(splits) == 1 else f"the splits are {', '.join(splits)}"
        raise InputError(root, f"no pictures of the split {split!r}: {known}")
    pictures = layout.pictures(split)
    if not pictures:
        raise InputError(root, f"no pictures of the split {split!r}")
    examples, errors = [], []
    for picture in pictures:
        try:
            examples.append(layout.example(picture))
        except InputError as error:
            errors.append(error)
    if errors:
        raise InputErrors(root, errors, len(pictures))
    name, count = Counter(example.name for example in examples).most_common(1)[0]
    if count > 1:
        folder = next(example.image.parent for example in examples if example.name == name)
        raise InputError(folder, f"{count} pictures have the name {Path(name).name}")
    return examples


def list_files(examples: Iterable[Example]) -> list[Path]:
    """Return the files of examples."""
    return [path for example in examples for path in (example.image, example.map, example.fixations) if path]


def check_apart(examples: Iterable[Example], outputs: Iterable[Path]) -> None:
    """Check that no picture is written among the photographs of examples, where it would become one.

    Raises:
        InputError: one would be.
    """
    folders = {find_real(path) for path in {example.image.parent for example in examples}}
    for path in outputs:
        if path.suffix.lower() in images.picture_suffixes() and find_real(path).parent in folders:
            raise InputError(path, "would become a photograph of the data set: choose another folder")


def fingerprint(examples: list[Example]) -> str:
    """Return 16 hexadecimal digits that change when a file is added, removed or renamed, or changes its size."""
    digest = hashlib.sha256()
    for example in examples:
        for path in (example.image, example.map, example.fixations):
            digest.update(f"{path.name} {_find_size(path)}\n".encode(errors="surrogateescape") if path else b"none\n")
    return digest.hexdigest()[:16]


def _find_size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        # Reading the example will say why.
        return -1


@dataclass(frozen=True)
class Sample:
    """The contents of an example, at the photograph's own size.

    Attributes:
        image: uint8 (H, W, 3), RGB.
        saliency: float32 (H, W) in [0, 1].
        gaze: the fixations, or None if there is no file.
    """

    image: np.ndarray
    saliency: np.ndarray
    gaze: Gaze | None


def read_example(example: Example) -> Sample:
    """Read an example at its own size; a missing map is made from the fixations.

    Raises:
        InputError: a file is bad, map or fixations and photograph differ in size, or the ground truth is empty.
    """
    image = images.read_image(example.image)
    gaze = _read_gaze(example, image.shape[:2])
    saliency = _blur(example, gaze) if example.map is None else _read_map(example.map, image.shape[:2])
    return Sample(image, saliency, gaze)


def read_gaze(example: Example) -> Gaze | None:
    """Read the fixations of an example without decoding the photograph; return None if there is no file.

    Raises:
        InputError: a file is bad, or fixations and photograph differ in size.
    """
    return _read_gaze(example, images.read_size(example.image))


def read_density(example: Example) -> np.ndarray:
    """Read the saliency map of an example without decoding the photograph; a missing one is made from the fixations.

    Returns:
        float32 (H, W) in [0, 1], of the photograph's size.

    Raises:
        InputError: a file is bad, map or fixations and photograph differ in size, or the ground truth is empty.
    """
    shape = images.read_size(example.image)
    return _blur(example, _read_gaze(example, shape)) if example.map is None else _read_map(example.map, shape)


def _read_gaze(example: Example, shape: tuple[int, int]) -> Gaze | None:
    return None if example.fixations is None else read_fixations(example.fixations, shape)


def _read_map(path: Path, shape: tuple[int, int]) -> np.ndarray:
    saliency = read_map(path, shape)
    if saliency.shape != shape:
        sizes = images.format_size(saliency.shape), images.format_size(shape)
        raise InputError(path, "the map is {} and its image {}".format(*sizes))
    if saliency.max() <= 0:
        raise InputError(path, "the map is black all over: nobody looked at anything")
    # Pictures have a fixed scale, and numbers have any.
    return saliency if saliency.max() <= 1 else saliency / saliency.max()


def _blur(example: Example, gaze: Gaze | None) -> np.ndarray:
    if gaze is None or not len(gaze.points):
        raise InputError(example.fixations or example.image, "no fixations inside the image, and there is no map")
    return blur_fixations(gaze.points, gaze.shape)
