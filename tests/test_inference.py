"""SaliencyPredictor with every kind of model, the files that predict_files writes, and the bundled edge model."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import brightness_model, names_in, render_photograph, save_picture
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image

from salgan_tf import images
from salgan_tf.errors import InputError
from salgan_tf.inference import SaliencyPredictor, predict_files
from salgan_tf.models.discriminator import build_discriminator
from salgan_tf.models.generator import build_generator
from salgan_tf.models.salgan import SalGAN


@pytest.fixture(scope="session")
def brightness(brightness_file) -> SaliencyPredictor:
    return SaliencyPredictor(brightness_file)


@pytest.fixture(scope="session")
def generator() -> keras.Model:
    """A tiny edge generator with random weights, scaled so that its maps are neither flat nor saturated."""
    keras.utils.set_random_seed(0)
    model = build_generator("mobilenet_v2", (32, 32, 3))
    last = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)][-1]
    kernel, *bias = last.get_weights()
    probe = images.resize_area(render_photograph(0), (32, 32)).astype(np.float32)
    maps = model.predict_on_batch(probe[None]).astype(np.float64)
    last.set_weights([kernel / np.log(maps / (1 - maps)).std(), *bias])
    return model


@pytest.fixture(scope="session")
def generator_files(generator, tmp_path_factory):
    """The same generator in every form that a predictor accepts."""
    folder = tmp_path_factory.mktemp("generator")
    (folder / "tiny.tflite").write_bytes(tf.lite.TFLiteConverter.from_keras_model(generator).convert())
    generator.save(folder / "tiny.keras")
    (folder / "run").mkdir()
    generator.save(folder / "run" / "content.keras")
    return folder


def test_every_form_of_a_generator_predicts_the_same_map(generator, generator_files, photograph):
    expected = SaliencyPredictor(generator)(photograph)
    assert expected.max() - expected.min() > 0.01
    for name in ("tiny.tflite", "tiny.keras", "run"):
        for path in (generator_files / name, str(generator_files / name)):
            predictor = SaliencyPredictor(path)
            assert predictor.image_shape == (32, 32)
            np.testing.assert_allclose(predictor(photograph), expected, atol=1e-4, err_msg=name)


@pytest.mark.parametrize("compiled", [False, True])
def test_the_generator_of_a_salgan_is_used(generator, photograph, tmp_path, compiled):
    salgan = SalGAN(generator, build_discriminator((32, 32, 3)))
    if compiled:
        salgan.compile()
    salgan.save(tmp_path / "salgan.keras")
    expected = SaliencyPredictor(generator)(photograph)
    np.testing.assert_array_equal(SaliencyPredictor(salgan)(photograph), expected)
    np.testing.assert_allclose(SaliencyPredictor(tmp_path / "salgan.keras")(photograph), expected, atol=1e-5)


def test_a_file_is_predicted_like_its_array(brightness, photograph, tmp_path):
    images.write_image(tmp_path / "photograph.png", photograph)
    np.testing.assert_array_equal(brightness(tmp_path / "photograph.png"), brightness(photograph))


def test_the_adversarial_generator_of_a_run_is_preferred(generator_files, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    (run / "content.keras").write_bytes((generator_files / "tiny.keras").read_bytes())
    brightness_model().save(run / "adversarial.keras")
    assert SaliencyPredictor(run).image_shape == (32, 64)


def test_the_map_is_aligned_with_the_photograph(brightness):
    photograph = np.zeros((121, 97, 3), np.uint8)
    photograph[20:60, 50:] = 255
    saliency = brightness(photograph)
    assert saliency[30:50, 60:].min() > 0.97
    assert saliency[80:].max() < 0.03
    assert saliency[:, :40].max() < 0.03


def test_the_number_of_threads_changes_nothing(generator_files, photograph):
    single, default = (SaliencyPredictor(generator_files / "tiny.tflite", threads)(photograph) for threads in (1, None))
    np.testing.assert_allclose(single, default, atol=1e-5)


@pytest.mark.parametrize("threads", [0, -1, 1025, 10**30, "two"])
def test_another_number_of_threads_is_refused(brightness_file, threads):
    with pytest.raises(InputError, match=f"^threads: {threads} is not a whole number from 1 to 1024"):
        SaliencyPredictor(brightness_file, threads)


@settings(deadline=None, max_examples=40)
@given(height=st.integers(1, 90), width=st.integers(1, 90), seed=st.integers(0, 99))
def test_maps_have_the_size_of_the_photograph_and_values_from_0_to_1(brightness, height, width, seed):
    saliency = brightness(np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8))
    assert saliency.shape == (height, width)
    assert saliency.dtype == np.float32
    assert 0 <= saliency.min() <= saliency.max() <= 1


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((5, 5), np.uint8),
        np.zeros((5, 5, 4), np.uint8),
        np.zeros((1, 5, 5, 3), np.uint8),
        np.zeros((5, 5, 3), np.float32),
        [[[1, 2, 3]]],
        None,
    ],
    ids=["grey", "RGBA", "batch", "float", "list", "nothing"],
)
def test_wrong_arrays_are_refused(brightness, image):
    with pytest.raises(ValueError, match=r"uint8 array \(H, W, 3\)"):
        brightness(image)


def write_bad_model(folder, kind: str):
    path = folder / kind
    if kind.startswith("garbage"):
        path.write_bytes(bytes(range(256)) * 8)
    elif kind == "empty folder":
        path.mkdir()
    elif kind.startswith("classifier"):
        image = keras.Input((8, 8, 3))
        classifier = keras.Model(image, keras.layers.GlobalAveragePooling2D()(image))
        if path.suffix == ".keras":
            classifier.save(path)
        else:
            path.write_bytes(tf.lite.TFLiteConverter.from_keras_model(classifier).convert())
    elif kind == "model.pb":
        path.write_bytes(b"another format")
    return path


@pytest.mark.parametrize(
    "kind",
    [
        "garbage.tflite",
        "garbage.keras",
        "missing.tflite",
        "missing.keras",
        "missing folder",
        "empty folder",
        "classifier.keras",
        "classifier.tflite",
        "model.pb",
    ],
)
def test_bad_models_are_named(tmp_path, kind):
    path = write_bad_model(tmp_path, kind)
    with pytest.raises(InputError) as caught:
        SaliencyPredictor(path)
    assert caught.value.subject == str(path)


@pytest.mark.parametrize("name", ["tiny.tflite", "tiny.keras"])
def test_truncated_models_are_named(generator_files, tmp_path, name):
    path = tmp_path / name
    content = (generator_files / name).read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError) as caught:
        SaliencyPredictor(path)
    assert caught.value.subject == str(path)


def write_photographs(folder, *names: str) -> None:
    folder.mkdir(exist_ok=True)
    for seed, name in enumerate(names):
        Image.fromarray(render_photograph(seed, (20 + seed, 30))).save(folder / name)


def test_photographs_become_maps_and_overlays_of_their_size(brightness, tmp_path):
    write_photographs(tmp_path / "in", "a.png", "b.png")
    counts = predict_files([tmp_path / "in" / "a.png", tmp_path / "in" / "b.png"], tmp_path / "out", brightness)
    assert counts == (2, 0)
    assert names_in(tmp_path / "out") == ["a_overlay.jpg", "a_saliency.png", "b_overlay.jpg", "b_saliency.png"]
    with Image.open(tmp_path / "out" / "b_saliency.png") as saliency_map:
        assert (saliency_map.mode, saliency_map.size) == ("L", (30, 21))
    assert images.read_image(tmp_path / "out" / "b_overlay.jpg").shape == (21, 30, 3)
    photograph = images.read_image(tmp_path / "in" / "b.png")
    written = images.read_grey(tmp_path / "out" / "b_saliency.png")
    np.testing.assert_allclose(written, brightness(photograph), atol=0.5 / 255 + 1e-6)


@pytest.mark.parametrize("ending", ["jpg", "png"])
def test_large_photographs_are_shrunk_on_request(brightness, tmp_path, ending):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    Image.fromarray(render_photograph(0, (300, 500))).save(tmp_path / f"large.{ending}", exif=exif)
    save_picture(tmp_path / "small.png", render_photograph(1, (60, 80)))
    paths = [tmp_path / f"large.{ending}", tmp_path / "small.png"]
    assert predict_files(paths, tmp_path / "out", brightness, max_side=100) == (2, 0)
    for name, shape in (("large", (100, 60)), ("small", (60, 80))):
        for result in (f"{name}_saliency.png", f"{name}_overlay.jpg"):
            assert images.read_size(tmp_path / "out" / result) == shape
    whole = images.resize_area(brightness(paths[0]), (100, 60))
    found = images.read_grey(tmp_path / "out" / "large_saliency.png")
    assert np.abs(found - whole / whole.max()).mean() < 0.02


@pytest.mark.parametrize("shape", [(1, 1), (1, 4000), (4000, 1)])
def test_photographs_of_extreme_shapes_are_predicted(brightness, tmp_path, shape):
    save_picture(tmp_path / "odd.png", np.random.default_rng(3).integers(0, 256, (*shape, 3), np.uint8))
    assert predict_files([tmp_path / "odd.png"], tmp_path / "out", brightness) == (1, 0)
    for name in ("odd_saliency.png", "odd_overlay.jpg"):
        assert images.read_size(tmp_path / "out" / name) == shape


def test_bad_files_are_reported_and_the_others_continue(brightness, tmp_path):
    write_photographs(tmp_path / "in", "a.png", "b.png", "c.png")
    (tmp_path / "in" / "b.png").write_text("no picture")
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "note.txt").touch()
    errors = []
    paths = [tmp_path / name for name in ("in", "nowhere.jpg", "empty", "notes")]
    assert predict_files(paths, tmp_path / "out", brightness, report=errors.append) == (2, 4)
    assert {error.subject for error in errors} == {
        str(tmp_path / "in" / "b.png"),
        str(tmp_path / "nowhere.jpg"),
        str(tmp_path / "empty"),
        str(tmp_path / "notes"),
    }
    assert names_in(tmp_path / "out") == ["a_overlay.jpg", "a_saliency.png", "c_overlay.jpg", "c_saliency.png"]


def test_a_bad_photograph_does_not_reserve_its_name(brightness, tmp_path, photograph):
    (tmp_path / "scene.jpg").write_text("not a picture")
    images.write_image(tmp_path / "scene.png", photograph)
    assert predict_files([tmp_path], tmp_path / "out", brightness) == (1, 1)
    assert (tmp_path / "out" / "scene_saliency.png").is_file()


def test_a_photograph_that_is_given_twice_is_predicted_once(brightness, tmp_path):
    write_photographs(tmp_path / "in", "a.png")
    paths = [tmp_path / "in" / "a.png", tmp_path / "in", str(tmp_path / "in" / "a.png")]
    assert predict_files(paths, tmp_path / "out", brightness) == (1, 0)


def test_results_in_the_folder_of_photographs_are_not_predicted_again(brightness, tmp_path):
    write_photographs(tmp_path / "in", "a.png", "b.jpg")
    assert predict_files([tmp_path / "in"], tmp_path / "in", brightness) == (2, 0)
    first = names_in(tmp_path / "in")
    assert predict_files([tmp_path / "in"], tmp_path / "in" / ".", brightness) == (2, 0)
    assert names_in(tmp_path / "in") == first
    assert len(first) == 6


# The bundled edge model.


def test_the_bundled_model_is_the_default_and_takes_256x320(photograph):
    predictor = SaliencyPredictor()
    assert predictor.image_shape == (256, 320)
    saliency = predictor(photograph)
    assert saliency.shape == photograph.shape[:2]
    assert saliency.max() - saliency.min() > 0.05
    np.testing.assert_array_equal(SaliencyPredictor("edge")(photograph), saliency)


def test_the_bundled_model_finds_what_stands_out():
    photograph = np.full((192, 256, 3), (90, 120, 150), np.uint8)
    photograph[60:100, 150:190] = (230, 30, 20)
    saliency = SaliencyPredictor()(photograph)
    assert saliency[60:100, 150:190].mean() > 2 * saliency.mean()
