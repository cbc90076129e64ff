"""Which generator is exported: any model of the package in float32, at any legal size; another one at its own."""

from pathlib import Path

import keras
import matplotlib
import numpy as np
import pytest
from conftest import few_filters
from networks import edge_generator, random_pictures, tiny_generator

from salgan_tf import SaliencyPredictor, build_generator, export, images
from salgan_tf.errors import InputError
from salgan_tf.exporting.generator import load_for_export
from salgan_tf.metrics import maps
from salgan_tf.models.discriminator import build_discriminator
from salgan_tf.models.salgan import SalGAN


@pytest.fixture(scope="module", autouse=True)
def slim_vgg16():
    """The paper's generator has few weights here."""
    with few_filters():
        yield


@pytest.fixture(scope="module")
def edge() -> keras.Model:
    return edge_generator()


@pytest.fixture(scope="module")
def folder(edge, tmp_path_factory):
    """The edge generator in every form, networks that the package does not know, and files that are not generators."""
    folder = tmp_path_factory.mktemp("models")
    edge.save(folder / "edge.keras")
    (folder / "run").mkdir()
    edge.save(folder / "run" / "content.keras")
    SalGAN(edge, build_discriminator((32, 64, 3))).save(folder / "salgan.keras")
    tiny_generator().save(folder / "tiny.keras")
    image = keras.Input((30, 41, 3), name="image")
    keras.Model(image, keras.layers.Conv2D(1, 1)(image), name="odd").save(folder / "odd.keras")
    classifier(30, 41).save(folder / "classifier.keras")
    (folder / "empty").mkdir()
    for name in ("damaged.keras", "model.tflite", "model.onnx", "model.weights.h5"):
        (folder / name).write_bytes(b"PK, but not a model")
    return folder


def classifier(*size: int | None) -> keras.Model:
    image = keras.Input((*size, 3))
    return keras.Model(image, keras.layers.Dense(10)(keras.layers.GlobalAveragePooling2D()(image)), name="classifier")


@pytest.mark.parametrize("name", ["edge.keras", "salgan.keras", "run"])
def test_every_form_gives_the_same_generator(folder, edge, name):
    found = load_for_export(folder / name)
    assert (found.name, found.input_shape) == ("salgan_mobilenet_v2", (None, 32, 64, 3))
    np.testing.assert_equal(found.get_weights(), edge.get_weights())


@pytest.mark.parametrize("make", [lambda edge: edge, lambda edge: SalGAN(edge, build_discriminator((32, 64, 3)))])
def test_a_known_network_can_have_any_legal_size(edge, make):
    """In memory, too; the model itself is not changed."""
    found = load_for_export(make(edge), (64, 32))
    assert found.input_shape == (None, 64, 32, 3)
    assert found.output_shape == (None, 64, 32, 1)
    np.testing.assert_equal(found.get_weights(), edge.get_weights())
    assert edge.input_shape == (None, 32, 64, 3)


def test_a_network_of_mixed_precision_is_exported_in_float32(edge):
    """Whatever the policy is at that time."""
    keras.config.set_dtype_policy("mixed_float16")
    try:
        mixed = build_generator("mobilenet_v2", (32, 64, 3))
        mixed.set_weights(edge.get_weights())
        found = load_for_export(mixed)
        assert keras.config.dtype_policy().name == "mixed_float16"
    finally:
        keras.config.set_dtype_policy("float32")
    assert mixed.get_layer("Conv1").compute_dtype == "float16"
    assert {layer.compute_dtype for layer in found.layers} == {"float32"}
    pictures = random_pictures(2, (32, 64)).astype(np.float32)
    np.testing.assert_array_equal(found.predict_on_batch(pictures), edge.predict_on_batch(pictures))


def test_the_papers_generator_is_known_too():
    generator = build_generator("vgg16", (16, 16, 3))
    found = load_for_export(generator, (32, 48))
    assert (found.name, found.input_shape) == ("salgan_vgg16", (None, 32, 48, 3))
    np.testing.assert_equal(found.get_weights(), generator.get_weights())


@pytest.mark.parametrize(("name", "size"), [("tiny", (32, 48)), ("odd", (30, 41))])
def test_another_network_can_only_have_its_own_size(folder, name, size):
    for asked in (None, size):
        found = load_for_export(folder / f"{name}.keras", asked)
        assert (found.name, found.input_shape) == (name, (None, *size, 3))
    with pytest.raises(InputError, match="only be exported at its own size") as caught:
        load_for_export(folder / f"{name}.keras", (64, 64))
    assert caught.value.subject == str(folder / f"{name}.keras")


