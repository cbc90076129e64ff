"""Inputs are kept, subfolders are mirrored, and predictors work in threads."""

import os
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from conftest import render_photograph, save_picture

from salgan_tf import files, images
from salgan_tf.errors import InputError
from salgan_tf.inference import SaliencyPredictor, predict_files


@pytest.fixture(scope="module")
def predictor() -> SaliencyPredictor:
    return SaliencyPredictor()


def write_pictures(folder: Path, *names: str) -> None:
    for seed, name in enumerate(names):
        save_picture(folder / name, render_photograph(seed, (20, 30)))


def list_files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("inputs", [["cat.png", "cat_saliency.png"], ["cat_saliency.png", "cat.png"]])
@pytest.mark.parametrize("link", [False, True])
def test_an_input_is_not_overwritten_by_the_results_of_another(predictor, tmp_path, inputs, link):
    write_pictures(tmp_path / "photos", "cat.png")
    write_pictures(tmp_path / "elsewhere", "cat_saliency.png")
    (tmp_path / "elsewhere" / "cat_saliency.png").rename(tmp_path / "photos" / "cat_saliency.png")
    before = (tmp_path / "photos" / "cat_saliency.png").read_bytes()
    (tmp_path / "link").symlink_to("photos")
    errors = []
    paths, out = [tmp_path / "photos" / name for name in inputs], tmp_path / ("link" if link else "photos")
    assert predict_files(paths, out, predictor, report=errors.append) == (1, 1)
    assert str(errors[0].subject).endswith("cat.png")
    assert (tmp_path / "photos" / "cat_saliency.png").read_bytes() == before
    assert "cat_overlay.jpg" not in list_files(tmp_path / "photos")


def test_the_model_is_not_overwritten_by_results(brightness_file, tmp_path):
    write_pictures(tmp_path, "x.png")
    model = shutil.copy(brightness_file, tmp_path / "model.tflite")
    (tmp_path / "x_overlay.jpg").symlink_to(model)
    errors = []
    assert predict_files([tmp_path / "x.png"], tmp_path, SaliencyPredictor(model), report=errors.append) == (0, 1)
    assert errors[0].cause == f"its results would overwrite {model}, another input: use another folder"
    assert model.read_bytes() == brightness_file.read_bytes()


def test_results_that_differ_in_case_only_are_refused(predictor, tmp_path):
    write_pictures(tmp_path / "in", "IMG.jpg", "img.png")
    errors = []
    assert predict_files([tmp_path / "in"], tmp_path / "out", predictor, report=errors.append) == (1, 1)
    assert errors[0].subject == str(tmp_path / "in" / "img.png")
    assert f"would overwrite those of {tmp_path / 'in' / 'IMG.jpg'}" in errors[0].cause
    assert list_files(tmp_path / "out") == ["IMG_overlay.jpg", "IMG_saliency.png"]


def test_a_photograph_that_is_called_like_an_overlay_is_no_result(predictor, tmp_path):
    write_pictures(tmp_path, "x.png", "x_overlay.jpg", "y.png", "y_saliency.png", "y_overlay.jpg")
    before = (tmp_path / "x_overlay.jpg").read_bytes()
    for _ in range(2):
        remarks = []
        assert predict_files([tmp_path], tmp_path, predictor, report=remarks.append) == (2, 1)
        assert str(remarks[0]).endswith("results of an earlier call skipped")
        assert (
            remarks[1].cause
            == f"its results would overwrite {tmp_path / 'x_overlay.jpg'}, another input: use another folder"
        )
        assert (tmp_path / "x_overlay.jpg").read_bytes() == before
        assert "x_saliency.png" not in list_files(tmp_path)


