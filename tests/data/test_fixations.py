"""Read fixations from files of every kind, good and bad; count and blur them."""

import struct

import numpy as np
import pytest
import scipy.io
import scipy.sparse
from conftest import draw_fixations, render_photograph, save_picture, write_fixations
from hypothesis import given
from hypothesis import strategies as st

from salgan_tf.data import fixations
from salgan_tf.errors import InputError

SHAPE = (60, 80)
# Where the binary matrices and pictures are white; exchanged rows and columns would not fit into SHAPE.
PIXELS = [[0, 0], [2, 78], [2, 79], [31, 5], [59, 0], [59, 79]]


def draw_pixels(dtype=np.uint8, high: float = 1) -> np.ndarray:
    fixated = np.zeros(SHAPE, dtype)
    fixated[tuple(np.transpose(PIXELS))] = high
    return fixated


def assert_is_pixels(gaze: fixations.Gaze) -> None:
    assert gaze.shape == SHAPE
    assert gaze.points.dtype == np.int32
    np.testing.assert_array_equal(gaze.points, PIXELS)
    assert gaze.observers is None
    assert gaze.outside == 0


def make_gaze(observers, shape=SHAPE) -> dict:
    """Make the variables of a file of gaze of any numbers; `write_fixations` writes only whole ones."""
    gaze = np.empty((len(observers), 1), dtype=[("fixations", "O")])
    for index, points in enumerate(observers):
        gaze[index, 0] = (np.asarray(points),)
    return {"resolution": np.array([shape], np.uint16), "gaze": gaze}


def write_gaze(path, observers):
    scipy.io.savemat(path, make_gaze(observers))
    return path


def test_fixations_that_are_no_numbers_count_as_outside(tmp_path):
    observers = [[[np.nan, 3.0], [4.0, np.inf], [-np.inf, 2.0], [1e300, 1.0]], [[7.6, 2.4], [80.4, 60.4], [80.6, 9.0]]]
    gaze = fixations.read_fixations(write_gaze(tmp_path / "gaze.mat", observers), SHAPE)
    np.testing.assert_array_equal(gaze.points, [[1, 7], [59, 79]])
    np.testing.assert_array_equal(gaze.observers, [1, 1])
    assert gaze.outside == 5


def test_gaze_may_be_empty(tmp_path):
    for observers in ([], [np.empty((0, 0)), np.empty((0, 2))]):
        gaze = fixations.read_fixations(write_gaze(tmp_path / "gaze.mat", observers), SHAPE)
        assert gaze.points.shape == (0, 2)
        assert gaze.observers.shape == (0,)
        assert gaze.points.dtype == gaze.observers.dtype == np.int32


columns, rows = st.integers(-5, 90), st.integers(-5, 70)


@given(st.lists(st.lists(st.tuples(columns, rows), max_size=12), max_size=5))
def test_every_fixation_is_read_in_order_or_counted_as_outside(tmp_path_factory, observers):
    path = tmp_path_factory.getbasetemp() / "read.mat"
    write_gaze(path, [np.array(points, float).reshape(-1, 2) for points in observers])
    gaze = fixations.read_fixations(path, SHAPE)
    expected = [
        (y - 1, x - 1, observer)
        for observer, points in enumerate(observers)
        for x, y in points
        if 1 <= x <= 80 and 1 <= y <= 60
    ]
    assert [(*point, whose) for point, whose in zip(gaze.points, gaze.observers, strict=True)] == expected
    assert gaze.outside + len(expected) == sum(map(len, observers))


@pytest.mark.parametrize("name", ["fixLocs", "I", "whatever"])
@pytest.mark.parametrize(("dtype", "high"), [(bool, 1), (np.uint8, 1), (np.uint8, 255), (np.float64, 1)])
def test_a_binary_matrix_is_found_by_its_name_or_its_size(tmp_path, name, dtype, high):
    path = tmp_path / "binary.mat"
    others = {"note": "text of 60", "resolution": np.array([SHAPE]), "observers": np.array([{"an": "object"}])}
    # A matrix with a known name is preferred to another one.
    others |= {} if name == "whatever" else {"density": np.full(SHAPE, 0.5)}
    scipy.io.savemat(path, {**others, name: draw_pixels(dtype, high)}, do_compression=True)
    assert_is_pixels(fixations.read_fixations(path, SHAPE))


