"""Write a generator as ONNX: float32, the same interface as the LiteRT files, nothing left of the conversion."""

import math
import warnings
from collections import Counter
from pathlib import Path

import keras
import onnx
from onnx import shape_inference

from salgan_tf.exporting.litert_file import Contents

# Understood by ONNX Runtime since 1.13 and by TensorRT since 8.6.
OPSET = 17
_RESHAPES = ("Reshape", "Squeeze", "Unsqueeze")


def convert(generator: keras.Model, path: str | Path, dynamic_batch: bool = False) -> None:
    """Write a generator as ONNX: `image` float32 (B, H, W, 3) in [0, 255] to `saliency` (B, H, W, 1), checked.

    Args:
        generator: float32, of one size.
        path: ends in `.onnx`.
        dynamic_batch: any B, else 1.
    """
    batch = None if dynamic_batch else 1
    signature = keras.InputSpec(shape=(batch, *generator.input_shape[1:]), dtype="float32", name="image")
    with warnings.catch_warnings():
        # Keras mends tf2onnx for numpy 2 and sets off a warning of numpy's.
        warnings.simplefilter("ignore", FutureWarning)
        generator.export(str(path), format="onnx", verbose=False, opset_version=OPSET, input_signature=[signature])
    model = onnx.load(path)
    _rename(model.graph, model.graph.output[0].name, "saliency")
    if dynamic_batch:
        for value in (*model.graph.input, *model.graph.output):
            value.type.tensor_type.shape.dim[0].dim_param = "batch"
    _modernise_nearest(model.graph)
    _drop_idle_reshapes(model)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


def read_contents(path: str | Path) -> Contents:
    """Read what is in an ONNX file; a Q/DQ file's weights are float32, rounded by the pairs behind them."""
    model = shape_inference.infer_shapes(onnx.load(path))
    graph = model.graph
    shapes = {value.name: value.type.tensor_type for value in (*graph.value_info, *graph.input, *graph.output)}
    kernels = {one.name: one.dims for one in graph.initializer}
    makers = {name: node for node in graph.node for name in node.output}

    def kernel_of(name: str):
        while name in makers:
            name = makers[name].input[0]
        return kernels[name]

    macs = sum(
        math.prod(kernel_of(node.input[1])[1:])
        * math.prod(side.dim_value or 1 for side in shapes[node.output[0]].shape.dim)
        for node in graph.node
        if node.op_type == "Conv"
    )
    types = {code: name.lower() for name, code in onnx.TensorProto.DataType.items()}
    return Contents(
        dict(Counter(node.op_type for node in graph.node).most_common()),
        macs,
        dict(Counter(types[one.data_type] for one in graph.initializer)),
        dict(Counter(types[value.elem_type] for value in shapes.values())),
    )


def _rename(graph: onnx.GraphProto, old: str, new: str) -> None:
    for node in graph.node:
        for names in (node.input, node.output):
            for index, name in enumerate(names):
                if name == old:
                    names[index] = new
    for value in graph.output:
        if value.name == old:
            value.name = new


def _modernise_nearest(graph: onnx.GraphProto) -> None:
    """Write nearest resizing by whole factors as ONNX does today; TensorFlow's way to count pixels is deprecated."""
    for node in graph.node:
        attributes = {one.name: one for one in node.attribute}
        if node.op_type == "Resize" and attributes["mode"].s == b"nearest":
            attributes["coordinate_transformation_mode"].s = b"asymmetric"
            attributes["nearest_mode"].s = b"floor"


def _drop_idle_reshapes(model: onnx.ModelProto) -> None:
    """Remove chains of reshaping at whose end a tensor has the shape that it had at their start."""
    graph = model.graph
    inferred = shape_inference.infer_shapes(model).graph
    values = (*inferred.value_info, *inferred.input, *inferred.output)
    shapes = {
        value.name: [one.dim_param or one.dim_value for one in value.type.tensor_type.shape.dim] for value in values
    }
    makers = {name: node for node in graph.node for name in node.output}
    for node in graph.node:
        for index, name in enumerate(node.input):
            node.input[index] = _before_reshapes(name, makers, shapes)
    _drop_unused(graph)


def _before_reshapes(name: str, makers: dict, shapes: dict) -> str:
    """Follow a tensor back through reshapes to the farthest one of the same known shape."""
    found = source = name
    while source in makers and makers[source].op_type in _RESHAPES:
        source = makers[source].input[0]
        if _same_shape(shapes.get(source), shapes.get(name)):
            found = source
    return found


def _same_shape(one: list | None, other: list | None) -> bool:
    """Tell whether two ends of a chain of reshapes are alike: it keeps the number of values, so a side may be open."""
    if not one or not other or len(one) != len(other):
        return False
    return sum(a != b or not a for a, b in zip(one, other, strict=True)) <= 1


def _drop_unused(graph: onnx.GraphProto) -> None:
    """Remove nodes, and then constants, whose results nobody takes."""
    while True:
        used = {name for node in graph.node for name in node.input} | {value.name for value in graph.output}
        idle = [node for node in graph.node if not used.intersection(node.output)]
        if not idle:
            break
        for node in idle:
            graph.node.remove(node)
    for constant in [one for one in graph.initializer if one.name not in used]:
        graph.initializer.remove(constant)
