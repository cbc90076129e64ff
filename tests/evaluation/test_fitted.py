"""Fitted densities: known parameters are found again, and fitting never loses on the photographs it was fitted on."""

from dataclasses import asdict, astuple
from pathlib import Path

import numpy as np
import pytest
from conftest import save_picture, write_fixations
from handmade import BRIGHTNESS, SHAPE, Made, render_spot
from hypothesis import given
from hypothesis import strategies as st

from salgan_tf import images
from salgan_tf.data import folder
from salgan_tf.errors import InputError, InputErrors
from salgan_tf.evaluation import CentrePrior, MapFolder, Uniform, evaluate
from salgan_tf.evaluation.fitted import FittedDensity, find_usable, fit_density
from salgan_tf.metrics import points

CENTRE = render_spot(row=0.5, column=0.5, width=0.25)
GIVEN = FittedDensity(blur=0.03, offset=0.05, contrast=1.5, centre_bias=0.8)
# The photographs do not matter: the maps are made without them.
SPOTS = {f"scene_{index}": np.random.default_rng(index).uniform(0.1, 0.9, (3, 2)) for index in range(20)}


def render_spots(example, image=None) -> np.ndarray:
    """Render spots of several heights; with equal ones, contrast and blur would have the same effect."""
    spots = [render_spot(SHAPE, *place, width=0.08) for place in SPOTS[example.name]]
    return np.tensordot(np.array([1, 0.5, 0.2], np.float32), spots, 1)


SEES_SPOTS = Made(render_spots)


