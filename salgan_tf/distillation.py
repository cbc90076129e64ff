"""Pseudo-labels: maps of trained generators, the teachers, for windows of photographs, to train another generator.

A small network that learns the mean map of several larger ones (Hinton et al. 2015), on more pictures than were ever
recorded, comes closer to them than a network that learns the recorded maps alone.
"""

import contextlib
import dataclasses
import hashlib
import os
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from tqdm import tqdm

from salgan_tf import files, images, inference
from salgan_tf.data import folder
from salgan_tf.data.layouts import Example
from salgan_tf.errors import InputError
from salgan_tf.exporting import litert
from salgan_tf.exporting.exporter import convert
from salgan_tf.limits import read_bytes
from salgan_tf.models.pretrained import load_generator
from salgan_tf.parallel import attempt_each
from salgan_tf.weights import find_model

# Sides of a window, as shares of the photograph's, and the largest factor between their aspect ratios.
_WINDOW = (0.5, 0.95)
_STRETCH = 1.2
# The share of the photograph in a blend with another one. Teachers do not know the pictures between two photographs by
# heart (Beyer et al. 2022, "Knowledge distillation: A good teacher is patient and consistent").
_SHARE = (0.5, 1.0)
_MOST_VIEWS = 1000
# Each thread has one of each teacher.
_MOST_INTERPRETERS = 16
# Recorded maps have no values below half a level of their 8 bits, and the mean of teachers has. Without them it gains
# 0.003 of SIM on `val`.
_HALF_LEVEL = 0.5 / 255
# What is done to the mean map, for the record: version 0.4.0 did something else.
_MAPS = "minus half a level"
# The file in the new data set that says what each split was made from.
RECORD = "distill.json"


