"""Exported files in front of a photograph: the predictor reads them as the network that they were made of."""

import sys

import keras
import numpy as np
import onnx
import pytest
from ai_edge_litert.interpreter import Interpreter
from networks import ignore_statistics, random_pictures, tiny_generator
from onnx import TensorProto, helper

from salgan_tf.errors import InputError
from salgan_tf.exporting import litert
from salgan_tf.exporting import onnx as onnx_export
from salgan_tf.inference import SaliencyPredictor

pytestmark = ignore_statistics


@pytest.fixture(scope="module")
def generator() -> keras.Model:
    return tiny_generator()


@pytest.fixture(scope="module")
def onnx_file(generator, tmp_path_factory):
    path = tmp_path_factory.mktemp("files") / "tiny.onnx"
    onnx_export.convert(generator, path)
    return path


@pytest.fixture(scope="module")
def int8_file(generator, tmp_path_factory):
    path = tmp_path_factory.mktemp("files") / "tiny.tflite"
    litert.convert(generator, "int8", path, random_pictures(12))
    return path


@pytest.mark.parametrize(("name", "tolerance"), [("onnx_file", 1e-5), ("int8_file", 0.06)])
def test_a_file_gives_the_networks_map(generator, photograph, request, name, tolerance):
    path = request.getfixturevalue(name)
    for model in (path, str(path)):
        predictor = SaliencyPredictor(model, threads=1)
        assert predictor.image_shape == (32, 48)
        found = predictor(photograph)
        assert found.dtype == np.float32
        assert found.shape == photograph.shape[:2]
        np.testing.assert_allclose(found, SaliencyPredictor(generator)(photograph), rtol=0, atol=tolerance)


def test_level_0_is_read_as_a_quarter_of_a_level(generator, tmp_path):
    """0 would say that nobody ever looks there, which no 8-bit file can know."""
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


def test_without_onnxruntime_it_is_said_what_to_install(onnx_file, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(InputError, match="need onnxruntime: pip install") as caught:
        SaliencyPredictor(onnx_file)
    assert caught.value.subject == str(onnx_file)


@pytest.mark.parametrize("content", [b"", b"no model", b"\x08\x07\x12\x07broken!"])
def test_a_damaged_file_is_named(tmp_path, content, capfd):
    path = tmp_path / "damaged.onnx"
    path.write_bytes(content)
    with pytest.raises(InputError, match="not an ONNX model that can be run") as caught:
        SaliencyPredictor(path)
    assert caught.value.subject == str(path)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr().err == ""


def test_a_file_that_was_cut_off_is_named(onnx_file, tmp_path):
    path = tmp_path / "cut.onnx"
    path.write_bytes(onnx_file.read_bytes()[:-200])
    with pytest.raises(InputError, match="not an ONNX model that can be run"):
        SaliencyPredictor(path)


def save_identity(path, entry: list, exit_: list, kind: int = TensorProto.FLOAT) -> None:
    """Save a model that gives its first channel; the shapes are what it says of itself."""
    nodes = [helper.make_node("ReduceMean", ["image"], ["saliency"], axes=[len(entry) - 1])]
    if kind != TensorProto.FLOAT:
        nodes = [helper.make_node("Cast", ["image"], ["x"], to=TensorProto.FLOAT)]
        nodes.append(helper.make_node("ReduceMean", ["x"], ["saliency"], axes=[len(entry) - 1]))
    ends = [
        helper.make_tensor_value_info("image", kind, entry),
        helper.make_tensor_value_info("saliency", TensorProto.FLOAT, exit_),
    ]
    graph = helper.make_graph(nodes, "identity", ends[:1], ends[1:])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


def test_any_onnx_generator_is_taken(tmp_path):
    save_identity(tmp_path / "mean.onnx", ["n", 8, 10, 3], ["n", 8, 10, 1])
    picture = random_pictures(1, (8, 12))[0, :, :10]
    found = SaliencyPredictor(tmp_path / "mean.onnx").run_network(picture)
    np.testing.assert_allclose(found, picture.mean(axis=-1), rtol=1e-5)


@pytest.mark.parametrize(
    ("entry", "exit_", "kind", "cause"),
    [
        ([1, 8, 10, 4], [1, 8, 10, 1], TensorProto.FLOAT, "no generator"),
        ([1, 8, 3], [1, 8, 1], TensorProto.FLOAT, "no generator"),
        ([1, "h", "w", 3], [1, "h", "w", 1], TensorProto.FLOAT, "any size"),
        ([1, 8, 10, 3], [1, 8, 10, 1], TensorProto.UINT8, "uint8"),
    ],
)
def test_what_is_no_generator_is_said_to_be_none(tmp_path, entry, exit_, kind, cause):
    path = tmp_path / "other.onnx"
    save_identity(path, entry, exit_, kind)
    with pytest.raises(InputError, match=cause) as caught:
        SaliencyPredictor(path)
    assert caught.value.subject == str(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"no such model.*\.onnx"):
        SaliencyPredictor(tmp_path / "missing.onnx")
