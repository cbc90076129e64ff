"""ONNX files: their interface, that nothing is left over from the conversion, and that they are the model."""

import functools
from collections import Counter
from pathlib import Path

import keras
import numpy as np
import onnx
import onnxruntime
import pytest
from networks import edge_generator, parse_onnx, random_pictures, tiny_generator, tiny_vgg16
from onnx import TensorProto

from salgan_tf.exporting import litert, litert_file, onnx_file
from salgan_tf.exporting.formats import FORMATS
from salgan_tf.exporting.onnx import convert
from salgan_tf.exporting.parity import compare, run_generator
from salgan_tf.inference import SaliencyPredictor

RESHAPES = ("Reshape", "Squeeze", "Unsqueeze")
NETWORKS = {"tiny": tiny_generator, "vgg16": tiny_vgg16, "mobilenet_v2": edge_generator}


@functools.cache
def build(network: str) -> keras.Model:
    return NETWORKS[network]()


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The path of each network's file, converted once; "dynamic" is the tiny one for any batch."""
    folder = tmp_path_factory.mktemp("onnx")

    def get(name: str):
        path = folder / f"{name}.onnx"
        if not path.exists():
            convert(build("tiny" if name == "dynamic" else name), path, any_batch=name == "dynamic")
        return path

    return get


def run(model: onnx.ModelProto | Path, image: np.ndarray) -> np.ndarray:
    content = model.SerializeToString() if isinstance(model, onnx.ModelProto) else model
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    return session.run(["saliency"], {"image": image})[0]


@pytest.mark.parametrize("network", NETWORKS)
def test_the_file_is_checked_and_its_ends_are_named(files, network):
    model = onnx.load(files(network))
    onnx.checker.check_model(model, full_check=True)
    assert {opset.domain: opset.version for opset in model.opset_import}[""] == 17
    height, width = build(network).input_shape[1:3]
    for values, name, channels in ((model.graph.input, "image", 3), (model.graph.output, "saliency", 1)):
        (value,) = values
        assert value.name == name
        assert value.type.tensor_type.elem_type == TensorProto.FLOAT
        assert [side.dim_value for side in value.type.tensor_type.shape.dim] == [1, height, width, channels]


@pytest.mark.parametrize("network", NETWORKS)
def test_the_file_is_the_model(files, network):
    generator = build(network)
    checks = random_pictures(6, generator.input_shape[1:3], seed=1)
    expected = run_generator(generator, checks)
    parity = compare(expected, SaliencyPredictor(files(network)), checks, FORMATS["onnx"].limits)
    assert parity.failures() == []
    assert parity.flat == 0


def test_a_dynamic_file_takes_any_batch_and_predicts_as_the_fixed_one(files, photograph):
    model = onnx.load(files("dynamic"))
    onnx.checker.check_model(model, full_check=True)
    for value in (*model.graph.input, *model.graph.output):
        assert value.type.tensor_type.shape.dim[0].dim_param == "batch"
    for count in (1, 3):
        pictures = random_pictures(count).astype(np.float32)
        found = run(files("dynamic"), pictures)
        np.testing.assert_allclose(found, build("tiny").predict_on_batch(pictures), rtol=0, atol=1e-4)
    dynamic, fixed = SaliencyPredictor(files("dynamic")), SaliencyPredictor(files("tiny"))
    assert dynamic.image_shape == fixed.image_shape == (32, 48)
    np.testing.assert_allclose(dynamic(photograph), fixed(photograph), rtol=0, atol=1e-6)


def test_a_fixed_file_takes_one_picture_only(files):
    with pytest.raises(Exception, match="invalid dimensions"):
        run(files("tiny"), random_pictures(3).astype(np.float32))


@pytest.mark.parametrize("network", ["tiny", "mobilenet_v2", "dynamic"])
def test_nothing_is_left_over_from_the_conversion(files, network):
    """A transposition at the input, where Keras' order of axes ends; a reshape at the output, where it begins again."""
    operations = Counter(node.op_type for node in onnx.load(files(network)).graph.node)
    kept = {"Conv", "Clip", "Add", "Mul", "Resize", "Concat", "Sigmoid", "GlobalAveragePool", "AveragePool"}
    assert set(operations) - kept <= {"Transpose", "Reshape"}
    assert operations["Transpose"] == 1
    assert operations["Reshape"] <= 1


