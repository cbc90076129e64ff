"""Reading odd and bad pictures, resizing and writing: what comes out is what a person would see, or a named error."""

import cv2
import numpy as np
import pytest
from conftest import render_photograph
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from salgan_tf import images
from salgan_tf.errors import InputError

ORIENTATION_TAG = 0x0112
# From the upright picture to what a camera stores for it, by the EXIF value that tells so.
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
    """Six flat blocks of 16x16, which JPEG keeps within a few levels; no two orientations of it are alike."""
    blocks = np.array(
        [[(250, 10, 10), (10, 250, 10), (10, 10, 250)], [(250, 250, 10), (20, 20, 20), (240, 240, 240)]], np.uint8
    )
    return blocks.repeat(16, axis=0).repeat(16, axis=1)


@pytest.mark.parametrize(("ending", "tolerance"), [("png", 0), ("jpg", 6)])
@pytest.mark.parametrize("orientation", STORED)
def test_exif_orientation_is_honoured(tmp_path, orientation, ending, tolerance):
    upright = render_blocks()
    stored = Image.fromarray(np.ascontiguousarray(STORED[orientation](upright)))
    exif = Image.Exif()
    exif[ORIENTATION_TAG] = orientation
    path = tmp_path / f"turned.{ending}"
    stored.save(path, exif=exif, **({} if ending == "png" else {"quality": 100, "subsampling": 0}))
    found = images.read_image(path)
    assert found.shape == upright.shape
    np.testing.assert_allclose(found.astype(int), upright.astype(int), atol=tolerance)


def save(picture: Image.Image, path, **options):
    picture.save(path, **options)
    return path


@pytest.mark.parametrize("ending", ["png", "jpg", "tiff", "webp", "avif"])
@pytest.mark.parametrize("orientation", STORED)
def test_the_size_is_that_of_the_upright_picture(tmp_path, orientation, ending):
    stored = Image.fromarray(np.ascontiguousarray(STORED[orientation](render_blocks())))
    exif = Image.Exif()
    exif[ORIENTATION_TAG] = orientation
    path = save(stored, tmp_path / f"turned.{ending}", exif=exif)
    assert images.read_size(path) == (32, 48) == images.read_image(path).shape[:2]


