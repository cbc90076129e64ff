"""Float weights from an int8 file: how close they are, that they quantize to the same kernels, and the errors."""

import numpy as np
import pytest
from conftest import few_filters
from network_checks import assert_same_weights

from salgan_tf import InputError, build_generator
from salgan_tf.exporting import litert
from salgan_tf.inference import SaliencyPredictor
from salgan_tf.metrics import maps
from salgan_tf.weights import BUNDLED

SHAPE = (32, 64, 3)


def pictures(count: int) -> np.ndarray:
    return np.random.default_rng(2).integers(0, 256, (count, *SHAPE), dtype=np.uint8)


def kernels(generator) -> dict[str, np.ndarray]:
    return {layer.name: layer.get_weights()[0] for layer in generator.layers if layer.weights}


@pytest.mark.filterwarnings("ignore:Statistics for quantized inputs were expected:UserWarning")
def test_weights_are_half_a_step_from_the_generators_and_quantize_to_the_same_kernels(tmp_path):
    generator = build_generator("mobilenet_v2", SHAPE)
    litert.convert(generator, "int8", tmp_path / "once.tflite", pictures(4))
    loaded = build_generator("mobilenet_v2", SHAPE, weights=tmp_path / "once.tflite")
    before, after = kernels(generator), kernels(loaded)
    for name, kernel in before.items():
        # A depthwise kernel is (h, w, channels, 1), any other (h, w, in, out).
        axes = (0, 1) if "depthwise" in name else (0, 1, 2)
        step = np.abs(kernel).max(axis=axes, keepdims=True) / 127
        assert (np.abs(after[name] - kernel) <= 0.501 * step).all(), name
    litert.convert(loaded, "int8", tmp_path / "twice.tflite", pictures(4))
    again = kernels(build_generator("mobilenet_v2", SHAPE, weights=tmp_path / "twice.tflite"))
    for name, kernel in after.items():
        np.testing.assert_allclose(again[name], kernel, rtol=1e-6, atol=0, err_msg=name)


def test_the_bundled_model_is_loaded_at_any_size(photograph):
    backbone = BUNDLED["edge"].backbone
    small = build_generator(backbone, SHAPE, weights="edge")
    own = SaliencyPredictor()
    whole = build_generator(backbone, (*own.image_shape, 3), weights=BUNDLED["edge"].file)
    assert_same_weights(small, whole)
    assert maps.cc(SaliencyPredictor(whole)(photograph), own(photograph)) > 0.995


def test_another_network_is_refused():
    with pytest.raises(InputError, match="holds 62 convolutions, and salgan_vgg16 has 27"):
        build_generator("vgg16", SHAPE, weights=BUNDLED["edge"].file)


def test_a_bundled_model_knows_its_backbone_and_whether_it_is_there(monkeypatch, tmp_path):
    with pytest.raises(InputError, match=r"^edge: the bundled model is of efficientnet_lite0_slim, not of vgg16$"):
        build_generator("vgg16", SHAPE, weights="edge")
    monkeypatch.setitem(BUNDLED, "salgan", BUNDLED["salgan"]._replace(file=tmp_path / "salgan.tflite"))
    for call in (lambda: SaliencyPredictor("salgan"), lambda: build_generator("vgg16", SHAPE, weights="salgan")):
        with pytest.raises(InputError, match=rf"^salgan: its file salgan.tflite is missing in {tmp_path}$"):
            call()


@pytest.mark.parametrize("kind", ["float32", "float16", "dynamic"])
def test_other_formats_are_refused(kind, tmp_path):
    cause = r"other\.tflite: its weights are not int8 with int32 biases: export it with `--int8`"
    with few_filters():
        litert.convert(build_generator("vgg16", SHAPE), kind, tmp_path / "other.tflite", pictures(1))
        with pytest.raises(InputError, match=cause):
            build_generator("vgg16", SHAPE, weights=tmp_path / "other.tflite")
