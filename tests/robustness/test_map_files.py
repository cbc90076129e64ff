"""Maps outside the contract are refused by name, as predictions and as ground truth; those within it are read."""

import json
import os
import shutil

import numpy as np
import pytest
import scipy.io
from conftest import save_picture, write_example, write_salicon

from salgan_tf.__main__ import main
from salgan_tf.data import folder
from salgan_tf.data.mapfile import has_aspect_ratio, read_map
from salgan_tf.errors import InputError, InputErrors
from salgan_tf.evaluation import MapFolder, evaluate

SHAPE = (60, 80)
DENSITY = np.linspace(0.1, 1, 60 * 80).reshape(SHAPE)


def write_map(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".png":
        save_picture(path, np.rint(array * 255).astype(np.uint8))
    elif path.suffix == ".mat":
        scipy.io.savemat(path, {"saliency": array, "resolution": np.array([array.shape]), "author": "nobody"})
    else:
        np.save(path, array)
    return path


@pytest.mark.parametrize("ending", [".png", ".npy", ".mat"])
def test_swapped_sides_are_refused(tmp_path, ending):
    path = write_map(tmp_path / f"map{ending}", np.ones(SHAPE[::-1]))
    with pytest.raises(InputError, match=r"height and width are swapped$") as caught:
        read_map(path, SHAPE)
    assert caught.value.subject == str(path)


def test_maps_of_another_aspect_ratio_are_counted(salicon, tmp_path):
    """Many networks predict one size for all photographs; their maps are stretched, and a line says so."""
    for name, shape in (("scene_10", (32, 32)), ("scene_11", (30, 40)), ("scene_12", (45, 32))):
        write_map(tmp_path / "maps" / f"{name}.npy", np.linspace(0, 1, np.prod(shape)).reshape(shape))
    remarks = []
    evaluate(salicon, [MapFolder(tmp_path / "maps")], report=remarks.append)
    (remark,) = map(str, remarks)
    assert remark.startswith(f"{tmp_path / 'maps'}: 2 maps have another aspect ratio")


@pytest.mark.parametrize("shape", [(60, 80), (30, 40), (7, 10), (8, 10), (121, 163), (1, 1), (480, 640), (479, 640)])
def test_a_rounded_size_is_read(tmp_path, shape):
    path = write_map(tmp_path / "map.npy", np.ones(shape))
    assert has_aspect_ratio(read_map(path, SHAPE), SHAPE)


@pytest.mark.parametrize("ending", [".npy", ".mat"])
@pytest.mark.parametrize("scale", [1e-30, 1, 255, 1e6])
def test_numbers_have_any_scale(tmp_path, ending, scale):
    path = write_map(tmp_path / f"map{ending}", DENSITY * scale)
    np.testing.assert_allclose(read_map(path, SHAPE), DENSITY * scale, rtol=1e-6)


NOT_DENSITIES = {
    "log density": (np.log(DENSITY / DENSITY.sum()), "negative values: if it is a log density, save numpy.exp of it"),
    "log density with zeros": (np.where(np.eye(*SHAPE), -np.inf, -1), "a logarithm of 0"),
    "a single negative value": (np.where(np.arange(4800).reshape(SHAPE) == 99, -1e-3, 1), "negative values"),
    "NaN": (np.full(SHAPE, np.nan), "not finite"),
}


@pytest.mark.parametrize("ending", [".npy", ".mat"])
@pytest.mark.parametrize("kind", NOT_DENSITIES)
def test_what_is_not_a_density_is_refused_as_a_prediction_and_as_ground_truth(tmp_path, kind, ending):
    array, cause = NOT_DENSITIES[kind]
    data = write_salicon(tmp_path / "data")
    (data / "maps" / "val" / "scene_10.png").unlink()
    truth = write_map(data / "maps" / "val" / f"scene_10{ending}", array)
    example = folder.index_folder(data, "val")[0]
    for read in (folder.read_density, folder.read_example):
        with pytest.raises(InputError, match=cause) as caught:
            read(example)
        assert caught.value.subject == str(truth)
    with pytest.raises(InputError, match=cause):
        MapFolder(truth.parent).predict(example, np.zeros((*SHAPE, 3), np.uint8))


def test_evaluate_names_each_log_density(tmp_path):
    data = write_salicon(tmp_path / "data")
    paths = [write_map(tmp_path / "log" / f"scene_{index}.npy", np.log(DENSITY)) for index in (10, 11, 12)]
    with pytest.raises(InputErrors) as caught:
        evaluate(data, {"log": MapFolder(tmp_path / "log")})
    assert [error.subject for error in caught.value.errors] == list(map(str, paths))


@pytest.mark.parametrize("ending", [".npy", ".mat"])
def test_ground_truth_of_numbers_equals_that_of_a_picture(tmp_path, ending):
    data = write_salicon(tmp_path)
    example = folder.index_folder(data, "train")[0]
    expected = folder.read_density(example)
    example.map.unlink()
    write_map(example.map.with_suffix(ending), expected * 37)
    example = folder.index_folder(data, "train")[0]
    found = folder.read_density(example)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected / expected.max(), rtol=1e-6)


