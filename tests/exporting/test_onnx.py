"""ONNX files: their interface, that nothing is left of the conversion, and that they are the model."""

from collections import Counter

import numpy as np
import onnx
import onnxruntime
import pytest
from networks import edge_generator, random_pictures, tiny_generator, tiny_vgg16
from onnx import TensorProto, helper

from salgan_tf.exporting import litert, litert_file
from salgan_tf.exporting import onnx as onnx_export
from salgan_tf.exporting.parity import LIMITS, compare, run_generator
from salgan_tf.inference import SaliencyPredictor

RESHAPES = ("Reshape", "Squeeze", "Unsqueeze")
NETWORKS = {"tiny": tiny_generator, "vgg16": tiny_vgg16, "mobilenet_v2": edge_generator}


@pytest.fixture(scope="module")
def generators():
    """Each network, built once."""
    found = {}

    def get(name: str):
        if name not in found:
            found[name] = NETWORKS[name]()
        return found[name]

    return get


@pytest.fixture(scope="module")
def files(generators, tmp_path_factory):
    """Paths of fixed files, each converted once."""
    folder = tmp_path_factory.mktemp("onnx")

    def get(name: str):
        path = folder / f"{name}.onnx"
        if not path.exists():
            onnx_export.convert(generators(name), path)
        return path

    return get


@pytest.fixture(scope="module")
def dynamic_file(generators, tmp_path_factory):
    path = tmp_path_factory.mktemp("onnx") / "dynamic.onnx"
    onnx_export.convert(generators("tiny"), path, dynamic_batch=True)
    return path


@pytest.mark.parametrize("network", NETWORKS)
def test_the_file_is_checked_and_its_ends_are_named(files, generators, network):
    model = onnx.load(files(network))
    onnx.checker.check_model(model, full_check=True)
    assert [(one.domain, one.version) for one in model.opset_import if one.domain in ("", "ai.onnx")] == [("", 17)]
    height, width = generators(network).input_shape[1:3]
    for values, name, channels in ((model.graph.input, "image", 3), (model.graph.output, "saliency", 1)):
        (value,) = values
        assert value.name == name
        assert value.type.tensor_type.elem_type == TensorProto.FLOAT
        assert [side.dim_value for side in value.type.tensor_type.shape.dim] == [1, height, width, channels]


@pytest.mark.parametrize("network", NETWORKS)
def test_the_file_is_the_model(files, generators, network):
    generator = generators(network)
    checks = random_pictures(6, generator.input_shape[1:3], seed=1)
    parity = compare(run_generator(generator, checks), SaliencyPredictor(files(network)), checks, LIMITS["onnx"])
    assert parity.failures() == []
    assert parity.flat == 0


def test_any_batch_is_taken_if_asked_for(dynamic_file, generators):
    model = onnx.load(dynamic_file)
    onnx.checker.check_model(model, full_check=True)
    for value in (*model.graph.input, *model.graph.output):
        assert value.type.tensor_type.shape.dim[0].dim_param == "batch"
    session = onnxruntime.InferenceSession(dynamic_file, providers=["CPUExecutionProvider"])
    for count in (1, 3):
        pictures = random_pictures(count).astype(np.float32)
        (found,) = session.run(["saliency"], {"image": pictures})
        np.testing.assert_allclose(found, generators("tiny").predict_on_batch(pictures), rtol=0, atol=1e-4)


def test_a_dynamic_file_predicts_as_the_fixed_one(dynamic_file, files, photograph):
    one, other = SaliencyPredictor(dynamic_file), SaliencyPredictor(files("tiny"))
    assert one.image_shape == other.image_shape == (32, 48)
    np.testing.assert_allclose(one(photograph), other(photograph), rtol=0, atol=1e-6)


def test_a_fixed_file_takes_one_picture_alone(files):
    session = onnxruntime.InferenceSession(files("tiny"), providers=["CPUExecutionProvider"])
    with pytest.raises(Exception, match="invalid dimensions"):
        session.run(None, {"image": random_pictures(3).astype(np.float32)})


@pytest.mark.parametrize("network", ["tiny", "mobilenet_v2", "dynamic"])
def test_nothing_is_left_of_the_conversion(files, dynamic_file, network):
    """Transposition at the input, where Keras' order of axes ends; one reshape at the output, where it begins again."""
    path = dynamic_file if network == "dynamic" else files(network)
    operations = Counter(node.op_type for node in onnx.load(path).graph.node)
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
def test_no_chain_of_reshapes_ends_where_it_began(files, network):
    model = onnx.shape_inference.infer_shapes(onnx.load(files(network)))
    values = (*model.graph.value_info, *model.graph.input, *model.graph.output)
    shapes = {value.name: [side.dim_value for side in value.type.tensor_type.shape.dim] for value in values}
    makers = {name: node for node in model.graph.node for name in node.output}
    for node in model.graph.node:
        source = node.output[0]
        while source in makers and makers[source].op_type in RESHAPES and source != "saliency":
            source = makers[source].input[0]
            assert shapes[source] != shapes[node.output[0]], node.name