def write_pseudo_labels(
    root: str | Path,
    teachers: Sequence[str | Path],
    out: str | Path,
    views: int = 3,
    split: str = "train",
    seed: int = 0,
    blends: int = 0,
) -> None:
    """Write the photographs of a split, windows and blends of them, and the teachers' mean map of each.

    To continue an interrupted call, repeat it: existing views are kept.

    Args:
        root: the data set; its ground truth is not read.
        teachers: files or run folders of generators, see `SaliencyPredictor`.
        out: folder of the new data set in SALICON's layout, empty or from an earlier call: `images/SPLIT/NAME.jpg` and
            `maps/SPLIT/NAME.png` (16 bits) show the whole photograph, `NAME_1` and so on windows of 50 to 95 % of its
            sides, `NAME_blend_1` and so on windows that are blended with one of another photograph.
        views: number of views per photograph, including the whole; at most 1000.
        split: split of `root`.
        seed: seed of the windows and blends.
        blends: number of blends per photograph; at most 1000.

    Raises:
        InputError: no such data or teacher, too many views or blends, a bad photograph, or a file that cannot be
            written; `out` is the data set, holds files of other origin, or was begun with other teachers, another seed,
            data set or version; or two views have the same name.
    """
    if not 1 <= views <= _MOST_VIEWS:
        raise InputError("--views", f"{views} is not a number from 1 to {_MOST_VIEWS}")
    if not 0 <= blends <= _MOST_VIEWS:
        raise InputError("--blends", f"{blends} is not a number from 0 to {_MOST_VIEWS}")
    examples = folder.index_folder(root, split)
    if blends and len(examples) == 1:
        raise InputError("--blends", f"{split} has one photograph only, and a blend is made of two")
    models = [find_model(teacher) for teacher in teachers]
    todo = _list_views(examples, views, blends)
    out = Path(out)
    _check_apart(Path(root), examples, out)
    with files.made_folder(out), tempfile.TemporaryDirectory() as scratch:
        record = _make_record(out, split, models, seed, examples)
        predictors = [_open_teacher(model, Path(scratch)) for model in models]
        # The size of the largest teacher; the student's pipeline resizes to its own.
        shape = max(predictor.image_shape for predictor in predictors)
        threads = min(os.cpu_count() or 1, max(1, _MOST_INTERPRETERS // len(models)))
        owns = [inference.divide(predictor, threads) for predictor in predictors]
        recorded, recording = False, threading.Lock()

        def write_views(photograph: _Views) -> None:
            nonlocal recorded
            for view in photograph.views:
                name = view.name
                image_path, saliency_path = out / "images" / split / f"{name}.jpg", _map_path(out, split, name)
                if all(files.is_file(path) and path.stat().st_size for path in (image_path, saliency_path)):
                    continue
                image = _draw_view(examples, photograph.number, view, seed, shape)
                saliency = mean_density(image, [own() for own in owns])
                # Nothing is left of a call that fails before it writes, and nothing is written without its record.
                with recording:
                    if not recorded:
                        files.write_json(out / RECORD, record)
                        recorded = True
                images.write_image(image_path, image)
                # The map is written last: a view that has one is complete.
                levels = np.rint(65535 * remove_faint(saliency)).astype(np.uint16)
                files.write_bytes(saliency_path, images.encode_png(levels))

        progress = tqdm(total=len(todo), desc="pseudo-labels", unit="photograph", disable=None)
        with progress, contextlib.closing(attempt_each(write_views, todo, threads)) as outcomes:
            for outcome in outcomes:
                if outcome:
                    raise outcome
                progress.update()


class _View(NamedTuple):
    """A view of a photograph: its whole, window number `window` of it, or blend number `blend`."""

    name: str
    window: int = 0
    blend: int = 0


class _Views(NamedTuple):
    """The views of a photograph, and its number in the split."""

    number: int
    views: list[_View]


def _list_views(examples: list[Example], views: int, blends: int) -> list[_Views]:
    """Return the views of all photographs, after a check that none has the name of another one's."""
    owners: dict[str, Path] = {}
    listed = []
    for number, example in enumerate(examples):
        whole = _flat_name(example)
        drawn = [
            _View(whole),
            *(_View(f"{whole}_{window}", window=window) for window in range(1, views)),
            *(_View(f"{whole}_blend_{blend}", blend=blend) for blend in range(1, blends + 1)),
        ]
        for view in drawn:
            if (owner := owners.setdefault(files.fold_name(Path(view.name)), example.image)) != example.image:
                raise InputError(example.image, f"its view {view.name} would overwrite that of {owner}: rename one")
        listed.append(_Views(number, drawn))
    return listed


def _draw_view(examples: list[Example], number: int, view: _View, seed: int, shape: tuple[int, int]) -> np.ndarray:
    """Return a view (H, W, 3), uint8, of a photograph."""
    if not view.blend:
        random = np.random.default_rng((seed, number, view.window)) if view.window else None
        return _read_window(examples[number].image, shape, random)
    random = np.random.default_rng((seed, number, view.blend, 1))
    other = (number + int(random.integers(1, len(examples)))) % len(examples)
    share = random.uniform(*_SHARE)
    first, second = (_read_window(examples[index].image, shape, random) for index in (number, other))
    return np.rint(share * first + (1 - share) * second).astype(np.uint8)


def _read_window(path: Path, shape: tuple[int, int], random: np.random.Generator | None) -> np.ndarray:
    """Return a photograph, or a window of it, at a size."""
    # A photograph may take most of the memory; it is gone before the networks run.
    with contextlib.ExitStack() as memory:
        image = images.read_image(path, memory)
        return images.resize_area(image if random is None else _cut_window(image, random), shape)


def _check_apart(root: Path, examples: list[Example], out: Path) -> None:
    """Check that a folder is neither a data set nor inside its photographs."""
    pictures = {root / example.image.relative_to(root).parts[0] for example in examples}
    target, source = map(files.find_real, (out, root))
    if target == source or any(target.is_relative_to(files.find_real(path)) for path in pictures):
        raise InputError(out, f"is the data set {root} itself, or inside its photographs: choose another folder")


def _flat_name(example: Example) -> str:
    """Return the name of an example, in which CAT2000's category is no folder."""
    return example.name.replace("/", "_")


def _map_path(out: Path, split: str, name: str) -> Path:
    return out / "maps" / split / f"{name}.png"


def _make_record(out: Path, split: str, teachers: list[Path], seed: int, examples: list[Example]) -> dict[str, Any]:
    """Return the record of a folder with a split, after a check that nothing of others is in the split's way."""
    # Before a call is repeated, files may have moved. Photographs may be added or removed too, and mended if their maps
    # are not there: each has a fingerprint of its own, without its ground truth.
    photographs = {
        _flat_name(example): folder.fingerprint([dataclasses.replace(example, map=None, fixations=None)])
        for example in examples
    }
    digests = [hashlib.sha256(read_bytes(teacher)).hexdigest()[:16] for teacher in teachers]
    asked = {"teachers": digests, "seed": seed, "maps": _MAPS}
    begun = os.path.lexists(out / RECORD)
    splits = files.read_json(out / RECORD) if begun else {}
    if split not in splits:
        places = {out / kind / split for kind in ("images", "maps")} if begun else {*out.iterdir()}
        if foreign := sorted(filter(os.path.lexists, places - {*files.find_scratch(out)})):
            cause = f"is in the way, and no {RECORD} says that distill wrote it: choose another folder"
            raise InputError(foreign[0], cause)
    else:
        earlier = splits[split] if isinstance(splits[split], dict) else {}
        if any(earlier.get(name) != value for name, value in asked.items()):
            cause = f"{split} was begun with other teachers, another seed or another version: choose another folder"
            raise InputError(out / RECORD, cause)
        known = earlier.get("photographs")
        known = known if isinstance(known, dict) else {}
        written = [name for name in photographs if _map_path(out, split, name).exists()]
        changed = [name for name in written if known.get(name) != photographs[name]]
        if changed or known.keys().isdisjoint(photographs):
            name = [*changed, *photographs][0]
            cause = f"{split} was begun with another data set, without this {name}: choose another folder"
            raise InputError(out / RECORD, cause)
        photographs = known | photographs
    return splits | {split: asked | {"photographs": photographs}}


def mean_density(image: np.ndarray, predictors: Sequence[inference.SaliencyPredictor]) -> np.ndarray:
    """Return the mean density (H, W), float32, of networks for an image (H, W, 3) and its mirror image."""
    total = np.zeros(image.shape[:2], np.float32)
    for predictor in predictors:
        small = images.resize_area(image, predictor.image_shape)
        for mirrored in (False, True):
            saliency = predictor.run_network(np.ascontiguousarray(small[:, ::-1]) if mirrored else small)
            saliency = images.resize_cubic(saliency[:, ::-1] if mirrored else saliency, image.shape[:2]).clip(0)
            total += saliency / max(float(saliency.sum()), np.finfo(np.float32).tiny)
    return total / (2 * len(predictors))


def remove_faint(saliency: np.ndarray) -> np.ndarray:
    """Return a mean density (H, W) without what recorded maps are too coarse for; its maximum is 1."""
    saliency = saliency / images.find_peak(saliency)
    return np.maximum(saliency - _HALF_LEVEL, 0) / (1 - _HALF_LEVEL)


def _open_teacher(path: Path, scratch: Path) -> inference.SaliencyPredictor:
    """Open a teacher. A Keras file is opened as LiteRT, which runs single pictures three times as fast."""
    if path.suffix != ".keras":
        return inference.SaliencyPredictor(path)
    converted, generator = scratch / f"{len(list(scratch.iterdir()))}.tflite", load_generator(path)
    try:
        convert(generator, litert.FLOAT32, converted, np.empty((0, *generator.input_shape[1:]), np.uint8))
        predictor = inference.SaliencyPredictor(converted, trusted=True)
    except InputError as error:
        raise InputError(path, error.cause) from error
    predictor.name = str(path)
    return predictor


def _cut_window(image: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    side = generator.uniform(*_WINDOW)
    stretch = _STRETCH ** generator.uniform(-0.5, 0.5)
    height, width = (
        max(1, round(whole * min(share, 1.0)))
        for whole, share in zip(image.shape[:2], (side * stretch, side / stretch), strict=True)
    )
    top = int(generator.integers(0, image.shape[0] - height + 1))
    left = int(generator.integers(0, image.shape[1] - width + 1))
    return image[top : top + height, left : left + width]
