"""LiteRT files: their interface, what they contain, and that they are the model."""

import keras
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools import flatbuffer_utils
from networks import edge_generator, ignore_statistics, random_pictures, randomize, tiny_generator, tiny_vgg16

from salgan_tf.exporting import litert
from salgan_tf.exporting.bias_correction import round_to_int8
from salgan_tf.exporting.formats import FORMATS
from salgan_tf.exporting.parity import Parity, compare, run_generator
from salgan_tf.inference import SaliencyPredictor

pytestmark = ignore_statistics

TYPE = schema.TensorType
NETWORKS = {"tiny": tiny_generator, "vgg16": tiny_vgg16, "mobilenet_v2": edge_generator}
PRECISIONS = ("int8", "float16", "dynamic", "float32")
# Converting the whole edge network takes seconds: only what most users come for is converted.
CONVERSIONS = [*(("tiny", precision) for precision in PRECISIONS), ("vgg16", "int8"), ("mobilenet_v2", "int8")]


class Case:
    """A network, pictures of its size, and its files, each converted once."""

    def __init__(self, name: str, folder):
        self.generator = NETWORKS[name]()
        self.pictures = random_pictures(12, self.generator.input_shape[1:3])
        self._folder = folder

    def path(self, precision: str):
        path = self._folder / f"{precision}.tflite"
        if not path.exists():
            litert.convert(self.generator, precision, path, self.pictures)
        return path

    def model(self, precision: str):
        """The flatbuffer, which has one graph."""
        return flatbuffer_utils.read_model(str(self.path(precision)))

    def compare(self, path, precision: str, checks: np.ndarray | None = None) -> Parity:
        checks = random_pictures(8, self.generator.input_shape[1:3], seed=1) if checks is None else checks
        expected = run_generator(self.generator, checks)
        return compare(expected, SaliencyPredictor(path), checks, FORMATS[precision].limits)


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    made = {}

    def get(name: str) -> Case:
        if name not in made:
            made[name] = Case(name, tmp_path_factory.mktemp(name))
        return made[name]

    return get


@pytest.fixture(scope="module")
def wide_files(tmp_path_factory):
    """A network with one layer that dynamic range rounds (from 1024 weights on) and two that it does not."""
    image = keras.Input((16, 16, 3), name="image")
    x = keras.layers.ReLU(6.0)(keras.layers.Conv2D(40, 3)(image))
    x = keras.layers.ReLU(6.0)(keras.layers.DepthwiseConv2D(3)(x))
    generator = randomize(keras.Model(image, keras.layers.Conv2D(1, 1, activation="sigmoid")(x)))
    folder = tmp_path_factory.mktemp("wide")
    for precision in PRECISIONS:
        litert.convert(generator, precision, folder / f"{precision}.tflite", random_pictures(4, (16, 16)))
    return {precision: folder / f"{precision}.tflite" for precision in PRECISIONS}


def operation_names(model) -> list[str]:
    return [flatbuffer_utils.opcode_to_name(model, operator.opcodeIndex) for operator in model.subgraphs[0].operators]


def convolutions(model) -> list[tuple]:
    """The name and the tensors (input, kernel, bias) of every convolution."""
    (graph,) = model.subgraphs
    return [
        (name, [graph.tensors[index] for index in operator.inputs])
        for name, operator in zip(operation_names(model), graph.operators, strict=True)
        if name in ("CONV_2D", "DEPTHWISE_CONV_2D")
    ]


@pytest.mark.parametrize(("network", "precision"), CONVERSIONS)
def test_the_ends_are_named_in_the_graph_and_in_its_only_signature(cases, network, precision):
    case = cases(network)
    model = case.model(precision)
    (graph,), (signature,) = model.subgraphs, model.signatureDefs
    end_type = TYPE.UINT8 if precision == "int8" else TYPE.FLOAT32
    height, width = case.generator.input_shape[1:3]
    for indices, ends, name, channels in (
        (graph.inputs, signature.inputs, b"image", 3),
        (graph.outputs, signature.outputs, b"saliency", 1),
    ):
        (index,), (end,) = indices, ends
        tensor = graph.tensors[index]
        assert (tensor.name, end.name, end.tensorIndex) == (name, name, index)
        assert tensor.type == end_type
        assert [*tensor.shape] == [1, height, width, channels]
        # Every side is fixed.
        assert tensor.shapeSignature is None or -1 not in tensor.shapeSignature


@pytest.mark.parametrize(("network", "precision"), CONVERSIONS)
def test_every_operation_is_built_in_and_none_tiles(cases, network, precision):
    model = cases(network).model(precision)
    assert not [name for name in operation_names(model) if name.startswith(("FLEX", "CUSTOM", "TILE"))]
    assert [code.customCode for code in model.operatorCodes] == [None] * len(model.operatorCodes)
    assert schema.BuiltinOperator.CUSTOM not in {code.builtinCode for code in model.operatorCodes}
    assert len(convolutions(model)) == sum(len(layer.weights) > 0 for layer in cases(network).generator.layers)


@pytest.mark.parametrize("network", NETWORKS)
def test_upsampling_stays_one_operation(cases, network):
    names = operation_names(cases(network).model("int8"))
    layers = [layer for layer in cases(network).generator.layers if isinstance(layer, keras.layers.Resizing)]
    expected = "RESIZE_NEAREST_NEIGHBOR" if network == "vgg16" else "RESIZE_BILINEAR"
    assert names.count(expected) == len(layers) > 0


