"""Contenders: maps of every kind are read, bad ones are named, and the prior does not see what is measured."""

import io
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from conftest import write_cat2000, write_example, write_salicon
from handmade import SHAPE, Made, read, render_spot
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import salgan_tf
from salgan_tf import build_generator, images, visualization
from salgan_tf.data import folder
from salgan_tf.errors import InputError, InputErrors
from salgan_tf.evaluation import CentrePrior, MapFolder, Model, Uniform, evaluate, open_contenders
from salgan_tf.inference import SaliencyPredictor
from salgan_tf.metrics import maps
from salgan_tf.weights import BUNDLED

SIDES = st.integers(1, 120)


def write_map(path, array: np.ndarray) -> None:
    """Write a map: floats as .npy, grey levels as .png."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".npy":
        np.save(path, array)
    else:
        images.write_image(path.with_suffix(".png"), array)


def in_bits(bits: int, saliency: np.ndarray) -> np.ndarray:
    return np.rint(saliency * (2**bits - 1)).astype(f"uint{bits}")


KINDS = {
    "8 bits": ("{}.png", lambda saliency: in_bits(8, saliency)),
    "8 bits, as predict names them": ("{}_saliency.png", lambda saliency: in_bits(8, saliency)),
    "16 bits": ("{}.png", lambda saliency: in_bits(16, saliency)),
    "float32": ("{}.npy", lambda saliency: saliency),
    "float64 of another scale": ("{}.npy", lambda saliency: saliency.astype(np.float64) * 1e6),
    "float16": ("{}.npy", lambda saliency: saliency.astype(np.float16)),
    "whole numbers": ("{}.npy", lambda saliency: in_bits(16, saliency)),
    "a last axis": ("{}.npy", lambda saliency: saliency[..., None]),
    "a first axis": ("{}.npy", lambda saliency: saliency[None]),
    "smaller": ("{}.npy", lambda saliency: render_wide((48, 64))),
    "larger": ("{}.npy", lambda saliency: render_wide((121, 163))),
    "smaller, 8 bits": ("{}.png", lambda saliency: in_bits(8, render_wide((45, 61)))),
}


def render_wide(shape: tuple[int, int] = SHAPE) -> np.ndarray:
    """Render a spot that is wide enough for 8 bits to resolve its tails."""
    return render_spot(shape, row=0.35, column=0.35, width=0.3)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A data set that no test changes."""
    return write_salicon(tmp_path_factory.mktemp("data") / "salicon")


@pytest.mark.parametrize("kind", KINDS)
def test_maps_of_every_kind_are_nearly_the_same(data, tmp_path, kind):
    name, convert = KINDS[kind]
    example, image = read(data)
    write_map(tmp_path / name.format(example.name), convert(render_wide()))
    found = MapFolder(tmp_path).predict(example, image)
    np.testing.assert_allclose(found / found.max(), render_wide(), atol=0.01)


def test_floats_are_preferred_to_grey_levels(data, tmp_path):
    example, image = read(data)
    write_map(tmp_path / f"{example.name}.png", in_bits(8, render_spot(row=0.9)))
    write_map(tmp_path / f"{example.name}_saliency.png", in_bits(8, render_spot(row=0.9)))
    np.testing.assert_allclose(MapFolder(tmp_path).predict(example, image), render_spot(row=0.9), atol=1 / 255)
    write_map(tmp_path / f"{example.name}.npy", render_spot())
    np.testing.assert_array_equal(MapFolder(tmp_path).predict(example, image), render_spot())


def test_maps_of_cat2000_are_in_folders_of_their_categories(tmp_path):
    data = write_cat2000(tmp_path / "cat2000")
    example, image = read(data, "all", 2)
    write_map(tmp_path / "maps" / "Art" / "001.npy", render_spot())
    np.testing.assert_array_equal(MapFolder(tmp_path / "maps").predict(example, image), render_spot())
    with pytest.raises(InputError, match="no map of Action/001"):
        MapFolder(tmp_path / "maps").check(read(data, "all", 0)[0])


