"""Write a part of a picture as a file of the same format, with what the file knows beside its pixels.

`images` reads pictures as RGB for models, and writes PNG and JPEG. Here a picture stays what it is: a JPEG keeps its
quality and CMYK, a PNG its palette, transparency and 16 bits of grey.
"""

import io
from pathlib import Path
from typing import Any

from PIL import ExifTags, Image, ImageOps, JpegImagePlugin, PngImagePlugin

from salgan_tf import images
from salgan_tf.errors import InputError, first_line

# Formats that may be animations, or documents of several pages.
_OF_FRAMES = frozenset(("GIF", "PNG", "WEBP", "AVIF", "TIFF"))
# Quality of formats that do not say how they were compressed.
_QUALITY = {"WEBP": 90, "AVIF": 90, "HEIF": 90}
# The tags of a TIFF that describe the photograph; the others say where its pixels are.
_DESCRIPTIVE = frozenset(
    tag.value
    for tag in (
        *(ExifTags.Base.ImageDescription, ExifTags.Base.Make, ExifTags.Base.Model, ExifTags.Base.Software),
        *(ExifTags.Base.DateTime, ExifTags.Base.Artist, ExifTags.Base.HostComputer, ExifTags.Base.Copyright),
        *(ExifTags.Base.XResolution, ExifTags.Base.YResolution, ExifTags.Base.ResolutionUnit),
        *(ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo),
    )
)
_XMP_IN_TIFF = 700


def recode(path: str | Path, window: tuple[int, int, int, int], size: tuple[int, int] | None = None) -> bytes:
    """Cut a window out of a picture, and encode it in the picture's format.

    Kept are the EXIF and XMP data, the colour profile, the resolution, and a JPEG's quality. The pixels are stored
    upright, and the orientation and the thumbnail, which would show the whole picture, are left out. A PNG with 16 bits
    per colour gets 8.

    Args:
        path: the file.
        window: (left, top, right, bottom) in pixels of the upright picture.
        size: (height, width) of the result; None for the window's own.

    Raises:
        InputError: the file cannot be read, has several frames, or is of a format that cannot be written.
    """
    with images.decoded(path) as (picture, content):
        format = "JPEG" if picture.format == "MPO" else str(picture.format)
        if format in _OF_FRAMES and _has_frames(content, format):
            raise InputError(path, "has several frames, of which a crop would keep one: save one as a picture")
        ImageOps.exif_transpose(picture, in_place=True)
        part = picture.crop(window)
        if size is not None:
            part = _make_smooth(part).resize(size[::-1], Image.Resampling.LANCZOS)
        options = _describe(picture, content, format) | {"exif": _describe_exif(picture, format, part.size)}
        # A fax's compression knows black and white alone.
        if format == "TIFF" and part.mode != picture.mode:
            options["compression"] = "tiff_adobe_deflate"
    buffer = io.BytesIO()
    try:
        part.save(buffer, format, **{name: value for name, value in options.items() if value})
    except MemoryError:
        raise
    except Exception as error:  # Pillow's plugins raise OSError, ValueError, KeyError, struct.error and more.
        raise InputError(path, f"cannot be written as {format}: {first_line(error)}") from error
    return buffer.getvalue()


def _has_frames(content: bytes, format: str) -> bool:
    """Return whether a file has more than one frame, in a copy: looking for the others loses the first one's pixels."""
    with Image.open(io.BytesIO(content), formats=(format,)) as picture:
        return getattr(picture, "is_animated", False)


def _make_smooth(picture: Image.Image) -> Image.Image:
    """Convert a picture whose colours cannot be averaged: a palette, black and white, one transparent colour."""
    if picture.has_transparency_data and picture.mode not in ("LA", "RGBA"):
        smooth = picture.convert("RGBA")
        smooth.info.pop("transparency", None)
        return smooth
    return picture.convert({"P": "RGB", "1": "L"}.get(picture.mode, picture.mode))


def _describe(picture: Image.Image, content: bytes, format: str) -> dict[str, Any]:
    """Return what a picture's file says beside pixels and EXIF, as options of Pillow's `save`."""
    options: dict[str, Any] = {name: picture.info.get(name) for name in ("icc_profile", "dpi", "xmp")}
    if isinstance(picture, JpegImagePlugin.JpegImageFile):
        sampling = JpegImagePlugin.get_sampling(picture)
        options |= {"qtables": picture.quantization, "progressive": "progressive" in picture.info}
        # Text, since 0 is a sampling and no missing option.
        options["subsampling"] = {0: "4:4:4", 1: "4:2:2", 2: "4:2:0"}.get(sampling)
    elif format == "PNG" and options["xmp"]:
        options["pnginfo"] = PngImagePlugin.PngInfo()
        options["pnginfo"].add_itxt("XML:com.adobe.xmp", options["xmp"].decode(errors="replace"))
    elif format == "TIFF":
        options["compression"] = picture.info.get("compression")
    elif format == "WEBP":
        # The name of the block that has the pixels; Pillow does not say whether they lost something.
        options["lossless"] = b"VP8L" in content
    return options | {"quality": _QUALITY.get(format)}


def _describe_exif(picture: Image.Image, format: str, size: tuple[int, int]) -> bytes | None:
    """Return the EXIF data of a part (width, height) of a picture that was turned upright; None if there is none."""
    exif = picture.getexif()
    if format == "TIFF":
        for tag in exif.keys() - _DESCRIPTIVE - {_XMP_IN_TIFF}:
            del exif[tag]
    details = exif.get_ifd(ExifTags.IFD.Exif)
    for tag, side in zip((ExifTags.Base.ExifImageWidth, ExifTags.Base.ExifImageHeight), size, strict=True):
        if tag in details:
            details[tag] = side
    return exif.tobytes() if exif else None
