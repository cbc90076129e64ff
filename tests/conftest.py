"""What all tests share: small photographs and data sets, made here so that the tests need nothing from outside."""

import contextlib
import os
from collections.abc import Iterator

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import scipy.io
from hypothesis import settings
from PIL import Image

# How long a test takes says nothing of what it tests, and everything of what else the machine does.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


def _make_terabyte(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(10**12)


# What is not a small regular file, by kind: how it is made, and the cause that an error names.
UNREADABLE = {
    "pipe": (os.mkfifo, "not a regular file"),
    "sparse terabyte": (
        _make_terabyte,
        "needs 1000.0 GB of memory and the limit is 2 GB: raise it with SALGAN_TF_MEMORY_GB=1000",
    ),
    "device": (lambda path: path.symlink_to("/dev/zero"), "not a regular file"),
    "folder": (Path.mkdir, "is a folder"),
}


class Outcome(NamedTuple):
    """The result of a command: exit code, stdout, and the lines on stderr."""

    code: int
    output: str
    lines: list[str]


@pytest.fixture
def run(capsys):
    """Call a command in this process, which imports TensorFlow once."""
    from salgan_tf.__main__ import main  # Here, because of the variables that are set above.

    def call(*words) -> Outcome:
        code = main([str(word) for word in words])
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err.splitlines())

    return call


def render_photograph(seed: int, shape: tuple[int, int] = (60, 80)) -> np.ndarray:
    """Render a smooth colourful scene with one bright square, uint8 (H, W, 3)."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 200, (4, 5, 3)).astype(np.uint8)
    scene = np.asarray(Image.fromarray(coarse).resize(shape[::-1], Image.Resampling.BICUBIC)).copy()
    top, left = random.integers(0, shape[0] // 2), random.integers(0, shape[1] // 2)
    scene[top : top + shape[0] // 4, left : left + shape[1] // 4] = 255
    return scene


def write_fixations(path: Path, observers: list[np.ndarray], shape: tuple[int, int]) -> None:
    """Write a file in SALICON's format; each observer's fixations are (n, 2), 1-based [x y]."""
    gaze = np.empty((len(observers), 1), dtype=[("location", "O"), ("timestamp", "O"), ("fixations", "O")])
    for index, points in enumerate(observers):
        gaze[index, 0] = (points.astype(float), np.arange(len(points))[:, None], points.astype(np.uint16))
    path.parent.mkdir(parents=True, exist_ok=True)
    scipy.io.savemat(path, {"image": path.stem, "resolution": np.array([shape], np.uint16), "gaze": gaze})


def names_in(folder: Path) -> list[str]:
    """Return the names of all files and folders in a folder, sorted."""
    return sorted(path.name for path in folder.iterdir())


def save_picture(path: Path, array: np.ndarray) -> None:
    """Save a picture as Pillow does without being asked for anything, so JPEG at quality 75, in a folder made here."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path)


def render_map(counts: np.ndarray) -> np.ndarray:
    """Render a coarse saliency map, uint8 (H, W), of counts of fixations (H, W)."""
    coarse = Image.fromarray(counts.astype(np.float32)).resize((10, 8), Image.Resampling.BOX)
    blurred = np.asarray(coarse.resize(counts.shape[::-1]))
    return np.rint(blurred.clip(0) / blurred.max() * 255).astype(np.uint8)


def draw_fixations(seed: int, shape: tuple[int, int] = (60, 80)) -> np.ndarray:
    """Draw which pixels of `render_photograph(seed, shape)` were fixated, bool (H, W): a dozen of its bright square."""
    bright = np.argwhere((render_photograph(seed, shape) == 255).all(axis=-1))
    chosen = bright[np.random.default_rng(seed + 2000).integers(0, len(bright), 12)]
    fixated = np.zeros(shape, bool)
    fixated[tuple(chosen.T)] = True
    return fixated


def write_example(root: Path, split: str, name: str, seed: int, shape: tuple[int, int] = (60, 80)) -> None:
    """Write a photograph, its map and the fixations of three observers near its bright square."""
    photograph = render_photograph(seed, shape)
    random = np.random.default_rng(seed + 1000)
    bright = np.argwhere((photograph == 255).all(axis=-1))
    observers = [bright[random.integers(0, len(bright), 4)][:, ::-1] + 1 for _ in range(3)]
    save_picture(root / "images" / split / f"{name}.png", photograph)
    write_fixations(root / "fixations" / split / f"{name}.mat", observers, shape)
    counts = np.zeros(shape, np.float32)
    for x, y in np.concatenate(observers):
        counts[y - 1, x - 1] += 1
    save_picture(root / "maps" / split / f"{name}.png", render_map(counts))


