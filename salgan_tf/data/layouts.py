"""Where data sets keep their files: the layouts of SALICON, MIT1003 and CAT2000."""

import functools
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from salgan_tf.errors import InputError, report
from salgan_tf.files import is_folder
from salgan_tf.images import describe_skipped, find_pictures, split_folder

# The only split of a data set that is not split.
_WHOLE = "all"
_MIT1003_ENDINGS = ("_fixPts", "_fixMap")
# In order of preference: lossless formats first.
_MAP_ENDINGS = (".png", ".npy", ".mat", ".jpg")
_FIXATIONS_ENDINGS = (".mat", ".csv", ".json", ".png", ".jpg")
# The remarks that were made in this process.
_reported: set[str] = set()


@dataclass(frozen=True)
class Example:
    """The files of one photograph.

    Attributes:
        name: unique within the split; CAT2000's names contain the category, as in "Action/001".
        image: the photograph.
        map: its saliency map, or None if there is no such file.
        fixations: its fixations, in any format that `read_fixations` knows, or None if there is no such file.
        source: the group that tables by source put it in: in SALICON's layout the name up to the first "_", in
            CAT2000's the category, "" if unknown.
    """

    name: str
    image: Path
    map: Path | None
    fixations: Path | None
    source: str = ""


class Layout(Protocol):
    """The arrangement of a data set's files."""

    @classmethod
    def find(cls, root: Path) -> "Layout | None":
        """Recognise the layout by the folders in `root`; return None if it is another one."""

    def splits(self) -> list[str]:
        """Return the names of the splits that have a ground truth; raise InputError if there is none."""

    def pictures(self, split: str) -> list[Path]:
        """Return the photographs of one of the `splits`, in order of name."""

    def example(self, picture: Path) -> Example:
        """Find the ground truth of a photograph; raise InputError if it has neither a map nor fixations."""


@dataclass(frozen=True)
class Salicon:
    """`images/`, `maps/` and `fixations/`, all arranged alike.

    Splits are subfolders (`images/train/NAME.jpg`) or, as SALICON is published, part of the names
    (`images/COCO_train2014_000000000009.jpg`). Without either, the only split is "all". A photograph's source is its
    name up to the first "_".
    """

    root: Path

    @classmethod
    def find(cls, root: Path) -> "Salicon | None":
        return cls(root) if is_folder(root / "images") else None

    def splits(self) -> list[str]:
        pictures = self.root / "images"
        # SALICON's own test split has only photographs.
        splits = [
            folder.name
            for folder in _subfolders(pictures)
            if any(is_folder(self.root / truth / folder.name) for truth in ("maps", "fixations"))
        ]
        if not splits:
            names = [path.stem for path in self._together[0]]
            splits = [split for split in ("train", "val") if any(_word(split).search(name) for name in names)]
            splits = splits or ([_WHOLE] if names else [])
        if not splits:
            raise InputError(pictures, "no splits: expected pictures, or subfolders that maps/ or fixations/ have too")
        return splits

    def pictures(self, split: str) -> list[Path]:
        pictures = self.root / "images"
        if is_folder(pictures / split):
            return find_pictures(pictures / split, _report_once)
        found, others = self._together
        if others:
            _report_once(describe_skipped(pictures, others))
        return [path for path in found if split == _WHOLE or _word(split).search(path.stem)]

    @functools.cached_property
    def _together(self) -> tuple[list[Path], int]:
        """The photographs of all splits, if they are in one folder, and the number of its other files."""
        return split_folder(self.root / "images")

    def example(self, picture: Path) -> Example:
        part = picture.parent.relative_to(self.root / "images")
        maps, fixations = (self.root / truth / part / picture.stem for truth in ("maps", "fixations"))
        first, underscore, _ = picture.stem.partition("_")
        return _find_truth(picture, maps, fixations, picture.stem, first if underscore else "")


def _report_once(remark: InputError) -> None:
    """Report a remark on a folder once in a process, not again for each split that is in it."""
    if str(remark) not in _reported:
        _reported.add(str(remark))
        report(remark)


def _word(split: str) -> re.Pattern:
    """Match a split as a word of its own: "train" in COCO_train2014_…, not in "constrained"."""
    return re.compile(rf"(?<![a-z]){re.escape(split)}(?![a-z])", re.IGNORECASE)