def test_contenders_are_given_by_name_or_named_as_they_are_given(data):
    maps_folder = data / "maps" / "val"
    predictor = SaliencyPredictor("edge")
    by_name = open_contenders({"net": "edge", "open": predictor, "maps": MapFolder(maps_folder), "flat": Uniform()})
    assert list(by_name) == ["net", "open", "maps", "flat"]
    assert list(map(type, by_name.values())) == [Model, Model, MapFolder, Uniform]
    example, image = read(data)
    np.testing.assert_array_equal(by_name["net"].predict(example, image), predictor(image))
    named = open_contenders([BUNDLED["edge"].file, "edge", MapFolder(maps_folder)])
    assert list(named) == [str(BUNDLED["edge"].file), "edge", str(maps_folder)]
    assert list(open_contenders("edge")) == ["edge"]
    with pytest.raises(InputError, match="given twice"):
        open_contenders(["edge", "edge"])


def test_a_keras_model_in_memory_is_measured(data):
    generator = build_generator("mobilenet_v2", (32, 32, 3), weights=None)
    scores = salgan_tf.evaluate(data, {"mine": generator}).scores
    assert list(scores) == ["mine", "centre prior", "uniform"]
    predictor = SaliencyPredictor(generator)
    expected = evaluate(data, {"by hand": Made(lambda _, image: predictor(image))}).scores
    np.testing.assert_array_equal(scores["mine"]["nss"], expected["by hand"]["nss"])


def test_a_missing_folder_of_maps_is_named(tmp_path):
    with pytest.raises(InputError, match="no such folder of maps") as caught:
        MapFolder(tmp_path / "nowhere")
    assert caught.value.subject == str(tmp_path / "nowhere")


@pytest.mark.parametrize("contenders", [5, None, MapFolder.__new__(MapFolder)])
def test_what_cannot_be_measured_is_a_type_error(contenders):
    with pytest.raises(TypeError, match="contenders: expected a dict of models by name, a sequence"):
        open_contenders(contenders)


def as_npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=True)
    return buffer.getvalue()


WHOLE = as_npy(np.ones(SHAPE))
BAD_ARRAYS = {
    "NaN": as_npy(np.full(SHAPE, np.nan)),
    "infinite": as_npy(np.where(np.eye(*SHAPE) > 0, np.inf, 0)),
    "beyond float32": as_npy(np.full(SHAPE, 1e300)),
    "colour": as_npy(np.ones((*SHAPE, 3))),
    "one axis": as_npy(np.ones(60)),
    "no pixels": as_npy(np.ones((0, 80))),
    "text": as_npy(np.array([["a", "b"]])),
    "complex": as_npy(np.ones(SHAPE, complex)),
    "objects": as_npy(np.array([[{"an": "object"}]], object)),
    "pickle": pickle.dumps({"an": "object"}),
    "truncated": WHOLE[:300],
    "truncated header": WHOLE[:60],
    "damaged header": WHOLE.replace(b"{'descr'", b"{{'desc'"),
    "more than the memory": WHOLE.replace(b"(60, 80), }            ", b"(600000000000, 80), }  "),
    "empty": b"",
    "damaged archive": b"PK\x03\x04" + bytes(20),
}


@pytest.mark.parametrize("kind", BAD_ARRAYS)
def test_a_bad_array_is_named(data, tmp_path, kind):
    example, image = read(data)
    path = tmp_path / f"{example.name}.npy"
    path.write_bytes(BAD_ARRAYS[kind])
    contender = MapFolder(tmp_path)
    contender.check(example)
    with pytest.raises(InputError) as caught:
        contender.predict(example, image)
    assert caught.value.subject == str(path)
    assert "unsafe" not in caught.value.cause


def test_a_model_returns_its_own_float_maps_in_any_thread(data):
    predictor = SaliencyPredictor("edge", threads=1)
    pairs = [read(data, "val", index) for index in range(3)] * 2
    with ThreadPoolExecutor(len(pairs)) as pool:
        found = list(pool.map(Model(predictor).predict, *zip(*pairs, strict=True)))
    np.testing.assert_array_equal(found, [predictor(image) for _, image in pairs])


