"""Reading odd and bad pictures, resizing and writing: the result is what a person would see, or a named error."""

import logging
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import render_photograph
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from salgan_tf import images
from salgan_tf.errors import InputError

ORIENTATION_TAG = 0x0112
# From the upright picture to the stored one, by EXIF orientation.
STORED = {
    1: lambda upright: upright,
    2: np.fliplr,
    3: lambda upright: np.rot90(upright, 2),
    4: np.flipud,
    5: lambda upright: np.swapaxes(upright, 0, 1),
    6: lambda upright: np.rot90(upright, 1),
    7: lambda upright: np.swapaxes(np.rot90(upright, 2), 0, 1),
    8: lambda upright: np.rot90(upright, -1),
}


def render_blocks() -> np.ndarray:
    """Render six flat blocks of 16x16, which JPEG changes by a few levels; no two orientations look the same."""
    blocks = np.array(
        [[(250, 10, 10), (10, 250, 10), (10, 10, 250)], [(250, 250, 10), (20, 20, 20), (240, 240, 240)]], np.uint8
    )
    return blocks.repeat(16, axis=0).repeat(16, axis=1)


def save(picture: Image.Image, path, orientation: int | None = None, **options):
    """Save a picture, with an EXIF orientation if there is one, and return its path."""
    if orientation:
        options["exif"] = exif = Image.Exif()
        exif[ORIENTATION_TAG] = orientation
    picture.save(path, **options)
    return path


@pytest.mark.parametrize("ending", ["png", "jpg", "tiff", "webp", "avif"])
@pytest.mark.parametrize("orientation", STORED)
def test_exif_orientation_is_applied_to_pixels_and_size(tmp_path, orientation, ending):
    upright = render_blocks()
    stored = Image.fromarray(np.ascontiguousarray(STORED[orientation](upright)))
    path = save(stored, tmp_path / f"turned.{ending}", orientation)
    found = images.read_image(path)
    assert images.read_size(path) == (32, 48) == found.shape[:2]
    # The middles of the blocks, where lossy formats are close.
    np.testing.assert_allclose(found[8::16, 8::16].astype(int), upright[8::16, 8::16].astype(int), atol=10)


