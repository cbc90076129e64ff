"""The index of a SALICON folder and the reading of its files, good and bad."""

import shutil

import numpy as np
import pytest
import scipy.io
from conftest import write_example, write_fixations
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from scipy.ndimage import gaussian_filter

from salgan_tf.data import folder
from salgan_tf.errors import InputError, InputErrors

SHAPE = (60, 80)


def first_example(root, split="train") -> folder.Example:
    return folder.index_folder(root, split)[0]


def flatten(root, target):
    """Arrange a nested data set as SALICON publishes it: no subfolders, the split in the names."""
    for kind in ("images", "maps", "fixations"):
        (target / kind).mkdir(parents=True)
        for split in ("train", "val"):
            for number, path in enumerate(sorted((root / kind / split).iterdir())):
                shutil.copy(path, target / kind / f"COCO_{split}2014_{number:012d}{path.suffix}")
    return target


def test_nested_folders_are_indexed_by_name(salicon):
    examples = folder.index_folder(salicon, "train")
    assert [example.name for example in examples] == [f"scene_{index}" for index in range(6)]
    assert examples[2].image == salicon / "images" / "train" / "scene_2.png"
    assert examples[2].map == salicon / "maps" / "train" / "scene_2.png"
    assert examples[2].fixations == salicon / "fixations" / "train" / "scene_2.mat"
    assert folder.find_splits(salicon) == ["train", "val"]


def test_published_names_give_the_same_examples_as_folders(salicon, tmp_path):
    flat = flatten(salicon, tmp_path / "flat")
    assert folder.find_splits(flat) == ["train", "val"]
    for split, count in (("train", 6), ("val", 3)):
        nested_examples, flat_examples = folder.index_folder(salicon, split), folder.index_folder(flat, split)
        assert [example.name for example in flat_examples] == [
            f"COCO_{split}2014_{number:012d}" for number in range(count)
        ]
        for nested, published in zip(nested_examples, flat_examples, strict=True):
            for one, other in zip(
                vars(folder.read_example(nested)).values(),
                vars(folder.read_example(published)).values(),
                strict=True,
            ):
                np.testing.assert_array_equal(one, other)


def test_a_split_is_a_word_of_its_own(tmp_path):
    write_example(tmp_path, "", "constrained_val2014_1", 0)
    assert folder.find_splits(tmp_path) == ["val"]
    with pytest.raises(InputError, match="no pictures of the split 'train'"):
        folder.index_folder(tmp_path, "train")


def test_a_missing_map_is_made_from_the_fixations(salicon):
    (salicon / "maps" / "train" / "scene_0.png").unlink()
    example = first_example(salicon)
    assert example.map is None
    sample = folder.read_example(example)
    counts = np.zeros(SHAPE)
    np.add.at(counts, tuple(sample.fixations.T), 1)
    expected = gaussian_filter(counts, 0.03 * SHAPE[1], mode="constant", truncate=8)
    assert sample.saliency.dtype == np.float32
    assert sample.saliency.max() == pytest.approx(1)
    np.testing.assert_allclose(sample.saliency, expected / expected.max(), atol=0.01)


def test_the_blur_is_three_percent_of_the_width():
    density = folder.blur_fixations(np.array([[100, 150]]), (200, 300))
    rows, columns = np.mgrid[:200, :300]
    weights = density / density.sum()
    assert np.sqrt((weights * (columns - 150) ** 2).sum()) == pytest.approx(9, rel=0.02)
    assert np.sqrt((weights * (rows - 100) ** 2).sum()) == pytest.approx(9, rel=0.02)


def test_missing_fixations_are_none(salicon):
    (salicon / "fixations" / "train" / "scene_0.mat").unlink()
    sample = folder.read_example(first_example(salicon))
    assert sample.fixations is None
    assert sample.saliency.max() > 0.5


def test_neither_map_nor_fixations_is_an_error(salicon):
    (salicon / "fixations" / "train" / "scene_3.mat").unlink()
    (salicon / "maps" / "train" / "scene_3.png").unlink()
    with pytest.raises(InputError, match=r"scene_3\.png: neither a map"):
        folder.index_folder(salicon, "train")


