"""How runtimes open exported files: the lowest level of int8, ONNX files of others, and what is wrong with bad ones."""

import sys
from unittest import mock

import keras
import numpy as np
import onnx
import onnxruntime
import pytest
from ai_edge_litert.interpreter import Interpreter
from networks import ignore_statistics, parse_onnx, random_pictures, tiny_generator
from onnx import TensorProto

from salgan_tf.errors import InputError
from salgan_tf.exporting import litert
from salgan_tf.exporting.onnx import convert as convert_to_onnx
from salgan_tf.inference import SaliencyPredictor
from salgan_tf.runtimes import trial
from salgan_tf.weights import BUNDLED

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
    causes = {None: r"no such model.*\.onnx", b"": "is empty"}
    cause = causes.get(content, "not an ONNX model that can be run")
    with pytest.raises(InputError, match=cause) as caught:
        SaliencyPredictor(path)
    assert caught.value.subject == str(path)
    assert capfd.readouterr().err == ""


def save_mean(path, image: str, ends: str, number: int = TensorProto.FLOAT) -> None:
    """Save a model that returns the mean of the channels as numbers of a type, with these types and shapes."""
    nodes = f"floats = Cast<to = 1>(image) mean = ReduceMean<axes = [-1]>(floats) saliency = Cast<to = {number}>(mean)"
    onnx.save(parse_onnx(f"({image} image) => ({ends})", "", nodes), path)


def test_any_onnx_generator_can_be_opened(tmp_path):
    save_mean(tmp_path / "mean.onnx", "float[n, 8, 10, 3]", "float[n, 8, 10, 1] saliency")
    picture = random_pictures(1, (8, 12))[0, :, :10]
    found = SaliencyPredictor(tmp_path / "mean.onnx").run_network(picture)
    np.testing.assert_allclose(found, picture.mean(axis=-1), rtol=1e-5)


@pytest.mark.parametrize(
    ("image", "ends", "number", "cause"),
    [
        ("float[1, 8, 10, 4]", "float[1, 8, 10, 1] saliency", TensorProto.FLOAT, "not a generator"),
        ("float[1, 8, 3]", "float[1, 8, 1] saliency", TensorProto.FLOAT, "not a generator"),
        ("float[2, 8, 10, 3]", "float[2, 8, 10, 1] saliency", TensorProto.FLOAT, r"maps \(2, 8, 10, 3\)"),
        ("float[1, h, w, 3]", "float[1, h, w, 1] saliency", TensorProto.FLOAT, "any size"),
        ("float[1, h, 10, 3]", "float[1, 8, 10, 1] saliency", TensorProto.FLOAT, "any size|maps"),
        ("uint8[1, 8, 10, 3]", "float[1, 8, 10, 1] saliency", TensorProto.FLOAT, "uint8"),
        ("float[1, 8, 10, 3]", "string[1, 8, 10, 1] saliency", TensorProto.STRING, r"its output is tensor\(string\)"),
        ("float[1, 8, 10, 3]", "int64[1, 8, 10, 1] saliency", TensorProto.INT64, r"its output is tensor\(int64\)"),
        ("float[1, 8, 10, 3]", "float[1, 8, 10, 1] saliency, float[1, 8, 10, 1] mean", TensorProto.FLOAT, "2 outputs"),
    ],
)
def test_a_model_that_is_not_a_generator_is_named(tmp_path, image, ends, number, cause):
    path = tmp_path / "other.onnx"
    save_mean(path, image, ends, number)
    with pytest.raises(InputError, match=cause) as caught:
        SaliencyPredictor(path)
    assert caught.value.subject == str(path)


CRASH = r"crashes its runtime|not a LiteRT model that can be run"
BY_LEVEL = """
    level = Reshape(found, int64_one) whole = Cast<to = 7>(level) more = Mul(whole, many_per_level)
    sizes = Add(more, once) many = Expand(mean, sizes) saliency = ReduceMax<axes = [0]>(many)
"""
NODES = {
    "exhausting": "many = Expand(mean, many_times) saliency = ReduceMax<axes = [0]>(many)",
    "exhausting on white": f"found = ReduceMin(image) {BY_LEVEL}",
    "exhausting on contrast": f"high = ReduceMax(image) low = ReduceMin(image) found = Sub(high, low) {BY_LEVEL}",
    "endless": """saliency = Loop<body = again (int64 turn, bool before, float[1, 4, 4, 1] old)
        => (bool after, float[1, 4, 4, 1] new) { after = Identity(before) new = Identity(old) }>("", true, mean)""",
}


