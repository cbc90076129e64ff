"""How runtimes open exported files: the lowest level of int8, ONNX files of others, and what is wrong with bad ones."""

import sys

import keras
import numpy as np
import onnx
import pytest
from ai_edge_litert.interpreter import Interpreter
from networks import ignore_statistics, parse_onnx, random_pictures, tiny_generator

from salgan_tf.errors import InputError
from salgan_tf.exporting import litert
from salgan_tf.exporting.onnx import convert as convert_to_onnx
from salgan_tf.inference import SaliencyPredictor

pytestmark = ignore_statistics


@pytest.fixture(scope="module")
def generator() -> keras.Model:
    return tiny_generator()


@pytest.fixture(scope="module")
def onnx_file(generator, tmp_path_factory):
    path = tmp_path_factory.mktemp("files") / "tiny.onnx"
    convert_to_onnx(generator, path)
    return path


def test_level_0_is_read_as_a_quarter_of_a_level(generator, tmp_path):
    """0 would mean that nobody ever looks there, which 8 bits cannot tell."""
    dark = keras.models.clone_model(generator)
    dark.set_weights(generator.get_weights())
    kernel, _ = dark.get_layer("output").get_weights()
    dark.get_layer("output").set_weights([kernel * 4, np.array([-6.0])])
    path = tmp_path / "dark.tflite"
    litert.convert(dark, "int8", path, random_pictures(12))
    picture = random_pictures(2)[1]
    interpreter = Interpreter(str(path))
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], picture[None])
    interpreter.invoke()
    levels = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0, ..., 0]
    assert (levels == 0).any()
    assert (levels > 0).any()
    found = SaliencyPredictor(path).run_network(picture)
    np.testing.assert_allclose(found, np.where(levels, levels, 0.25) / 256, rtol=1e-6)


def test_a_missing_onnxruntime_is_named_with_its_extra(onnx_file, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(InputError, match=r"requires onnxruntime.*pip install 'salgan_tf\[onnx\]'") as caught:
        SaliencyPredictor(onnx_file)
    assert caught.value.subject == str(onnx_file)


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x08\x07\x12\x07broken!", "cut off", None])
def test_a_damaged_or_missing_file_is_named(onnx_file, tmp_path, content, capfd):
    path = tmp_path / "damaged.onnx"
    if content is not None:
        path.write_bytes(onnx_file.read_bytes()[:-200] if content == "cut off" else content)
    cause = r"no such model.*\.onnx" if content is None else "not an ONNX model that can be run"
    with pytest.raises(InputError, match=cause) as caught:
        SaliencyPredictor(path)
    assert caught.value.subject == str(path)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr().err == ""


def save_mean(path, image: str, saliency: str) -> None:
    """Save a model that returns the mean of the channels, with these types and shapes of input and output."""
    nodes = "floats = Cast<to = 1>(image) saliency = ReduceMean<axes = [-1]>(floats)"
    onnx.save(parse_onnx(f"({image} image) => ({saliency} saliency)", "", nodes), path)


def test_any_onnx_generator_can_be_opened(tmp_path):
    save_mean(tmp_path / "mean.onnx", "float[n, 8, 10, 3]", "float[n, 8, 10, 1]")
    picture = random_pictures(1, (8, 12))[0, :, :10]
    found = SaliencyPredictor(tmp_path / "mean.onnx").run_network(picture)
    np.testing.assert_allclose(found, picture.mean(axis=-1), rtol=1e-5)


@pytest.mark.parametrize(
    ("image", "saliency", "cause"),
    [
        ("float[1, 8, 10, 4]", "float[1, 8, 10, 1]", "not a generator"),
        ("float[1, 8, 3]", "float[1, 8, 1]", "not a generator"),
        ("float[1, h, w, 3]", "float[1, h, w, 1]", "any size"),
        ("uint8[1, 8, 10, 3]", "float[1, 8, 10, 1]", "uint8"),
    ],
)
def test_a_model_that_is_not_a_generator_is_named(tmp_path, image, saliency, cause):
    path = tmp_path / "other.onnx"
    save_mean(path, image, saliency)
    with pytest.raises(InputError, match=cause) as caught:
        SaliencyPredictor(path)
    assert caught.value.subject == str(path)
