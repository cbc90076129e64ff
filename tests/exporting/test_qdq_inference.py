"""Q/DQ files in ONNX Runtime: the sums of int8 products are exact on every CPU, as they are in TensorRT."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from salgan_tf.inference import SaliencyPredictor


def save_convolution(path: Path) -> None:
    """Save a 1x1 convolution of three weights of 127, with Q/DQ pairs of scale 1 before it and of scale 500 behind."""
    constants = {
        "kernel": np.full((1, 3, 1, 1), 127, np.float32),
        "bias": np.float32([0]),
        "one": np.float32(1),
        "ones": np.float32([1]),
        "scale": np.float32(500),
        "zero": np.int8(0),
        "zeros": np.int8([0]),
    }

    def pair(source: str, scale: str, zero: str, **options: int) -> list[onnx.NodeProto]:
        return [
            helper.make_node("QuantizeLinear", [source, scale, zero], [f"{source}_int8"], **options),
            helper.make_node("DequantizeLinear", [f"{source}_int8", scale, zero], [f"{source}_rounded"], **options),
        ]

    nodes = [
        helper.make_node("Transpose", ["image"], ["x"], perm=[0, 3, 1, 2]),
        *pair("x", "one", "zero"),
        *pair("kernel", "ones", "zeros", axis=0),
        helper.make_node("Conv", ["x_rounded", "kernel_rounded", "bias"], ["y"]),
        *pair("y", "scale", "zero"),
        helper.make_node("Transpose", ["y_rounded"], ["saliency"], perm=[0, 2, 3, 1]),
    ]
    image, saliency = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 4, 4, channels])
        for name, channels in (("image", 3), ("saliency", 1))
    )
    initializers = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "qdq", [image], [saliency], initializers)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


def test_sums_of_products_do_not_overflow(tmp_path, monkeypatch):
    """3 · 127 · 127 is beyond 16 bits: a CPU without VNNI gives 16500 by default."""
    opened = []
    session = onnxruntime.InferenceSession

    def open_session(path, options, **others):
        opened.append(options)
        return session(path, options, **others)

    monkeypatch.setattr(onnxruntime, "InferenceSession", open_session)
    save_convolution(tmp_path / "qdq.onnx")
    saliency = SaliencyPredictor(tmp_path / "qdq.onnx").run_network(np.full((4, 4, 3), 127, np.uint8))
    np.testing.assert_allclose(saliency, np.full((4, 4), 97 * 500), rtol=1e-6)
    # Most machines have VNNI, and give the right sums in any case.
    assert opened[0].get_session_config_entry("session.x64quantprecision") == "1"
