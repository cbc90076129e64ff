"""Index a folder in SALICON's layout and read its examples: photograph, saliency map, fixations."""

import hashlib
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from salgan_tf import images
from salgan_tf.data.matfile import read_mat
from salgan_tf.errors import InputError, InputErrors

# SALICON blurs by 19 pixels at 640 wide: one degree of visual angle, 3 % of the width.
BLUR_PER_WIDTH = 0.03
_NO_IMAGES = "no folder images/ in it; wanted are images/, maps/ and fixations/, as SALICON has them"


@dataclass(frozen=True)
class Example:
    """Where one photograph and its ground truth are; `map` and `fixations` are None where there is no file."""

    name: str
    image: Path
    map: Path | None
    fixations: Path | None


def index_folder(root: str | Path, split: str) -> list[Example]:
    """List a split's examples, in order of name.

    Splits are subfolders (`images/train/NAME.jpg`) or, as SALICON publishes them, part of the names
    (`images/COCO_train2014_000000000009.jpg`). Beside `images/` stand `maps/` (`NAME.png`) and `fixations/`
    (`NAME.mat`), arranged alike; either file may be missing, but not both.

    Raises:
        InputError: `root` has no `images/`, or the split has no pictures; InputErrors: pictures that have neither.
    """
    root = Path(root)
    if not (root / "images").is_dir():
        raise InputError(root, _NO_IMAGES)
    nested = (root / "images" / split).is_dir()
    part = split if nested else ""
    pictures = images.find_pictures(root / "images" / part)
    if not nested:
        pictures = [path for path in pictures if _word(split).search(path.stem)]
    if not pictures:
        raise InputError(root / "images" / part, f"no pictures of the split {split!r}")
    examples, errors = [], []
    for picture in pictures:
        saliency_map = next(
            (
                path
                for ending in (".png", ".jpg")
                if (path := root / "maps" / part / f"{picture.stem}{ending}").is_file()
            ),
            None,
        )
        fixations = root / "fixations" / part / f"{picture.stem}.mat"
        example = Example(picture.stem, picture, saliency_map, fixations if fixations.is_file() else None)
        if example.map is None and example.fixations is None:
            cause = f"neither a map in {root / 'maps' / part} nor fixations in {fixations.parent}"
            errors.append(InputError(picture, cause))
        examples.append(example)
    if errors:
        raise InputErrors(root, errors, len(pictures))
    name, count = Counter(example.name for example in examples).most_common(1)[0]
    if count > 1:
        raise InputError(root / "images" / part, f"{count} pictures are named {name}")
    return examples


def find_splits(root: str | Path) -> list[str]:
    """Name the splits of a folder that have a ground truth: subfolders of `images/`, or which of train and val it has.

    Raises:
        InputError: `root` has no `images/`, or no split is found in it.
    """
    pictures = Path(root) / "images"
    if not pictures.is_dir():
        raise InputError(root, _NO_IMAGES)
    # SALICON's own test split has photographs alone, and editors leave hidden folders.
    splits = sorted(
        path.name
        for path in pictures.iterdir()
        if not path.name.startswith(".")
        and any((Path(root) / truth / path.name).is_dir() for truth in ("maps", "fixations"))
        and path.is_dir()
    )
    if not splits:
        names = [path.stem for path in images.find_pictures(pictures)]
        splits = [split for split in ("train", "val") if any(_word(split).search(name) for name in names)]
    if not splits:
        raise InputError(pictures, "no splits: wanted are subfolders, or names with train or val in them")
    return splits


def _word(split: str) -> re.Pattern:
    """Match a split as a word of its own: "train" in COCO_train2014_…, not in "constrained"."""
    return re.compile(rf"(?<![a-z]){re.escape(split)}(?![a-z])", re.IGNORECASE)


