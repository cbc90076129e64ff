"""Maps outside the contract are refused by name, as predictions and as ground truth; those within it are read."""

import json
import shutil

import numpy as np
import pytest
import scipy.io
from conftest import UNREADABLE, save_picture, write_example, write_salicon

from salgan_tf.data import folder
from salgan_tf.data.mapfile import has_aspect_ratio, read_map
from salgan_tf.errors import InputError
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
    "beyond what can be summed": (np.full(SHAPE, 2e30), "not finite numbers .* beyond 1e[+]30"),
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
@pytest.mark.parametrize("kind", UNREADABLE)
def test_what_is_not_a_small_regular_file_is_refused_unread(tmp_path, kind, ending):
    make, cause = UNREADABLE[kind]
    path = tmp_path / f"map{ending}"
    make(path)
    with pytest.raises(InputError, match=cause) as caught:
        read_map(path, SHAPE)
    assert caught.value.subject == str(path)


def test_density_maps_alone_give_a_table_and_every_file(run, tmp_path):
    data = write_salicon(tmp_path / "data")
    shutil.rmtree(data / "fixations")
    files = ["--json", tmp_path / "out.json", "--csv", tmp_path / "out.csv", "--pictures", tmp_path / "pictures"]
    maps = data / "maps" / "val"
    code, output, (line,) = run("evaluate", "--data", data, "--maps", maps, *files, "--markdown", "--published")
    assert code == 0
    assert "–" in output
    assert line.startswith(f"salgan_tf: {data}: no fixations, so only CC, SIM, KL and EMD")
    measured = json.loads((tmp_path / "out.json").read_text())["results"]["all"][str(maps)]
    known = [metric for metric, numbers in measured.items() if numbers is not None]
    assert known == ["cc", "sim", "sim_mit", "kl", "emd"]
    assert len(list((tmp_path / "pictures").iterdir())) == 2


def test_a_data_set_without_splits_is_measured(run, tmp_path):
    for index, name in enumerate(("deer", "plain")):
        write_example(tmp_path / "data", "", name, index)
    words = ["evaluate", "--data", tmp_path / "data", "--maps", tmp_path / "data" / "maps"]
    whole = run(*words)
    assert whole.code == 0
    assert whole.output.startswith("2 images")
    assert run(*words, "--split", "all") == whole
    for split in ("val", "", str(tmp_path), ".."):
        code, _, (line,) = run(*words, "--split", split)
        assert code == 1
        assert line.endswith(f"no pictures of the split {split!r}: the only split is 'all'")