def write_drawn(root: Path, density: FittedDensity) -> Path:
    """Write a data set whose maps are all centred, and whose fixations are drawn from this density of `SEES_SPOTS`."""
    for split, names in (("train", list(SPOTS)), ("val", list(SPOTS)[:3])):
        for name in names:
            save_picture(root / "images" / split / f"{name}.png", np.full((*SHAPE, 3), 90, np.uint8))
            save_picture(root / "maps" / split / f"{name}.png", images.to_uint8(CENTRE))
            (root / "fixations" / split).mkdir(parents=True, exist_ok=True)
            write_fixations(root / "fixations" / split / f"{name}.mat", [np.array([[1, 1]])], SHAPE)
    examples = folder.index_folder(root, "train")
    prior = CentrePrior(examples)
    for index, example in enumerate(examples):
        chances = density(render_spots(example), prior.density(example, SHAPE)).ravel()
        where = np.random.default_rng(index).choice(chances.size, 300, p=chances)
        write_fixations(example.fixations, [np.stack([where % SHAPE[1], where // SHAPE[1]], axis=1) + 1], SHAPE)
    return root


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """A data set drawn from `GIVEN`, that no test changes."""
    return write_drawn(tmp_path_factory.mktemp("drawn"), GIVEN)


def gain(example, density: np.ndarray, prior: CentrePrior) -> float:
    return points.information_gain(density, prior.density(example, SHAPE), folder.read_gaze(example).points)


def test_the_parameters_that_drew_the_fixations_are_found_again(drawn):
    examples = folder.index_folder(drawn, "train")
    found = fit_density(SEES_SPOTS, examples, CentrePrior(examples))
    for name, tolerance in (("contrast", 0.15), ("centre_bias", 0.15), ("blur", 0.25), ("offset", 0.3)):
        assert getattr(found, name) == pytest.approx(getattr(GIVEN, name), rel=tolerance), name


@pytest.mark.parametrize("centre_bias", [0.1, 2.0])
def test_the_centre_bias_of_fixations_is_found(tmp_path, centre_bias):
    examples = folder.index_folder(write_drawn(tmp_path, FittedDensity(0.03, 0.05, 1.0, centre_bias)), "train")
    found = fit_density(SEES_SPOTS, examples, CentrePrior(examples))
    assert found.centre_bias == pytest.approx(centre_bias, abs=0.25)


CONTENDERS = {
    "spots": SEES_SPOTS,
    "spots in eight bits": Made(lambda example, _: images.to_uint8(render_spots(example)).astype(np.float32) / 255),
    "hard spots": Made(lambda example, _: (render_spots(example) > 0.5).astype(np.float32)),
    "the opposite": Made(lambda example, _: render_spots(example).max() - render_spots(example)),
    "logarithms": Made(lambda example, _: np.log(render_spots(example) + 1e-3)),
    "noise": Made(lambda example, _: np.random.default_rng(len(example.name)).random(SHAPE)),
    "black": Made(lambda *_: np.zeros(SHAPE, np.float32)),
    "uniform": Uniform(),
    "another size": Made(lambda example, _: images.resize_map(render_spots(example), (30, 40))),
}


@pytest.mark.parametrize("name", CONTENDERS)
def test_fitting_never_loses_on_what_it_was_fitted_on(drawn, name):
    contender = CONTENDERS[name]
    examples = folder.index_folder(drawn, "train")
    prior = CentrePrior(examples)
    found = fit_density(contender, examples, prior)
    gains = []
    for example in examples:
        saliency = contender.predict(example, images.read_image(example.image)).astype(np.float32)
        saliency = images.resize_map(saliency, SHAPE)
        density = found(saliency, prior.density(example, SHAPE))
        gains.append((gain(example, density, prior), gain(example, saliency, prior)))
    fitted, plain = np.mean(gains, axis=0)
    assert fitted >= plain - 0.01
    # It does not lose against the prior either, which has nothing but the centre bias of the fixations.
    assert fitted > -0.05
    assert np.isfinite(astuple(found)).all()
    assert min(astuple(found)) > 0
    # A wider blur takes minutes at full size, and does no more than a large offset.
    assert found.blur <= 0.2


@given(
    numbers=st.tuples(st.floats(1e-4, 0.5), st.floats(1e-4, 10), st.floats(1e-4, 10), st.floats(1e-4, 10)),
    shape=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    seed=st.integers(0, 99),
    range_=st.sampled_from([(0, 1), (0, 0), (3, 3), (0, 1e-20), (-5, -1), (0, 1e20)]),
)
def test_any_parameters_give_a_density(numbers, shape, seed, range_):
    random = np.random.default_rng(seed)
    saliency = random.uniform(*range_, shape).astype(np.float32)
    prior = random.uniform(0.01, 1, shape)
    density = FittedDensity(*numbers)(saliency, prior / prior.sum())
    assert density.shape == shape
    assert density.sum() == pytest.approx(1)
    assert density.min() >= 0


@given(scale=st.floats(1e-3, 1e3))
def test_the_scale_of_a_map_does_not_matter(scale):
    prior = CENTRE.astype(np.float64) / CENTRE.sum()
    spot = render_spot()
    np.testing.assert_allclose(GIVEN((spot * scale).astype(np.float32), prior), GIVEN(spot, prior), rtol=1e-3)


def test_a_density_keeps_the_order_of_the_map():
    uniform = np.full(SHAPE, 1 / (60 * 80))
    density = FittedDensity(1e-4, 0.05, 2.0, 1.0)(render_spot(), uniform)
    order = np.argsort(render_spot().ravel(), kind="stable")
    assert (np.diff(density.ravel()[order]) >= 0).all()
    assert density.min() > 0


def test_an_evaluation_measures_the_fitted_density(drawn):
    contenders = {"spots": SEES_SPOTS, "noise": CONTENDERS["noise"]}
    measured = evaluate(drawn, contenders, fit_densities=True)
    assert list(measured.fitted) == ["spots", "noise"]
    assert list(asdict(measured.fitted["spots"])) == ["blur", "offset", "contrast", "centre_bias"]
    prior = CentrePrior(folder.index_folder(drawn, "train"))
    for index, example in enumerate(measured.examples):
        baseline = prior.density(example, SHAPE)
        expected = gain(example, measured.fitted["spots"](render_spots(example), baseline), prior)
        assert measured.scores["spots"]["ig_fitted"][index] == pytest.approx(expected)
    for name in ("centre prior", "uniform"):
        assert np.isnan(measured.scores[name]["ig_fitted"]).all()
    assert evaluate(drawn, contenders).fitted == {}


def test_photographs_without_fixations_do_not_matter(drawn, tmp_path):
    root = write_drawn(tmp_path / "drawn", GIVEN)
    train = root / "fixations" / "train"
    (train / "scene_0.mat").unlink()
    write_fixations(train / "scene_1.mat", [np.array([[0, 0], [200, 200]])], SHAPE)
    examples = folder.index_folder(root, "train")
    prior = CentrePrior(examples)
    others = [example for example in examples if example.name not in ("scene_0", "scene_1")]
    usable = find_usable(SEES_SPOTS, examples)
    assert len(usable) == len(others) + 1
    expected = astuple(fit_density(SEES_SPOTS, others, prior))
    assert astuple(fit_density(SEES_SPOTS, usable, prior)) == pytest.approx(expected, rel=0.1)


def test_fitting_on_the_measured_photographs_is_refused(salicon):
    with pytest.raises(InputError, match="fitted on the split train") as caught:
        evaluate(salicon, {"bright": BRIGHTNESS}, split="train", fit_densities=True)
    assert caught.value.subject == str(salicon)


def test_too_few_photographs_or_maps_to_fit_on_are_refused(salicon):
    maps = MapFolder(salicon / "maps" / "val")
    for contender, count, folder_name in ((BRIGHTNESS, 6, "images/train"), (maps, 0, "maps/val")):
        with pytest.raises(InputError, match=f"at least 10 photographs .* there are {count}") as caught:
            evaluate(salicon, {"mine": contender}, fit_densities=True)
        assert caught.value.subject == str(salicon / folder_name)


def test_bad_maps_of_train_are_each_named(drawn, tmp_path):
    for name in SPOTS:
        np.save(tmp_path / f"{name}.npy", CENTRE)
    for name in ("scene_3", "scene_5"):
        np.save(tmp_path / f"{name}.npy", CENTRE * np.nan)
    examples = folder.index_folder(drawn, "train")
    with pytest.raises(InputErrors) as caught:
        fit_density(MapFolder(tmp_path), examples, CentrePrior(examples))
    subjects = [str(tmp_path / f"{name}.npy") for name in ("scene_3", "scene_5")]
    assert [error.subject for error in caught.value.errors] == subjects


def test_a_map_of_the_prior_itself_gains_nothing(tmp_path):
    root = write_drawn(tmp_path, FittedDensity(0.03, 1.0, 1e-4, 1.0))
    examples = folder.index_folder(root, "train")
    prior = CentrePrior(examples)
    found = fit_density(prior, examples, prior)
    gains = [gain(example, found(*[prior.density(example, SHAPE)] * 2), prior) for example in examples]
    assert np.mean(gains) == pytest.approx(0, abs=0.03)
