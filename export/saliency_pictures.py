"""What every program of the kit shares: pictures in, what comes before and after the network, maps and overlays out.

It needs numpy and OpenCV, and nothing of the package salgan_tf. The steps are the package's, number for number: by
area to the network's size, the network, cubic interpolation back, a 5x5 Gaussian blur.
"""

import argparse
import contextlib
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np

PICTURE_SUFFIXES = (".jpg", ".jpeg", ".jfif", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".avif")
MAP_ENDING, OVERLAY_ENDING = "_saliency.png", "_overlay.jpg"
# The network alone: uint8 (height, width, 3) RGB in, float32 (height, width) out.
Network = Callable[[np.ndarray], np.ndarray]
# Of the width: how far from brighter levels there are still ones.
_DARK_BORDER = 0.04
_TINY = float(np.finfo(np.float32).tiny)


class InputError(Exception):
    """Something outside the program is wrong: a file, a folder, a device. The programs print it as one line."""

    def __init__(self, subject: str | Path, cause: str | BaseException):
        if isinstance(cause, OSError) and cause.strerror:
            cause = cause.strerror
        super().__init__(f"{subject}: {' '.join(str(cause).split())}")


def report(error: InputError | str) -> None:
    """Print an error as one line on stderr."""
    print(error, file=sys.stderr, flush=True)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Send what native libraries write to stderr nowhere; the programs say in their own line what is wrong."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with Path(os.devnull).open("wb") as nothing:
            os.dup2(nothing.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


# Command lines.


def positive(text: str) -> int:
    """Read a whole number above 0."""
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number above 0")
    return int(text)


def run_program(run: Callable[[], int]) -> int:
    """Run a program; give its exit code: its own, 1 for a bad input, 130 after Ctrl-C."""
    try:
        return run()
    except InputError as error:
        report(error)
        return 1
    except KeyboardInterrupt:
        report("interrupted")
        return 130


# Pictures and files.


def read_picture(path: str | Path) -> np.ndarray:
    """Read a photograph upright, as uint8 (H, W, 3) RGB; grey becomes RGB, and transparency is left out."""
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise InputError(path, error) from error
    if not content:
        raise InputError(path, "the file is empty")
    if _is_cut_off(content):
        raise InputError(path, "the picture is cut off")
    try:
        with quiet():
            picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise InputError(path, f"cannot be decoded: {error}") from error
    if picture is None:
        raise InputError(path, "not a picture, damaged, or of a format that this OpenCV does not read")
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)


def _is_cut_off(content: bytes) -> bool:
    """Tell whether a JPEG lacks its end: some versions of OpenCV then give a partly grey picture, and no error."""
    if not content.startswith(b"\xff\xd8"):
        return False
    place = 2
    # Over the segments before the pixels by their lengths: a thumbnail among them has an end of its own.
    while content[place : place + 1] == b"\xff" and content[place : place + 2] != b"\xff\xda":
        place += 2 + int.from_bytes(content[place + 2 : place + 4], "big")
    return content.find(b"\xff\xd9", place) < 0


def write_picture(path: str | Path, picture: np.ndarray) -> None:
    """Write uint8 grey (H, W) or RGB (H, W, 3) as PNG or JPEG, by the ending of `path`."""
    if picture.ndim == 3:
        picture = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    try:
        with quiet():
            done, content = cv2.imencode(Path(path).suffix, picture, [cv2.IMWRITE_JPEG_QUALITY, 92])
    except cv2.error as error:
        raise InputError(path, f"cannot be encoded: {error}") from error
    if not done:
        raise InputError(path, f"cannot be encoded: {picture.shape[0]}x{picture.shape[1]} may be too large")
    write_bytes(path, content.tobytes())


def write_bytes(path: str | Path, content: bytes) -> None:
    """Write a file whole or not at all: under another name first, in the same folder."""
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".partial-", dir=path.parent) as folder:
            scratch = Path(folder) / "scratch"
            scratch.write_bytes(content)
            scratch.replace(path)
    except OSError as error:
        raise InputError(path, f"cannot be written: {error.strerror or error}") from error


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise InputError(path, f"cannot be written: {error.strerror or error}") from error


def find_pictures(path: Path, out: Path) -> list[Path]:
    """List the pictures of a folder (not of its subfolders) in order of name, without results that lie in it."""
    try:
        found = sorted(one for one in path.iterdir() if one.suffix.lower() in PICTURE_SUFFIXES)
    except OSError as error:
        raise InputError(path, error) from error
    found = [one for one in found if not one.name.startswith(".")]
    if path.resolve() == out.resolve():
        found = [one for one in found if not one.name.endswith((MAP_ENDING, OVERLAY_ENDING))]
    if not found:
        raise InputError(path, "no pictures in this folder")
    return found


