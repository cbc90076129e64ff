"""A part of a picture stays a file of its format, with its kind of pixels and what the file knows."""

import io
from pathlib import Path

import numpy as np
import pytest
from conftest import render_photograph
from PIL import ExifTags, Image

from salgan_tf import images
from salgan_tf.recoding import recode

WINDOW = (10, 20, 70, 55)
SCENE = Image.fromarray(render_photograph(0))
FADED = np.dstack([render_photograph(0), np.tile(np.linspace(0, 255, 80).astype(np.uint8), (60, 1))])
DEEP = Image.fromarray(np.arange(4800, dtype=np.uint16).reshape(60, 80) * 13)


def save(path: Path, picture: Image.Image, **options) -> Path:
    picture.save(path, **options)
    return path


@pytest.mark.parametrize(
    ("ending", "picture", "options"),
    [
        ("png", SCENE, {}),
        ("png", SCENE.convert("1"), {}),
        ("png", SCENE.quantize(9), {}),
        ("png", SCENE.quantize(200), {"transparency": 3}),
        ("png", SCENE, {"transparency": SCENE.getpixel((30, 30))}),
        ("png", Image.fromarray(FADED), {}),
        ("png", DEEP, {}),
        ("gif", SCENE, {}),
        ("bmp", SCENE, {}),
        ("ppm", SCENE, {}),
        ("tga", SCENE, {}),
        ("pcx", SCENE, {}),
        ("jp2", SCENE, {}),
        ("webp", Image.fromarray(FADED), {"lossless": True, "exact": True}),
        ("tif", DEEP, {}),
        ("tif", SCENE, {"compression": "tiff_lzw"}),
        ("tif", SCENE.convert("1"), {"compression": "group4"}),
        ("tif", SCENE.convert("CMYK"), {}),
    ],
)
def test_formats_that_lose_nothing_keep_each_pixel(tmp_path, ending, picture, options):
    path = save(tmp_path / f"a.{ending}", picture, **options)
    with Image.open(path) as whole, Image.open(io.BytesIO(recode(path, WINDOW))) as part:
        assert (part.format, part.mode, part.info.get("compression")) == (
            whole.format,
            whole.mode,
            whole.info.get("compression"),
        )
        expected = whole.crop(WINDOW).convert("RGBA") if whole.mode != "I;16" else whole.crop(WINDOW)
        np.testing.assert_array_equal(np.asarray(part.convert(expected.mode)), np.asarray(expected))
    content = recode(path, WINDOW, (70, 120))
    (tmp_path / f"resized.{ending}").write_bytes(content)
    resized = images.read_image(tmp_path / f"resized.{ending}")
    assert resized.shape == (70, 120, 3)
    # Black and white pixels, and those of a transparent colour, were averaged: from afar they are the same.
    coarse = [images.resize_area(array, (7, 12)) for array in (resized, images.read_image(path)[20:55, 10:70])]
    assert np.abs(np.subtract(*coarse, dtype=float)).mean() < 10


@pytest.mark.parametrize(("ending", "format"), [("jpg", "JPEG"), ("webp", "WEBP"), ("avif", "AVIF"), ("heic", "HEIF")])
def test_formats_that_lose_something_keep_quality_and_exif(tmp_path, ending, format):
    if format == "HEIF":
        pytest.importorskip("pillow_heif").register_heif_opener()
    elif format == "AVIF" and ".avif" not in Image.registered_extensions():
        pytest.skip("Pillow without AVIF")
    exif = Image.Exif()
    exif[ExifTags.Base.Artist] = "somebody"
    path = save(tmp_path / f"a.{ending}", SCENE, exif=exif, icc_profile=b"profile" * 30, quality=88)
    with Image.open(path) as whole, Image.open(io.BytesIO(recode(path, WINDOW))) as part:
        assert (part.format, part.mode, part.size) == (format, "RGB", (60, 35))
        assert part.getexif()[ExifTags.Base.Artist] == "somebody"
        assert part.info["icc_profile"] == whole.info["icc_profile"]
        difference = np.asarray(part).astype(int) - np.asarray(whole)[20:55, 10:70]
        assert np.abs(difference).mean() < 4


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_a_jpeg_keeps_its_colours_and_its_passes(tmp_path, mode):
    path = save(tmp_path / "a.jpg", SCENE.convert(mode), progressive=True, dpi=(300, 300), quality=90)
    with Image.open(path) as whole, Image.open(io.BytesIO(recode(path, WINDOW))) as part:
        assert (part.mode, part.info["dpi"], part.info["progressive"]) == (mode, (300, 300), 1)
        assert part.quantization == whole.quantization
        difference = np.asarray(part).astype(int) - np.asarray(whole)[20:55, 10:70]
        assert np.abs(difference).mean() < 3


