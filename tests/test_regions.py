"""Files of regions, their masks, and `predict --regions`."""

import csv
import itertools
import json

import numpy as np
import pytest
from conftest import names_in, render_photograph, save_picture
from hypothesis import given
from hypothesis import strategies as st

from salgan_tf import attention_share, images
from salgan_tf.errors import InputError
from salgan_tf.inference import SaliencyPredictor
from salgan_tf.regions import Region, Regions

BOX = {"name": "logo", "x": 10, "y": 5, "width": 30, "height": 20}
TRIANGLE = {"name": "Gesicht ä", "polygon": [[40, 30], [70, 30], [55.5, 58]]}


def write(path, content):
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def is_inside(corners: np.ndarray, x: float, y: float) -> bool:
    """The even-odd rule for one point, as in textbooks."""
    inside = False
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        if (y0 > y) != (y1 > y) and x > x0 + (y - y0) / (y1 - y0) * (x1 - x0):
            inside = not inside
    return inside


# No corner has the x or y of a middle, so that no middle lies on an edge but by rounding.
SIDES = st.integers(0, 8).map(lambda side: side + 0.37)


@given(corners=st.lists(st.tuples(SIDES, SIDES), min_size=3, max_size=7))
def test_a_pixel_belongs_to_a_polygon_by_its_middle(corners):
    corners = np.array(corners) + np.linspace(0, 0.01, len(corners))[:, None] * (1, 1.7)
    mask = Region("any", corners).make_mask((9, 10))
    expected = [[is_inside(corners, column + 0.5, row + 0.5) for column in range(10)] for row in range(9)]
    np.testing.assert_array_equal(mask, expected)


def test_boxes_side_by_side_cover_each_pixel_once():
    xs, ys = [0, 3, 3.5, 7.25, 10], [0, 2.5, 9]
    total = np.zeros((9, 10), int)
    for left, right in itertools.pairwise(xs):
        for top, bottom in itertools.pairwise(ys):
            corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
            total += Region("any", corners).make_mask((9, 10))
    assert (total == 1).all()


def test_a_file_is_for_every_photograph_or_for_some_by_name(tmp_path):
    every = Regions(write(tmp_path / "every.json", {"regions": [BOX, TRIANGLE]}))
    assert [region.name for region in every.find(tmp_path / "any.jpg", (60, 80))] == ["logo", "Gesicht ä"]
    some = {"a.jpg": [BOX], "summer/a.jpg": [TRIANGLE], "b.jpg": []}
    named = Regions(write(tmp_path / "some.json", {"photographs": some}))
    found = {name: named.find(tmp_path / name, (60, 80)) for name in ("a.jpg", "summer/a.jpg", "b.jpg", "c.jpg")}
    assert [[region.name for region in regions] for regions in found.values()] == [["logo"], ["Gesicht ä"], [], []]


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        ([], "not a JSON object"),
        ({}, "expected either regions, a list, or photographs, an object of lists by name"),
        ({"regions": [], "photographs": {}}, "expected either regions"),
        ({"photographs": []}, "expected either regions"),
        ({"photographs": {"": []}}, "a photograph without a name"),
        ({"regions": {}}, "the regions are not a list"),
        ({"photographs": {"a.jpg": BOX}}, "the regions of a.jpg are not a list"),
        ({"regions": ["logo"]}, "region 1: expected name and either x, y, width and height, or polygon"),
        ({"regions": [BOX | {"color": "red"}]}, "region 1: expected name"),
        ({"photographs": {"a.jpg": [BOX, BOX]}}, "region 2 of a.jpg: there is another one called 'logo'"),
        ({"regions": [BOX | {"name": ""}]}, "region 1: its name is not a line of up to 100 letters"),
        ({"regions": [BOX | {"name": "a\nb"}]}, "region 1: its name is not a line of up to 100 letters"),
        ({"regions": [BOX | {"name": "a" * 101}]}, "region 1: its name is not a line of up to 100 letters"),
        ({"regions": [BOX | {"width": 0}]}, "region 1: width and height must be above 0"),
        ({"regions": [BOX | {"x": "10"}]}, "region 1: '10' is not a number of pixels"),
        ({"regions": [BOX | {"x": True}]}, "region 1: 'True' is not a number of pixels"),
        ({"regions": [BOX | {"x": float("nan")}]}, "region 1: 'nan' is not a number of pixels"),
        ({"regions": [{"name": "a", "polygon": [[1, 2], [3, 4]]}]}, "at least three corners"),
        ({"regions": [{"name": "a", "polygon": [[1, 2], [3, 4], 5]}]}, "a corner of a polygon is a list"),
    ],
)
def test_bad_files_are_refused_in_one_line(run, tmp_path, content, cause):
    path = write(tmp_path / "bad.json", content)
    save_picture(tmp_path / "a.png", render_photograph(0))
    outcome = run("predict", tmp_path / "a.png", "--regions", path, "--out", tmp_path / "out")
    assert outcome.code == 1
    (line,) = outcome.lines
    assert line.startswith(f"salgan_tf: {path}: ")
    assert cause in line
    assert not (tmp_path / "out").exists()


