"""Reading, resizing and writing pictures: RGB uint8 arrays inside, files outside.

Pillow decodes and encodes, because it says what is wrong with a bad file and knows orientation, palettes and CMYK.
OpenCV resizes, because the paper used its `INTER_AREA`.
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
# Largest difference between the channels of a grey picture that was saved as a JPEG in colour.
_COLOR_OF_JPEG = 24
# EXIF orientations that exchange height and width.
_ON_ITS_SIDE = frozenset((5, 6, 7, 8))
# Chunks of a PNG that may contain its orientation.
_ORIENTATION_IN_PNG = (b"eXIf", b"XML:com.adobe.xmp", b"Raw profile type exif")
# Share of the width, a little more than the blur of recorded maps; docs/experiments.md compares other borders.
_DARK_BORDER = 0.04
_SIXTEEN_BIT_MODES = frozenset(("I", "I;16", "I;16L", "I;16B", "I;16N"))


def find_pictures(folder: str | Path) -> list[Path]:
    """Return the pictures in a folder (not in its subfolders), recognised by their endings, in order of name.

    Raises:
        InputError: the folder cannot be read.
    """
    try:
        entries = sorted(Path(folder).iterdir())
    except OSError as error:
        raise InputError(folder, error) from error
    return [path for path in entries if path.suffix.lower() in PICTURE_SUFFIXES and not path.name.startswith(".")]


@contextlib.contextmanager
def _opened(path: str | Path) -> Iterator[tuple[Image.Image, bytes]]:
    """Open a picture without decoding its pixels, and turn all errors of the block into InputError.

    Yields:
        The first frame, and the file's content.
    """
    try:
        # From bytes, so that the file is closed at once and errors of the system are not taken for Pillow's.
        content = Path(path).read_bytes()
    except OSError as error:
        raise InputError(path, error) from error
    if not content:
        raise InputError(path, "the file is empty")
    try:
        with warnings.catch_warnings():
            # Pillow warns about panoramas over 89 megapixels and odd metadata, but reads them.
            warnings.simplefilter("ignore")
            yield Image.open(io.BytesIO(content)), content
    except Image.UnidentifiedImageError as error:
        raise InputError(path, "not a picture, or in an unsupported format") from error
    except Exception as error:  # Pillow's plugins raise OSError, SyntaxError, ValueError, struct.error and more.
        raise InputError(path, f"cannot be decoded: {error}") from error


def _open(path: str | Path) -> Image.Image:
    """Decode the first frame of a picture and turn it upright."""
    with _opened(path) as (picture, _):
        picture.load()
        return ImageOps.exif_transpose(picture)


def read_size(path: str | Path) -> tuple[int, int]:
    """Read the (height, width) of `read_image` without decoding the pixels.

    Raises:
        InputError: the file cannot be read, or is not a picture. A truncated picture is not noticed.
    """
    with _opened(path) as (picture, content):
        if picture.format == "PNG":
            # Pillow decodes the pixels to get at an orientation behind them; done only if there is one.
            pixels = content.find(b"IDAT")
            if any(content.find(chunk, pixels) >= 0 for chunk in _ORIENTATION_IN_PNG):
                picture.load()
        width, height = picture.size
        # The base class's method: PNG's own decodes the pixels unless an orientation stands before them.
        orientation = Image.Image.getexif(picture).get(ExifTags.Base.Orientation)
        # Pillow gives the upright size of a TIFF from the start.
        turned = picture.format != "TIFF" and orientation in _ON_ITS_SIDE
    return (width, height) if turned else (height, width)


def format_size(shape: tuple[int, ...]) -> str:
    """Format a size for an error message."""
    return "x".join(map(str, shape)) + " (height x width)"


def read_image(path: str | Path) -> np.ndarray:
    """Read a photograph as a person would see it.

    EXIF orientation is applied, grey and CMYK become RGB, 16 bits become 8, transparent pixels are laid over white, and
    an animation's first frame is used.

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
            raise InputError(path, "a picture in colour, such as a heat map: expected the grey map it was made from")
    return np.asarray(picture.convert("L")).astype(np.float32) / 255


def resize_area(array: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Resize (H, W) or (H, W, C) to `shape` (height, width) by pixel area, as the paper does."""
    return cv2.resize(array, (shape[1], shape[0]), interpolation=cv2.INTER_AREA)


def resize_cubic(array: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Resize float32 (H, W) to `shape` (height, width) with cubic interpolation, which may overshoot the range."""
    return cv2.resize(array, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)


def resize_map(saliency: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Resize a map float32 (H, W) to `shape` (height, width): by area to shrink it, else cubic within its range."""
    if saliency.shape == tuple(shape):
        return saliency
    if saliency.shape[0] >= shape[0] and saliency.shape[1] >= shape[1]:
        return resize_area(saliency, shape)
    return resize_cubic(saliency, shape).clip(saliency.min(), saliency.max())


def to_uint8(saliency: np.ndarray) -> np.ndarray:
    """Round a map in [0, 1] to the nearest uint8 level; truncation would bias it downwards."""
    return np.rint(np.clip(saliency, 0, 1) * 255).astype(np.uint8)


def to_levels(saliency: np.ndarray) -> np.ndarray:
    """Convert a map to uint8 levels proportional to it with maximum 255, as recorded maps are stored.

    Most maps are dark: without the scaling half of the levels would be unused. Values below half a level become 1 near
    brighter ones, and 0 far away. All zeros would claim that nobody ever looks there, which ruins KL and information
    gain where somebody did; all ones would cover half of the map, which costs SIM.
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
    # Level 1 is about three times as fast as the default, and the files are some ten per cent larger.
    Image.fromarray(array).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def write_image(path: str | Path, array: np.ndarray) -> None:
    """Write a uint8 grey (H, W) or RGB (H, W, 3) picture, as PNG if `path` ends in .png, else as JPEG.

    Raises:
        InputError: the file cannot be written, or the picture is too long for a JPEG.
    """
    if Path(path).suffix.lower() == ".png":
        write_bytes(path, encode_png(array))
        return
    buffer = io.BytesIO()
    if max(array.shape[:2]) > _LONGEST_JPEG_SIDE:
        raise InputError(
            path, f"a JPEG has at most {_LONGEST_JPEG_SIDE} pixels per side, and this is {format_size(array.shape[:2])}"
        )
    Image.fromarray(array).save(buffer, "JPEG", quality=92)
    write_bytes(path, buffer.getvalue())
