"""Pictures of an evaluation: the files exist, have the right sizes and show the right maps."""

import numpy as np
import pytest
from conftest import save_picture, write_example, write_salicon
from handmade import BRIGHTNESS, DARKNESS, Made
from PIL import Image

from salgan_tf import images
from salgan_tf.errors import InputError
from salgan_tf.evaluation import MapFolder, evaluate, write_pictures

# The size of a cell of the grid, and the white gap between two cells.
HEIGHT, WIDTH, GAP = 180, 240, 4


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A data set with twelve photographs in val, wide and tall ones, that no test changes."""
    root = write_salicon(tmp_path_factory.mktemp("data") / "salicon")
    for index in range(9):
        write_example(root, "val", f"other_{index}", 30 + index, (60, 80) if index % 2 else (90, 40))
    return root


def cut_rows(path) -> list[list[np.ndarray]]:
    """Cut a grid into its rows of three pictures."""
    grid = images.read_image(path)
    assert grid.shape[1] == 3 * WIDTH + 2 * GAP
    assert (grid.shape[0] + GAP) % (HEIGHT + GAP) == 0
    return [
        [grid[top : top + HEIGHT, left : left + WIDTH] for left in range(0, grid.shape[1], WIDTH + GAP)]
        for top in range(0, grid.shape[0], HEIGHT + GAP)
    ]


def difference(picture: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(picture.astype(int) - other).mean())


def test_a_distribution_and_a_grid_of_each_contender_are_written(data, tmp_path):
    measured = evaluate(data, {"bright": BRIGHTNESS, "dark": DARKNESS}, humans=True)
    written = write_pictures(measured, tmp_path / "new" / "pictures")
    names = ["distribution.png", "bright_best_and_worst.jpg", "dark_best_and_worst.jpg"]
    assert [path.name for path in written] == names
    assert sorted(written) == sorted((tmp_path / "new" / "pictures").iterdir())
    with Image.open(written[0]) as picture:
        assert picture.size == (1600, 700)
        assert len(picture.convert("RGB").getcolors(10**6)) > 50
    for path in written[1:]:
        assert len(cut_rows(path)) == 8


def test_the_best_are_above_the_worst(data, tmp_path):
    # The map is the truth on some photographs, and its opposite on the others.
    truth = MapFolder(data / "maps" / "val")

    def predict(example, image):
        saliency = truth.predict(example, image)
        return saliency if example.name.startswith("other") else 1 - saliency

    _, path = write_pictures(evaluate(data, {"halves": Made(predict)}), tmp_path)
    rows = cut_rows(path)
    # Without the captions.
    far = [difference(recorded[: HEIGHT - 20], shown[: HEIGHT - 20]) for _, recorded, shown in rows]
    assert max(far[:4]) < 3
    assert min(far[4:7]) > 10
    assert len({row[0].tobytes() for row in rows}) == 8


def test_a_single_photograph_is_shown(tmp_path):
    write_example(tmp_path, "val", "only", 3)
    distribution, path = write_pictures(evaluate(tmp_path, {"bright": BRIGHTNESS}), tmp_path / "pictures")
    (row,) = cut_rows(path)
    photograph = images.read_image(tmp_path / "images" / "val" / "only.png")
    shown = images.resize_area(row[0], (60, 80))
    assert difference(shown[:50], photograph[:50]) < 12
    assert images.read_image(distribution).shape == (700, 1600, 3)


def test_any_names_give_files_of_their_own_with_legal_names(tmp_path):
    names = {
        "runs/one/maps": "runs_one_maps",
        "../maps": "maps",
        "C:\\maps": "C__maps",
        "a name*?": "a_name",
        "v1.2-x": "v1.2-x",
        "..": "contender",
        "größe": "größe",
        "a/b": "a_b",
        "a_b": "a_b",
        r"$\foo$ and $x$": "foo__and__x",
        "long/" * 80 + "1": "ong_" + "long_" * 11 + "1",
        "long/" * 80 + "2": "ong_" + "long_" * 11 + "2",
    }
    write_example(tmp_path, "val", "only", 3)
    written = write_pictures(evaluate(tmp_path, dict.fromkeys(names, BRIGHTNESS)), tmp_path / "pictures")
    expected = [f"{name}_best_and_worst.jpg" for name in names.values()]
    expected[8] = "a_b_best_and_worst_.jpg"
    assert [path.name for path in written] == ["distribution.png", *expected]
    assert set(written) == set((tmp_path / "pictures").iterdir())


def test_maps_below_zero_and_constant_ones_can_be_shown(data, tmp_path):
    logarithms = Made(lambda _, image: np.log(image.mean(axis=-1) / 256 + 1e-6))
    contenders = {
        "logarithms": logarithms,
        "shifted": Made(lambda *given: logarithms.predict(*given) - logarithms.predict(*given).min()),
        "black": Made(lambda _, image: np.zeros(image.shape[:2], np.float32)),
    }
    _, below, above, black = write_pictures(evaluate(data, contenders), tmp_path)
    assert difference(images.read_image(below), images.read_image(above)) < 1
    assert difference(images.read_image(below), images.read_image(black)) > 5


def test_a_photograph_of_any_shape_fits(tmp_path):
    data = tmp_path / "data"
    for index, shape in enumerate(((4, 300), (300, 5), (60, 80))):
        photograph = np.full((*shape, 3), 80, np.uint8)
        photograph[: shape[0] // 2 + 1, : shape[1] // 2 + 1] = 255
        fixated = np.zeros(shape, np.uint8)
        fixated[0, :3] = 255
        save_picture(data / f"i{index}.png", photograph)
        save_picture(data / f"i{index}_fixPts.png", fixated)
    _, path = write_pictures(evaluate(data, {"bright": BRIGHTNESS}), tmp_path / "pictures")
    # Each of them once, though four would fit above and four below.
    assert len(cut_rows(path)) == 3


def test_a_folder_that_cannot_be_made_is_named(data, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError) as caught:
        write_pictures(evaluate(data, {}), tmp_path / "file" / "pictures")
    assert caught.value.subject == str(tmp_path / "file" / "pictures")