def fingerprint(examples: list[Example]) -> str:
    """Give 16 hexadecimal digits that change when a file is added, removed, renamed or changes its size."""
    digest = hashlib.sha256()
    for example in examples:
        for path in (example.image, example.map, example.fixations):
            digest.update(f"{path.name} {path.stat().st_size}\n".encode() if path else b"none\n")
    return digest.hexdigest()[:16]


def read_fixations(path: str | Path, shape: tuple[int, int]) -> np.ndarray:
    """Read a SALICON `.mat` file.

    Args:
        path: MATLAB 5 file with `resolution` [h w] and `gaze`, one struct an observer with `fixations` (n, 2),
            1-based [x y].
        shape: (height, width) of the image, which must be the file's `resolution`.

    Returns:
        int32 (N, 2), 0-based (row, column) of all observers' fixations that lie inside the image, repeats kept.

    Raises:
        InputError: the file is unreadable, of another layout, or of another size than the image.
    """
    content = read_mat(path, ("resolution", "gaze"))
    try:
        resolution = tuple(int(side) for side in content["resolution"].ravel())
        observers = [
            np.asarray(observer, np.float64).reshape(-1, 2) for observer in content["gaze"]["fixations"].ravel()
        ]
    except (KeyError, ValueError, TypeError, IndexError) as error:
        cause = f"no field {error}" if isinstance(error, KeyError) else error
        raise InputError(path, f"not a .mat file in SALICON's layout: {cause}") from error
    if resolution != tuple(shape):
        raise InputError(path, f"fixations are on {format_size(resolution)} and the image is {format_size(shape)}")
    points = np.concatenate([*observers, np.empty((0, 2))])
    points = np.rint(points[np.isfinite(points).all(axis=1)]).astype(np.int32)[:, ::-1] - 1
    inside = (points >= 0).all(axis=1) & (points < shape).all(axis=1)
    return points[inside]


def count_fixations(points: np.ndarray, shape: tuple[int, int], grid: tuple[int, int]) -> np.ndarray:
    """Count fixations (N, 2) on an image of `shape` in the cells of a coarser `grid`, int64 (*grid)."""
    cells = (points * np.asarray(grid)) // np.asarray(shape)
    return np.bincount(cells[:, 0] * grid[1] + cells[:, 1], minlength=grid[0] * grid[1]).reshape(grid)


def blur_fixations(points: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Make the density of fixations (N, 2): counts blurred by a Gaussian of 3 % of the width, float32, maximum 1."""
    counts = count_fixations(points, shape, shape).astype(np.float32)
    sigma = max(BLUR_PER_WIDTH * shape[1], 0.5)
    density = cv2.GaussianBlur(counts, (0, 0), sigma, borderType=cv2.BORDER_CONSTANT)
    return density / max(density.max(), np.finfo(np.float32).tiny)


@dataclass(frozen=True)
class Sample:
    """A read example: `image` uint8 (H, W, 3), `saliency` float32 (H, W), `fixations` int32 (N, 2) or None."""

    image: np.ndarray
    saliency: np.ndarray
    fixations: np.ndarray | None


def read_example(example: Example) -> Sample:
    """Read an example at its own size; a missing map is made from the fixations.

    Raises:
        InputError: a file is bad, map and image differ in size, or the ground truth is empty.
    """
    image = images.read_image(example.image)
    shape = image.shape[:2]
    fixations = None if example.fixations is None else read_fixations(example.fixations, shape)
    if example.map is not None:
        saliency = images.read_grey(example.map)
        if saliency.shape != shape:
            sizes = format_size(saliency.shape), format_size(shape)
            raise InputError(example.map, "the map is {} and its image {}".format(*sizes))
        if saliency.max() <= 0:
            raise InputError(example.map, "the map is black all over: nothing was looked at")
    else:
        if not len(fixations):
            raise InputError(example.fixations, "no fixations inside the image, and there is no map")
        saliency = blur_fixations(fixations, shape)
    return Sample(image, saliency, fixations)


def format_size(shape: tuple[int, ...]) -> str:
    """Word a size for an error."""
    return "x".join(map(str, shape)) + " (height x width)"