def brightness_model():
    """Make a generator (32, 64) whose correct output is known: the mean of the three channels, from 0 to 1."""
    import keras  # Here, because tests without the extra `train` share this file.

    image = keras.Input((32, 64, 3), name="image")
    mean = keras.layers.Conv2D(1, 1, kernel_initializer=keras.initializers.Constant(1 / 765))(image)
    return keras.Model(image, mean)


@pytest.fixture(scope="session")
def brightness_file(tmp_path_factory) -> Path:
    """`brightness_model` as a float LiteRT file."""
    import tensorflow as tf

    path = tmp_path_factory.mktemp("models") / "brightness.tflite"
    path.write_bytes(tf.lite.TFLiteConverter.from_keras_model(brightness_model()).convert())
    return path


@pytest.fixture
def photograph() -> np.ndarray:
    """A rendered photograph, uint8 (60, 80, 3)."""
    return render_photograph(0)


def write_salicon(root: Path) -> Path:
    """Write a data set in SALICON's layout: six photographs in train, three in val."""
    for index in range(6):
        write_example(root, "train", f"scene_{index}", index)
    for index in range(3):
        write_example(root, "val", f"scene_{index + 10}", index + 10)
    return root


@pytest.fixture
def salicon(tmp_path: Path) -> Path:
    """A data set of `write_salicon`, for one test."""
    return write_salicon(tmp_path / "salicon")


def write_mit1003(root: Path, together: bool = False) -> Path:
    """Write a data set in MIT1003's layout: photographs i0 to i3 of `render_photograph(0)` and on.

    Args:
        root: the folder.
        together: all in one folder, instead of ALLSTIMULI/ and ALLFIXATIONMAPS/.
    """
    for index in range(4):
        fixated = draw_fixations(index)
        truth = root / ("" if together else "ALLFIXATIONMAPS")
        save_picture(root / ("" if together else "ALLSTIMULI") / f"i{index}.jpeg", render_photograph(index))
        save_picture(truth / f"i{index}_fixPts.jpg", fixated)
        save_picture(truth / f"i{index}_fixMap.jpg", render_map(fixated))
    return root


def write_cat2000(root: Path) -> Path:
    """Write a data set in CAT2000's layout, previews too: Action/001 and 002 and Art/001, seeds 0 to 2."""
    for index, name in enumerate(("Action/001", "Action/002", "Art/001")):
        fixated = draw_fixations(index)
        folder, stem = name.split("/")
        save_picture(root / "Stimuli" / f"{name}.jpg", render_photograph(index))
        save_picture(root / "Stimuli" / folder / "Output" / f"{stem}_SaliencyMap.jpg", render_map(fixated))
        save_picture(root / "FIXATIONMAPS" / f"{name}.jpg", render_map(fixated))
        path = root / "FIXATIONLOCS" / f"{name}.mat"
        path.parent.mkdir(parents=True, exist_ok=True)
        scipy.io.savemat(path, {"fixLocs": fixated.astype(np.uint8)}, do_compression=True)
    return root


# Settings of a training of seconds, with both stages.
SHORT = {
    "image_shape": (32, 32),
    "batch_size": 2,
    "bce_epochs": 2,
    "gan_epochs": 2,
    "init": "none",
    "augmentations": ("flip", "crop"),
    "updates": "alternate",
}


def tiny_backbone(name: str):
    """Return a backbone of three layers, which TensorFlow traces in a second, with MobileNetV2's default settings."""
    import keras

    from salgan_tf.models.backbone import Backbone
    from salgan_tf.models.mobilenet_v2 import MOBILENET_V2

    def connect(image, dropout: float):
        x = keras.layers.Rescaling(1 / 127.5, offset=-1.0)(image)
        x = keras.layers.Conv2D(4, 3, padding="same", activation="relu", name="hidden")(x)
        x = keras.layers.SpatialDropout2D(dropout)(x)
        return keras.layers.Conv2D(1, 3, padding="same", activation="sigmoid", name="output")(x)

    return Backbone(name, 4, connect, ("hidden",), defaults=MOBILENET_V2.defaults)


@contextlib.contextmanager
def few_filters() -> Iterator[None]:
    """Let VGG-16 and the networks like it be built with four filters a layer."""
    from salgan_tf.models import salnet, vgg16

    with pytest.MonkeyPatch.context() as patch:
        for blocks in ("ENCODER_BLOCKS", "DECODER_BLOCKS"):
            patch.setattr(vgg16, blocks, tuple((name, depth, 4) for name, depth, _ in getattr(vgg16, blocks)))
        patch.setattr(salnet, "CONVOLUTIONS", tuple((4, size) for _, size in salnet.CONVOLUTIONS))
        yield