def test_regions_are_measured_and_drawn(run, tmp_path):
    save_picture(tmp_path / "a.png", render_photograph(0))
    path = write(tmp_path / "regions.json", {"regions": [BOX, TRIANGLE]})
    for out, more in ((tmp_path / "plain", ()), (tmp_path / "out", ("--regions", path))):
        assert run("predict", tmp_path / "a.png", "--out", out, *more).code == 0
    saliency = SaliencyPredictor()(tmp_path / "a.png")
    mask = np.zeros((60, 80), bool)
    mask[5:25, 10:40] = True
    (row,) = json.loads((tmp_path / "out" / "attention.json").read_text())["photographs"]
    assert (row["photograph"], row["height"], row["width"]) == ((tmp_path / "a.png").as_posix(), 60, 80)
    assert 0 < row["area_of_half_the_attention"] < 0.5
    share = attention_share(saliency, mask)
    logo, face = row["regions"]
    assert logo == {
        "name": "logo",
        "attention": pytest.approx(share),
        "area": 0.125,
        "ratio": pytest.approx(8 * share),
    }
    with (tmp_path / "out" / "attention.csv").open(encoding="utf-8", newline="") as table:
        lines = list(csv.DictReader(table))
    assert [line["region"] for line in lines] == ["logo", "Gesicht ä"]
    assert float(lines[1]["ratio"]) == face["ratio"]
    plain, drawn = (images.read_image(tmp_path / out / "a_overlay.jpg").astype(int) for out in ("plain", "out"))
    assert np.abs(drawn - plain)[:, 10:40].mean() > 10
    assert np.abs(drawn - plain)[48:, :32].mean() < 2
    maps = [(tmp_path / out / "a_saliency.png").read_bytes() for out in ("plain", "out")]
    assert maps[0] == maps[1]


def test_names_without_a_photograph_and_the_reverse_are_reported(run, tmp_path):
    for name in ("a.png", "b.png"):
        save_picture(tmp_path / name, render_photograph(0))
    path = write(tmp_path / "regions.json", {"photographs": {"a.png": [BOX], "c.png": []}})
    outcome = run("predict", tmp_path / "a.png", tmp_path / "b.png", "--regions", path, "--out", tmp_path / "out")
    assert outcome.code == 0
    assert outcome.lines == [
        f"salgan_tf: {path}: it names photographs that were not given: c.png",
        f"salgan_tf: {path}: it has no regions of: {tmp_path / 'b.png'}",
    ]
    rows = json.loads((tmp_path / "out" / "attention.json").read_text())["photographs"]
    assert [len(row["regions"]) for row in rows] == [1, 0]


@pytest.mark.parametrize(
    ("region", "cause"),
    [
        (BOX | {"x": 51}, "region 'logo' reaches out of a.png, which is 60x80 (height x width)"),
        (BOX | {"y": -1}, "region 'logo' reaches out of a.png"),
        (BOX | {"x": 10.6, "width": 0.8}, "region 'logo' of a.png contains no pixel"),
    ],
)
def test_regions_of_another_photograph_are_refused(run, tmp_path, region, cause):
    save_picture(tmp_path / "a.png", render_photograph(0))
    path = write(tmp_path / "regions.json", {"regions": [region]})
    outcome = run("predict", tmp_path / "a.png", "--regions", path, "--out", tmp_path / "out")
    assert outcome.code == 1
    assert outcome.lines[0].startswith(f"salgan_tf: {path}: {cause}")
    assert not (tmp_path / "out").exists()


def test_the_table_overwrites_no_input(run, tmp_path):
    save_picture(tmp_path / "a.png", render_photograph(0))
    path = write(tmp_path / "attention.json", {"regions": [BOX]})
    outcome = run("predict", tmp_path / "a.png", "--regions", path, "--out", tmp_path)
    assert outcome.code == 1
    assert outcome.lines == [f"salgan_tf: {path}: would overwrite {path}, an input: give another name"]
    assert names_in(tmp_path) == ["a.png", "attention.json"]


def test_regions_are_not_measured_in_shrunk_photographs(run, tmp_path):
    save_picture(tmp_path / "a.png", render_photograph(0))
    path = write(tmp_path / "regions.json", {"regions": [BOX]})
    outcome = run("predict", tmp_path / "a.png", "--regions", path, "--max-side", 40, "--out", tmp_path / "out")
    cause = "regions are in pixels of the photographs, which cannot be shrunk then"
    assert (outcome.code, outcome.lines) == (1, [f"salgan_tf: max_side: {cause}"])


def test_regions_without_a_file_are_an_error(tmp_path):
    with pytest.raises(InputError, match=r"nowhere\.json: No such file"):
        Regions(tmp_path / "nowhere.json")