def write_hostile(path, kind: str) -> None:
    """Write a file that takes down whatever runs it: it crashes, takes 6 GB, or does not end."""
    if kind == "crashing":
        content = bytearray(BUNDLED["edge"].file.read_bytes())
        # A byte of the graph, found by trial: another file needs another one.
        content[3743175] = 120
        path.write_bytes(content)
    else:
        constants = (
            "int64[4] many_times = {100000000, 4, 4, 1}, bool true = {1}, int64[4] once = {1, 4, 4, 1}, "
            "int64[4] many_per_level = {400000, 0, 0, 0}, int64[1] int64_one = {1}"
        )
        nodes = f"mean = ReduceMean<axes = [-1]>(image) {NODES[kind]}"
        onnx.save(parse_onnx("(float[1, 4, 4, 3] image) => (float[1, 4, 4, 1] saliency)", constants, nodes), path)


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("crashing.tflite", CRASH),
        ("exhausting.onnx", "needs more than 2 GB of memory, the limit: raise it with SALGAN_TF_MEMORY_GB"),
        ("exhausting on white.onnx", "needs more than 2 GB of memory"),
        ("exhausting on contrast.onnx", "needs more than 2 GB of memory"),
        ("endless.onnx", "does not end within 3 s"),
    ],
)
def test_a_file_cannot_take_down_the_process(tmp_path, monkeypatch, capfd, name, cause):
    monkeypatch.setattr(trial, "_SECONDS", 3)
    write_hostile(tmp_path / name, name.partition(".")[0])
    with pytest.raises(InputError, match=cause) as caught:
        SaliencyPredictor(tmp_path / name)
    assert caught.value.subject == str(tmp_path / name)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("interpreter", ["", "/nowhere/python", "/bin/echo", sys.executable])
def test_a_good_file_is_opened_wherever_python_runs(tmp_path, monkeypatch, interpreter):
    """Also where no child can try it; and the child takes no module of the current folder for one of Python's."""
    (tmp_path / "numpy.py").write_text(f"open({str(tmp_path / 'imported')!r}, 'w')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "executable", interpreter)
    save_mean(tmp_path / "mean.onnx", "float[1, 8, 10, 3]", "float[1, 8, 10, 1] saliency")
    assert SaliencyPredictor("mean.onnx").image_shape == (8, 10)
    assert not (tmp_path / "imported").exists()


def test_sums_of_int8_products_do_not_overflow(tmp_path, monkeypatch):
    """3 · 127 · 127 exceeds 16 bits: by default ONNX Runtime gives a third of it on CPUs without VNNI."""
    constants = (
        "float[1, 3, 1, 1] kernel = {127, 127, 127}, float[1] bias = {0}, float scale = {500}, float one = {1}, "
        "float[1] ones = {1}, int8 zero = {0}, int8[1] zeros = {0}"
    )
    nodes = """
        x = Transpose<perm = [0, 3, 1, 2]>(image)
        x8 = QuantizeLinear(x, one, zero)                     xf = DequantizeLinear(x8, one, zero)
        k8 = QuantizeLinear<axis = 0>(kernel, ones, zeros)    kf = DequantizeLinear<axis = 0>(k8, ones, zeros)
        y = Conv(xf, kf, bias)
        y8 = QuantizeLinear(y, scale, zero)                   yf = DequantizeLinear(y8, scale, zero)
        saliency = Transpose<perm = [0, 2, 3, 1]>(yf)
    """
    model = parse_onnx("(float[1, 4, 4, 3] image) => (float[1, 4, 4, 1] saliency)", constants, nodes)
    onnx.save(model, tmp_path / "qdq.onnx")
    session = mock.Mock(wraps=onnxruntime.InferenceSession)
    monkeypatch.setattr(onnxruntime, "InferenceSession", session)
    saliency = SaliencyPredictor(tmp_path / "qdq.onnx").run_network(np.full((4, 4, 3), 127, np.uint8))
    np.testing.assert_allclose(saliency, np.full((4, 4), 97 * 500), rtol=1e-6)
    # CPUs with VNNI give the right sums in any case.
    assert session.call_args.args[1].get_session_config_entry("session.x64quantprecision") == "1"
