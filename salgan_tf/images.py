"""Reading, resizing and writing pictures: RGB uint8 arrays inside, files outside.

Pillow decodes and encodes, because it says what is wrong with a bad file and knows orientation, palettes and CMYK;
OpenCV resizes, because `INTER_AREA` is the paper's.
"""

import contextlib
import io
import warnings
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from PIL import ExifTags, Image, ImageOps

from salgan_tf.errors import InputError
from salgan_tf.files import write_bytes

PICTURE_SUFFIXES = frozenset((".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".avif", ".jfif"))
_LONGEST_JPEG_SIDE = 65500
_COLOR_MODES = frozenset(("RGB", "RGBA", "P", "PA", "CMYK"))
# How far the channels of a grey picture that was saved as a coloured JPEG may be apart.
_COLOR_OF_JPEG = 24
# EXIF's orientations that exchange height and width, and where a PNG may tell its orientation.
_ON_ITS_SIDE = frozenset((5, 6, 7, 8))
_ORIENTATION_IN_PNG = (b"eXIf", b"XML:com.adobe.xmp", b"Raw profile type exif")
# Of the width, a little more than the blur of recorded maps; docs/experiments.md has what other borders are worth.
_DARK_BORDER = 0.04
_SIXTEEN_BIT_MODES = frozenset(("I", "I;16", "I;16L", "I;16B", "I;16N"))


def find_pictures(folder: str | Path) -> list[Path]:
    """List the pictures of a folder (not of its subfolders), by their endings, in order of name.

    Raises:
        InputError: the folder cannot be read.
    """
    try:
        entries = sorted(Path(folder).iterdir())
    except OSError as error:
        raise InputError(folder, error) from error
    return [path for path in entries if path.suffix.lower() in PICTURE_SUFFIXES and not path.name.startswith(".")]


@contextlib.contextmanager
def _opened(path: str | Path) -> Iterator[Image.Image]:
    """Give the first frame of a picture, its header read and its pixels not yet; word what goes wrong with it."""
    try:
        # From bytes, so that the file is closed at once and every error of the system names itself.
        content = Path(path).read_bytes()
    except OSError as error:
        raise InputError(path, error) from error
    if not content:
        raise InputError(path, "the file is empty")
    try:
        with warnings.catch_warnings():
            # Pillow warns of panoramas over 89 megapixels and of odd metadata; both are still pictures.
            warnings.simplefilter("ignore")
            yield Image.open(io.BytesIO(content))
    except Image.UnidentifiedImageError as error:
        raise InputError(path, "not a picture, or of a format that is not supported") from error
    except Exception as error:  # Pillow's plugins raise OSError, SyntaxError, ValueError, struct.error and others.
        raise InputError(path, f"cannot be decoded: {error}") from error


def _open(path: str | Path) -> Image.Image:
    """Decode the first frame of a picture and turn it upright."""
    with _opened(path) as picture:
        picture.load()
        return ImageOps.exif_transpose(picture)


def read_size(path: str | Path) -> tuple[int, int]:
    """Read the (height, width) that `read_image` would give, from the header alone: pixels are not decoded.

    Raises:
        InputError: the file cannot be read, or is no picture; that it is a whole one is not known.
    """
    with _opened(path) as picture:
        if picture.format == "PNG":
            # A PNG may tell its orientation behind its pixels. Only then are they decoded on the way to it.
            content = picture.fp.getvalue()
            behind = content.find(b"IDAT")
            if any(content.find(word, behind) >= 0 for word in _ORIENTATION_IN_PNG):
                picture.load()
        width, height = picture.size
        # The base class's, since PNG's own decodes the pixels whenever no orientation stands before them.
        orientation = Image.Image.getexif(picture).get(ExifTags.Base.Orientation)
        # Of a TIFF, Pillow gives the upright size from the start.
        turned = picture.format != "TIFF" and orientation in _ON_ITS_SIDE
    return (width, height) if turned else (height, width)


def format_size(shape: tuple[int, ...]) -> str:
    """Word a size for an error."""
    return "x".join(map(str, shape)) + " (height x width)"


def read_image(path: str | Path) -> np.ndarray:
    """Read a photograph as a person would see it.

    EXIF orientation is honoured, grey becomes RGB, 16 bits become 8, CMYK is converted, transparency is laid over
    white, and of an animation the first frame is taken.

    Returns:
        uint8 array (H, W, 3), RGB.

    Raises:
        InputError: the file cannot be read, or is not a whole picture.
    """
    picture = _open(path)
    if picture.mode in _SIXTEEN_BIT_MODES:
        # Pillow's own conversion clips at 255 instead of scaling.
        grey = np.asarray(picture).astype(np.uint32)
        grey = ((grey.clip(0, 65535) + 128) // 257).astype(np.uint8)
        return np.repeat(grey[..., None], 3, axis=-1)
    if picture.mode == "F":
        raise InputError(path, "a floating-point picture has no fixed white: save it with 8 or 16 bits")
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture)
    return np.array(picture.convert("RGB"))


def read_grey(path: str | Path) -> np.ndarray:
    """Read a grey picture, such as a saliency map.

    Returns:
        float32 array (H, W) in [0, 1]; 8 bits are divided by 255, 16 bits by 65535.

    Raises:
        InputError: the file cannot be read, or is not a whole picture.
    """
    picture = _open(path)
    if picture.mode in _SIXTEEN_BIT_MODES:
        return np.asarray(picture).astype(np.float32) / 65535
    if picture.mode == "F":
        raise InputError(path, "a floating-point picture has no fixed white: save it with 8 or 16 bits, or as .npy")
    if picture.mode in _COLOR_MODES:
        colors = np.asarray(picture.convert("RGB")).astype(np.int16)
        if (colors.max(axis=-1) - colors.min(axis=-1)).max() > _COLOR_OF_JPEG:
            raise InputError(
                path, "a picture in colour, such as a heat map: the levels of grey are wanted that it was made of"
            )
    return np.asarray(picture.convert("L")).astype(np.float32) / 255


def resize_area(array: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Resize (H, W) or (H, W, C) to `shape` (height, width) by pixel area, as the paper prepared its pictures."""
    return cv2.resize(array, (shape[1], shape[0]), interpolation=cv2.INTER_AREA)


def resize_cubic(array: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Resize float32 (H, W) to `shape` (height, width) with cubic interpolation, which may overshoot the range."""
    return cv2.resize(array, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)


def resize_map(saliency: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Resize a map float32 (H, W) to `shape` (height, width): by area where it shrinks, else cubic within its range."""
    if saliency.shape == tuple(shape):
        return saliency
    if saliency.shape[0] >= shape[0] and saliency.shape[1] >= shape[1]:
        return resize_area(saliency, shape)
    return resize_cubic(saliency, shape).clip(saliency.min(), saliency.max())


def to_uint8(saliency: np.ndarray) -> np.ndarray:
    """Round a map in [0, 1] to uint8: to the nearest level, never cut off, which would bias the low values."""
    return np.rint(np.clip(saliency, 0, 1) * 255).astype(np.uint8)


def to_levels(saliency: np.ndarray) -> np.ndarray:
    """Store a map as uint8 levels, proportional to it, as recorded maps are stored: its maximum is 255.

    Most maps are dark: without the scaling half of the levels would lie idle. What is below half a level becomes 1 near
    what is brighter, and 0 far away. Zeros alone would say that nobody ever looks there, and a map loses most of its KL
    and information gain by them where somebody did; ones alone would lie over half of the map, which costs SIM.
    """
    levels = to_uint8(saliency / max(float(saliency.max()), np.finfo(np.float32).tiny))
    dark = levels == 0
    if not dark.all():
        distances = cv2.distanceTransform(dark.astype(np.uint8), cv2.DIST_L2, 5)
        levels[dark & (distances <= _DARK_BORDER * saliency.shape[1])] = 1
    return levels


def encode_png(array: np.ndarray) -> bytes:
    """Encode a uint8 or uint16 grey (H, W) or uint8 RGB (H, W, 3) array as PNG."""
    buffer = io.BytesIO()
    # Level 1 is about three times as fast as the default and some ten per cent larger.
    Image.fromarray(array).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def write_image(path: str | Path, array: np.ndarray) -> None:
    """Write a uint8 grey (H, W) or RGB (H, W, 3) picture as PNG or JPEG, by the ending of `path`.

    Raises:
        InputError: the file cannot be written, or the picture is too long for a JPEG.
    """
    if Path(path).suffix.lower() == ".png":
        return write_bytes(path, encode_png(array))
    buffer = io.BytesIO()
    if max(array.shape[:2]) > _LONGEST_JPEG_SIDE:
        raise InputError(path, f"a JPEG has at most {_LONGEST_JPEG_SIDE} pixels a side, and this is {array.shape[:2]}")
    Image.fromarray(array).save(buffer, "JPEG", quality=92)
    return write_bytes(path, buffer.getvalue())
