"""`best_crop` against brute force, and the files that `crop` writes."""

import io

import numpy as np
import pytest
from conftest import names_in, render_photograph, save_picture
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import ExifTags, Image, ImageCms

from salgan_tf import best_crop, crop_files, images

MAPS = arrays(np.float32, array_shapes(min_dims=2, max_dims=2, max_side=14), elements=st.integers(0, 3).map(float))
ORIENTATION = ExifTags.Base.Orientation


@given(saliency=MAPS, aspect=st.sampled_from([0.2, 9 / 16, 1.0, 16 / 9, 7.0]), area=st.sampled_from([0.1, 0.5, 1.0]))
def test_no_window_of_the_size_keeps_more_or_as_much_nearer_to_the_centre(saliency, aspect, area):
    window = best_crop(saliency, aspect, area)
    height, width = window.bottom - window.top, window.right - window.left

    def rate(top: int, left: int) -> tuple[float, int]:
        distance = (2 * top + height - saliency.shape[0]) ** 2 + (2 * left + width - saliency.shape[1]) ** 2
        return saliency[top : top + height, left : left + width].sum(), -distance

    every = [
        rate(top, left)
        for top in range(saliency.shape[0] - height + 1)
        for left in range(saliency.shape[1] - width + 1)
    ]
    assert rate(window.top, window.left) == max(every)


@given(shape=st.tuples(st.integers(20, 300), st.integers(20, 300)), aspect=st.floats(0.3, 3), area=st.floats(0.1, 1))
def test_the_window_is_the_largest_of_its_aspect_and_area(shape, aspect, area):
    window = best_crop(np.zeros(shape, np.float32), aspect, area)
    height, width = window.bottom - window.top, window.right - window.left
    assert abs(width - height * aspect) <= (1 + aspect) / 2 + 1e-6
    assert height == shape[0] or width == shape[1] or abs(width * height - area * shape[0] * shape[1]) <= width + height
    assert width * height <= area * shape[0] * shape[1] + width + height
    # Where nobody looks anywhere, it is at the centre.
    assert abs(window.left + window.right - shape[1]) <= 1
    assert abs(window.top + window.bottom - shape[0]) <= 1


def test_a_tie_of_a_large_map_is_not_broken_by_rounding():
    saliency = np.full((700, 900), 0.1, np.float32)
    saliency[0, 0] = 1e-6
    assert best_crop(saliency, 1.0, 0.2) == (272, 172, 627, 527)


@pytest.mark.parametrize(
    ("aspect", "area", "cause"),
    [
        (0, 1, "aspect: 0"),
        (np.nan, 1, "aspect: nan"),
        (np.inf, 1, "aspect: inf"),
        (1, 0, "area: 0"),
        (1, 1.1, "area: 1.1"),
    ],
)
def test_other_windows_are_refused(aspect, area, cause):
    with pytest.raises(ValueError, match=f"^{cause} is not a"):
        best_crop(np.ones((4, 4)), aspect, area)


def write_scene(path, **options) -> np.ndarray:
    """Write a grey scene with a bright square at the right, and return it upright, uint8 (120, 240, 3)."""
    scene = np.full((120, 240, 3), 90, np.uint8)
    scene[40:90, 170:220] = (230, 40, 30)
    path.parent.mkdir(exist_ok=True)
    Image.fromarray(scene).save(path, **options)
    return scene


def test_the_crop_has_what_people_look_at(run, tmp_path):
    scene = write_scene(tmp_path / "in" / "a.png")
    outcome = run("crop", tmp_path / "in", "--aspect", "1:1", "--out", tmp_path / "out")
    assert (outcome.code, outcome.output) == (0, f"1 of 1 cropped, see {tmp_path / 'out'}\n")
    crop = images.read_image(tmp_path / "out" / "a.png")
    assert crop.shape == (120, 120, 3)
    # The square is in it, whole.
    assert (crop == scene[40, 170]).all(axis=-1).sum() == 50 * 50


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("size", [None, (30, 60)])
def test_a_turned_photograph_is_cropped_upright_and_keeps_exif_and_profile(tmp_path, orientation, size):
    exif = Image.Exif()
    exif[ORIENTATION], exif[ExifTags.Base.Artist] = orientation, "somebody"
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ExifImageWidth] = 240
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ISOSpeedRatings] = 200
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    path, out = tmp_path / "in" / "a.jpg", tmp_path / "out"
    write_scene(path, quality=97, subsampling=0, exif=exif, icc_profile=profile)
    upright = images.read_image(path)
    height, width = size or upright.shape[:2]
    assert crop_files([path], out, None if size else width / height, size, area=1.0) == (1, 0)
    with Image.open(out / "a.jpg") as crop, Image.open(path) as photograph:
        assert (crop.format, crop.size, crop.info["icc_profile"]) == ("JPEG", (width, height), profile)
        assert crop.quantization == photograph.quantization
        assert ORIENTATION not in crop.getexif() or orientation == 1
        assert crop.getexif()[ExifTags.Base.Artist] == "somebody"
        details = crop.getexif().get_ifd(ExifTags.IFD.Exif)
        assert (details[ExifTags.Base.ISOSpeedRatings], details[ExifTags.Base.ExifImageWidth]) == (200, width)
    if size is None:
        assert np.abs(images.read_image(out / "a.jpg").astype(int) - upright).mean() < 2


