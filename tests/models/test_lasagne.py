"""The released weights: an independent forward pass in numpy must give the same as the loaded networks.

The published files cannot be fetched here, so random arrays in their layout replace them. The forward pass
works in float64 on Theano's layout (channels first, filters (out, in, h, w)) and does not use Keras.
"""

from pathlib import Path

import keras
import numpy as np
import pytest
from network_checks import assert_refused, assert_same_weights, random_images

from salgan_tf import InputError, SalGAN, build_discriminator, build_generator, load_generator, load_lasagne_weights
from salgan_tf.released import import_weights

ENCODER_FILTERS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
DECODER_FILTERS = ((512, 512, 512), (512, 512, 512), (256, 256, 256), (128, 128), (64, 64))
# The mean number of a filter's nine taps that lie within a picture of 32x32, at the scale of each block.
TAPS = (9, 9, 8, 6, 4, 4, 6, 8, 9, 9)
DISCRIMINATOR_FILTERS = (3, 32, 64, 64, 64, 64)


def save_arrays(path: Path, arrays: list[np.ndarray]) -> Path:
    np.savez(path, *arrays)
    return path


def random_filters(random: np.random.Generator, outputs: int, inputs: int, taps: int, scale: float = 1.0) -> list:
    """Return W (1x1 for a single tap) and b that keep the size of the activations (He et al. 2015)."""
    side = 1 if taps == 1 else 3
    kernel = random.normal(0, scale * np.sqrt(2 / (taps * inputs)), (outputs, inputs, side, side))
    return [kernel.astype(np.float32), random.normal(0, 0.1 * scale, outputs).astype(np.float32)]


@pytest.fixture(scope="module")
def generator_arrays() -> list[np.ndarray]:
    """54 arrays in the layout of gen_modelWeights0090.npz."""
    random, arrays, inputs = np.random.default_rng(21), [], 3
    for block, taps in zip((*ENCODER_FILTERS, *DECODER_FILTERS), TAPS, strict=True):
        for filters in block:
            # The picture's values are some 100 times larger than the activations should be.
            arrays += random_filters(random, filters, inputs, taps, scale=1 / 150 if inputs == 3 else 1.0)
            inputs = filters
    return arrays + random_filters(random, 1, inputs, taps=1)


def random_discriminator_arrays(places: int) -> list[np.ndarray]:
    """20 arrays in the layout of discrim_modelWeights0090.npz, for a last feature map of so many places."""
    random, arrays, inputs = np.random.default_rng(22), [], 4
    for index, filters in enumerate(DISCRIMINATOR_FILTERS):
        arrays += random_filters(random, filters, inputs, taps=9 if index else 1, scale=1.0 if index else 1 / 150)
        if index >= 4:
            arrays.append(random.uniform(0.5, 2.0, filters).astype(np.float32))
        inputs = filters
    for inputs, outputs in ((64 * places, 100), (100, 2), (2, 1)):
        arrays.append(random.normal(0, 1 / np.sqrt(inputs), (inputs, outputs)).astype(np.float32))
        arrays.append(random.normal(0, 0.1, outputs).astype(np.float32))
    return arrays


# === The independent forward pass ===


def convolve(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray, flip: bool) -> np.ndarray:
    """Apply filters (out, in, 3, 3) to (in, h, w): a true convolution where `flip`, else a correlation; then ReLU."""
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(x, ((0, 0), (1, 1), (1, 1))), (3, 3), axis=(1, 2))
    filters = kernel[:, :, ::-1, ::-1] if flip else kernel
    return np.maximum(np.einsum("ihwrc,oirc->ohw", windows, filters, optimize=True) + bias[:, None, None], 0)