def _subfolders(folder: Path) -> list[Path]:
    """Return the folders in a folder in order of name, except hidden ones, which editors leave behind."""
    try:
        return sorted(path for path in folder.iterdir() if is_folder(path) and not path.name.startswith("."))
    except OSError as error:
        raise InputError(folder, error) from error


def _find_truth(picture: Path, saliency_map: Path, fixations: Path, name: str, source: str = "") -> Example:
    """Make an example of a photograph and the paths, without their endings, of its map and fixations."""
    found = _find(saliency_map, _MAP_ENDINGS), _find(fixations, _FIXATIONS_ENDINGS)
    if found == (None, None):
        endings = ", ".join(_MAP_ENDINGS), ", ".join(_FIXATIONS_ENDINGS)
        cause = f"neither a map {saliency_map} ({endings[0]}) nor fixations {fixations} ({endings[1]})"
        raise InputError(picture, cause)
    return Example(name, picture, *found, source)


def _find(path: Path, endings: tuple[str, ...]) -> Path | None:
    # `with_suffix` would cut the name at a dot.
    candidates = (path.with_name(f"{path.name}{ending}") for ending in endings)
    # Whatever has the name: a pipe or a broken link is refused by its reader instead of being passed over.
    return next(filter(os.path.lexists, candidates), None)


@dataclass(frozen=True)
class Mit1003:
    """`NAME_fixPts` and `NAME_fixMap` beside the photograph NAME, or `ALLFIXATIONMAPS/` beside `ALLSTIMULI/`."""

    stimuli: Path
    truth: Path

    @classmethod
    def find(cls, root: Path) -> "Mit1003 | None":
        stimuli, truth = root / "ALLSTIMULI", root / "ALLFIXATIONMAPS"
        if is_folder(stimuli) and is_folder(truth):
            return cls(stimuli, truth)
        together = any(True for ending in _MIT1003_ENDINGS for _ in root.glob(f"*{ending}.*"))
        return cls(root, root) if together else None

    def splits(self) -> list[str]:
        return [_WHOLE]

    def pictures(self, split: str) -> list[Path]:
        return [path for path in find_pictures(self.stimuli, _report_once) if not path.stem.endswith(_MIT1003_ENDINGS)]

    def example(self, picture: Path) -> Example:
        fixations, saliency_map = (self.truth / f"{picture.stem}{ending}" for ending in _MIT1003_ENDINGS)
        return _find_truth(picture, saliency_map, fixations, picture.stem)


@dataclass(frozen=True)
class Cat2000:
    """`Stimuli/CATEGORY/`, `FIXATIONMAPS/CATEGORY/` and `FIXATIONLOCS/CATEGORY/`, or a `trainSet/` that has them.

    Names start with the category, which is also the source of a photograph. The `testSet/` has no ground truth.
    """

    root: Path
    split: str

    @classmethod
    def find(cls, root: Path) -> "Cat2000 | None":
        for base, split in ((root, _WHOLE), (root / "trainSet", "train")):
            truths = (base / "FIXATIONLOCS", base / "FIXATIONMAPS")
            if is_folder(base / "Stimuli") and any(is_folder(folder) for folder in truths):
                return cls(base, split)
        return None

    def splits(self) -> list[str]:
        return [self.split]

    def pictures(self, split: str) -> list[Path]:
        # Only what is directly in a category: its subfolder Output/ holds previews.
        categories = _subfolders(self.root / "Stimuli")
        return [path for category in categories for path in find_pictures(category, _report_once)]

    def example(self, picture: Path) -> Example:
        category, name = picture.parent.name, picture.stem
        maps, fixations = (self.root / truth / category / name for truth in ("FIXATIONMAPS", "FIXATIONLOCS"))
        return _find_truth(picture, maps, fixations, f"{category}/{name}", category)


_LAYOUTS: Sequence[type[Layout]] = (Salicon, Cat2000, Mit1003)


def find_layout(root: str | Path) -> Layout:
    """Recognise the layout of a data set by its folders.

    Raises:
        InputError: it has none of the three known layouts.
    """
    root = Path(root)
    for layout in _LAYOUTS:
        if found := layout.find(root):
            return found
    problem = "not a data set in a known layout" if is_folder(root) else "no such folder"
    raise InputError(
        root,
        f"{problem}; expected images/, maps/ and fixations/ as in SALICON, ALLSTIMULI/ and ALLFIXATIONMAPS/ or "
        "pictures beside their _fixPts and _fixMap as in MIT1003, or Stimuli/, FIXATIONLOCS/ and FIXATIONMAPS/ as in "
        "CAT2000",
    )