def test_the_size_is_exact_and_must_have_the_aspect(run, tmp_path):
    write_scene(tmp_path / "a.png")
    for options in (
        ["--size", "48x27"],
        ["--size", "48x27", "--aspect", "16:9"],
        ["--size", "400x210", "--area", "0.2"],
    ):
        assert run("crop", tmp_path / "a.png", "--out", tmp_path / "out", *options).code == 0
        width, height = map(int, options[1].split("x"))
        assert images.read_size(tmp_path / "out" / "a.png") == (height, width)
    outcome = run("crop", tmp_path / "a.png", "--out", tmp_path / "no", "--size", "27x48", "--aspect", "16:9")
    assert outcome.code == 1
    assert outcome.lines == ["salgan_tf: size: 27x48 (width x height) is not of that aspect: expected 27x15"]
    outcome = run("crop", tmp_path / "a.png", "--out", tmp_path / "no")
    assert (outcome.code, outcome.lines) == (1, ["salgan_tf: aspect: expected an aspect or a size"])
    assert names_in(tmp_path) == ["a.png", "out"]


@pytest.mark.parametrize(
    "option", ["--aspect=16x9", "--aspect=0:1", "--aspect=-1:1", "--size=48", "--size=0x5", "--area=0", "--area=2"]
)
def test_bad_usage_is_refused(run, tmp_path, option, capsys):
    with pytest.raises(SystemExit) as ended:
        run("crop", "a.png", "--out", tmp_path / "out", option)
    assert ended.value.code == 2
    assert option.split("=")[1] in capsys.readouterr().err.splitlines()[-1]


def test_inputs_are_kept_bad_files_named_and_subfolders_mirrored(run, tmp_path):
    for name in ("a.png", "b/a.png"):
        save_picture(tmp_path / "in" / name, render_photograph(0))
    (tmp_path / "in" / "bad.jpg").write_text("no picture")
    before = (tmp_path / "in" / "a.png").read_bytes()
    outcome = run("crop", tmp_path / "in", "--aspect", "1:1", "--out", tmp_path / "out", "--recursive")
    assert (outcome.code, outcome.output.splitlines()) == (1, [f"2 of 3 cropped, see {tmp_path / 'out'}"])
    assert outcome.lines == [f"salgan_tf: {tmp_path / 'in' / 'bad.jpg'}: not a picture, or in an unsupported format"]
    assert sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.png")) == [
        "a.png",
        "b/a.png",
    ]
    outcome = run("crop", tmp_path / "in" / "a.png", "--aspect", "1:1", "--out", tmp_path / "in")
    assert outcome.code == 1
    name = tmp_path / "in" / "a.png"
    assert outcome.lines == [f"salgan_tf: {name}: its results would overwrite it: use another folder"]
    assert (tmp_path / "in" / "a.png").read_bytes() == before


def encode(picture: Image.Image, format: str, **options) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format, **options)
    return buffer.getvalue()


def test_an_animation_is_refused(tmp_path):
    frames = [Image.fromarray(render_photograph(seed)) for seed in range(2)]
    (tmp_path / "a.gif").write_bytes(encode(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    errors = []
    assert crop_files([tmp_path / "a.gif"], tmp_path / "out", 1.0, report=errors.append) == (0, 1)
    assert errors[0].cause == "has several frames, of which a crop would keep one: save one as a picture"
    assert not (tmp_path / "out").exists()