@pytest.mark.parametrize("network", NETWORKS)
def test_every_node_and_constant_is_used(files, network):
    graph = onnx.load(files(network)).graph
    used = {name for node in graph.node for name in node.input} | {"saliency"}
    assert [node.name for node in graph.node if not used.intersection(node.output)] == []
    assert [constant.name for constant in graph.initializer if constant.name not in used] == []


@pytest.mark.parametrize("network", NETWORKS)
def test_no_chain_of_reshapes_ends_with_the_shape_it_began_with(files, network):
    model = onnx.shape_inference.infer_shapes(onnx.load(files(network)))
    values = (*model.graph.value_info, *model.graph.input, *model.graph.output)
    shapes = {value.name: [side.dim_value for side in value.type.tensor_type.shape.dim] for value in values}
    producers = {name: node for node in model.graph.node for name in node.output}
    for node in model.graph.node:
        source = node.output[0]
        while source in producers and producers[source].op_type in RESHAPES and source != "saliency":
            source = producers[source].input[0]
            assert shapes[source] != shapes[node.output[0]], node.name


@pytest.mark.parametrize(
    ("nodes", "left"),
    [
        ("b = Reshape(a, flat) c = Unsqueeze(b, axis) d = Reshape(c, whole) saliency = Neg(d)", ["Neg"]),
        ("b = Reshape(a, other) c = Neg(b) saliency = Reshape(c, whole)", ["Reshape", "Neg", "Reshape"]),
        # One node sees the shape before the chain, another the one inside.
        (
            "b = Reshape(a, flat) c = Reshape(b, whole) d = ReduceSum<keepdims = 0>(b) saliency = Add(c, d)",
            ["Reshape", "ReduceSum", "Add"],
        ),
    ],
    ids=["idle", "needed", "needed by one of two"],
)
def test_reshapes_are_dropped_if_they_change_nothing(nodes, left):
    constants = "int64[1] flat = {12}, int64[1] axis = {0}, int64[2] whole = {2, 6}, int64[2] other = {3, 4}"
    model = parse_onnx("(float[2, 6] image) => (float[2, 6] saliency)", constants, f"a = Relu(image) {nodes}")
    image = np.random.default_rng(0).normal(size=(2, 6)).astype(np.float32)
    expected = run(model, image)
    onnx_file.drop_idle_reshapes(model)
    assert [node.op_type for node in model.graph.node] == ["Relu", *left]
    used = {name for node in model.graph.node for name in node.input}
    assert {constant.name for constant in model.graph.initializer} <= used
    onnx.checker.check_model(model, full_check=True)
    np.testing.assert_array_equal(run(model, image), expected)


@pytest.mark.parametrize(
    ("first", "last", "same"),
    [
        ([1, 8, 1, 1], [1, 8, 1, 1], True),
        ([1, 8, 1, 1], [1, 1, 1, 8], False),
        (["batch", 8, 1, 1], ["other", 8, 1, 1], True),
        (["batch", 8, 1, 1], [0, 8, 1, 1], True),
        ([0, 8, 1, 1], [0, 8, 1, 1], True),
        ([0, 0, 1, 1], [0, 0, 1, 1], False),
        (["batch", 8, 1, 1], [8, "batch", 1, 1], False),
        (["batch", 8], ["batch", 8, 1], False),
        ([], [], False),
        (None, [1, 8], False),
    ],
)
def test_of_the_shapes_at_both_ends_one_side_may_be_unknown(first, last, same):
    assert onnx_file.same_shape(first, last) is same


@pytest.mark.parametrize("network", ["tiny", "vgg16"])
def test_a_file_has_the_operations_of_its_litert_twin(files, network, tmp_path):
    contents = onnx_file.read_contents(files(network))
    litert.convert(build(network), "float32", tmp_path / "twin.tflite")
    twin = litert_file.read_contents(tmp_path / "twin.tflite")
    assert contents.macs == twin.macs > 0
    assert contents.operations["Conv"] == twin.operations["CONV_2D"] + twin.operations.get("DEPTHWISE_CONV_2D", 0)


def test_the_multiply_adds_of_a_dynamic_file_are_those_of_a_picture(files):
    assert onnx_file.read_contents(files("dynamic")).macs == onnx_file.read_contents(files("tiny")).macs
    assert set(onnx_file.read_contents(files("tiny")).weights) <= {"float", "int64"}
