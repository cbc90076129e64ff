"""export/litert/run.py, as a person runs it, against the package: the same maps of the same files, and its errors."""

import re
from pathlib import Path

import numpy as np
import pytest
from conftest import render_photograph, save_picture
from kit_runner import run_kit
from PIL import Image
from tiny_litert import write_mean

from salgan_tf import inference

BUNDLED = sorted(inference.EDGE_MODEL.parent.glob("*.tflite"))


def read(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture)


@pytest.fixture
def tiny(tmp_path) -> Path:
    """A uint8 generator of 6x8."""
    return write_mean(tmp_path / "tiny.tflite")


@pytest.fixture
def photographs(tmp_path) -> Path:
    """Three photographs whose pixels no decoder can doubt: large, small with a black half, and grey."""
    folder = tmp_path / "photographs"
    save_picture(folder / "large.png", render_photograph(0, (301, 400)))
    dark = render_photograph(1)
    dark[:30] = 0
    save_picture(folder / "small.bmp", dark)
    save_picture(folder / "grey.png", render_photograph(2, (70, 50))[..., 0])
    return folder


def compare_with_package(model: Path, photographs: Path, out: Path) -> None:
    outcome = run_kit("litert/run.py", model, photographs, "--out", out / "kit")
    assert (outcome.code, outcome.lines) == (0, [])
    inference.predict_files([photographs], out / "package", inference.SaliencyPredictor(model))
    names = sorted(path.name for path in (out / "package").iterdir())
    assert sorted(path.name for path in (out / "kit").iterdir()) == names
    assert len(names) == 6
    for name in names:
        kit, package = read(out / "kit" / name), read(out / "package" / name)
        if name.endswith(".png"):
            np.testing.assert_array_equal(kit, package, name)
        else:
            # Two encoders of JPEG at quality 92.
            assert kit.shape == package.shape
            assert np.abs(kit.astype(int) - package).mean() < 1


@pytest.mark.parametrize("model", BUNDLED, ids=lambda path: path.stem)
def test_bundled_files_give_the_packages_maps(model, photographs, tmp_path):
    compare_with_package(model, photographs, tmp_path)


def test_a_uint8_file_gives_the_packages_maps(tiny, photographs, tmp_path):
    compare_with_package(tiny, photographs, tmp_path)


def test_level_zero_is_read_as_a_quarter_level(tiny, tmp_path):
    # Of the network's own size, half of it black: level 0 there, level 4 in the other half.
    picture = np.zeros((6, 8, 3), np.uint8)
    picture[:, 4:] = 4
    save_picture(tmp_path / "dark.png", picture)
    run_kit("litert/run.py", tiny, tmp_path / "dark.png", "--out", tmp_path / "out")
    levels = read(tmp_path / "out" / "dark_saliency.png")
    assert (levels[:, :2] == round(255 * 0.25 / 4)).all()
    assert (levels[:, 7] == 255).all()


def test_speed_is_printed(tiny, photographs, tmp_path):
    outcome = run_kit("litert/run.py", tiny, photographs, "--out", tmp_path / "out", "--threads", 1)
    assert outcome.output.splitlines()[0] == f"3 of 3 predicted, see {tmp_path / 'out'}"
    speed, milliseconds = re.search(r"([\d.]+) pictures per second, ([\d.]+) ms each", outcome.output).groups()
    assert float(speed) > 0
    assert float(milliseconds) >= 0


def test_no_overlay_leaves_the_maps_alone(tiny, photographs, tmp_path):
    run_kit("litert/run.py", tiny, photographs, "--out", tmp_path / "out", "--no-overlay")
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"large_saliency.png", "small_saliency.png", "grey_saliency.png"}


def test_a_photograph_on_its_side_is_turned_upright(tiny, tmp_path):
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(render_photograph(0)).save(tmp_path / "turned.jpg", exif=exif)
    run_kit("litert/run.py", tiny, tmp_path / "turned.jpg", "--out", tmp_path / "out")
    assert read(tmp_path / "out" / "turned_saliency.png").shape == (80, 60)