@pytest.mark.parametrize("kind", ["full disk", "too long for a JPEG", "a folder has the map's name"])
def test_the_map_and_the_overlay_are_both_written_or_none(predictor, tmp_path, monkeypatch, kind):
    save_picture(tmp_path / "x.png", np.zeros((1, 70000) if kind.startswith("too long") else (20, 30), np.uint8))
    out = tmp_path / "out"
    expected = []
    if kind == "full disk":
        monkeypatch.setattr(images, "write_bytes", mock.Mock(side_effect=InputError(out / "x_overlay.jpg", "full")))
    elif kind.startswith("a folder"):
        (out / "x_saliency.png").mkdir(parents=True)
        expected = ["x_saliency.png"]
    errors = []
    assert predict_files([tmp_path / "x.png"], out, predictor, report=errors.append) == (0, 1)
    assert len(errors) == 1
    assert sorted(path.name for path in out.glob("*")) == expected
    # A folder that was made for nothing does not stay.
    assert out.exists() == bool(expected)


def test_an_empty_path_is_not_the_current_folder_and_an_impossible_one_does_not_end_the_batch(
    predictor, tmp_path, monkeypatch, run
):
    monkeypatch.chdir(tmp_path)
    write_pictures(tmp_path, "x.png")
    errors = []
    assert predict_files(["", "null\0.png", "x.png"], "out", predictor, report=errors.append) == (1, 2)
    assert str(errors[0]) == "an empty path: expected a photograph or a folder"
    assert str(errors[1]) == r"null\x00.png: embedded null byte"
    assert run("predict", "", "--out", "other").lines == [f"salgan_tf: {errors[0]}"]
    assert list_files(tmp_path) == ["out/x_overlay.jpg", "out/x_saliency.png", "x.png"]


@pytest.mark.parametrize("inside", [False, True])
def test_subfolders_are_mirrored(predictor, tmp_path, inside):
    write_pictures(tmp_path / "in", "a.png", "b/a.png", "b/c/a.jpe", ".hidden/a.png")
    (tmp_path / "in" / "b" / "circle").symlink_to(tmp_path / "in")
    (tmp_path / "in" / "b" / "notes.txt").touch()
    out = tmp_path / "in" / "out" if inside else tmp_path / "out"
    for _ in range(2):
        remarks = []
        counts = predict_files([tmp_path / "in"], out, predictor, False, remarks.append, recursive=True)
        assert counts == (3, 0)
        assert [str(remark) for remark in remarks] == [f"{tmp_path / 'in'}: 1 file is not a picture and was skipped"]
        assert list_files(out) == ["a_saliency.png", "b/a_saliency.png", "b/c/a_saliency.png"]


def test_a_folder_of_folders_hints_at_recursive(predictor, tmp_path):
    write_pictures(tmp_path / "in", "deeper/a.png")
    errors = []
    assert predict_files([tmp_path / "in"], tmp_path / "out", predictor, report=errors.append) == (0, 1)
    write_pictures(tmp_path / "in", "b.png")
    # The folder of the results is none that was skipped.
    for out, remarks in ((tmp_path / "out", 2), (tmp_path / "in" / "deeper", 2)):
        assert predict_files([tmp_path / "in"], out, predictor, report=errors.append) == (1, 0)
        assert len(errors) == remarks
    assert [error.cause for error in errors] == [
        "no pictures in this folder; --recursive takes its subfolders",
        "its subfolders were skipped; --recursive takes them",
    ]


def test_a_pipe_and_a_link_stay_what_they_are(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with ThreadPoolExecutor() as pool:
        content = pool.submit((tmp_path / "pipe").read_bytes)
        files.write_bytes(tmp_path / "pipe", b"content")
        assert content.result(timeout=60) == b"content"
    assert (tmp_path / "pipe").is_fifo()
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("folder/target")
    for text in (b"first", b"second"):
        files.write_bytes(tmp_path / "link", text)
        assert (tmp_path / "folder" / "target").read_bytes() == text
    assert (tmp_path / "link").is_symlink()
    assert list_files(tmp_path / "folder") == ["target"]


def test_eight_threads_share_a_predictor(predictor):
    photographs = [render_photograph(seed) for seed in range(4)]
    expected = [predictor(photograph) for photograph in photographs]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda turn: predictor(photographs[turn % 4]), range(96)))
    assert sum(np.array_equal(saliency, expected[turn % 4]) for turn, saliency in enumerate(found)) == 96