@pytest.mark.parametrize("size", [(48, 64), (33, 64), (16, 16)])
def test_an_illegal_size_is_refused_with_the_backbone_and_what_is_expected(folder, size):
    with pytest.raises(InputError, match=r"mobilenet_v2.*multiples of 32") as caught:
        load_for_export(folder / "edge.keras", size)
    assert caught.value.subject == "--size"


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("missing.keras", "no such model"),
        ("empty", "not a run folder"),
        ("classifier.keras", "generator"),
        ("damaged.keras", "not a Keras model"),
        ("model.tflite", "cannot be exported"),
        ("model.onnx", "cannot be exported"),
        ("model.weights.h5", "cannot be exported"),
    ],
)
def test_a_file_that_is_not_a_generator_is_named(folder, name, cause):
    with pytest.raises(InputError, match=cause) as caught:
        load_for_export(folder / name)
    assert caught.value.subject == str(folder / name)


@pytest.mark.parametrize("size", [(32, 48), (None, None)])
def test_a_model_in_memory_that_is_not_a_generator_is_named(size):
    with pytest.raises(InputError, match="not a generator") as caught:
        load_for_export(classifier(*size))
    assert caught.value.subject == "classifier"


def test_a_sequential_model_is_a_generator(tmp_path):
    convolution = keras.layers.Conv2D(1, 3, padding="same", activation="sigmoid")
    model = keras.Sequential([keras.Input((32, 48, 3)), convolution])
    model.save(tmp_path / "own.keras")
    picture = random_pictures(1, (32, 48))[0]
    expected = model.predict_on_batch(picture[None].astype(np.float32))[0, ..., 0]
    for given in (model, tmp_path / "own.keras"):
        assert load_for_export(given).input_shape == (None, 32, 48, 3)
        np.testing.assert_array_equal(SaliencyPredictor(given).run_network(picture), expected)


class Subclassed(keras.Model):
    """A model that is a generator, but does not know its input."""

    def call(self, image):
        return image[..., :1]


@pytest.mark.parametrize("load", [load_for_export, SaliencyPredictor])
@pytest.mark.parametrize("model", [Subclassed(), keras.Sequential([keras.layers.Conv2D(1, 1)])], ids=lambda x: x.name)
def test_a_model_without_a_fixed_input_is_named(load, model):
    with pytest.raises(InputError, match=r"no fixed input and output: build it from keras\.Input") as caught:
        load(model)
    assert caught.value.subject == model.name


@pytest.mark.parametrize(
    ("load", "side", "gigabytes"),
    [
        (load_for_export, 30000, "10.8"),
        (SaliencyPredictor, 30000, "10.8"),
        # A runtime takes memory beside Keras.
        (lambda model: export(model, "out"), 6000, "2.2"),
    ],
)
def test_a_giant_layer_is_refused_before_it_is_run(tmp_path, monkeypatch, load, side, gigabytes):
    monkeypatch.chdir(tmp_path)
    layers = [keras.Input((8, 8, 3)), *(keras.layers.Resizing(size, size) for size in (side, 8))]
    model = keras.Sequential([keras.Input((8, 8, 3)), keras.Sequential(layers), keras.layers.Conv2D(1, 1)])
    with pytest.raises(InputError, match=f"needs {gigabytes} GB of memory"):
        load(model)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("load", [load_for_export, SaliencyPredictor])
@pytest.mark.parametrize("model", [None, 5, keras.Sequential])
def test_what_is_no_model_is_refused(load, model):
    with pytest.raises(TypeError, match="model: expected a name, a path or a Keras model, not "):
        load(model)


def test_the_bundled_model_is_exported_as_it_ships_or_at_another_size():
    found = load_for_export("edge")
    assert found.name == "salgan_efficientnet_lite0_slim"
    shipped = SaliencyPredictor()
    assert found.input_shape == (None, *shipped.image_shape, 3)
    photograph = images.read_image(Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg")
    picture = images.resize_area(photograph, shipped.image_shape)
    expected = found.predict_on_batch(picture[None].astype(np.float32))[0, ..., 0]
    assert maps.cc(shipped.run_network(picture), expected) > 0.99
    assert load_for_export("edge", (32, 64)).input_shape == (None, 32, 64, 3)


def test_an_own_generator_in_mixed_precision_is_rebuilt_in_float32(tmp_path):
    image = keras.Input((32, 48, 3))
    x = keras.layers.Rescaling(1 / 255, dtype="mixed_float16")(image)
    x = keras.layers.Conv2D(4, 3, padding="same", activation="relu", dtype="mixed_float16")(x)
    own = keras.Model(image, keras.layers.Conv2D(1, 1, activation="sigmoid", dtype="float32")(x))
    own.save(tmp_path / "own.keras")
    generator = load_for_export(tmp_path / "own.keras")
    assert {layer.compute_dtype for layer in generator.layers} == {"float32"}
    picture = np.random.default_rng(0).integers(0, 256, (1, 32, 48, 3)).astype(np.float32)
    np.testing.assert_allclose(generator.predict_on_batch(picture), own.predict_on_batch(picture), atol=5e-3)
