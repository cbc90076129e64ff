"""Index a folder in SALICON's layout and read its examples, good and bad."""

import shutil

import numpy as np
import pytest
from conftest import render_photograph, write_example, write_fixations, write_mit1003
from PIL import Image
from scipy.ndimage import gaussian_filter

from salgan_tf.data import folder
from salgan_tf.errors import InputError

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
            first, second = folder.read_example(nested), folder.read_example(published)
            np.testing.assert_array_equal(first.image, second.image)
            np.testing.assert_array_equal(first.saliency, second.saliency)
            np.testing.assert_array_equal(first.gaze.points, second.gaze.points)


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
    np.add.at(counts, tuple(sample.gaze.points.T), 1)
    expected = gaussian_filter(counts, 0.03 * SHAPE[1], mode="constant", truncate=8)
    assert sample.saliency.dtype == np.float32
    assert sample.saliency.max() == pytest.approx(1)
    np.testing.assert_allclose(sample.saliency, expected / expected.max(), atol=0.01)


def test_gaze_has_observers_and_a_count_of_those_outside(salicon):
    path = salicon / "fixations" / "train" / "scene_0.mat"
    write_fixations(path, [np.array([[80, 1], [81, 1]]), np.empty((0, 2)), np.array([[2, 60], [0, 0], [2, 60]])], SHAPE)
    example = first_example(salicon)
    gaze, sample = folder.read_gaze(example), folder.read_example(example)
    assert gaze.shape == SHAPE
    for found in (gaze.points, sample.gaze.points):
        np.testing.assert_array_equal(found, [[0, 79], [59, 1], [59, 1]])
    for found in (gaze.observers, sample.gaze.observers):
        np.testing.assert_array_equal(found, [0, 2, 2])
    assert gaze.outside == sample.gaze.outside == 2


def test_without_a_file_of_fixations_there_is_no_gaze(salicon):
    (salicon / "fixations" / "train" / "scene_0.mat").unlink()
    example = first_example(salicon)
    sample = folder.read_example(example)
    assert folder.read_gaze(example) is sample.gaze is None
    assert sample.saliency.max() > 0.5
    np.testing.assert_array_equal(folder.read_density(example), sample.saliency)


@pytest.mark.parametrize("has_map", [True, False])
def test_gaze_and_density_are_read_without_the_pixels_of_the_photograph(salicon, has_map):
    if not has_map:
        (salicon / "maps" / "train" / "scene_0.png").unlink()
    example = first_example(salicon)
    whole = folder.read_example(example)
    example.image.write_bytes(example.image.read_bytes()[:300])
    with pytest.raises(InputError, match="cannot be decoded"):
        folder.read_example(example)
    np.testing.assert_array_equal(folder.read_gaze(example).points, whole.gaze.points)
    density = folder.read_density(example)
    assert density.dtype == np.float32
    np.testing.assert_array_equal(density, whole.saliency)


@pytest.mark.parametrize("has_map", [True, False])
def test_a_turned_photograph_is_read_upright_with_its_truth(tmp_path, has_map):
    root = write_mit1003(tmp_path)
    photograph = root / "ALLSTIMULI" / "i0.jpeg"
    exif = Image.Exif()
    exif[0x0112] = 6
    # Stored on its side, as cameras do; the ground truth belongs to the upright picture.
    Image.fromarray(np.rot90(render_photograph(0))).save(photograph, exif=exif)
    if not has_map:
        (root / "ALLFIXATIONMAPS" / "i0_fixMap.jpg").unlink()
    example = folder.index_folder(root, "all")[0]
    sample, gaze = folder.read_example(example), folder.read_gaze(example)
    assert sample.image.shape[:2] == gaze.shape == SHAPE
    assert folder.read_density(example).shape == SHAPE
    assert np.abs(sample.image.astype(int) - render_photograph(0)).mean() < 8
    np.testing.assert_array_equal(gaze.points, sample.gaze.points)


IMAGE, MAP, FIXATIONS = (
    f"{folder}/train/scene_0.{ending}" for folder, ending in (("images", "png"), ("maps", "png"), ("fixations", "mat"))
)


def leave_nothing_inside(path) -> None:
    write_fixations(path, [np.array([[0, 0]])], SHAPE)
    (path.parents[2] / MAP).unlink()


# By kind: the bad file, how it becomes bad, the cause, and whether `read_density` finds it too.
DAMAGE = {
    "corrupt mat": (FIXATIONS, lambda path: path.write_bytes(path.read_bytes()[:-40]), "not a MATLAB 5 file", False),
    "other resolution": (FIXATIONS, lambda path: write_fixations(path, [np.ones((1, 2))], (61, 80)), "61x80", False),
    "other map size": (MAP, lambda path: Image.new("L", (80, 61), 100).save(path), "61x80", True),
    "black map": (MAP, lambda path: Image.new("L", (80, 60)).save(path), "black", True),
    "truncated image": (IMAGE, lambda path: path.write_bytes(path.read_bytes()[:300]), "cannot be decoded", False),
    "nothing inside, no map": (FIXATIONS, leave_nothing_inside, "no fixations inside the image", True),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_the_error_names_a_bad_file(salicon, kind):
    name, damage, cause, is_density = DAMAGE[kind]
    damage(salicon / name)
    for read in (folder.read_example, folder.read_density) if is_density else (folder.read_example,):
        with pytest.raises(InputError, match=cause) as caught:
            read(first_example(salicon))
        assert caught.value.subject == str(salicon / name)


def test_a_data_set_without_splits_is_refused(tmp_path):
    (tmp_path / "images").mkdir()
    with pytest.raises(InputError, match="no splits"):
        folder.find_splits(tmp_path)


def test_the_fingerprint_changes_with_the_data_set(salicon):
    def fingerprint() -> str:
        return folder.fingerprint(folder.index_folder(salicon, "train"))

    first = fingerprint()
    assert fingerprint() == first
    path = salicon / "maps" / "train" / "scene_0.png"
    path.write_bytes(path.read_bytes() + b"\0")
    second = fingerprint()
    path.unlink()
    assert len({first, second, fingerprint()}) == 3


def test_splits_without_a_ground_truth_are_not_found(salicon):
    """SALICON's test split is published without a ground truth, and editors leave hidden folders."""
    for name in ("test", ".ipynb_checkpoints"):
        (salicon / "images" / name).mkdir()
        (salicon / "images" / name / "picture.png").write_bytes(b"")
    assert folder.find_splits(salicon) == ["train", "val"]
