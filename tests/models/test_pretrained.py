"""The start of a generator: every kind of file, ImageNet encoders, and the errors for files that do not fit."""

import dataclasses

import keras
import numpy as np
import pytest
from network_checks import assert_refused, assert_same_weights, random_images, run_to_layer

from salgan_tf import InputError, SalGAN, build_discriminator, build_generator, load_generator
from salgan_tf.models import pretrained
from salgan_tf.models.backbones import BACKBONES
from salgan_tf.weights import BUNDLED

SHAPE = (32, 32, 3)


def load_pretrained(generator: keras.Model, weights) -> None:
    """Load weights into a generator of `build_generator`, as it does itself."""
    pretrained.load_pretrained(generator, BACKBONES[generator.name.removeprefix("salgan_")], weights)


def save(model: keras.Model, path) -> None:
    """Save a model or only its weights, as the ending of the file says."""
    model.save(path) if path.suffix == ".keras" else model.save_weights(path)


@pytest.fixture(scope="module")
def generator():
    """An edge generator to load into; no test relies on its weights."""
    return build_generator("mobilenet_v2", SHAPE)


@pytest.fixture(scope="module")
def vgg16():
    """A VGG-16 generator to load into; no test relies on its weights."""
    return build_generator("vgg16", SHAPE)


def encoder_arrays(generator: keras.Model, backbone: str) -> dict[str, np.ndarray]:
    """Return random arrays in the layout of a local ImageNet encoder: a kernel and a bias for each layer, in order."""
    random = np.random.default_rng(4)
    arrays = {}
    for index, name in enumerate(BACKBONES[backbone].encoder_layers):
        kernel, bias = generator.get_layer(name).weights
        arrays[f"k{index:02d}"] = random.standard_normal(kernel.shape, np.float32).astype(np.float16)
        arrays[f"b{index:02d}"] = random.standard_normal(bias.shape, np.float32)
    return arrays


@pytest.fixture(scope="module")
def mobilenet_v2_arrays(generator):
    """An ImageNet MobileNetV2 with folded batch norms: the encoder, and the 1x1 convolution before the classifier."""
    unused = {"k51": np.zeros((1, 1, 320, 1280), np.float16), "b51": np.zeros(1280, np.float32)}
    return encoder_arrays(generator, "mobilenet_v2") | unused


@pytest.fixture(scope="module")
def vgg16_arrays(vgg16):
    """An ImageNet VGG-16: 13 convolutions."""
    return encoder_arrays(vgg16, "vgg16")


# === Files ===


@pytest.mark.parametrize("kind", ["generator", "content", "adversarial"])
def test_keras_file_of_another_image_size_is_loaded(kind, generator, tmp_path):
    source = model = build_generator("mobilenet_v2", (64, 96, 3))
    if kind != "generator":
        model = SalGAN(source, build_discriminator((64, 96, 3)) if kind == "adversarial" else None)
        model.compile()
    path = tmp_path / f"{kind}.keras"
    model.save(path)
    load_pretrained(generator, path)
    assert_same_weights(generator, source)
    loaded = load_generator(path)
    assert loaded.input_shape == (None, 64, 96, 3)
    assert_same_weights(loaded, source)


def test_weights_file_is_loaded_at_another_image_size(tmp_path):
    source = build_generator("mobilenet_v2", SHAPE)
    source.save_weights(tmp_path / "edge.weights.h5")
    loaded = build_generator("mobilenet_v2", (64, 32, 3), weights=tmp_path / "edge.weights.h5")
    assert_same_weights(loaded, source)


@pytest.mark.parametrize(
    ("backbone", "indices"),
    [
        ("mobilenet_v2", {"Conv1": 0, "expanded_conv_depthwise": 1, "block_1_expand": 3, "block_16_project": 50}),
        ("vgg16", {"conv1_1": 0, "conv1_2": 1, "conv3_1": 4, "conv5_3": 12}),
    ],
)
def test_arrays_are_loaded_into_the_encoder(backbone, indices, tmp_path, request):
    arrays = request.getfixturevalue(f"{backbone}_arrays")
    generator = build_generator(backbone, SHAPE)
    output = generator.get_layer("output").get_weights()
    np.savez(tmp_path / "imagenet.npz", **arrays)
    load_pretrained(generator, tmp_path / "imagenet.npz")
    for name, index in indices.items():
        kernel, bias = generator.get_layer(name).get_weights()
        np.testing.assert_array_equal(kernel, arrays[f"k{index:02d}"])
        np.testing.assert_array_equal(bias, arrays[f"b{index:02d}"])
    assert_same_weights(generator.get_layer("output"), output)


# === Files that do not fit ===


def test_another_ending_is_refused(generator, tmp_path):
    (tmp_path / "weights.pt").write_bytes(b"weights")
    assert_refused(load_pretrained, generator, tmp_path / "weights.pt", "expected .weights.h5")


