"""Where three data sets keep their files: SALICON, MIT1003 and CAT2000."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol, Self

from salgan_tf.errors import InputError
from salgan_tf.images import find_pictures

# The split of a data set that is not split.
_WHOLE = "all"
_MIT1003_ENDINGS = ("_fixPts", "_fixMap")


class Place(NamedTuple):
    """Where a photograph is, and where its ground truth would be."""

    name: str
    picture: Path
    map: Path  # without its ending, as are the fixations
    fixations: Path
    source: str  # where the photograph comes from, "" if that is not told


class Layout(Protocol):
    """What is known of a layout."""

    @classmethod
    def find(cls, root: Path) -> Self | None:
        """Recognise the layout by the folders in `root`; None if it is another."""

    def splits(self) -> list[str]:
        """Name the splits that have a ground truth; InputError if there is none."""

    def places(self, split: str) -> list[Place]:
        """List the photographs of a split, in order of name; InputError if there is no such split."""


@dataclass(frozen=True)
class Salicon:
    """`images/`, `maps/` and `fixations/`, arranged alike.

    Splits are subfolders (`images/train/NAME.jpg`) or, as SALICON publishes them, part of the names
    (`images/COCO_train2014_000000000009.jpg`). A photograph's source is its name up to the first "_".
    """

    root: Path

    @classmethod
    def find(cls, root: Path) -> Self | None:
        return cls(root) if (root / "images").is_dir() else None

    def splits(self) -> list[str]:
        pictures = self.root / "images"
        # SALICON's own test split has photographs alone.
        splits = [
            folder.name
            for folder in _subfolders(pictures)
            if any((self.root / truth / folder.name).is_dir() for truth in ("maps", "fixations"))
        ]
        if not splits:
            names = [path.stem for path in find_pictures(pictures)]
            splits = [split for split in ("train", "val") if any(_word(split).search(name) for name in names)]
        if not splits:
            raise InputError(pictures, "no splits: wanted are subfolders, or names with train or val in them")
        return splits

    def places(self, split: str) -> list[Place]:
        nested = (self.root / "images" / split).is_dir()
        part = split if nested else ""
        pictures = find_pictures(self.root / "images" / part)
        if not nested:
            pictures = [path for path in pictures if _word(split).search(path.stem)]
        if not pictures:
            raise InputError(self.root / "images" / part, f"no pictures of the split {split!r}")
        maps, fixations = self.root / "maps" / part, self.root / "fixations" / part
        return [
            Place(path.stem, path, maps / path.stem, fixations / path.stem, _first_part(path.stem)) for path in pictures
        ]


def _word(split: str) -> re.Pattern:
    """Match a split as a word of its own: "train" in COCO_train2014_…, not in "constrained"."""
    return re.compile(rf"(?<![a-z]){re.escape(split)}(?![a-z])", re.IGNORECASE)


def _first_part(name: str) -> str:
    first, underscore, _ = name.partition("_")
    return first if underscore else ""


def _subfolders(folder: Path) -> list[Path]:
    """List the folders in a folder in order of name, but for the hidden ones that editors leave."""
    try:
        return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    except OSError as error:
        raise InputError(folder, error) from error


@dataclass(frozen=True)
class Mit1003:
    """`NAME_fixPts` and `NAME_fixMap` beside the photograph NAME, or `ALLFIXATIONMAPS/` beside `ALLSTIMULI/`."""

    pictures: Path
    truth: Path

    @classmethod
    def find(cls, root: Path) -> Self | None:
        apart = root / "ALLSTIMULI", root / "ALLFIXATIONMAPS"
        if all(folder.is_dir() for folder in apart):
            return cls(*apart)
        together = any(True for ending in _MIT1003_ENDINGS for _ in root.glob(f"*{ending}.*"))
        return cls(root, root) if together else None

    def splits(self) -> list[str]:
        return [_WHOLE]

    def places(self, split: str) -> list[Place]:
        _check_split(self.pictures, split, _WHOLE)
        return [
            Place(path.stem, path, self.truth / f"{path.stem}_fixMap", self.truth / f"{path.stem}_fixPts", "")
            for path in find_pictures(self.pictures)
            if not path.stem.endswith(_MIT1003_ENDINGS)
        ]


@dataclass(frozen=True)
class Cat2000:
    """`Stimuli/CATEGORY/`, `FIXATIONMAPS/CATEGORY/` and `FIXATIONLOCS/CATEGORY/`, or a `trainSet/` that has them.

    Names start with the category, which is the source of a photograph too. The `testSet/` has no ground truth.
    """

    root: Path
    split: str

    @classmethod
    def find(cls, root: Path) -> Self | None:
        for base, split in ((root, _WHOLE), (root / "trainSet", "train")):
            truths = (base / "FIXATIONLOCS", base / "FIXATIONMAPS")
            if (base / "Stimuli").is_dir() and any(folder.is_dir() for folder in truths):
                return cls(base, split)
        return None

    def splits(self) -> list[str]:
        return [self.split]

    def places(self, split: str) -> list[Place]:
        _check_split(self.root, split, self.split)
        places = []
        for folder in _subfolders(self.root / "Stimuli"):
            maps, fixations = (self.root / truth / folder.name for truth in ("FIXATIONMAPS", "FIXATIONLOCS"))
            # Of a category, only the pictures themselves: its folder Output/ holds previews.
            places += [
                Place(f"{folder.name}/{path.stem}", path, maps / path.stem, fixations / path.stem, folder.name)
                for path in find_pictures(folder)
            ]
        return places


def _check_split(folder: Path, split: str, known: str) -> None:
    if split != known:
        raise InputError(folder, f"no pictures of the split {split!r}: its only one is {known!r}")


def find_layout(root: str | Path) -> Layout:
    """Recognise the layout of a data set by its folders.

    Raises:
        InputError: it has none of the three that are known.
    """
    root = Path(root)
    for layout in (Salicon, Cat2000, Mit1003):
        if found := layout.find(root):
            return found
    problem = "no data set of a known layout" if root.is_dir() else "no such folder"
    raise InputError(
        root,
        f"{problem}; wanted are images/, maps/ and fixations/ as in SALICON, ALLSTIMULI/ and ALLFIXATIONMAPS/ or "
        "pictures beside their _fixPts and _fixMap as in MIT1003, or Stimuli/, FIXATIONLOCS/ and FIXATIONMAPS/ as in "
        "CAT2000",
    )