@pytest.mark.parametrize("ending", ["png", "jpg"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_the_size_needs_no_pixels(tmp_path, photograph, ending, orientation):
    exif = Image.Exif()
    exif[ORIENTATION_TAG] = orientation
    path = save(Image.fromarray(photograph), tmp_path / f"cut.{ending}", exif=exif)
    path.write_bytes(path.read_bytes()[:900])
    with pytest.raises(InputError, match="cannot be decoded"):
        images.read_image(path)
    assert images.read_size(path) == ((60, 80) if orientation == 1 else (80, 60))


def test_a_png_may_tell_its_orientation_behind_its_pixels(tmp_path, photograph):
    exif = Image.Exif()
    exif[ORIENTATION_TAG] = 8
    path = save(Image.fromarray(photograph), tmp_path / "late.png", exif=exif)
    content = path.read_bytes()
    start = content.index(b"eXIf") - 4
    end = start + 12 + int.from_bytes(content[start : start + 4])
    last = content.index(b"IEND") - 4
    path.write_bytes(content[:start] + content[end:last] + content[start:end] + content[last:])
    assert images.read_size(path) == (80, 60) == images.read_image(path).shape[:2]


@pytest.mark.parametrize("content", [None, b"", b"no picture", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0"])
def test_the_size_of_a_bad_file_is_refused_in_the_words_of_its_reading(tmp_path, content):
    path = tmp_path / "bad.jpg"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError) as reading:
        images.read_image(path)
    with pytest.raises(InputError) as sizing:
        images.read_size(path)
    assert str(sizing.value) == str(reading.value)
    assert sizing.value.subject == str(path)


def test_grey_becomes_rgb(tmp_path, photograph):
    grey = photograph[..., 0]
    found = images.read_image(save(Image.fromarray(grey), tmp_path / "grey.png"))
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, np.repeat(grey[..., None], 3, axis=-1))


def test_black_and_white_becomes_rgb(tmp_path, photograph):
    bits = photograph[..., 0] > 128
    found = images.read_image(save(Image.fromarray(bits), tmp_path / "bits.png"))
    np.testing.assert_array_equal(found, np.repeat(bits[..., None] * np.uint8(255), 3, axis=-1))


def test_transparency_is_laid_over_white(tmp_path):
    pixels = np.array([[(200, 40, 10, 255), (200, 40, 10, 0), (200, 40, 10, 128)]], np.uint8)
    found = images.read_image(save(Image.fromarray(pixels), tmp_path / "transparent.png"))
    half = 255 + (np.array([200, 40, 10]) - 255) * 128 / 255
    np.testing.assert_allclose(found[0].astype(float), [(200, 40, 10), (255, 255, 255), half], atol=1)


def test_grey_with_transparency_is_laid_over_white(tmp_path):
    pixels = np.array([[(60, 255), (60, 0)]], np.uint8)
    found = images.read_image(save(Image.fromarray(pixels), tmp_path / "transparent.png"))
    np.testing.assert_array_equal(found, [[(60, 60, 60), (255, 255, 255)]])


@pytest.mark.parametrize("ending", ["png", "gif"])
def test_palette_with_transparency_is_laid_over_white(tmp_path, ending):
    picture = Image.new("P", (2, 1))
    picture.putpalette([10, 200, 30, 250, 0, 0])
    picture.putdata([0, 1])
    path = save(picture, tmp_path / f"palette.{ending}", transparency=1)
    np.testing.assert_array_equal(images.read_image(path), [[(10, 200, 30), (255, 255, 255)]])


def test_sixteen_bit_grey_is_scaled_for_every_level(tmp_path):
    levels = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    path = tmp_path / "deep.png"
    assert cv2.imwrite(str(path), levels)
    nearest = np.rint(levels / 257).astype(np.uint8)
    np.testing.assert_array_equal(images.read_image(path), np.repeat(nearest[..., None], 3, axis=-1))
    np.testing.assert_allclose(images.read_grey(path), levels / 65535, atol=1e-7)


def test_sixteen_bit_tiff_is_scaled(tmp_path):
    levels = np.array([[0, 257 * 7, 65535]], np.uint16)
    path = tmp_path / "deep.tif"
    assert cv2.imwrite(str(path), levels)
    np.testing.assert_array_equal(images.read_image(path)[..., 1], [[0, 7, 255]])


def test_sixteen_bit_rgb_is_scaled(tmp_path):
    blue_green_red = np.random.default_rng(0).integers(0, 65536, (20, 30, 3)).astype(np.uint16)
    path = tmp_path / "deep.png"
    assert cv2.imwrite(str(path), blue_green_red)
    np.testing.assert_allclose(images.read_image(path), blue_green_red[..., ::-1] / 257, atol=1)


def test_cmyk_jpeg_has_the_right_colours(tmp_path):
    colours = render_blocks()
    path = save(Image.fromarray(colours).convert("CMYK"), tmp_path / "print.jpg", quality=100, subsampling=0)
    with Image.open(path) as picture:
        assert picture.mode == "CMYK"
    np.testing.assert_allclose(images.read_image(path).astype(int), colours.astype(int), atol=6)


def test_of_an_animation_the_first_frame_is_taken(tmp_path):
    first, second = (Image.new("RGB", (6, 4), colour) for colour in ("red", "blue"))
    path = save(first, tmp_path / "moving.gif", save_all=True, append_images=[second], duration=100)
    with Image.open(path) as picture:
        assert picture.n_frames == 2
    np.testing.assert_array_equal(images.read_image(path), np.full((4, 6, 3), (255, 0, 0)))


def test_a_single_pixel(tmp_path):
    path = save(Image.new("RGB", (1, 1), (1, 2, 3)), tmp_path / "dot.png")
    np.testing.assert_array_equal(images.read_image(path), [[(1, 2, 3)]])


def test_panoramas_are_read_and_bombs_refused(tmp_path, monkeypatch):
    path = save(Image.new("RGB", (15, 10)), tmp_path / "panorama.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert images.read_image(path).shape == (10, 15, 3)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 70)
    with pytest.raises(InputError, match="panorama"):
        images.read_image(path)


def make_bad_file(folder, kind: str):
    """Make what cannot be read as a picture; give its path."""
    path = folder / f"bad.{'png' if kind == 'truncated png' else 'jpg'}"
    if kind.startswith("truncated"):
        Image.fromarray(render_photograph(1)).save(path)
        content = path.read_bytes()
        path.write_bytes(content[: len(content) // 2])
    elif kind == "text":
        path.write_text("This is\nno picture.\n")
    elif kind == "empty":
        path.touch()
    elif kind == "directory":
        path.mkdir()
    elif kind == "dangling link":
        path.symlink_to(folder / "nowhere.jpg")
    elif kind == "floating point":
        path = folder / "bad.tif"
        Image.new("F", (3, 3)).save(path)
    return path


@pytest.mark.parametrize(
    "kind",
    ["truncated jpg", "truncated png", "text", "empty", "directory", "dangling link", "missing", "floating point"],
)
def test_bad_files_are_named_on_one_line(tmp_path, kind):
    path = make_bad_file(tmp_path, kind)
    with pytest.raises(InputError) as caught:
        images.read_image(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert len(message) > len(f"{path}: ")
    assert "\n" not in message


@pytest.mark.parametrize("ending", ["png", "jpg", "gif", "bmp", "tif", "webp"])
def test_a_file_cut_anywhere_is_a_picture_or_a_named_error(tmp_path, ending):
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


@given(damage=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=5))
@pytest.mark.parametrize("ending", ["png", "jpg", "tif"])
def test_damage_is_a_picture_or_a_named_error(tmp_path_factory, ending, damage):
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


def test_read_grey_of_eight_bits_and_of_colour(tmp_path, photograph):
    grey = photograph[..., 0]
    path = save(Image.fromarray(grey), tmp_path / "map.png")
    np.testing.assert_allclose(images.read_grey(path), grey / 255, atol=1e-7)
    coloured = save(Image.fromarray(np.repeat(grey[..., None], 3, axis=-1)), tmp_path / "coloured.png")
    np.testing.assert_allclose(images.read_grey(coloured), grey / 255, atol=1e-7)


factors = st.integers(1, 4)


@given(
    blocks=arrays.arrays(np.float32, (3, 5), elements=st.floats(0, 1, width=32)),
    factor=factors,
    seed=st.integers(0, 1000),
)
def test_resize_area_is_the_mean_of_blocks(blocks, factor, seed):
    fine = blocks.repeat(factor, axis=0).repeat(factor, axis=1)
    fine = fine + np.random.default_rng(seed).uniform(0, 1, fine.shape).astype(np.float32)
    means = fine.reshape(3, factor, 5, factor).mean(axis=(1, 3))
    np.testing.assert_allclose(images.resize_area(fine, (3, 5)), means, atol=1e-5)


def test_resizing_keeps_channels_and_order_of_sides(photograph):
    assert images.resize_area(photograph, (32, 64)).shape == (32, 64, 3)
    assert images.resize_area(photograph, (32, 64)).dtype == np.uint8
    assert images.resize_cubic(photograph[..., 0].astype(np.float32), (90, 70)).shape == (90, 70)


@given(
    arrays.arrays(np.float32, (4, 4), elements=st.floats(-0.5, 1.5, width=32)),
)
def test_to_uint8_rounds_to_the_nearest_level(saliency):
    levels = images.to_uint8(saliency)
    assert levels.dtype == np.uint8
    assert (np.abs(levels - saliency.clip(0, 1).astype(np.float64) * 255) <= 0.5 + 1e-4).all()


@given(
    arrays.arrays(np.float32, st.tuples(st.integers(1, 40), st.integers(1, 40)), elements=st.floats(0, 1, width=32)),
    st.sampled_from([1, 0.01]),
)
def test_stored_levels_are_the_map_in_proportion_to_its_maximum(saliency, scale):
    levels = images.to_levels(saliency * np.float32(scale))
    assert levels.dtype == np.uint8
    if saliency.max() * scale < np.finfo(np.float32).tiny:
        return
    exact = saliency.astype(np.float64) / saliency.max() * 255
    assert levels.max() == 255
    # Whatever is dark may be 0 or 1.
    assert (np.abs(levels - exact) <= np.where(exact < 0.501, 1, 0.501)).all()


def test_dark_places_are_1_beside_brighter_ones_and_0_far_away():
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
    np.testing.assert_array_equal(found, pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=-1))


def test_encoded_sixteen_bits_are_lossless(tmp_path):
    levels = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    path = tmp_path / "deep.png"
    path.write_bytes(images.encode_png(levels))
    np.testing.assert_array_equal(np.rint(images.read_grey(path) * 65535), levels)


@pytest.mark.parametrize("ending", ["jpg", "jpeg", "JPG"])
def test_a_written_jpeg_is_close_to_its_picture(tmp_path, photograph, ending):
    path = tmp_path / f"written.{ending}"
    images.write_image(path, photograph)
    assert path.read_bytes()[:2] == b"\xff\xd8"
    assert np.abs(images.read_image(path).astype(int) - photograph).mean() < 4


def test_writing_below_a_file_names_the_path(tmp_path, photograph):
    (tmp_path / "file").write_text("in the way")
    path = tmp_path / "file" / "map.png"
    with pytest.raises(InputError, match=str(path)):
        images.write_image(path, photograph)


def test_find_pictures_sorts_and_leaves_out_what_is_none(tmp_path):
    for name in ("b.JPG", "a.png", "c.webp", ".hidden.png", "notes.txt", "noending"):
        (tmp_path / name).touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "deep.png").touch()
    assert [path.name for path in images.find_pictures(tmp_path)] == ["a.png", "b.JPG", "c.webp"]
    with pytest.raises(InputError, match="nowhere"):
        images.find_pictures(tmp_path / "nowhere")