def test_fixations_become_zero_based_rows_and_columns_and_those_outside_are_dropped(tmp_path):
    inside = [[1, 1], [80, 60], [80, 1], [1, 60], [3, 2], [3, 2]]
    outside = [[0, 5], [5, 0], [81, 5], [5, 61]]
    path = tmp_path / "points.mat"
    write_fixations(path, [np.array(inside[:3]), np.array(outside), np.empty((0, 2)), np.array(inside[3:])], SHAPE)
    points = folder.read_fixations(path, SHAPE)
    assert points.dtype == np.int32
    np.testing.assert_array_equal(points, [[0, 0], [59, 79], [0, 79], [59, 0], [1, 2], [1, 2]])


@given(st.lists(st.tuples(st.integers(1, 80), st.integers(1, 60)), max_size=20))
def test_every_fixation_inside_is_read_in_order(tmp_path_factory, fixations):
    path = tmp_path_factory.getbasetemp() / "read.mat"
    given_points = np.array(fixations, int).reshape(-1, 2)
    write_fixations(path, [given_points], SHAPE)
    np.testing.assert_array_equal(folder.read_fixations(path, SHAPE), given_points[:, ::-1] - 1)


sides = st.integers(1, 60)


@given(data=st.data(), shape=st.tuples(sides, sides), grid=st.tuples(sides, sides))
def test_counting_keeps_every_fixation(data, shape, grid):
    rows, columns = (st.integers(0, side - 1) for side in shape)
    points = np.array(data.draw(st.lists(st.tuples(rows, columns), max_size=30)), np.int32).reshape(-1, 2)
    counts = folder.count_fixations(points, shape, grid)
    assert counts.shape == grid
    assert counts.sum() == len(points)
    for row, column in points:
        assert counts[row * grid[0] // shape[0], column * grid[1] // shape[1]] > 0


def test_large_pictures_do_not_overflow_the_cells():
    counts = folder.count_fixations(np.array([[99_999, 59_999]], np.int32), (100_000, 60_000), (40_000, 100))
    assert counts[39_999, 99] == 1


def damage(root, kind: str):
    """Spoil one file of the example scene_0; give the path that the error must name."""
    image, saliency_map = (root / name / "train" / "scene_0.png" for name in ("images", "maps"))
    fixations = root / "fixations" / "train" / "scene_0.mat"
    if kind == "corrupt mat":
        content = fixations.read_bytes()
        fixations.write_bytes(content[:200] + bytes(64) + content[264:-40])
    elif kind == "text as mat":
        fixations.write_text("not MATLAB's\n" * 20)
    elif kind == "empty mat":
        fixations.write_bytes(b"")
    elif kind == "other layout":
        scipy.io.savemat(fixations, {"points": np.zeros((3, 2))})
    elif kind == "numbers as gaze":
        scipy.io.savemat(fixations, {"resolution": np.array([SHAPE]), "gaze": np.zeros((3, 2))})
    elif kind == "other resolution":
        write_fixations(fixations, [np.array([[1, 1]])], (61, 80))
    elif kind == "three columns":
        write_fixations(fixations, [np.array([[1, 1, 1]])], SHAPE)
    elif kind == "other map size":
        Image.new("L", (80, 61), 100).save(saliency_map)
    elif kind == "black map":
        Image.new("L", (80, 60)).save(saliency_map)
    elif kind == "truncated image":
        image.write_bytes(image.read_bytes()[:300])
    elif kind == "no fixation inside, no map":
        saliency_map.unlink()
        write_fixations(fixations, [np.array([[0, 0]])], SHAPE)
    return image if "image" in kind else saliency_map if kind in ("other map size", "black map") else fixations


@pytest.mark.parametrize(
    ("kind", "cause"),
    [
        ("corrupt mat", "not a MATLAB 5 file, or damaged"),
        ("text as mat", "not a MATLAB 5 file, or damaged"),
        ("empty mat", "not a MATLAB 5 file, or damaged"),
        ("other layout", "no field 'resolution'"),
        ("numbers as gaze", "not a .mat file in SALICON's layout"),
        ("other resolution", "61x80"),
        ("three columns", "not a .mat file in SALICON's layout"),
        ("other map size", "61x80"),
        ("black map", "black"),
        ("truncated image", "cannot be decoded"),
        ("no fixation inside, no map", "no fixations inside the image"),
    ],
)
def test_bad_files_are_named(salicon, kind, cause):
    named = damage(salicon, kind)
    with pytest.raises(InputError, match=cause) as caught:
        folder.read_example(first_example(salicon))
    assert caught.value.subject == str(named)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("compressed", [True, False])
def test_a_damaged_mat_file_gives_points_or_a_named_error(salicon, compressed):
    path = salicon / "fixations" / "train" / "scene_0.mat"
    content = scipy.io.loadmat(path)
    scipy.io.savemat(path, {name: content[name] for name in ("resolution", "gaze")}, do_compression=compressed)
    content = path.read_bytes()
    damaged = [content[:length] for length in range(0, len(content), 7)]
    # Of some of these, in plain files, SciPy alone dies of a segmentation fault.
    damaged += [
        content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :] for place in range(len(content))
    ]
    refused = 0
    for one in damaged:
        path.write_bytes(one)
        try:
            points = folder.read_fixations(path, SHAPE)
        except InputError as error:
            assert error.subject == str(path)
            refused += 1
        else:
            assert points.ndim == 2
            assert (points >= 0).all()
            assert (points < SHAPE).all()
    assert refused > len(content) // 10


