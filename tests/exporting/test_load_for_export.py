"""Which generator is exported: any model of the package in float32, at any legal size; another at its own."""

from pathlib import Path

import keras
import matplotlib
import numpy as np
import pytest
from networks import edge_generator, few_filters, random_pictures, tiny_generator

from salgan_tf import SaliencyPredictor, build_generator, images
from salgan_tf.errors import InputError
from salgan_tf.exporting.generator import load_for_export
from salgan_tf.metrics import maps
from salgan_tf.models.discriminator import build_discriminator
from salgan_tf.models.salgan import SalGAN


@pytest.fixture(scope="module", autouse=True)
def slim_vgg16():
    """Every call builds the paper's generator to compare with: here it has few weights."""
    with few_filters():
        yield


@pytest.fixture(scope="module")
def edge() -> keras.Model:
    return edge_generator()


@pytest.fixture(scope="module")
def folder(edge, tmp_path_factory):
    """The edge generator in every form, and networks that the package does not know."""
    folder = tmp_path_factory.mktemp("models")
    edge.save(folder / "edge.keras")
    (folder / "run").mkdir()
    edge.save(folder / "run" / "content.keras")
    SalGAN(edge, build_discriminator((32, 64, 3))).save(folder / "salgan.keras")
    tiny_generator().save(folder / "tiny.keras")
    image = keras.Input((30, 41, 3), name="image")
    keras.Model(image, keras.layers.Conv2D(1, 1)(image), name="odd").save(folder / "odd.keras")
    return folder


def assert_same_weights(found: keras.Model, expected: keras.Model) -> None:
    for one, other in zip(found.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", ["edge.keras", "salgan.keras", "run"])
def test_every_form_gives_the_same_generator(folder, edge, name):
    found = load_for_export(folder / name)
    assert (found.name, found.input_shape) == ("salgan_mobilenet_v2", (None, 32, 64, 3))
    assert_same_weights(found, edge)


def test_of_a_known_network_any_legal_size_can_be_had(folder, edge):
    found = load_for_export(folder / "edge.keras", (64, 32))
    assert found.input_shape == (None, 64, 32, 3)
    assert found.output_shape == (None, 64, 32, 1)
    assert_same_weights(found, edge)


def test_what_was_trained_in_mixed_precision_is_exported_in_float32(edge, tmp_path):
    keras.config.set_dtype_policy("mixed_float16")
    try:
        mixed = build_generator("mobilenet_v2", (32, 64, 3))
    finally:
        keras.config.set_dtype_policy("float32")
    mixed.set_weights(edge.get_weights())
    mixed.save(tmp_path / "mixed.keras")
    found = load_for_export(tmp_path / "mixed.keras")
    assert mixed.get_layer("Conv1").compute_dtype == "float16"
    assert {layer.compute_dtype for layer in found.layers} == {"float32"}
    pictures = random_pictures(2, (32, 64)).astype(np.float32)
    np.testing.assert_array_equal(found.predict_on_batch(pictures), edge.predict_on_batch(pictures))


def test_the_papers_generator_is_known_too(tmp_path):
    generator = build_generator("vgg16", (16, 16, 3))
    generator.save(tmp_path / "vgg16.keras")
    found = load_for_export(tmp_path / "vgg16.keras", (32, 48))
    assert (found.name, found.input_shape) == ("salgan_vgg16", (None, 32, 48, 3))
    assert_same_weights(found, generator)


@pytest.mark.parametrize(("name", "size"), [("tiny", (32, 48)), ("odd", (30, 41))])
def test_another_network_is_exported_at_its_own_size_whatever_it_is(folder, name, size):
    for asked in (None, size):
        found = load_for_export(folder / f"{name}.keras", asked)
        assert (found.name, found.input_shape) == (name, (None, *size, 3))


def test_another_network_at_another_size_is_refused(folder):
    with pytest.raises(InputError, match="its own size alone") as caught:
        load_for_export(folder / "tiny.keras", (64, 64))
    assert caught.value.subject == str(folder / "tiny.keras")


@pytest.mark.parametrize("size", [(48, 64), (33, 64), (16, 16)])
def test_an_illegal_size_is_refused_with_what_is_wanted(folder, size):
    """It is named for the network that the file holds."""
    with pytest.raises(InputError, match=r"does not fit mobilenet_v2.*multiples of 32") as caught:
        load_for_export(folder / "edge.keras", size)
    assert caught.value.subject == "--size"


@pytest.mark.parametrize("name", ["missing.keras", "model.tflite", "empty"])
def test_what_is_no_model_is_named(tmp_path, name):
    (tmp_path / "empty").mkdir()
    (tmp_path / "model.tflite").write_bytes(b"TFL3")
    with pytest.raises(InputError) as caught:
        load_for_export(tmp_path / name)
    assert caught.value.subject == str(tmp_path / name)


def test_the_bundled_model_is_exported_as_it_ships_or_at_another_size():
    found = load_for_export("edge")
    assert found.name == "salgan_mobilenet_v2"
    shipped = SaliencyPredictor()
    assert found.input_shape == (None, *shipped.image_shape, 3)
    photograph = images.read_image(Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg")
    picture = images.resize_area(photograph, shipped.image_shape)
    expected = found.predict_on_batch(picture[None].astype(np.float32))[0, ..., 0]
    assert maps.cc(shipped.run_network(picture), expected) > 0.99
    assert load_for_export("edge", (32, 64)).input_shape == (None, 32, 64, 3)