def test_the_centre_prior_is_the_mean_of_train_stretched_to_each_photograph(tmp_path):
    for split, name, shape in (("train", "a", (60, 80)), ("train", "b", (40, 90)), ("val", "c", (120, 100))):
        write_example(tmp_path, split, name, 0, shape)
        Image.fromarray(in_bits(8, render_spot(shape))).save(tmp_path / "maps" / split / f"{name}.png")
    prior = CentrePrior(folder.index_folder(tmp_path, "train")).predict(*read(tmp_path))
    assert prior.shape == (120, 100)
    assert maps.cc(prior, render_spot((120, 100))) > 0.99
    assert maps.sim(prior, render_spot((120, 100))) > 0.95


def test_every_photograph_has_the_same_weight_in_the_centre_prior(tmp_path):
    for seed, (name, box) in enumerate((("wide", (0, 0, 40, 60)), ("narrow", (60, 20, 68, 28)))):
        write_example(tmp_path, "train", name, seed)
        saliency_map = Image.new("L", (80, 60))
        saliency_map.paste(255, box)
        saliency_map.save(tmp_path / "maps" / "train" / f"{name}.png")
    write_example(tmp_path, "val", "other", 2)
    prior = CentrePrior(folder.index_folder(tmp_path, "train")).predict(*read(tmp_path))
    assert prior[:, :40].sum() == pytest.approx(prior[:, 40:].sum(), rel=0.05)


def test_the_prior_of_a_photograph_is_that_of_all_others(salicon):
    examples = folder.index_folder(salicon, "train")
    together, others = CentrePrior(examples), CentrePrior(examples[1:])
    np.testing.assert_allclose(together.density(examples[0], SHAPE), others.density(examples[0], SHAPE), atol=1e-8)


@pytest.fixture(scope="module")
def priors(data):
    return [CentrePrior(folder.index_folder(data, split)) for split in ("train", "val")]


@given(height=SIDES, width=SIDES, which=st.sampled_from([0, 1]))
def test_the_centre_prior_is_a_density_without_zeros(data, priors, height, width, which):
    # The first prior contains it and leaves it out.
    example = folder.index_folder(data, "train")[0]
    density = priors[which].density(example, (height, width))
    assert density.shape == (height, width)
    assert density.sum() == pytest.approx(1)
    # The uniform share of 1 %.
    assert density.min() >= 0.01 / (height * width) * 0.999


def test_photographs_of_the_prior_with_bad_maps_are_each_named(salicon):
    bad = [salicon / "maps" / "train" / f"scene_{index}.png" for index in (1, 4)]
    for path in bad:
        path.write_text("not a map")
    with pytest.raises(InputErrors) as caught:
        CentrePrior(folder.index_folder(salicon, "train"))
    assert [error.subject for error in caught.value.errors] == list(map(str, bad))


@pytest.mark.parametrize(("mode", "ending"), [("RGB", "png"), ("RGB", "jpg"), ("P", "png"), ("YCbCr", "tif")])
def test_a_heat_map_in_colour_is_refused(salicon, tmp_path, mode, ending):
    """The brightness of its colours has another order than the levels that they stand for."""
    example = folder.index_folder(salicon, "val")[0]
    image = images.read_image(example.image)
    heat = Image.fromarray(visualization.heat_map(image[..., 0].astype(np.float32)))
    heat.convert(mode).save(tmp_path / f"{example.name}.{ending}")
    with pytest.raises(InputError, match="in colour") as caught:
        MapFolder(tmp_path).predict(example, image)
    assert caught.value.subject == str(tmp_path / f"{example.name}.{ending}")
    grey = np.repeat(image[..., :1], 3, axis=-1)
    images.write_image(tmp_path / f"{example.name}.png", grey)
    np.testing.assert_array_equal(MapFolder(tmp_path).predict(example, image), image[..., 0].astype(np.float32) / 255)