def test_folders_without_a_data_set_are_named(tmp_path, salicon):
    for call in (lambda: folder.index_folder(tmp_path / "none", "train"), lambda: folder.find_splits(tmp_path)):
        with pytest.raises(InputError, match="no folder images/"):
            call()
    with pytest.raises(InputError, match="no pictures of the split 'test'") as caught:
        folder.index_folder(salicon, "test")
    assert caught.value.subject.startswith(str(salicon))
    (tmp_path / "bare" / "images").mkdir(parents=True)
    with pytest.raises(InputError, match="no splits"):
        folder.find_splits(tmp_path / "bare")


def test_two_pictures_of_one_name_are_refused(salicon):
    folder_of_images = salicon / "images" / "train"
    with Image.open(folder_of_images / "scene_1.png") as picture:
        picture.save(folder_of_images / "scene_1.jpg")
    with pytest.raises(InputError, match="2 pictures are named scene_1"):
        folder.index_folder(salicon, "train")


def test_the_fingerprint_tells_a_changed_data_set(salicon):
    def fingerprint() -> str:
        return folder.fingerprint(folder.index_folder(salicon, "train"))

    first = fingerprint()
    assert fingerprint() == first
    path = salicon / "maps" / "train" / "scene_0.png"
    path.write_bytes(path.read_bytes() + b"\0")
    second = fingerprint()
    path.unlink()
    assert len({first, second, fingerprint()}) == 3


def test_splits_without_a_ground_truth_are_none(salicon):
    """SALICON publishes the photographs of its test split alone; editors leave hidden folders."""
    for name in ("test", ".ipynb_checkpoints"):
        (salicon / "images" / name).mkdir()
        (salicon / "images" / name / "one.png").write_bytes(b"")
    assert folder.find_splits(salicon) == ["train", "val"]


def test_all_pictures_without_a_ground_truth_are_named(salicon):
    for name in ("scene_1", "scene_4"):
        (salicon / "maps" / "train" / f"{name}.png").unlink()
        (salicon / "fixations" / "train" / f"{name}.mat").unlink()
    with pytest.raises(InputErrors) as caught:
        folder.index_folder(salicon, "train")
    lines = str(caught.value).splitlines()
    assert ["scene_1" in lines[0], "scene_4" in lines[1], "2 of 6" in lines[2]] == [True] * 3
