"""Reading, resizing and writing pictures: RGB uint8 arrays inside, files outside.

Pillow decodes, because it says what is wrong with a bad file and knows orientation, palettes and CMYK.
OpenCV resizes, because the paper used its `INTER_AREA`, and writes JPEGs, because it takes less memory for that.

Photographs of 200 megapixels fit in the memory of `limits`: at most `_WHOLE_WAY` bytes per pixel from file to map and
overlay. What is done pixel by pixel is therefore done in bands of rows.
"""

import contextlib
import functools
import io
import logging
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
from PIL import ExifTags, Image
from PIL import TiffImagePlugin as tiff

from salgan_tf import extras
from salgan_tf.errors import InputError
from salgan_tf.files import write_bytes
from salgan_tf.limits import read_bytes, reserve_memory
from salgan_tf.native import ignored_warnings, quiet_stderr

# Ours in its place: `limits`, which knows how much memory there is for a picture.
Image.MAX_IMAGE_PIXELS = None
# Python prints the errors of a logger without a handler on stderr; what Pillow logs, `InputError` says.
logging.getLogger("PIL").addHandler(logging.NullHandler())
# What may be read. Pillow knows more formats: some start programs, as PostScript does, others contain pictures of
# another size than they announce, and its decoders of SGI and QOI take damaged pictures for black ones, or minutes. The
# frequent ones come first, since Pillow imports all of its plugins for the rest.
_FORMATS = ("JPEG", "PNG", "GIF", "BMP", "PPM", "TIFF", "WEBP", "DIB", "JPEG2000", "TGA", "PCX")
_HEIF_SUFFIXES = frozenset((".heic", ".heif", ".hif", ".avif", ".avifs"))
_HEIF_BRANDS = frozenset((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"))
# Bytes of memory per pixel of reading a picture, predicting it and drawing over it, and of Pillow's decoders of each
# format beside the 4 of its pictures; measured at 30 and 200 megapixels.
_WHOLE_WAY = 9
_DECODERS = {"JPEG2000": 20, "WEBP": 14, "AVIF": 12, "HEIF": 12}
# Their libraries print warnings.
_NOISY_FORMATS = frozenset(("TIFF", "JPEG2000", "AVIF", "HEIF"))
# Of a band of rows: the arrays of what is done pixel by pixel then stay in a processor's cache, and are small enough
# for the C library to use their memory again: pages that are new to a process take longer than the arithmetic.
_BAND_PIXELS = 2**17
_BORDER_BAND_PIXELS = 2**22
_PIECE = 2**14
_MOST_SCANS = 1000
_LONGEST_JPEG_SIDE = 65500
_GREY_MODES = frozenset(("1", "L", "LA"))
# Largest difference between the channels of a grey picture that was saved as a JPEG in colour.
_COLOR_OF_JPEG = 24
# The pixels as they are stored, as a view of the upright array, by EXIF orientation.
_STORED: dict[object, Callable[[np.ndarray], np.ndarray]] = {
    2: lambda upright: upright[:, ::-1],
    3: lambda upright: upright[::-1, ::-1],
    4: lambda upright: upright[::-1],
    5: lambda upright: upright.swapaxes(0, 1),
    6: lambda upright: np.rot90(upright, 1),
    7: lambda upright: upright[::-1, ::-1].swapaxes(0, 1),
    8: lambda upright: np.rot90(upright, 3),
}
# EXIF orientations that exchange height and width.
_ON_ITS_SIDE = frozenset((5, 6, 7, 8))
# Chunks of a PNG that may contain its orientation.
_ORIENTATION_IN_PNG = (b"eXIf", b"XML:com.adobe.xmp", b"Raw profile type exif")
# Share of the width, a little more than the blur of recorded maps; docs/experiments.md compares other borders.
_DARK_BORDER = 0.04
_SIXTEEN_BIT_MODES = frozenset(("I", "I;16", "I;16L", "I;16B", "I;16N"))
# A value of TIFF's tag of photometric interpretation.
_YCBCR = 6
# The marker of a scan of a JPEG, and where a PNG has its bits per sample, its kind, and whether it is interlaced.
_START_OF_SCAN, _PNG_DEPTH, _PNG_KIND, _PNG_INTERLACED = b"\xda", 24, 25, 28
# Samples per pixel of a PNG, by its kind.
_PNG_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
# First column and row, and steps to the next ones, of the pixels in each pass of an interlaced PNG.
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


@functools.cache
def picture_suffixes() -> frozenset[str]:
    """Return the endings, in lower case with their dot, of the pictures that can be read."""
    # Pillow opens MPO, several JPEGs in a file, as JPEG.
    formats = {*_FORMATS, "MPO"}
    return _HEIF_SUFFIXES | {suffix for suffix, format in Image.registered_extensions().items() if format in formats}


def split_folder(folder: str | Path) -> tuple[list[Path], int]:
    """Return the pictures in a folder (not in its subfolders), recognised by their endings, in order of name.

    Returns:
        The pictures, and the number of other files. Hidden files are neither.

    Raises:
        InputError: the folder cannot be read.
    """
    try:
        entries = [path for path in sorted(Path(folder).iterdir()) if not path.name.startswith(".")]
        pictures = [path for path in entries if path.suffix.lower() in picture_suffixes()]
        others = sum(path.suffix.lower() not in picture_suffixes() and path.is_file() for path in entries)
    except (OSError, ValueError) as error:  # ValueError: a null character in the name.
        raise InputError(folder, error) from error
    return pictures, others


def describe_skipped(folder: str | Path, others: int) -> InputError:
    """Describe the other files of a folder in a line, to be reported though they are no error."""
    cause = "1 file is not a picture and was" if others == 1 else f"{others} files are not pictures and were"
    return InputError(folder, f"{cause} skipped")


def find_pictures(folder: str | Path, report: Callable[[InputError], None] = lambda remark: None) -> list[Path]:
    """Return the pictures of `split_folder`; `report` is called with a remark if there are other files beside them.

    Raises:
        InputError: the folder cannot be read.
    """
    pictures, others = split_folder(folder)
    if pictures and others:
        report(describe_skipped(folder, others))
    return pictures


def _choose_formats(path: str | Path, content: bytes) -> tuple[str, ...]:
    """Return the formats that a file may have. HEIF and AVIF announce themselves by brands, and need a plugin."""
    if content[4:8] != b"ftyp":
        return _FORMATS
    size = int.from_bytes(content[:4], "big")
    brands = {content[start : start + 4] for start in range(8, min(size, 256), 4)}
    if brands & {b"avif", b"avis"}:
        if "AVIF" not in Image.registered_extensions().values():
            raise InputError(path, "an AVIF picture requires Pillow 11.3: pip install --upgrade pillow")
        return ("AVIF",)
    if not brands & _HEIF_BRANDS:
        return _FORMATS
    if cause := extras.missing_extra("heif"):
        raise InputError(path, f"a HEIF picture {cause}")
    import pillow_heif

    pillow_heif.register_heif_opener()
    return ("HEIF",)


@contextlib.contextmanager
def _opened(path: str | Path, memory: contextlib.ExitStack | None = None) -> Iterator[tuple[Image.Image, bytes]]:
    """Open a picture without decoding its pixels, and turn all errors of the block into InputError.

    Memory for the whole way to the map is reserved while the block runs or, if there is one, until `memory` is closed.

    Yields:
        The first frame, and the file's content.
    """
    content = read_bytes(path)
    try:
        with contextlib.ExitStack() as block:
            # Pillow warns about odd metadata, but reads it.
            block.enter_context(ignored_warnings())
            picture = Image.open(io.BytesIO(content), formats=_choose_formats(path, content))
            pixels = picture.width * picture.height
            needed = len(content) + max(_WHOLE_WAY * pixels, 4 * pixels + _count_decoder(picture, content))
            (memory or block).enter_context(reserve_memory(path, needed))
            if picture.format in _NOISY_FORMATS:
                block.enter_context(quiet_stderr())
            yield picture, content
    except InputError:
        raise
    except Image.UnidentifiedImageError as error:
        raise InputError(path, "not a picture, or in an unsupported format") from error
    except MemoryError as error:
        raise InputError(path, "there is not enough memory to decode it") from error
    except Exception as error:  # Pillow's plugins raise OSError, SyntaxError, ValueError, struct.error and more.
        # Pillow knows the errors of its libraries by number.
        cause = "its data are damaged" if str(error).startswith("decoder error") else error
        raise InputError(path, f"cannot be decoded: {cause}") from error


def _count_decoder(picture: Image.Image, content: bytes) -> float:
    """Return the bytes of memory that Pillow's decoder takes for a picture, beside its 4 per pixel."""
    pixels = picture.width * picture.height
    if picture.format in ("JPEG", "MPO"):
        components = len(picture.getbands())
        # Where a component is not finished by the first scan, libjpeg keeps the coefficients of all, in two bytes each.
        whole = "progressive" not in picture.info and _count_scanned(content) == components
        return 0 if whole else 2 * components * pixels
    if isinstance(picture, tiff.TiffImageFile) and picture.use_load_libtiff:
        tags = picture.tag_v2
        # A strip, which may be the whole picture, or a tile, which may be larger; in YCbCr as stored and in RGBA.
        rows, columns = tags.get(tiff.TILELENGTH), tags.get(tiff.TILEWIDTH)
        if rows is None or columns is None:
            rows, columns = min(tags.get(tiff.ROWSPERSTRIP, picture.height), picture.height), picture.width
        size = tags.get(tiff.SAMPLESPERPIXEL, 1) * max(tags.get(tiff.BITSPERSAMPLE, (1,))) / 8
        size += 4 if tags.get(tiff.PHOTOMETRIC_INTERPRETATION) == _YCBCR else 0
        # Pillow gives libtiff a copy of the file.
        return rows * columns * size + len(content)
    return _DECODERS.get(str(picture.format), 0) * pixels


def _count_scanned(content: bytes) -> int:
    """Return how many components the first scan of a JPEG contains, or 0 if its start is not a list of segments."""
    place = 2
    while content[place : place + 1] == b"\xff":
        if content[place + 1 : place + 2] == _START_OF_SCAN:
            return int.from_bytes(content[place + 4 : place + 5], "big")
        place += 2 + int.from_bytes(content[place + 2 : place + 4], "big")
    return 0


def _check_whole(picture: Image.Image, content: bytes) -> None:
    """Check that a PNG or TIFF has all of its pixels, before it is decoded: Pillow would leave the missing ones black.

    It refuses other formats itself, but not a JPEG whose data end too early with the marker of an end, nor JPEG 2000
    without some of its tiles. A JPEG of many scans takes as long as if it were decoded as many times.

    Raises:
        ValueError: some are missing, or a JPEG has more scans than any program writes.
    """
    if "progressive" in picture.info and content.count(b"\xff" + _START_OF_SCAN) > _MOST_SCANS:
        raise ValueError(f"it has more than {_MOST_SCANS} scans")
    width, height = picture.size
    whole = True
    if picture.format == "PNG":
        bits = content[_PNG_DEPTH] * _PNG_SAMPLES.get(content[_PNG_KIND], 1)
        needed = 0
        for left, top, right, down in _PASSES if content[_PNG_INTERLACED] else ((0, 0, 1, 1),):
            columns, rows = -((left - width) // right), -((top - height) // down)
            # A row begins with a byte for its filter.
            needed += rows * (1 - -columns * bits // 8) if columns else 0
        whole = _reaches(content, needed)
    elif isinstance(picture, tiff.TiffImageFile) and not picture.use_load_libtiff:
        layers = len(picture.getbands()) if picture.tag_v2.get(tiff.PLANAR_CONFIGURATION) == 2 else 1
        boxes = [box for _, box, *_ in picture.tile if box]
        area = sum((right - left) * (bottom - top) for left, top, right, bottom in boxes)
        whole = area >= layers * width * height
    if not whole:
        raise ValueError("image file is truncated: it has fewer rows than it says")


def _reaches(content: bytes, needed: int) -> bool:
    """Return whether a PNG's pixels are as many bytes as needed; also if damaged or cut, which Pillow notices."""
    stream, found = zlib.decompressobj(), 0
    with contextlib.suppress(zlib.error):
        for piece in _cut_pixels(content):
            found += len(stream.decompress(piece))
            if found >= needed or stream.eof:
                return found >= needed
    return True


def _cut_pixels(content: bytes) -> Iterator[bytes]:
    """Cut the compressed pixels of a PNG into pieces, each of which may become a thousand times larger."""
    place = 8
    while place < len(content):
        end = place + 8 + int.from_bytes(content[place : place + 4], "big")
        if content[place + 4 : place + 8] == b"IDAT":
            for start in range(place + 8, min(end, len(content)), _PIECE):
                yield content[start : min(start + _PIECE, end)]
        place = end + 4


def row_bands(shape: tuple[int, ...]) -> Iterator[slice]:
    """Cut the rows of a picture (H, W, …) into bands of some hundred thousand pixels."""
    rows = max(1, _BAND_PIXELS // max(1, shape[1]))
    return (slice(top, min(top + rows, shape[0])) for top in range(0, shape[0], rows))


@contextlib.contextmanager
def decoded(
    path: str | Path, memory: contextlib.ExitStack | None = None, max_side: int | None = None
) -> Iterator[tuple[Image.Image, bytes]]:
    """Decode the first frame of a picture, and turn all errors of the block into InputError.

    Args:
        path: the file.
        memory: as in `_opened`.
        max_side: shrink a JPEG while it is decoded, as far as its larger side stays larger than this.

    Yields:
        The frame as it is stored, and the file's content.
    """
    with _opened(path, memory) as (picture, content):
        _check_whole(picture, content)
        if max_side:
            # To a half, a quarter or an eighth; other formats know no such thing, and ignore it.
            picture.draft(picture.mode, _fit(picture.size, max_side))
        picture.load()
        transparent = picture.info.get("transparency")
        if picture.format == "PNG" and isinstance(transparent, tuple) and content[_PNG_DEPTH] == 16:
            # Of the pixels, Pillow keeps the upper byte.
            picture.info["transparency"] = tuple(level >> 8 for level in transparent)
        yield picture, content


def _fit(size: tuple[int, ...], max_side: int) -> tuple[int, int]:
    """Shrink two sides in proportion, so that the larger one is `max_side`, if it is larger than that."""
    scale = min(1, max_side / max(size[:2]))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _read(
    path: str | Path,
    convert: Callable[[Image.Image, int], np.ndarray],
    memory: contextlib.ExitStack | None = None,
    max_side: int | None = None,
) -> np.ndarray:
    """Decode the first frame of a picture, convert it band by band, and turn it upright.

    Args:
        path: the file.
        convert: from a band of the picture, and the level of its white if it has 16 bits, to an array (h, w, …).
        memory: as in `_opened`.
        max_side: as in `decoded`.
    """
    with decoded(path, memory, max_side) as (picture, _):
        white = _find_white(path, picture)
        # Read after the pixels, since a PNG may have it behind them.
        orientation = picture.getexif().get(ExifTags.Base.Orientation)
        (width, height), result = picture.size, None
        for rows in row_bands((height, width)):
            band = convert(picture.crop((0, rows.start, width, rows.stop)), white)
            if result is None:
                sides = (width, height) if orientation in _ON_ITS_SIDE else (height, width)
                result = np.empty((*sides, *band.shape[2:]), band.dtype)
                stored = _STORED.get(orientation, lambda upright: upright)(result)
            _copy(band, stored[rows])
    if result is None:
        raise InputError(path, "a picture without pixels")
    return result


def _copy(band: np.ndarray, to: np.ndarray) -> None:
    """Copy an array (h, w, …) into a view that may be transposed and reversed, in the order of the view's memory."""
    if abs(to.strides[0]) < abs(to.strides[1]):
        band, to = cv2.transpose(band), to.swapaxes(0, 1)
    if to.strides[1] < 0:
        band, to = cv2.flip(band, 1), to[:, ::-1]
    to[:] = band


def _find_white(path: str | Path, picture: Image.Image) -> int:
    """Return the level of white of a picture with 16 bits; negative if its levels are those of a negative."""
    if picture.mode == "F":
        raise InputError(path, "a floating-point picture has no fixed white: save it with 8 or 16 bits")
    tags = getattr(picture, "tag_v2", {}) if picture.format == "TIFF" else {}
    bits = tags.get(tiff.BITSPERSAMPLE, (16,))[0]
    known = (12, 16) if picture.mode in _SIXTEEN_BIT_MODES else (bits,)
    if bits not in known or tags.get(tiff.SAMPLEFORMAT, (1,))[0] != 1:
        kind = "signed" if tags.get(tiff.SAMPLEFORMAT, (1,))[0] == 2 else "unsigned"
        raise InputError(
            path, f"{kind} samples of {bits} bits have no fixed white: save it with 8 or 16 bits, unsigned"
        )
    white = 2**bits - 1
    return -white if tags.get(tiff.PHOTOMETRIC_INTERPRETATION) == 0 else white


def _sixteen_bits(picture: Image.Image, white: int) -> np.ndarray:
    """Return the samples of a picture with 16 bits as uint32 (H, W) in [0, 65535]."""
    samples = np.asarray(picture).astype(np.int64).clip(0, 65535)
    if white < 0:
        samples = -white - samples
    return (samples if abs(white) == 65535 else samples * 65535 // abs(white)).astype(np.uint32)


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


def read_image(path: str | Path, memory: contextlib.ExitStack | None = None, max_side: int | None = None) -> np.ndarray:
    """Read a photograph as a person would see it.

    EXIF orientation is applied, grey and CMYK become RGB, 16 bits become 8, transparent pixels are laid over white, and
    an animation's first frame is used. ICC profiles are not applied: colours are taken for sRGB.

    Args:
        path: the file.
        memory: closes when the photograph, its map and overlay are done with. Until then other threads wait that would
            need too much memory together with this one. None for a photograph alone.
        max_side: shrink a photograph, by pixel area, whose larger side has more pixels than this.

    Returns:
        uint8 array (H, W, 3), RGB.

    Raises:
        InputError: the file cannot be read, or is not a whole picture.
    """
    image = _read(path, _to_rgb, memory, max_side)
    shape = _fit(image.shape, max_side) if max_side else image.shape[:2]
    return image if image.shape[:2] == shape else resize_area(image, shape)


def _to_rgb(picture: Image.Image, white: int) -> np.ndarray:
    if picture.mode in _SIXTEEN_BIT_MODES:
        # Pillow's own conversion clips at 255 instead of scaling.
        samples = _sixteen_bits(picture, white)
        grey = ((samples + 128) // 257).astype(np.uint8)
        grey[samples == picture.info.get("transparency", -1)] = 255
        return np.repeat(grey[..., None], 3, axis=-1)
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
    return np.asarray(picture.convert("RGB"))


def read_grey(path: str | Path) -> np.ndarray:
    """Read a grey picture, such as a saliency map.

    Returns:
        float32 array (H, W) in [0, 1]; 8 bits are divided by 255, 16 bits by 65535.

    Raises:
        InputError: the file cannot be read, or is not a whole picture.
    """

    def to_grey(picture: Image.Image, white: int) -> np.ndarray:
        if picture.mode in _SIXTEEN_BIT_MODES:
            return _sixteen_bits(picture, white).astype(np.float32) / 65535
        if picture.mode not in _GREY_MODES:
            colors = np.asarray(picture.convert("RGB")).astype(np.int16)
            if (colors.max(axis=-1) - colors.min(axis=-1)).max() > _COLOR_OF_JPEG:
                raise InputError(
                    path, "a picture in colour, such as a heat map: expected the grey map it was made from"
                )
        return np.asarray(picture.convert("L")).astype(np.float32) / 255

    return _read(path, to_grey)


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


def find_peak(saliency: np.ndarray) -> float:
    """Return the maximum of a map, or the smallest normal float32 if that is larger: it may be divided by."""
    return max(float(saliency.max()), float(np.finfo(np.float32).tiny))


def to_uint8(saliency: np.ndarray) -> np.ndarray:
    """Round a map in [0, 1] to the nearest uint8 level; truncation would bias it downwards."""
    return np.rint(np.clip(saliency, 0, 1) * 255).astype(np.uint8)


def to_levels(saliency: np.ndarray) -> np.ndarray:
    """Convert a map to uint8 levels proportional to it with maximum 255, as recorded maps are stored.

    Most maps are dark: without the scaling half of the levels would be unused. Values below half a level become 1 near
    brighter ones, and 0 far away. All zeros would claim that nobody ever looks there, which ruins KL and information
    gain where somebody did; all ones would cover half of the map, which costs SIM.
    """
    maximum = find_peak(saliency)
    levels = np.empty(saliency.shape, np.uint8)
    for rows in row_bands(saliency.shape):
        # Divided first: 255 / maximum of a very dark map is no float32.
        cv2.convertScaleAbs(saliency[rows] / maximum, levels[rows], 255)
    height, width = saliency.shape
    near = int(_DARK_BORDER * width) + 3
    # In bands, each looked at with what lies near it, since distances take four bytes per pixel.
    step = max(_BORDER_BAND_PIXELS // width, near)
    bands = [slice(top, top + step) for top in range(0, height, step)]
    # Packed, and written when all are found: they must not be taken for brighter ones.
    packed = [np.packbits(_find_border(levels, rows, near)) for rows in bands]
    for rows, bits in zip(bands, packed, strict=True):
        area = levels[rows]
        area[np.unpackbits(bits, count=area.size).reshape(area.shape).view(bool)] = 1
    return levels


def _find_border(levels: np.ndarray, rows: slice, near: int) -> np.ndarray:
    """Return which pixels of a band are dark, but at most _DARK_BORDER of the width away from a brighter one."""
    first = max(rows.start - near, 0)
    dark = levels[first : rows.stop + near] == 0
    if dark.all():
        border = np.zeros_like(dark)
    else:
        distances = cv2.distanceTransform(dark.view(np.uint8), cv2.DIST_L2, 5)
        border = dark & (distances <= _DARK_BORDER * levels.shape[1])
    return border[rows.start - first :][: rows.stop - rows.start]


def encode_png(array: np.ndarray) -> bytes:
    """Encode a uint8 or uint16 grey (H, W) or uint8 RGB (H, W, 3) array as PNG."""
    # Level 1 is about three times as fast as the default. Of smooth maps, runs alone make smaller files than matches.
    settings = [cv2.IMWRITE_PNG_COMPRESSION, 1, cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE]
    _, content = cv2.imencode(".png", _to_bgr(array), settings)
    return content.tobytes()


def _to_bgr(array: np.ndarray) -> np.ndarray:
    """Turn RGB (H, W, 3) into what OpenCV encodes; grey (H, W) stays."""
    return array if array.ndim == 2 else cv2.cvtColor(array, cv2.COLOR_RGB2BGR)


def write_image(path: str | Path, array: np.ndarray) -> None:
    """Write a uint8 grey (H, W) or RGB (H, W, 3) picture, as PNG if `path` ends in .png, else as JPEG.

    Raises:
        InputError: the file cannot be written, or the picture is too long for a JPEG.
    """
    if Path(path).suffix.lower() == ".png":
        write_bytes(path, encode_png(array))
        return
    if max(array.shape[:2]) > _LONGEST_JPEG_SIDE:
        raise InputError(
            path, f"a JPEG has at most {_LONGEST_JPEG_SIDE} pixels per side, and this is {format_size(array.shape[:2])}"
        )
    _, content = cv2.imencode(".jpg", _to_bgr(array), [cv2.IMWRITE_JPEG_QUALITY, 92])
    write_bytes(path, content.tobytes())
