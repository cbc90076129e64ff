"""The layouts of MIT1003 and CAT2000, and variants of SALICON's, which test_folder.py tests."""

import shutil

import numpy as np
import pytest
import scipy.io
from conftest import (
    draw_fixations,
    render_map,
    render_photograph,
    save_picture,
    write_cat2000,
    write_example,
    write_mit1003,
    write_salicon,
)

from salgan_tf.data import folder
from salgan_tf.data.fixations import count_fixations
from salgan_tf.data.grid import grid_example
from salgan_tf.data.pipeline import load_dataset
from salgan_tf.errors import InputError, InputErrors

SHAPE = (60, 80)
CAT2000_NAMES = ["Action/001", "Action/002", "Art/001"]


def as_pictures(root, ending: str = ".png"):
    """Convert the fixations of `write_cat2000` to binary pictures."""
    for path in sorted((root / "FIXATIONLOCS").rglob("*.mat")):
        save_picture(path.with_suffix(ending), scipy.io.loadmat(path)["fixLocs"].astype(bool))
        path.unlink()
    return root


def write_trainset(root):
    """Write CAT2000 as it is published, with a test set that has only photographs."""
    write_cat2000(root / "trainSet")
    shutil.copytree(root / "trainSet" / "Stimuli", root / "testSet" / "Stimuli")
    return root


def write_salicon_with_pictures(root):
    """Write SALICON's layout with other files of fixations: `.mat` files with a matrix, and a picture."""
    for index, name in enumerate(("deer_0", "deer_1", "plain")):
        save_picture(root / "images" / "train" / f"{name}.jpg", render_photograph(index))
        save_picture(root / "maps" / "train" / f"{name}.png", render_map(draw_fixations(index)))
    path = root / "fixations" / "train" / "deer_0.png"
    save_picture(path, draw_fixations(0))
    scipy.io.savemat(path.with_name("deer_1.mat"), {"I": draw_fixations(1)})
    scipy.io.savemat(path.with_name("plain.mat"), {"any": draw_fixations(2)})
    return root


# By arrangement: its writer, its split, the names and the sources. The fixations are `draw_fixations(index)`.
ARRANGEMENTS = {
    "MIT1003 apart": (write_mit1003, "all", ["i0", "i1", "i2", "i3"], [""] * 4),
    "MIT1003 together": (lambda root: write_mit1003(root, True), "all", ["i0", "i1", "i2", "i3"], [""] * 4),
    "CAT2000": (write_cat2000, "all", CAT2000_NAMES, ["Action", "Action", "Art"]),
    "CAT2000 published": (write_trainset, "train", CAT2000_NAMES, ["Action", "Action", "Art"]),
    "CAT2000 with pictures": (lambda root: as_pictures(write_cat2000(root)), "all", CAT2000_NAMES, None),
    "SALICON with others": (write_salicon_with_pictures, "train", ["deer_0", "deer_1", "plain"], ["deer", "deer", ""]),
}


@pytest.fixture(params=ARRANGEMENTS)
def arrangement(request, tmp_path):
    write, split, names, sources = ARRANGEMENTS[request.param]
    return write(tmp_path / "data"), split, names, sources


def test_index_and_splits(arrangement):
    root, split, names, sources = arrangement
    assert folder.find_splits(root) == [split]
    examples = folder.index_folder(str(root), split)
    assert [example.name for example in examples] == names
    assert sources is None or [example.source for example in examples] == sources
    for example in examples:
        assert example.image.is_file()
        assert example.map.is_file()
        assert example.fixations.is_file()


def test_the_fixations_belong_to_the_photograph(arrangement):
    root, split, *_ = arrangement
    for index, example in enumerate(folder.index_folder(root, split)):
        fixated = draw_fixations(index)
        gaze, sample = folder.read_gaze(example), folder.read_example(example)
        np.testing.assert_array_equal(gaze.points, np.argwhere(fixated))
        np.testing.assert_array_equal(sample.gaze.points, gaze.points)
        assert gaze.shape == sample.saliency.shape == SHAPE
        assert (gaze.observers, gaze.outside, sample.gaze.observers, sample.gaze.outside) == (None, 0, None, 0)
        np.testing.assert_allclose(sample.image.astype(int), render_photograph(index), atol=150)
        assert np.abs(sample.image.astype(int) - render_photograph(index)).mean() < 8
        np.testing.assert_allclose(sample.saliency, render_map(fixated) / 255, atol=0.1)
        np.testing.assert_array_equal(folder.read_density(example), sample.saliency)


def test_training_reads_every_layout(arrangement):
    root, split, names, _ = arrangement
    for index, example in enumerate(folder.index_folder(root, split)):
        image, saliency, counts = grid_example(example, (30, 40))
        assert (image.shape, saliency.shape, saliency.max()) == ((30, 40, 3), (30, 40, 1), 65535)
        expected = count_fixations(np.argwhere(draw_fixations(index)), SHAPE, (30, 40))
        np.testing.assert_array_equal(counts[..., 0], expected)
    ((images, truth),) = load_dataset(root, split, (32, 64), batch_size=8)
    assert images.shape == (len(names), 32, 64, 3)
    assert (truth["fixations"].numpy().sum(axis=(1, 2, 3)) > 0).all()