@pytest.mark.parametrize("ending", [".weights.h5", ".keras", ".npz", ".tflite"])
def test_truncated_file_is_refused(ending, generator, mobilenet_v2_arrays, tmp_path):
    path = tmp_path / f"truncated{ending}"
    if ending == ".npz":
        np.savez(path, **mobilenet_v2_arrays)
    elif ending == ".tflite":
        path.write_bytes(BUNDLED["edge"].file.read_bytes())
    else:
        save(generator, path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    assert_refused(load_pretrained, generator, path)


@pytest.mark.parametrize("ending", [".weights.h5", ".keras"])
def test_file_of_another_network_is_refused(ending, generator, vgg16, tmp_path):
    image = keras.Input(SHAPE)
    # Its first layer would fit, and must not be kept when the second one does not.
    hidden = keras.layers.Conv2D(32, 3, padding="same")(image)
    shallow = keras.Model(image, keras.layers.Conv2D(1, 1, name="output")(hidden), name=generator.name)
    pairs = ((build_discriminator(SHAPE), generator), (generator, vgg16), (shallow, generator))
    for index, (source, target) in enumerate(pairs):
        path = tmp_path / f"{index}{ending}"
        save(source, path)
        assert_refused(load_pretrained, target, path)


def test_keras_file_that_would_run_code_is_refused(tmp_path):
    image = keras.Input(SHAPE)
    layer = keras.layers.Lambda(lambda x: x[..., :1] / 255.0, output_shape=(32, 32, 1))
    keras.Model(image, layer(image)).save(tmp_path / "lambda.keras")
    with pytest.raises(InputError, match=r"lambda\.keras: "):
        load_generator(tmp_path / "lambda.keras")


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({"k50": np.zeros((1, 1, 960, 319))}, "block_16_project"),
        ({"b00": np.zeros(33)}, "Conv1"),
        ({"k10": np.zeros(3, dtype=object)}, "pickled"),
        ({"k20": None}, "no array k20"),
        ({"k51": None, "k50": None}, "holds 50 convolutions, and the encoder of mobilenet_v2 has 51"),
        ({"k51": np.zeros((3, 3, 320, 8))}, "holds 52 convolutions"),
        ({"k00": None}, "neither"),
        ({"b50": np.full(320, np.nan, np.float32)}, "finite"),
        ({"b00": np.full(32, "text")}, "layer Conv1 has values of type str128: expected floating-point numbers"),
        ({"b00": np.zeros(32, np.complex64)}, "layer Conv1 has values of type complex64: expected floating"),
    ],
    ids=[
        *("wrong kernel", "wrong bias", "objects", "missing", "too few", "too many", "other names", "not a number"),
        *("text", "complex"),
    ],
)
def test_arrays_that_do_not_fit_are_refused_and_change_nothing(change, cause, generator, mobilenet_v2_arrays, tmp_path):
    arrays = {name: value for name, value in (mobilenet_v2_arrays | change).items() if value is not None}
    np.savez(tmp_path / "imagenet.npz", **arrays)
    assert_refused(load_pretrained, generator, tmp_path / "imagenet.npz", cause)


def test_encoder_of_another_backbone_is_refused(generator, vgg16, mobilenet_v2_arrays, vgg16_arrays, tmp_path):
    path = tmp_path / "imagenet.npz"
    np.savez(path, **mobilenet_v2_arrays)
    assert_refused(load_pretrained, vgg16, path, "holds 52 convolutions, and the encoder of vgg16 has 13")
    np.savez(path, **vgg16_arrays)
    assert_refused(load_pretrained, generator, path, "holds 13 convolutions, and the encoder of mobilenet_v2 has 51")


def test_backbone_without_an_application_has_no_imagenet_weights_to_fetch(generator):
    backbone = dataclasses.replace(BACKBONES["mobilenet_v2"], application=None)
    with pytest.raises(InputError, match=r"imagenet: .*no weights of mobilenet_v2; give a file or none instead"):
        pretrained.load_pretrained(generator, backbone, "imagenet")


# === ImageNet weights of keras.applications ===


def randomize_batch_norms(network: keras.Model):
    """Set scales, shifts and statistics of every batch norm; a fresh batch norm does nothing."""
    random = np.random.default_rng(6)
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            size = layer.gamma.shape
            statistics = [random.normal(0, 0.3, size), random.uniform(0.2, 1.5, size)]
            layer.set_weights([random.uniform(0.7, 1.5, size), random.normal(0.3, 0.5, size), *statistics])


@pytest.mark.parametrize(
    ("backbone", "factory", "names"),
    [
        ("mobilenet_v2", "MobileNetV2", {"block_16_project": "block_16_project_BN", "Conv1_relu": "Conv1_relu"}),
        ("vgg16", "VGG16", {"conv5_3": "block5_conv3", "conv1_1": "block1_conv1"}),
        ("mlnet", "VGG16", {"conv4_3": "block4_conv3", "pool3": "block3_pool"}),
        ("salicon", "VGG16", {"fine_pool5": "block5_pool"}),
    ],
)
def test_imagenet_encoder_sees_what_keras_applications_sees(backbone, factory, names, monkeypatch):
    """Compared from the picture on, including preprocessing, padding and the folded batch norms."""
    real = getattr(keras.applications, factory)
    source = real(include_top=False, weights=None, input_shape=(128, 64, 3))
    randomize_batch_norms(source)
    asked = {}

    def fetch(**options):
        asked.update(options)
        return source

    monkeypatch.setattr(keras.applications, factory, fetch)
    generator = build_generator(backbone, (128, 64, 3), weights="imagenet")
    assert (asked["include_top"], asked["weights"]) == (False, "imagenet")
    images = random_images(2, 128, 64)
    preprocess = getattr(keras.applications, factory.lower().replace("v2", "_v2")).preprocess_input
    for ours, theirs in names.items():
        expected = run_to_layer(source, theirs, preprocess(images.copy()))
        actual = run_to_layer(generator, ours, images)
        assert expected.std() > 0.01
        np.testing.assert_allclose(actual, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize(("backbone", "factory"), [("mobilenet_v2", "MobileNetV2"), ("vgg16", "VGG16")])
def test_imagenet_without_a_connection_is_one_line(backbone, factory, monkeypatch, request):
    def fail(**options):
        raise Exception("URL fetch failure on https://storage.googleapis.com\nNone -- [Errno -2] Name not known")

    monkeypatch.setattr(keras.applications, factory, fail)
    generator = request.getfixturevalue("generator" if backbone == "mobilenet_v2" else "vgg16")
    assert_refused(load_pretrained, generator, "imagenet", "URL fetch failure")