def test_gaze_is_preferred_to_a_matrix(tmp_path):
    path = tmp_path / "both.mat"
    scipy.io.savemat(path, make_gaze([[[3.0, 2.0]]]) | {"fixLocs": draw_pixels()})
    gaze = fixations.read_fixations(path, SHAPE)
    np.testing.assert_array_equal(gaze.points, [[1, 2]])
    np.testing.assert_array_equal(gaze.observers, [0])


@pytest.mark.parametrize("kind", ["bits", "grey", "three channels", "16 bits"])
def test_a_binary_picture_is_read_as_rows_and_columns(tmp_path, kind):
    picture = {
        "bits": draw_pixels(bool),
        "grey": draw_pixels(np.uint8, 255),
        "three channels": np.repeat(draw_pixels(np.uint8, 255)[..., None], 3, axis=-1),
        "16 bits": draw_pixels(np.uint16, 65535),
    }[kind]
    save_picture(tmp_path / "binary.png", picture)
    assert_is_pixels(fixations.read_fixations(tmp_path / "binary.png", SHAPE))


@pytest.mark.parametrize("seed", range(3))
def test_exactly_the_drawn_fixations_are_read_from_a_jpeg(tmp_path, seed):
    fixated = draw_fixations(seed)
    path = tmp_path / "binary.jpg"
    save_picture(path, fixated)
    levels = fixations.images.read_image(path)[..., 0]
    # JPEG makes the threshold necessary: white is not quite white, and black not quite black.
    assert levels[fixated].min() < 255
    assert np.count_nonzero(levels) > 2 * np.count_nonzero(fixated)
    np.testing.assert_array_equal(fixations.read_fixations(path, SHAPE).points, np.argwhere(fixated))


def test_the_threshold_is_half_of_full_scale(tmp_path):
    save_picture(tmp_path / "binary.png", np.array([[127, 128, 0, 255]], np.uint8))
    gaze = fixations.read_fixations(tmp_path / "binary.png", (1, 4))
    np.testing.assert_array_equal(gaze.points, [[0, 1], [0, 3]])


NOT_SALICON = "not a .mat file in SALICON's layout"
# By kind: variables of a .mat file, a picture, or the bytes of a .mat file; and the cause that must be named.
BAD_FILES = {
    "no variable": ({}, "neither gaze nor a matrix .* the file contains nothing"),
    "other variables": (
        {"points": np.zeros((3, 2)), "note": "text"},
        "neither gaze nor a matrix .* the file contains points 3x2, note 1",
    ),
    "gaze without resolution": ({"gaze": np.zeros((3, 2))}, f"{NOT_SALICON}: no field 'resolution'"),
    "numbers as gaze": (
        {"resolution": np.array([SHAPE]), "gaze": np.zeros((3, 2))},
        f"{NOT_SALICON}: gaze is not a struct with the field fixations",
    ),
    "complex gaze": (make_gaze([[[1 + 1j, 1]]]), "complex numbers are not supported"),
    "complex matrix": ({"fixLocs": draw_pixels() * 1j}, "complex numbers are not supported"),
    "infinite resolution": ({"resolution": np.array([[np.inf, 80]]), "gaze": np.zeros((3, 2))}, NOT_SALICON),
    "gaze on another size": (make_gaze([[[1, 1]]], (61, 80)), r"61x80 .* 60x80"),
    "gaze in three columns": (make_gaze([[[1, 1, 1], [2, 2, 2]]]), rf"{NOT_SALICON}: .* not \(n, 2\)"),
    "matrix of another size": ({"fixLocs": draw_pixels().T}, r"80x60 .* 60x80"),
    "matrix of zeros": ({"fixLocs": np.zeros(SHAPE)}, "nothing is fixated"),
    "matrix of ones": ({"fixLocs": np.ones(SHAPE)}, "everything is fixated"),
    "density": ({"fixLocs": np.linspace(0, 1, 4800).reshape(SHAPE)}, "fixLocs is not binary"),
    "negative": ({"I": -draw_pixels(np.int8)}, "I is not binary"),
    "NaN": ({"I": draw_pixels(float, np.nan)}, "I is not binary"),
    "two matrices": ({"a": draw_pixels(), "b": draw_pixels()}, "several matrices .* contains a 60x80, b 60x80"),
    "text of the image's size": ({"I": np.array([["x" * 80]] * 60)}, "neither gaze nor a matrix"),
    "sparse": ({"fixLocs": scipy.sparse.csc_matrix(draw_pixels())}, r": a sparse matrix is not supported: .*full"),
    "version 7.3": (
        b"MATLAB 7.3 MAT-file".ljust(124) + struct.pack("<H", 0x0200) + b"IM" + b"\x89HDF" * 100,
        r": a .mat file of version 7.3 is not supported: .*-v7",
    ),
    "text as mat": (b"not MATLAB's\n" * 20, "not a MATLAB 5 file, or damaged"),
    "empty mat": (b"", "is empty"),
    "picture of another size": (draw_pixels(np.uint8, 255)[:59], r"59x80 .* 60x80"),
    "black picture": (np.zeros(SHAPE, np.uint8), "nothing is fixated"),
    "dark picture": (np.full(SHAPE, 127, np.uint8), "nothing is fixated"),
    "white picture": (np.full(SHAPE, 255, np.uint8), "everything is fixated"),
    "red picture": (draw_pixels(np.uint8, 255)[..., None] * np.array([1, 0, 0], np.uint8), "in colour"),
    "photograph": (render_photograph(0), "in colour"),
}