def pool(x: np.ndarray, side: int) -> np.ndarray:
    channels, height, width = x.shape
    return x.reshape(channels, height // side, side, width // side, side).max(axis=(2, 4))


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def run_generator(arrays: list[np.ndarray], image: np.ndarray) -> np.ndarray:
    """Run the released generator on an RGB image (h, w, 3) to a map (h, w)."""
    x = image[:, :, ::-1].astype(np.float64) - np.array([103.939, 116.779, 123.68])
    x, weights = x.transpose(2, 0, 1), iter(arrays)
    for index, block in enumerate(ENCODER_FILTERS):
        x = pool(x, 2) if index else x
        for _ in block:
            x = convolve(x, next(weights), next(weights), flip=False)
    for index, block in enumerate(DECODER_FILTERS):
        x = x.repeat(2, axis=1).repeat(2, axis=2) if index else x
        for _ in block:
            x = convolve(x, next(weights), next(weights), flip=True)
    return sigmoid(np.einsum("oi,ihw->ohw", next(weights)[:, :, 0, 0], x)[0] + next(weights))


def run_discriminator(arrays: list[np.ndarray], saliency: np.ndarray, image: np.ndarray) -> np.ndarray:
    """Run the released discriminator on a map (h, w) and an RGB image (h, w, 3): fc4's 100 values, the probability."""
    x, weights = np.concatenate([saliency[None], image.transpose(2, 0, 1)]).astype(np.float64), iter(arrays)
    x = np.maximum(np.einsum("oi,ihw->ohw", next(weights)[:, :, 0, 0], x) + next(weights)[:, None, None], 0)
    for pooling, convolutions, normalized in ((4, 1, False), (2, 2, False), (2, 2, True)):
        for _ in range(convolutions):
            kernel, bias = next(weights).astype(np.float64), next(weights)
            if normalized:
                length = np.sqrt(1e-6 + (kernel**2).sum(axis=(1, 2, 3)))
                kernel *= (next(weights) / length)[:, None, None, None]
            x = convolve(x, kernel, bias, flip=True)
        x = pool(x, pooling)
    features = np.tanh(x.reshape(-1) @ next(weights) + next(weights))
    x = np.tanh(features @ next(weights) + next(weights))
    return np.append(features, sigmoid(x @ next(weights) + next(weights)))


# === Released files ===


def test_generator_gives_the_same_as_theano(generator_arrays, tmp_path):
    generator = build_generator("vgg16", (32, 32, 3))
    load_lasagne_weights(generator, save_arrays(tmp_path / "generator.npz", generator_arrays))
    (image,) = random_images(1, 32, 32)
    expected = run_generator(generator_arrays, image)
    assert expected.std() > 0.03
    assert 0.01 < expected.min() < expected.max() < 0.999
    np.testing.assert_allclose(np.asarray(generator(image[None]))[0, :, :, 0], expected, rtol=1e-4, atol=1e-5)


def test_discriminator_gives_the_same_as_theano(tmp_path):
    """At 32x48, where fc4 sees 2 x 3 places: rows must not be mistaken for columns."""
    arrays = random_discriminator_arrays(places=6)
    discriminator = build_discriminator((32, 48, 3))
    load_lasagne_weights(discriminator, save_arrays(tmp_path / "discriminator.npz", arrays))
    saliency, images = np.random.default_rng(3).uniform(0, 1, (4, 32, 48)), random_images(4, 32, 48)
    expected = [run_discriminator(arrays, density, image) for density, image in zip(saliency, images, strict=True)]
    # The features are compared too, since a single number hides much.
    assert np.std(expected, axis=0)[:-1].mean() > 0.02
    assert np.std(expected, axis=0)[-1] > 1e-4
    network = keras.Model(discriminator.input, [discriminator.get_layer("fc4").output, discriminator.output])
    pairs = np.concatenate([saliency[..., None], images], axis=-1).astype(np.float32)
    np.testing.assert_allclose(np.concatenate(network(pairs), axis=1), expected, rtol=1e-4, atol=2e-5)


# === Files that do not fit ===


def damage(arrays: list[np.ndarray], index: int, value: np.ndarray) -> list[np.ndarray]:
    return [value if place == index else array for place, array in enumerate(arrays)]


@pytest.fixture(scope="module")
def discriminator() -> keras.Model:
    return build_discriminator((32, 32, 3))


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (lambda arrays: arrays[:-1], "19 arrays"),
        (lambda arrays: [*arrays, np.zeros(3, np.float32)], "21 arrays"),
        (lambda arrays: damage(arrays, 18, np.zeros((3, 1), np.float32)), "prob"),
        (lambda arrays: damage(arrays, 14, np.zeros((64 * 192, 100), np.float32)), "fc4"),
        (lambda arrays: damage(arrays, 10, np.zeros(63, np.float32)), "conv3_1"),
        (lambda arrays: damage(arrays, 0, arrays[0][0]), "merge"),
        (lambda arrays: damage(arrays, 19, np.full(1, np.nan, np.float32)), "prob"),
        (lambda arrays: damage(arrays, 2, np.full_like(arrays[2], np.inf)), "conv1"),
        (lambda arrays: damage(arrays, 19, np.array([None])), "pickled"),
        (lambda arrays: damage(arrays, 19, np.array(["a"])), "prob"),
    ],
    ids=["19", "21", "last shape", "another size", "gain", "rank", "nan", "infinity", "objects", "text"],
)
def test_arrays_that_do_not_fit_are_refused(change, cause, discriminator, tmp_path):
    path = save_arrays(tmp_path / "released.npz", change(random_discriminator_arrays(places=4)))
    assert_refused(load_lasagne_weights, discriminator, path, cause)


def test_released_file_of_another_network_is_refused(generator_arrays, discriminator, tmp_path):
    released_generator = save_arrays(tmp_path / "generator.npz", generator_arrays)
    released_discriminator = save_arrays(tmp_path / "discriminator.npz", random_discriminator_arrays(places=4))
    for network, path, cause in (
        (discriminator, released_generator, "54 arrays"),
        (build_generator("vgg16", (16, 16, 3)), released_discriminator, "20 arrays"),
        (build_generator("mobilenet_v2", (32, 32, 3)), released_generator, "VGG-16"),
        # Its layers have the same names as the released ones, and other weights.
        (build_discriminator((32, 32, 3), spectral_normalization=True), released_discriminator, "merge"),
    ):
        assert_refused(load_lasagne_weights, network, path, cause)


# === The command behind `import-weights` ===


@pytest.mark.parametrize("with_discriminator", [False, True])
def test_imported_file_has_the_released_weights(with_discriminator, generator_arrays, tmp_path):
    generator_path = save_arrays(tmp_path / "generator.npz", generator_arrays)
    discriminator_path = None
    if with_discriminator:
        discriminator_path = save_arrays(tmp_path / "discriminator.npz", random_discriminator_arrays(places=192))
    import_weights(generator_path, discriminator_path, tmp_path / "imported.keras")
    imported = load_generator(tmp_path / "imported.keras")
    assert imported.input_shape == (None, 192, 256, 3)
    assert_same_weights(imported, build_generator("vgg16", weights=generator_path))
    if with_discriminator:
        salgan = keras.saving.load_model(tmp_path / "imported.keras")
        assert isinstance(salgan, SalGAN)
        expected = build_discriminator()
        load_lasagne_weights(expected, discriminator_path)
        assert_same_weights(salgan.discriminator, expected)


@pytest.mark.parametrize("name", ["released.h5", "released.weights.h5", "released", "released.KERAS"])
def test_import_refuses_another_ending(name, tmp_path):
    with pytest.raises(InputError, match="end") as caught:
        import_weights(tmp_path / "missing.npz", None, tmp_path / name)
    assert str(caught.value).startswith(str(tmp_path / name))
    assert not list(tmp_path.iterdir())