def test_bad_pictures_are_named_and_the_others_go_on(tiny, photographs, tmp_path):
    whole = tmp_path / "whole.jpg"
    Image.fromarray(render_photograph(3, (200, 300))).save(whole)
    bad = {
        "cut.jpg": (whole.read_bytes()[:-400], "the picture is cut off"),
        "cut.png": ((photographs / "large.png").read_bytes()[:2000], "not a picture, damaged"),
        "empty.png": (b"", "the file is empty"),
        "text.jpg": (b"no picture at all", "not a picture, damaged"),
    }
    for name, (content, _) in bad.items():
        (photographs / name).write_bytes(content)
    empty = tmp_path / "nothing"
    empty.mkdir()
    missing = tmp_path / "missing.png"
    outcome = run_kit("litert/run.py", tiny, empty, photographs, missing, whole, "--out", tmp_path / "out")
    assert outcome.code == 1
    assert outcome.output.startswith("4 of 10 predicted")
    expected = [f"{empty}: no pictures in this folder"]
    expected += [f"{photographs / name}: {cause}" for name, (_, cause) in bad.items()]
    expected += [f"{missing}: No such file or directory"]
    assert len(outcome.lines) == len(expected)
    for line, start in zip(outcome.lines, expected, strict=True):
        assert line.startswith(start)


def test_a_photograph_named_twice_is_predicted_once_and_a_namesake_is_refused(tiny, photographs, tmp_path):
    save_picture(tmp_path / "other" / "large.png", render_photograph(5))
    paths = (photographs / "large.png", photographs / ".." / "photographs", tmp_path / "other")
    outcome = run_kit("litert/run.py", tiny, *paths, "--out", tmp_path / "out")
    assert outcome.output.startswith("3 of 4 predicted")
    (line,) = outcome.lines
    assert line == f"{tmp_path / 'other' / 'large.png'}: its map would overwrite that of {photographs / 'large.png'}"


def test_results_in_the_folder_of_photographs_are_no_photographs(tiny, photographs):
    for _ in range(2):
        outcome = run_kit("litert/run.py", tiny, photographs, "--out", photographs)
        assert outcome.output.startswith("3 of 3 predicted")


def test_what_is_no_generator_is_refused(tiny, photographs, tmp_path):
    def refuse(model: Path) -> str:
        outcome = run_kit("litert/run.py", model, photographs, "--out", tmp_path / "out")
        (line,) = outcome.lines
        assert (outcome.code, outcome.output) == (1, "")
        assert not (tmp_path / "out").exists()
        return line.removeprefix(f"{model}: ")

    assert refuse(tmp_path / "missing.tflite") == "no such model"
    (tmp_path / "junk.tflite").write_bytes(b"junk" * 100)
    assert refuse(tmp_path / "junk.tflite").startswith("not a LiteRT model that can be run")
    classifier = write_mean(tmp_path / "classifier.tflite", axes=(1, 2))
    assert refuse(classifier) == "no generator: it maps (1, 6, 8, 3) to (1, 1, 1, 3)"


def test_a_folder_that_cannot_be_written_is_named_once(tiny, photographs, tmp_path):
    (tmp_path / "file").write_text("in the way")
    outcome = run_kit("litert/run.py", tiny, photographs, "--out", tmp_path / "file")
    (line,) = outcome.lines
    assert outcome.code == 1
    assert line.startswith(f"{tmp_path / 'file'}: cannot be written")


@pytest.mark.parametrize("threads", ["0", "two"])
def test_bad_usage_exits_with_2(tiny, photographs, tmp_path, threads):
    outcome = run_kit("litert/run.py", tiny, photographs, "--out", tmp_path / "out", "--threads", threads)
    assert outcome.code == 2
    assert f"'{threads}' is no whole number above 0" in outcome.lines[-1]