def test_predictors_made_in_threads_leave_stderr_where_it_was():
    before, together = os.fstat(2), threading.Barrier(8)

    def make(_):
        together.wait()
        return [SaliencyPredictor(threads=1).image_shape for _ in range(4)]

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(make, range(8))) == [[(256, 320)] * 4] * 8
    assert os.path.samestat(os.fstat(2), before)


def test_many_photographs_keep_their_order_their_names_and_the_maps_of_each_alone(predictor, tmp_path):
    names = [f"{number:02}.png" for number in range(12)]
    write_pictures(tmp_path / "in", *names)
    (tmp_path / "in" / "03.png").write_text("no picture")
    for number in (2, 3, 9):
        save_picture(tmp_path / "in" / f"{number:02}.tif", render_photograph(number, (40, 50)))
    errors = []
    assert predict_files([tmp_path / "in"], tmp_path / "out", predictor, report=errors.append) == (12, 3)
    # A bad photograph leaves its name to the next one.
    assert [Path(error.subject).name for error in errors] == ["02.tif", "03.png", "09.tif"]
    for name in names:
        source = tmp_path / "in" / (name if name != "03.png" else "03.tif")
        alone = tmp_path / "alone"
        assert predict_files([source], alone, predictor) == (1, 0)
        for result in (f"{name[:2]}_saliency.png", f"{name[:2]}_overlay.jpg"):
            assert (tmp_path / "out" / result).read_bytes() == (alone / result).read_bytes()


def test_photographs_that_need_too_much_memory_together_take_turns(brightness_file, tmp_path, monkeypatch):
    predictor = SaliencyPredictor(brightness_file)
    names = [f"{number}.png" for number in range(4)]
    for name in names:
        save_picture(tmp_path / "in" / name, np.zeros((400, 500), np.uint8))
    # Room for one of them, but not for two.
    monkeypatch.setenv("SALGAN_TF_MEMORY_GB", "0.0025")
    together, most, lock = 0, 0, threading.Lock()
    write_image = images.write_image

    def count(path: Path, array: np.ndarray) -> None:
        nonlocal together, most
        with lock:
            together += 1
            most = max(most, together)
        write_image(path, array)
        with lock:
            together -= 1

    monkeypatch.setattr(images, "write_image", count)
    assert predict_files([tmp_path / "in"], tmp_path / "out", predictor) == (4, 0)
    assert most == 1


def test_an_error_of_the_caller_ends_the_threads(predictor, tmp_path):
    write_pictures(tmp_path / "in", *[f"{number:02}.png" for number in range(40)])
    (tmp_path / "in" / "00.png").write_text("no picture")
    with pytest.raises(KeyboardInterrupt):
        predict_files([tmp_path / "in"], tmp_path / "out", predictor, report=mock.Mock(side_effect=KeyboardInterrupt))
    assert len(list_files(tmp_path / "out")) < 60
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ThreadPoolExecutor")]


def test_no_error_is_lost_while_a_thread_silences_native_code(tmp_path):
    for number in range(8):
        save_picture(tmp_path / "in" / f"{number}.tif", render_photograph(number, (600, 800)))
        (tmp_path / "in" / f"{number}.png").write_text("no picture")
    command = [sys.executable, "-m", "salgan_tf", "predict", str(tmp_path / "in"), "--out", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.count("not a picture, or in an unsupported format") == 8


@pytest.mark.parametrize("max_side", [0, -5, 1.5, "10"])
def test_a_largest_side_is_a_positive_whole_number(predictor, tmp_path, max_side):
    write_pictures(tmp_path, "x.png")
    with pytest.raises(InputError, match=r"^max_side: .* is not a positive whole number$"):
        predict_files(tmp_path / "x.png", tmp_path / "out", predictor, max_side=max_side)