# From the photograph to the map.


def predict(picture: np.ndarray, shape: tuple[int, int], network: Network) -> np.ndarray:
    """Predict a photograph.

    Args:
        picture: uint8 (H, W, 3), RGB.
        shape: (height, width) at which the network sees it.
        network: what runs it there.

    Returns:
        float32 (H, W) in [0, 1], proportional to the density of fixations.
    """
    small = cv2.resize(picture, shape[::-1], interpolation=cv2.INTER_AREA)
    saliency = network(small)
    if not np.isfinite(saliency).all():
        raise InputError("the model", "gives values that are not finite numbers")
    large = cv2.resize(saliency, picture.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    return np.clip(cv2.GaussianBlur(large, (5, 5), 0), 0, 1)


def to_levels(saliency: np.ndarray) -> np.ndarray:
    """Store a map as uint8 levels, proportional to it: its maximum is 255, and 0 is only far from what is not."""
    levels = np.rint(np.clip(_scale(saliency), 0, 1) * 255).astype(np.uint8)
    dark = levels == 0
    if not dark.all():
        distances = cv2.distanceTransform(dark.astype(np.uint8), cv2.DIST_L2, 5)
        levels[dark & (distances <= _DARK_BORDER * saliency.shape[1])] = 1
    return levels


def overlay(picture: np.ndarray, saliency: np.ndarray) -> np.ndarray:
    """Lay a map (H, W) over its photograph, uint8 RGB: colour where people look, a dimmed photograph elsewhere."""
    levels = _scale(saliency)
    colors = cv2.applyColorMap(np.rint(levels * 255).astype(np.uint8), cv2.COLORMAP_TURBO)
    # The square root lets faint regions show; 0.65 keeps the photograph legible under the hottest.
    weight = 0.65 * np.sqrt(levels)[..., None]
    blended = picture * (0.8 * (1 - weight)) + cv2.cvtColor(colors, cv2.COLOR_BGR2RGB) * weight
    return np.rint(blended).astype(np.uint8)


def _scale(saliency: np.ndarray) -> np.ndarray:
    return (saliency / max(float(saliency.max()), _TINY)).astype(np.float32)


# Photographs and folders in, files out; and how fast.


def predict_files(
    paths: Iterable[Path], out: Path, shape: tuple[int, int], network: Network, with_overlay: bool = True
) -> tuple[int, int]:
    """Write `NAME_saliency.png` and `NAME_overlay.jpg` of photographs and folders; a bad one stops none.

    Returns:
        How many were predicted, and how many failed; why stands on stderr.

    Raises:
        InputError: `out` cannot be written.
    """
    _make_folder(out)
    photographs, failed = [], 0
    for path in paths:
        try:
            photographs += find_pictures(path, out) if path.is_dir() else [path]
        except InputError as error:
            report(error)
            failed += 1
    written = {}
    # Once each, by where they really are: the same photograph may be named in two ways.
    for path in list({os.path.realpath(path): path for path in reversed(photographs)}.values())[::-1]:
        try:
            if path.stem in written:
                raise InputError(path, f"its map would overwrite that of {written[path.stem]}")
            picture = read_picture(path)
            saliency = predict(picture, shape, network)
            write_picture(out / f"{path.stem}{MAP_ENDING}", to_levels(saliency))
            if with_overlay:
                write_picture(out / f"{path.stem}{OVERLAY_ENDING}", overlay(picture, saliency))
            written[path.stem] = path
        except InputError as error:
            report(error)
            failed += 1
    return len(written), failed


def time_network(shape: tuple[int, int], network: Network, seconds: float = 1.0) -> float:
    """Time the network with its read-back, on noise (what is in a picture does not matter), after a warm-up.

    Returns:
        The median of a call in seconds, of 3 calls at least, and of 200 at most.
    """
    noise = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    for _ in range(3):
        network(noise)
    calls, started = [], time.perf_counter()
    while len(calls) < 3 or (len(calls) < 200 and time.perf_counter() - started < seconds):
        before = time.perf_counter()
        network(noise)
        calls.append(time.perf_counter() - before)
    return statistics.median(calls)


def format_speed(seconds: float) -> str:
    """Word the network's time for a picture."""
    what = "network and read-back, after a warm-up"
    return f"{1 / seconds:.1f} pictures per second, {seconds * 1000:.2f} ms each ({what})"