@pytest.mark.parametrize("kind", BAD_FILES)
def test_the_error_names_a_bad_file(tmp_path, kind):
    content, cause = BAD_FILES[kind]
    path = tmp_path / ("bad.png" if isinstance(content, np.ndarray) else "bad.mat")
    if isinstance(content, dict):
        scipy.io.savemat(path, content)
    elif isinstance(content, bytes):
        path.write_bytes(content)
    else:
        save_picture(path, content)
    with pytest.raises(InputError, match=cause) as caught:
        fixations.read_fixations(path, SHAPE)
    assert caught.value.subject == str(path)


@pytest.mark.parametrize("ending", ["mat", "png"])
def test_the_error_names_a_missing_file(tmp_path, ending):
    with pytest.raises(InputError, match=rf"missing\.{ending}: No such file"):
        fixations.read_fixations(tmp_path / f"missing.{ending}", SHAPE)


@pytest.mark.parametrize("compressed", [True, False])
@pytest.mark.parametrize("kind", ["gaze", "matrix", "matrix of any name"])
def test_a_damaged_mat_file_gives_points_or_an_error_with_its_name(tmp_path, kind, compressed):
    path = tmp_path / "damaged.mat"
    shape = (6, 8)
    write_fixations(path, [np.array([[1, 1], [8, 6]]), np.array([[3, 2]]), np.array([[4, 4]] * 9)], shape)
    variables = {
        "gaze": {name: scipy.io.loadmat(path)[name] for name in ("resolution", "gaze")},
        "matrix": {"fixLocs": np.eye(*shape)},
        "matrix of any name": {"note": "text", "some": np.eye(*shape), "more": np.eye(2)},
    }[kind]
    scipy.io.savemat(path, variables, do_compression=compressed)
    content = path.read_bytes()
    damaged = [content[:length] for length in range(0, len(content), 7)]
    # Without the check, SciPy dies of a segmentation fault on some of these that are not compressed.
    damaged += [
        content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :] for place in range(len(content))
    ]
    refused = 0
    for changed in damaged:
        path.write_bytes(changed)
        try:
            points = fixations.read_fixations(path, shape).points
        except InputError as error:
            assert error.subject == str(path)
            refused += 1
        else:
            assert points.ndim == 2
            assert (points >= 0).all()
            assert (points < shape).all()
    assert refused > len(content) // 10


sides = st.integers(1, 60)


@given(data=st.data(), shape=st.tuples(sides, sides), grid=st.tuples(sides, sides))
def test_counting_keeps_every_fixation(data, shape, grid):
    rows, columns = (st.integers(0, side - 1) for side in shape)
    points = np.array(data.draw(st.lists(st.tuples(rows, columns), max_size=30)), np.int32).reshape(-1, 2)
    counts = fixations.count_fixations(points, shape, grid)
    assert counts.shape == grid
    assert counts.sum() == len(points)
    for row, column in points:
        assert counts[row * grid[0] // shape[0], column * grid[1] // shape[1]] > 0


def test_large_pictures_do_not_overflow_the_cells():
    counts = fixations.count_fixations(np.array([[99_999, 59_999]], np.int32), (100_000, 60_000), (40_000, 100))
    assert counts[39_999, 99] == 1


def test_the_blur_is_three_percent_of_the_width():
    density = fixations.blur_fixations(np.array([[100, 150]]), (200, 300))
    rows, columns = np.mgrid[:200, :300]
    weights = density / density.sum()
    assert np.sqrt((weights * (columns - 150) ** 2).sum()) == pytest.approx(9, rel=0.02)
    assert np.sqrt((weights * (rows - 100) ** 2).sum()) == pytest.approx(9, rel=0.02)