@pytest.mark.parametrize("ending", ["png", "jpg"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_the_size_is_read_without_the_pixels(tmp_path, photograph, ending, orientation):
    path = save(Image.fromarray(photograph), tmp_path / f"cut.{ending}", orientation)
    path.write_bytes(path.read_bytes()[:900])
    with pytest.raises(InputError, match="cannot be decoded"):
        images.read_image(path)
    assert images.read_size(path) == ((60, 80) if orientation == 1 else (80, 60))


def test_the_orientation_may_stand_behind_the_pixels_of_a_png(tmp_path, photograph):
    path = save(Image.fromarray(photograph), tmp_path / "late.png", 8)
    content = path.read_bytes()
    start = content.index(b"eXIf") - 4
    end = start + 12 + int.from_bytes(content[start : start + 4])
    last = content.index(b"IEND") - 4
    path.write_bytes(content[:start] + content[end:last] + content[start:end] + content[last:])
    assert images.read_size(path) == (80, 60) == images.read_image(path).shape[:2]


def repeat_channels(grey: np.ndarray) -> np.ndarray:
    return np.repeat(grey[..., None], 3, axis=-1)


def make_palette() -> Image.Image:
    picture = Image.new("P", (2, 1))
    picture.putpalette([10, 200, 30, 250, 0, 0])
    picture.putdata([0, 1])
    return picture


GREY = render_photograph(0)[..., 0]
DEEP = np.arange(65536, dtype=np.uint16).reshape(256, 256)
BLOCKS = render_blocks()
CLEAR = np.array([[(200, 40, 10, 255), (200, 40, 10, 0), (200, 40, 10, 128)]], np.uint8)
LEVELS = Image.fromarray(DEEP[1:2, :3])
# By kind: the picture, its file and options, the expected pixels, and the tolerance.
CONVERSIONS = {
    "grey": (Image.fromarray(GREY), "grey.png", {}, repeat_channels(GREY), 0),
    "bits": (Image.fromarray(GREY > 128), "bits.png", {}, repeat_channels((GREY > 128) * np.uint8(255)), 0),
    "transparent": (Image.fromarray(CLEAR), "a.png", {}, [[(200, 40, 10), (255, 255, 255), (227.4, 147.1, 132)]], 1),
    "grey and transparent": (Image.fromarray(CLEAR[..., 2:]), "a.png", {}, [[[10] * 3, [255] * 3, [132] * 3]], 1),
    "palette": (make_palette(), "a.png", {"transparency": 1}, [[(10, 200, 30), (255, 255, 255)]], 0),
    "GIF": (make_palette(), "a.gif", {"transparency": 1}, [[(10, 200, 30), (255, 255, 255)]], 0),
    "16 bits": (Image.fromarray(DEEP), "deep.png", {}, repeat_channels(np.rint(DEEP / 257)), 0),
    "16 bits and transparent": (LEVELS, "a.png", {"transparency": 257}, [[[1] * 3, [255] * 3, [1] * 3]], 0),
    "16 bits in TIFF": (Image.fromarray(DEEP), "deep.tif", {}, repeat_channels(np.rint(DEEP / 257)), 0),
    "CMYK": (Image.fromarray(BLOCKS).convert("CMYK"), "a.jpg", {"quality": 100, "subsampling": 0}, BLOCKS, 6),
    "a single pixel": (Image.new("RGB", (1, 1), (1, 2, 3)), "dot.png", {}, [[(1, 2, 3)]], 0),
}


@pytest.mark.parametrize("kind", CONVERSIONS)
def test_every_kind_of_picture_becomes_rgb(tmp_path, kind):
    picture, name, options, expected, tolerance = CONVERSIONS[kind]
    path = save(picture, tmp_path / name, **options)
    with Image.open(path) as stored:
        assert stored.mode == picture.mode or stored.mode.startswith("I;16")
    found = images.read_image(path)
    assert found.dtype == np.uint8
    np.testing.assert_allclose(found.astype(float), expected, atol=tolerance)


def test_sixteen_bits_are_scaled_in_colour(tmp_path):
    blue_green_red = np.random.default_rng(0).integers(0, 65536, (20, 30, 3)).astype(np.uint16)
    # Pillow cannot write these.
    assert cv2.imwrite(str(tmp_path / "colours.png"), blue_green_red)
    found = images.read_image(tmp_path / "colours.png")
    np.testing.assert_allclose(found, blue_green_red[..., ::-1] / 257, atol=1)
    content = (tmp_path / "colours.png").read_bytes()
    chunk = b"tRNS" + blue_green_red[0, 0, ::-1].astype(">u2").tobytes()
    start = content.index(b"IDAT") - 4
    inserted = struct.pack(">I", 6) + chunk + struct.pack(">I", zlib.crc32(chunk))
    (tmp_path / "colours.png").write_bytes(content[:start] + inserted + content[start:])
    found[0, 0] = 255
    np.testing.assert_array_equal(images.read_image(tmp_path / "colours.png"), found)


def test_the_first_frame_of_an_animation_is_read(tmp_path):
    first, second = (Image.new("RGB", (6, 4), colour) for colour in ("red", "blue"))
    path = save(first, tmp_path / "moving.gif", save_all=True, append_images=[second], duration=100)
    with Image.open(path) as picture:
        assert picture.n_frames == 2
    np.testing.assert_array_equal(images.read_image(path), np.full((4, 6, 3), (255, 0, 0)))


def test_panoramas_are_read_and_bombs_refused(tmp_path, monkeypatch):
    path = save(Image.new("RGB", (15, 10)), tmp_path / "panorama.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert images.read_image(path).shape == (10, 15, 3)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 70)
    with pytest.raises(InputError, match="panorama"):
        images.read_image(path)


def write_samples(path: Path) -> None:
    """Write a TIFF of too many samples per pixel, which Pillow logs."""
    Image.new("RGB", (6, 4)).save(path)
    samples = [struct.pack("<HHII", 277, 3, 1, number) for number in (3, 65535)]
    path.write_bytes(path.read_bytes().replace(*samples))


BAD_FILES = {
    "text.jpg": lambda path: path.write_text("This is\nnot a picture.\n"),
    "header.png": lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n"),
    "header.jpg": lambda path: path.write_bytes(b"\xff\xd8\xff\xe0"),
    "empty.jpg": lambda path: path.touch(),
    "dangling link.jpg": lambda path: path.symlink_to(path.with_name("nowhere.jpg")),
    "missing.jpg": lambda path: None,
    "samples.tif": write_samples,
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_the_error_names_a_bad_file_whether_pixels_or_size_are_read(tmp_path, monkeypatch, capfd, name):
    # pytest's own would take what Python prints where nobody logs.
    monkeypatch.setattr(logging.root, "handlers", [])
    path = tmp_path / name
    BAD_FILES[name](path)
    with pytest.raises(InputError) as caught:
        images.read_image(path)
    assert caught.value.subject == str(path)
    assert caught.value.cause
    with pytest.raises(InputError) as sizing:
        images.read_size(path)
    assert str(sizing.value) == str(caught.value)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("ending", ["png", "jpg", "gif", "bmp", "tif", "webp"])
def test_a_truncated_file_is_a_picture_or_an_error_with_its_name(tmp_path, ending):
    path = tmp_path / f"cut.{ending}"
    Image.fromarray(render_photograph(2, (12, 16))).save(path)
    content = path.read_bytes()
    failures = 0
    for length in range(0, len(content), max(1, len(content) // 60)):
        path.write_bytes(content[:length])
        try:
            assert images.read_image(path).shape == (12, 16, 3)
        except InputError as error:
            assert error.subject == str(path)
            failures += 1
    assert failures > 10


def test_a_damaged_tiff_is_said_in_words(tmp_path):
    path = tmp_path / "damaged.tif"
    Image.fromarray(render_photograph(2, (12, 16))).save(path, compression="tiff_lzw")
    content = path.read_bytes()
    path.write_bytes(content[:8] + bytes(200) + content[208:])
    with pytest.raises(InputError, match="cannot be decoded: its data are damaged"):
        images.read_image(path)


@given(damage=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=5))
@pytest.mark.parametrize("ending", ["png", "jpg", "tif"])
def test_a_damaged_file_is_a_picture_or_an_error_with_its_name(tmp_path_factory, ending, damage):
    path = tmp_path_factory.getbasetemp() / f"damaged.{ending}"
    Image.fromarray(render_photograph(2, (12, 16))).save(path)
    content = bytearray(path.read_bytes())
    for place, value in damage:
        content[int(place * len(content))] = value
    path.write_bytes(content)
    try:
        found = images.read_image(path)
    except InputError as error:
        assert error.subject == str(path)
    else:
        assert found.dtype == np.uint8
        assert found.ndim == 3


def test_read_grey_takes_one_or_three_channels(tmp_path):
    for name, pixels in {"map.png": GREY, "coloured.png": repeat_channels(GREY)}.items():
        path = save(Image.fromarray(pixels), tmp_path / name)
        np.testing.assert_allclose(images.read_grey(path), GREY / 255, atol=1e-7)


factors = st.integers(1, 4)
blocks = arrays.arrays(np.float32, (3, 5), elements=st.floats(0, 1, width=32))


@given(blocks=blocks, factor=factors, seed=st.integers(0, 1000))
def test_resize_area_is_the_mean_of_blocks(blocks, factor, seed):
    fine = blocks.repeat(factor, axis=0).repeat(factor, axis=1)
    fine = fine + np.random.default_rng(seed).uniform(0, 1, fine.shape).astype(np.float32)
    means = fine.reshape(3, factor, 5, factor).mean(axis=(1, 3))
    np.testing.assert_allclose(images.resize_area(fine, (3, 5)), means, atol=1e-5)


def test_resizing_keeps_channels_and_order_of_sides(photograph):
    assert images.resize_area(photograph, (32, 64)).shape == (32, 64, 3)
    assert images.resize_area(photograph, (32, 64)).dtype == np.uint8
    assert images.resize_cubic(photograph[..., 0].astype(np.float32), (90, 70)).shape == (90, 70)


@given(arrays.arrays(np.float32, (4, 4), elements=st.floats(-0.5, 1.5, width=32)))
def test_to_uint8_rounds_to_the_nearest_level(saliency):
    levels = images.to_uint8(saliency)
    assert levels.dtype == np.uint8
    assert (np.abs(levels - saliency.clip(0, 1).astype(np.float64) * 255) <= 0.5 + 1e-4).all()


@given(
    arrays.arrays(np.float32, st.tuples(st.integers(1, 40), st.integers(1, 40)), elements=st.floats(0, 1, width=32)),
    st.sampled_from([1, 0.01]),
)
@example(np.full((1, 1), np.finfo(np.float32).tiny), 1)
def test_stored_levels_are_proportional_to_the_map(saliency, scale):
    levels = images.to_levels(saliency * np.float32(scale))
    assert levels.dtype == np.uint8
    if saliency.max() * scale < np.finfo(np.float32).tiny:
        return
    exact = saliency.astype(np.float64) / saliency.max() * 255
    assert levels.max() == 255
    # Dark values may be 0 or 1.
    assert (np.abs(levels - exact) <= np.where(exact < 0.501, 1, 0.501)).all()


def test_dark_levels_are_1_beside_brighter_ones_and_0_far_away():
    saliency = np.zeros((50, 200), np.float32)
    saliency[:, 100] = 0.3
    levels = images.to_levels(saliency)
    assert (levels[:, 100] == 255).all()
    # 4 % of 200 pixels.
    np.testing.assert_array_equal(np.unique(np.nonzero(levels == 1)[1]), [*range(92, 100), *range(101, 109)])
    assert (images.to_levels(0 * saliency) == 0).all()


@given(arrays.arrays(np.uint8, st.one_of(st.tuples(factors, factors), st.tuples(factors, factors, st.just(3)))))
def test_png_is_lossless(tmp_path_factory, pixels):
    path = tmp_path_factory.getbasetemp() / "lossless.png"
    images.write_image(path, pixels)
    found = images.read_image(path)
    np.testing.assert_array_equal(found, pixels if pixels.ndim == 3 else repeat_channels(pixels))


def test_encoded_sixteen_bits_are_lossless(tmp_path):
    path = tmp_path / "deep.png"
    path.write_bytes(images.encode_png(DEEP))
    np.testing.assert_array_equal(np.rint(images.read_grey(path) * 65535), DEEP)


@pytest.mark.parametrize("ending", ["jpg", "jpeg", "JPG"])
def test_a_written_jpeg_is_close_to_its_picture(tmp_path, photograph, ending):
    path = tmp_path / f"written.{ending}"
    images.write_image(path, photograph)
    assert path.read_bytes()[:2] == b"\xff\xd8"
    assert np.abs(images.read_image(path).astype(int) - photograph).mean() < 4
