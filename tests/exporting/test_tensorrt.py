"""Q/DQ files: TensorRT's rules, checked on the file, and their maps in ONNX Runtime."""

import logging

import keras
import numpy as np
import onnx
import pytest
from networks import random_pictures, tiny_generator, tiny_vgg16
from onnx import TensorProto, numpy_helper

from salgan_tf.exporting.bias_correction import correct_biases, round_to_int8
from salgan_tf.exporting.parity import compare, run_generator
from salgan_tf.exporting.tensorrt import TENSORRT
from salgan_tf.inference import SaliencyPredictor
from salgan_tf.native import quiet_stderr

NETWORKS = {"tiny": tiny_generator, "vgg16": tiny_vgg16}


class File:
    """A network, its Q/DQ file, and the file's graph by names."""

    def __init__(self, generator, path):
        self.generator, self.path = generator, path
        self.pictures = random_pictures(12, generator.input_shape[1:3])
        # Native code of ONNX Runtime warns about vgg16's resizing; the export silences it as well.
        with quiet_stderr():
            TENSORRT.convert(generator, path, self.pictures)
        self.model = onnx.load(path)
        self.nodes = list(self.model.graph.node)
        self.constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in self.model.graph.initializer}
        self.producers = {name: node for node in self.nodes for name in node.output}

    def of_type(self, *types: str) -> list:
        return [node for node in self.nodes if node.op_type in types]

    def pair_before(self, name: str) -> tuple:
        """The (QuantizeLinear, DequantizeLinear) that produce a tensor."""
        dequantize = self.producers[name]
        assert dequantize.op_type == "DequantizeLinear", name
        quantize = self.producers[dequantize.input[0]]
        assert quantize.op_type == "QuantizeLinear", name
        assert list(quantize.input[1:]) == list(dequantize.input[1:])
        return quantize, dequantize


@pytest.fixture(scope="module", params=NETWORKS)
def file(request, tmp_path_factory) -> File:
    return File(NETWORKS[request.param](), tmp_path_factory.mktemp("tensorrt") / "qdq.onnx")


def test_the_file_is_checked_and_its_ends_are_floats_with_names(file):
    onnx.checker.check_model(file.model, full_check=True)
    assert {opset.domain: opset.version for opset in file.model.opset_import}[""] >= 17
    # TensorRT does not know ONNX Runtime's own domains.
    assert {node.domain for node in file.nodes} <= {"", "ai.onnx"}
    height, width = file.generator.input_shape[1:3]
    for values, name, channels in ((file.model.graph.input, "image", 3), (file.model.graph.output, "saliency", 1)):
        (value,) = values
        assert value.name == name
        assert value.type.tensor_type.elem_type == TensorProto.FLOAT
        assert [side.dim_value for side in value.type.tensor_type.shape.dim] == [1, height, width, channels]


def test_every_zero_point_is_a_signed_0(file):
    pairs = file.of_type("QuantizeLinear", "DequantizeLinear")
    assert pairs
    for node in pairs:
        zero_point = file.constants[node.input[2]]
        assert zero_point.dtype == np.int8, node.name
        assert not zero_point.any(), node.name
        assert (file.constants[node.input[1]] > 0).all(), node.name


def test_the_inputs_of_a_convolution_come_from_a_pair(file):
    convolutions = file.of_type("Conv")
    assert len(convolutions) == sum(len(layer.weights) > 0 for layer in file.generator.layers)
    for node in convolutions:
        for name in node.input[:2]:
            file.pair_before(name)


def test_nothing_else_is_quantized(file):
    """A pair behind a convolution would separate it from the activation that TensorRT fuses with it."""
    inputs = {name for node in file.of_type("Conv") for name in node.input[:2]}
    for node in file.of_type("DequantizeLinear"):
        assert node.output[0] in inputs, node.name
    for node in file.of_type("QuantizeLinear"):
        source = file.producers.get(node.input[0])
        assert source is None or source.op_type != "Conv", node.name


def test_weights_are_floats_with_a_scale_for_each_filter(file):
    depthwise = 0
    for node in file.of_type("Conv"):
        quantize, dequantize = file.pair_before(node.input[1])
        kernel = file.constants[quantize.input[0]]
        scale = file.constants[quantize.input[1]]
        assert kernel.dtype == np.float32
        assert scale.shape == (kernel.shape[0],), node.name
        for pair_node in (quantize, dequantize):
            axes = [attribute.i for attribute in pair_node.attribute if attribute.name == "axis"]
            # The standard's default is 1; a kernel's filters are on axis 0, a depthwise one's too.
            assert axes == [0], pair_node.name
        np.testing.assert_allclose(scale, np.abs(kernel).max(axis=(1, 2, 3)) / 127, rtol=1e-5)
        group = next((attribute.i for attribute in node.attribute if attribute.name == "group"), 1)
        depthwise += group > 1
    has_depthwise = any("Depthwise" in type(layer).__name__ for layer in file.generator.layers)
    assert depthwise == int(has_depthwise)


def test_activations_have_one_scale_each_and_biases_are_not_quantized(file):
    for node in file.of_type("Conv"):
        quantize, _ = file.pair_before(node.input[0])
        assert file.constants[quantize.input[1]].shape == (), node.name
        assert quantize.input[0] not in file.constants
        assert file.constants[node.input[2]].dtype == np.float32


def test_the_scales_of_activations_are_the_largest_values(file):
    """The first convolution's input is the preprocessed picture; level 127 is its largest absolute value."""
    first = next(layer for layer in file.generator.layers if layer.weights)
    seen = keras.Model(file.generator.input, first.input)(file.pictures.astype(np.float32))
    quantize, _ = file.pair_before(file.of_type("Conv")[0].input[0])
    expected = float(np.abs(np.asarray(seen)).max()) / 127
    assert float(file.constants[quantize.input[1]]) == pytest.approx(expected, rel=0.02)


def test_kernels_are_rounded_as_the_bias_correction_assumes(file):
    first = next(layer for layer in file.generator.layers if layer.weights)
    quantize, _ = file.pair_before(file.of_type("Conv")[0].input[1])
    kernel, scale = (file.constants[name] for name in quantize.input[:2])
    stored = np.rint(kernel / scale[:, None, None, None]).clip(-127, 127) * scale[:, None, None, None]
    expected = round_to_int8(first.get_weights()[0], (0, 1, 2)).transpose(3, 2, 0, 1)
    assert np.abs(stored - expected).max() < 1.01 * scale.max()
    assert (np.abs(stored - expected) > 0.01 * scale.max()).mean() < 0.01


def test_biases_are_corrected(file):
    first = next(layer for layer in file.generator.layers if layer.weights)
    corrected = correct_biases(file.generator, file.pictures).get_layer(first.name).get_weights()[1]
    found = file.constants[file.of_type("Conv")[0].input[2]]
    np.testing.assert_allclose(found, corrected, rtol=0, atol=1e-5)
    assert not np.allclose(found, first.get_weights()[1], rtol=0, atol=1e-4)


def test_its_maps_are_those_of_the_generator(file):
    with quiet_stderr():
        rounded = SaliencyPredictor(file.path)
    checks = random_pictures(8, file.generator.input_shape[1:3], seed=1)
    parity = compare(run_generator(file.generator, checks), rounded, checks, TENSORRT.limits)
    assert parity.flat == 0
    assert parity.failures() == []
    # It was rounded at all.
    assert parity.difference > 1e-4


def test_logging_works_again_after_a_conversion(file, caplog):
    logging.getLogger("salgan_tf.test").warning("heard")
    assert "heard" in caplog.text