@pytest.mark.parametrize("network", NETWORKS)
def test_int8_has_no_float_between_its_ends(cases, network):
    model = cases(network).model("int8")
    (graph,) = model.subgraphs
    # int32 are the biases, and shapes and axes of operations.
    assert {tensor.type for tensor in graph.tensors} <= {TYPE.INT8, TYPE.UINT8, TYPE.INT32}
    ends = {*graph.inputs, *graph.outputs}
    assert [i for i, tensor in enumerate(graph.tensors) if tensor.type == TYPE.UINT8 and i not in ends] == []
    results = {index for operator in graph.operators for index in operator.outputs} - ends
    assert {graph.tensors[index].type for index in results} == {TYPE.INT8}
    names = operation_names(model)
    # Only at the ends: bytes to signed bytes and back.
    assert "DEQUANTIZE" not in names
    assert [i for i, name in enumerate(names) if name == "QUANTIZE"] == [0, len(names) - 1]


@pytest.mark.parametrize("network", NETWORKS)
def test_int8_kernels_have_a_symmetric_scale_for_each_filter(cases, network):
    for name, (_, kernel, _) in convolutions(cases(network).model("int8")):
        axis = 0 if name == "CONV_2D" else 3
        assert kernel.quantization.quantizedDimension == axis
        assert len(kernel.quantization.scale) == kernel.shape[axis]
        assert set(kernel.quantization.zeroPoint) == {0}


def test_int8_kernels_are_rounded_as_the_bias_correction_assumes(cases):
    """Otherwise the biases would be corrected for other weights than the file's."""
    case = cases("tiny")
    model = case.model("int8")
    kernel = next(kernel for name, (_, kernel, _) in convolutions(model) if name == "CONV_2D")
    stored = np.frombuffer(bytes(model.buffers[kernel.buffer].data), np.int8).reshape(kernel.shape)
    found = stored * kernel.quantization.scale[:, None, None, None]
    expected = round_to_int8(case.generator.get_layer("first").get_weights()[0], (0, 1, 2)).transpose(3, 0, 1, 2)
    scale = kernel.quantization.scale.max()
    # A half may be rounded either way.
    assert (np.abs(found - expected) > 0.01 * scale).mean() < 0.01
    assert np.abs(found - expected).max() < 1.01 * scale


@pytest.mark.parametrize("network", NETWORKS)
def test_a_byte_is_a_level_of_the_picture_and_the_map_has_all_256(cases, network):
    (graph,) = cases(network).model("int8").subgraphs
    image, saliency = graph.tensors[graph.inputs[0]].quantization, graph.tensors[graph.outputs[0]].quantization
    assert (*image.scale, *image.zeroPoint) == (pytest.approx(1, rel=1e-6), 0)
    assert (*saliency.scale, *saliency.zeroPoint) == (pytest.approx(1 / 256, rel=1e-6), 0)


def test_a_byte_is_a_level_whatever_the_calibration_pictures(cases, tmp_path):
    """With dark pictures only, the converter would stretch the bytes that the file is given."""
    case = cases("tiny")
    dark = case.pictures // 3 + 20
    before = dark.copy()
    litert.convert(case.generator, "int8", tmp_path / "dark.tflite", dark)
    np.testing.assert_array_equal(dark, before)
    assert case.compare(tmp_path / "dark.tflite", "int8", dark).failures() == []


@pytest.mark.parametrize(("network", "precision"), CONVERSIONS[:-1])
def test_the_file_is_the_model(cases, network, precision):
    case = cases(network)
    assert case.compare(case.path(precision), precision).failures() == []


def test_the_int8_edge_network_is_nearly_the_model(cases):
    """Random weights lose more than trained ones in its 65 layers."""
    case = cases("mobilenet_v2")
    parity = case.compare(case.path("int8"), "int8")
    assert parity.mean_cc > 0.97
    assert parity.difference < 0.3


def test_weights_are_stored_in_the_precision(wide_files):
    kernels = {}
    for precision, path in wide_files.items():
        model = flatbuffer_utils.read_model(str(path))
        kernels[precision] = {
            np.prod(tensor.shape): tensor.type
            for tensor in model.subgraphs[0].tensors
            if model.buffers[tensor.buffer].data is not None and len(tensor.shape) == 4
        }
    large, small = 27 * 40, 9 * 40
    assert kernels["float32"] == {large: TYPE.FLOAT32, small: TYPE.FLOAT32, 40: TYPE.FLOAT32}
    assert kernels["float16"] == {large: TYPE.FLOAT16, small: TYPE.FLOAT16, 40: TYPE.FLOAT16}
    assert kernels["dynamic"] == {large: TYPE.INT8, small: TYPE.FLOAT32, 40: TYPE.FLOAT32}
    assert kernels["int8"] == {large: TYPE.INT8, small: TYPE.INT8, 40: TYPE.INT8}


def test_dynamic_files_correct_only_the_biases_of_rounded_kernels(wide_files):
    """The converter rounds one layer of three; a corrected bias beside exact weights would make the maps worse."""
    biases = {}
    for precision in ("float32", "dynamic"):
        model = flatbuffer_utils.read_model(str(wide_files[precision]))
        biases[precision] = [bytes(model.buffers[bias.buffer].data) for _, (_, _, bias) in convolutions(model)]
    same = [plain == dynamic for plain, dynamic in zip(biases["float32"], biases["dynamic"], strict=True)]
    assert same == [False, True, True]