def graph_of(nodes: list, shape: list, constants: dict[str, list[int]]) -> onnx.ModelProto:
    """A model from `image` (2, 6) to `saliency`, of nodes and constant shapes."""
    initializers = [helper.make_tensor(name, TensorProto.INT64, [len(v)], v) for name, v in constants.items()]
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, sides)
        for name, sides in (("image", [2, 6]), ("saliency", shape))
    ]
    graph = helper.make_graph(nodes, "handmade", ends[:1], ends[1:], initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    return model


def test_reshapes_that_come_to_nothing_are_dropped():
    nodes = [
        helper.make_node("Relu", ["image"], ["a"]),
        helper.make_node("Reshape", ["a", "flat"], ["b"]),
        helper.make_node("Unsqueeze", ["b", "axis"], ["c"]),
        helper.make_node("Reshape", ["c", "whole"], ["d"]),
        helper.make_node("Neg", ["d"], ["saliency"]),
    ]
    model = graph_of(nodes, [2, 6], {"flat": [12], "axis": [0], "whole": [2, 6]})
    onnx_export._drop_idle_reshapes(model)
    assert [node.op_type for node in model.graph.node] == ["Relu", "Neg"]
    assert len(model.graph.initializer) == 0
    onnx.checker.check_model(model, full_check=True)


def test_a_reshape_that_changes_the_shape_is_kept():
    nodes = [
        helper.make_node("Reshape", ["image", "other"], ["a"]),
        helper.make_node("Neg", ["a"], ["b"]),
        helper.make_node("Reshape", ["b", "whole"], ["c"]),
        helper.make_node("Relu", ["c"], ["saliency"]),
    ]
    model = graph_of(nodes, [2, 6], {"other": [3, 4], "whole": [2, 6]})
    onnx_export._drop_idle_reshapes(model)
    assert [node.op_type for node in model.graph.node] == ["Reshape", "Neg", "Reshape", "Relu"]
    assert sorted(one.name for one in model.graph.initializer) == ["other", "whole"]


def test_a_reshape_is_kept_for_whom_it_changes_the_shape():
    """One taker sees the shape that went in, another the one between."""
    nodes = [
        helper.make_node("Relu", ["image"], ["a"]),
        helper.make_node("Reshape", ["a", "flat"], ["b"]),
        helper.make_node("Reshape", ["b", "whole"], ["c"]),
        helper.make_node("ReduceSum", ["b"], ["d"], keepdims=0),
        helper.make_node("Add", ["c", "d"], ["saliency"]),
    ]
    model = graph_of(nodes, [2, 6], {"flat": [12], "whole": [2, 6]})
    image = np.random.default_rng(0).normal(size=(2, 6)).astype(np.float32)
    onnx_export._drop_idle_reshapes(model)
    assert [node.op_type for node in model.graph.node] == ["Relu", "Reshape", "ReduceSum", "Add"]
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"image": image})
    np.testing.assert_allclose(found, image.clip(0) + image.clip(0).sum(), rtol=1e-5)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ([1, 8, 1, 1], [1, 8, 1, 1], True),
        ([1, 8, 1, 1], [1, 1, 1, 8], False),
        (["batch", 8, 1, 1], ["batch", 8, 1, 1], True),
        (["batch", 8, 1, 1], ["other", 8, 1, 1], True),
        (["batch", 8, 1, 1], [0, 8, 1, 1], True),
        ([0, 8, 1, 1], [0, 8, 1, 1], True),
        ([0, 0, 1, 1], [0, 0, 1, 1], False),
        (["batch", 8, 1, 1], [8, "batch", 1, 1], False),
        (["batch", 8], ["batch", 8, 1], False),
        ([], [], False),
        (None, None, False),
        (None, [1, 8], False),
    ],
)
def test_of_two_ends_of_a_chain_one_side_may_be_open(one, other, same):
    """Reshaping keeps the number of values: what agrees but for one side agrees."""
    assert onnx_export._same_shape(one, other) is same


@pytest.mark.parametrize("network", ["tiny", "vgg16"])
def test_a_file_does_as_much_as_its_litert_twin(files, generators, network, tmp_path):
    found = onnx_export.read_contents(files(network))
    litert.convert(generators(network), "float32", tmp_path / "twin.tflite")
    twin = litert_file.read_contents(tmp_path / "twin.tflite")
    assert found.macs == twin.macs > 0
    assert found.operations["Conv"] == twin.operations["CONV_2D"] + twin.operations.get("DEPTHWISE_CONV_2D", 0)


def test_a_dynamic_file_does_as_much_a_picture(files, dynamic_file):
    assert onnx_export.read_contents(dynamic_file).macs == onnx_export.read_contents(files("tiny")).macs
    assert set(onnx_export.read_contents(files("tiny")).weights) <= {"float", "int64"}