def test_scores_of_a_matrix_equal_those_of_an_array(tmp_path):
    data = write_salicon(tmp_path / "data")
    for index in (10, 11, 12):
        for ending in ("npy", "mat"):
            write_map(tmp_path / ending / f"scene_{index}.{ending}", DENSITY)
    scores = evaluate(data, {ending: MapFolder(tmp_path / ending) for ending in ("npy", "mat")}).scores
    np.testing.assert_equal(scores["mat"], scores["npy"])


MATRICES = {
    "two matrices": {"one": DENSITY, "other": DENSITY},
    "no matrix": {"note": "text", "resolution": np.array([SHAPE])},
    "three axes": {"colours": np.ones((60, 80, 3))},
    "cells": {"cell": np.array([[{"a": 1}, {"b": 2}], [{"c": 3}, {"d": 4}]])},
}


@pytest.mark.parametrize("kind", MATRICES)
def test_a_mat_file_without_a_single_matrix_is_refused(tmp_path, kind):
    scipy.io.savemat(tmp_path / "map.mat", MATRICES[kind])
    with pytest.raises(InputError, match="expected a single matrix"):
        read_map(tmp_path / "map.mat", SHAPE)


@pytest.mark.parametrize("ending", [".npy", ".mat"])
@pytest.mark.parametrize("kind", ["pipe", "sparse terabyte", "folder"])
def test_what_is_not_a_small_regular_file_is_refused_unread(tmp_path, kind, ending):
    path = tmp_path / f"map{ending}"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        with path.open("wb") as file:
            file.truncate(10**12)
    with pytest.raises(InputError, match=r"not a regular file|of memory and the limit|is a folder") as caught:
        read_map(path, SHAPE)
    assert caught.value.subject == str(path)


def test_density_maps_alone_give_a_table_and_every_file(tmp_path, capsys):
    data = write_salicon(tmp_path / "data")
    shutil.rmtree(data / "fixations")
    files = ["--json", tmp_path / "out.json", "--csv", tmp_path / "out.csv", "--pictures", tmp_path / "pictures"]
    arguments = ["evaluate", "--data", data, "--maps", data / "maps" / "val", *files, "--markdown", "--published"]
    assert main([str(word) for word in arguments]) == 0
    captured = capsys.readouterr()
    assert "–" in captured.out
    (line,) = captured.err.splitlines()
    assert line.startswith(f"salgan_tf: {data}: no fixations, so only CC, SIM, KL and EMD")
    measured = json.loads((tmp_path / "out.json").read_text())["results"]["all"][str(data / "maps" / "val")]
    known = [metric for metric, numbers in measured.items() if numbers is not None]
    assert known == ["cc", "sim", "sim_mit", "kl", "emd"]
    assert len(list((tmp_path / "pictures").iterdir())) == 2


def test_a_data_set_without_splits_is_measured(tmp_path, capsys):
    for index, name in enumerate(("deer", "plain")):
        write_example(tmp_path / "data", "", name, index)
    arguments = ["evaluate", "--data", str(tmp_path / "data"), "--maps", str(tmp_path / "data" / "maps")]
    assert main(arguments) == 0
    whole = capsys.readouterr().out
    assert whole.startswith("2 images")
    assert main([*arguments, "--split", "all"]) == 0
    assert capsys.readouterr().out == whole
    for split in ("val", "", str(tmp_path), ".."):
        assert main([*arguments, "--split", split]) == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert line.endswith(f"no pictures of the split {split!r}: the only split is 'all'")