def test_the_thumbnail_does_not_show_what_was_cut_off(tmp_path):
    thumbnail = io.BytesIO()
    SCENE.save(thumbnail, "JPEG")
    # IFD0 with an artist, then IFD1, the thumbnail's, with its place and length.
    entries = (b"\x02\x01\x04\x00\x01\x00\x00\x00", b"\x02\x02\x04\x00\x01\x00\x00\x00")
    first = (
        b"II*\x00\x08\x00\x00\x00"
        + b"\x01\x00"
        + b"\x3b\x01\x02\x00\x04\x00\x00\x00abc\x00"
        + (26).to_bytes(4, "little")
    )
    size = len(thumbnail.getvalue()).to_bytes(4, "little")
    second = b"\x02\x00" + entries[0] + (56).to_bytes(4, "little") + entries[1] + size + bytes(4)
    exif = b"Exif\0\0" + first + second + thumbnail.getvalue()
    path = save(tmp_path / "a.jpg", SCENE, exif=exif)
    assert path.read_bytes().count(b"\xff\xd8\xff") == 2
    content = recode(path, WINDOW)
    assert content.count(b"\xff\xd8\xff") == 1
    with Image.open(io.BytesIO(content)) as part:
        assert part.getexif()[ExifTags.Base.Artist] == "abc"


@pytest.mark.parametrize("ending", ["jpg", "png", "webp", "tif"])
def test_xmp_is_kept(tmp_path, ending):
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rights>mine</rights></x:xmpmeta>'
    path = tmp_path / f"a.{ending}"
    if ending == "png":
        from PIL.PngImagePlugin import PngInfo

        info = PngInfo()
        info.add_itxt("XML:com.adobe.xmp", xmp.decode())
        SCENE.save(path, pnginfo=info)
    elif ending == "tif":
        SCENE.save(path, tiffinfo={700: xmp})
    else:
        SCENE.save(path, xmp=xmp)
    with Image.open(io.BytesIO(recode(path, WINDOW))) as part:
        assert part.info["xmp"] == xmp


def test_a_tiff_keeps_what_describes_the_photograph(tmp_path):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation], exif[ExifTags.Base.Artist] = 6, "somebody"
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ISOSpeedRatings] = 200
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] = "N"
    path = save(tmp_path / "a.tif", SCENE, exif=exif.tobytes())
    # The picture stands on its side.
    with Image.open(io.BytesIO(recode(path, (0, 30, 60, 80)))) as part:
        np.testing.assert_array_equal(np.asarray(part), images.read_image(path)[30:])
        found = part.getexif()
        assert (found[ExifTags.Base.Artist], found.get(ExifTags.Base.Orientation, 1)) == ("somebody", 1)
        assert found.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ISOSpeedRatings] == 200
        assert found.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] == "N"


def test_the_first_picture_of_a_phone_s_file_of_several_is_a_jpeg(tmp_path):
    path = save(tmp_path / "a.jpg", SCENE, format="MPO", save_all=True, append_images=[SCENE.convert("L")])
    with Image.open(io.BytesIO(recode(path, WINDOW))) as part:
        assert (part.format, part.mode, part.size) == ("JPEG", "RGB", (60, 35))