@pytest.mark.parametrize("kind", [".mat", ".png"])
def test_lossless_fixations_are_preferred_to_a_jpeg(tmp_path, kind):
    root = write_mit1003(tmp_path, together=True)
    path = root / f"i1_fixPts{kind}"
    if kind == ".mat":
        scipy.io.savemat(path, {"anything": draw_fixations(9)})
    else:
        save_picture(path, draw_fixations(9))
    example = folder.index_folder(root, "all")[1]
    assert example.fixations == path
    np.testing.assert_array_equal(folder.read_gaze(example).points, np.argwhere(draw_fixations(9)))


def test_mit1003_together_is_recognised_by_fixations_without_maps(tmp_path):
    save_picture(tmp_path / "a.b.png", render_photograph(0))
    scipy.io.savemat(tmp_path / "a.b_fixPts.mat", {"fixLocs": draw_fixations(0)})
    (example,) = folder.index_folder(tmp_path, "all")
    assert (example.name, example.map) == ("a.b", None)
    density = folder.read_density(example)
    assert density.shape == SHAPE
    assert density.max() == pytest.approx(1)


def test_the_error_names_all_pictures_without_a_ground_truth_and_where_it_was_looked_for(tmp_path):
    root = write_mit1003(tmp_path)
    for name in ("i1", "i2"):
        for ending in ("Pts", "Map"):
            (root / "ALLFIXATIONMAPS" / f"{name}_fix{ending}.jpg").unlink()
    with pytest.raises(InputErrors) as caught:
        folder.index_folder(root, "all")
    *lines, last = str(caught.value).splitlines()
    for name, line in zip(("i1", "i2"), lines, strict=True):
        truth = root / "ALLFIXATIONMAPS" / name
        endings = "(.png, .npy, .mat, .jpg)", "(.mat, .csv, .json, .png, .jpg)"
        cause = f"neither a map {truth}_fixMap {endings[0]} nor fixations {truth}_fixPts {endings[1]}"
        assert line == f"{root / 'ALLSTIMULI' / name}.jpeg: {cause}"
    assert "2 of 4" in last


def test_cat2000_uses_only_pictures_directly_in_a_category(tmp_path):
    root = write_cat2000(tmp_path)
    save_picture(root / "Stimuli" / ".hidden" / "001.jpg", render_photograph(0))
    save_picture(root / "Stimuli" / "loose.jpg", render_photograph(0))
    (root / "Stimuli" / "Empty").mkdir()
    assert [example.name for example in folder.index_folder(root, "all")] == CAT2000_NAMES


def test_two_pictures_with_the_same_name_in_a_category_are_refused(tmp_path):
    root = write_cat2000(tmp_path)
    save_picture(root / "Stimuli" / "Art" / "001.png", render_photograph(0))
    with pytest.raises(InputError, match="2 pictures have the name 001") as caught:
        folder.index_folder(root, "all")
    assert caught.value.subject == str(root / "Stimuli" / "Art")


def test_the_error_names_a_data_set_without_pictures(tmp_path):
    for name in ("ALLSTIMULI", "ALLFIXATIONMAPS"):
        (tmp_path / name).mkdir()
    with pytest.raises(InputError, match="no pictures of the split 'all'") as caught:
        folder.index_folder(tmp_path, "all")
    assert caught.value.subject == str(tmp_path)


@pytest.mark.parametrize("folders", [[], ["ALLSTIMULI"], ["Stimuli/Art"], ["testSet/Stimuli/Art"], ["maps/train"]])
def test_the_error_of_an_unknown_layout_names_the_known_ones(tmp_path, folders):
    for name in folders:
        save_picture(tmp_path / name / "001.jpg", render_photograph(0))
    for call in (lambda: folder.index_folder(tmp_path, "all"), lambda: folder.find_splits(tmp_path)):
        with pytest.raises(InputError, match=r"not a data set in a known layout; .*SALICON.*MIT1003.*CAT") as caught:
            call()
        assert caught.value.subject == str(tmp_path)
    with pytest.raises(InputError, match=r"no such folder; .*SALICON"):
        folder.find_splits(tmp_path / "nowhere")


def test_salicon_is_preferred_to_the_others(tmp_path):
    """images/ meant SALICON's layout before the others were known."""
    write_cat2000(write_mit1003(write_salicon(tmp_path), together=True))
    assert folder.find_splits(tmp_path) == ["train", "val"]


def test_the_source_in_salicons_layout_is_the_first_part_of_the_name(tmp_path):
    for seed, name in enumerate(("coco_a_1", "_hidden", "plain")):
        write_example(tmp_path, "train", name, seed)
    found = {example.name: example.source for example in folder.index_folder(tmp_path, "train")}
    assert found == {"coco_a_1": "coco", "_hidden": "", "plain": ""}


def test_other_files_are_counted_once_for_all_splits_of_a_folder(run, tmp_path):
    for index, split in enumerate(("train", "val")):
        write_example(tmp_path / "data", "", f"COCO_{split}2014_{index}", index)
    (tmp_path / "data" / "images" / "notes.txt").touch()
    code, _, lines = run("prepare", "--data", tmp_path / "data", "--out", tmp_path / "out", "--size", "32x32")
    assert code == 0
    assert lines == [f"salgan_tf: {tmp_path / 'data' / 'images'}: 1 file is not a picture and was skipped"]
