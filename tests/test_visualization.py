"""Overlays, heat maps, grids and curves: sizes, colours, and constant maps."""

import numpy as np
import pytest

from salgan_tf import images, visualization


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1000.0])
def test_heat_map_grows_brighter_with_saliency_in_any_range(scale):
    colours = visualization.heat_map(np.linspace(0, scale, 256, dtype=np.float32)[None])
    assert colours.shape == (1, 256, 3)
    assert colours.dtype == np.uint8
    brightness = colours[0].astype(float).sum(axis=-1)
    assert (np.diff(brightness) >= -2).all()
    assert brightness[-1] - brightness[0] > 400


def test_overlay_dims_the_photograph_and_colours_what_people_look_at(photograph):
    saliency = np.zeros(photograph.shape[:2], np.float32)
    saliency[20:40, 30:50] = 0.2
    drawn = visualization.overlay(photograph, saliency)
    assert drawn.shape == photograph.shape
    assert drawn.dtype == np.uint8
    outside = saliency == 0
    np.testing.assert_array_equal(drawn[outside], np.rint(photograph[outside] * 0.8))
    hottest = drawn[30, 40].astype(int)
    assert hottest[0] > hottest[2], "the hottest colour is red in RGB, not blue"


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_constant_maps_can_be_drawn(photograph, value):
    saliency = np.full(photograph.shape[:2], value, np.float32)
    assert visualization.overlay(photograph, saliency).shape == photograph.shape


def test_an_overlay_may_be_drawn_into_a_part_of_a_sheet(photograph):
    saliency = np.random.default_rng(0).random(photograph.shape[:2], np.float32)
    sheet = np.zeros((60, 160, 3), np.uint8)
    visualization.overlay(photograph, saliency, out=sheet[:, 80:])
    np.testing.assert_array_equal(sheet[:, 80:], visualization.overlay(photograph, saliency))
    assert visualization.heat_map(saliency).shape == photograph.shape


@pytest.mark.parametrize("label", ["logo 7%", "Gesicht ä 7%", "顔 7%", ""])
@pytest.mark.parametrize("shape", [(300, 400), (1, 1), (1, 500), (20, 8)])
def test_regions_are_outlined_and_named_on_pictures_of_every_size(label, shape):
    image = np.full((*shape, 3), 128, np.uint8)
    height, width = shape
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]]) * 0.75
    visualization.draw_regions(image, {label: corners})
    if shape == (300, 400):
        assert image[224, 100].min() > 200, "the outline is white"
        assert image[221, 100].max() < 100 or image[227, 100].max() < 100, "on black"
        assert image[:30, :30].max() > 200
        assert (image[240:] == 128).all()


def test_picture_grid_arranges_pictures_in_rows_on_white():
    pictures = [np.full((5, 7, 3), value, np.uint8) for value in (10, 20, 30)]
    grid = visualization.picture_grid([pictures[:2], pictures[2:]], gap=2)
    assert grid.shape == (12, 16, 3)
    assert (grid[:5, :7] == 10).all()
    assert (grid[:5, 9:] == 20).all()
    assert (grid[7:, :7] == 30).all()
    assert (grid[5:7] == 255).all()
    assert (grid[7:, 7:] == 255).all()


def test_curves_of_both_stages_are_drawn(tmp_path):
    history = [
        {"epoch": 1, "stage": "content", "seconds": 1.0, "content_loss": 0.5, "val_content_loss": 0.6},
        {"epoch": 2, "stage": "content", "seconds": 1.0, "content_loss": 0.4, "val_content_loss": 0.5},
        {"epoch": 3, "stage": "adversarial", "seconds": 1.0, "content_loss": 0.3, "generator_loss": 2.0, "cc": 0.7},
    ]
    path = tmp_path / "curves.png"
    visualization.plot_history(history[:1], path)
    first = images.read_image(path)
    visualization.plot_history(history, path)
    both = images.read_image(path)
    assert first.std() > 1
    assert first.shape != both.shape or (first != both).any()
    assert [path.name for path in tmp_path.iterdir()] == ["curves.png"]
