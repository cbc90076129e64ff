"""What is in an ONNX file: read it, and remove what its conversion left over."""

import math
from collections import Counter
from pathlib import Path

import onnx
from onnx import shape_inference

from salgan_tf.exporting.format import Contents

_RESHAPES = ("Reshape", "Squeeze", "Unsqueeze")


def read_contents(path: str | Path) -> Contents:
    """Read what an ONNX file contains; a Q/DQ file's weights are float32, rounded by the pairs behind them."""
    model = shape_inference.infer_shapes(onnx.load(path))
    graph = model.graph
    shapes = {value.name: value.type.tensor_type for value in (*graph.value_info, *graph.input, *graph.output)}
    constants = {constant.name: constant.dims for constant in graph.initializer}
    producers = {name: node for node in graph.node for name in node.output}

    def kernel_shape(name: str) -> list[int]:
        source = name
        while source in producers and producers[source].input:
            source = producers[source].input[0]
        if source in constants:
            return list(constants[source])
        # Computed from the image, as by a layer that adapts to it.
        return [side.dim_value for side in shapes[name].shape.dim] if name in shapes else []

    macs = sum(
        math.prod(kernel_shape(node.input[1])[1:])
        * math.prod(side.dim_value or 1 for side in shapes[node.output[0]].shape.dim)
        for node in graph.node
        if node.op_type == "Conv"
    )
    types = {code: name.lower() for name, code in onnx.TensorProto.DataType.items()}
    return Contents(
        dict(Counter(node.op_type for node in graph.node).most_common()),
        macs,
        dict(Counter(types[constant.data_type] for constant in graph.initializer)),
        dict(Counter(types[tensor.elem_type] for tensor in shapes.values())),
    )


def tidy(path: str | Path, any_batch: bool = False) -> None:
    """Name the output of a converted file `saliency` and its open batch `batch`, remove leftovers, and check it."""
    model = onnx.load(path)
    _name_output(model.graph, "saliency")
    if any_batch:
        for value in (*model.graph.input, *model.graph.output):
            value.type.tensor_type.shape.dim[0].dim_param = "batch"
    _modernise_nearest(model.graph)
    drop_idle_reshapes(model)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


def _name_output(graph: onnx.GraphProto, new: str) -> None:
    (output,) = graph.output
    for node in graph.node:
        for names in (node.input, node.output):
            names[:] = [new if name == output.name else name for name in names]
    output.name = new


def _modernise_nearest(graph: onnx.GraphProto) -> None:
    """Write nearest resizing by whole factors as ONNX does today; TensorFlow's way to count pixels is deprecated."""
    for node in graph.node:
        attributes = {attribute.name: attribute for attribute in node.attribute}
        if node.op_type == "Resize" and attributes["mode"].s == b"nearest":
            attributes["coordinate_transformation_mode"].s = b"asymmetric"
            attributes["nearest_mode"].s = b"floor"


def drop_idle_reshapes(model: onnx.ModelProto) -> None:
    """Remove chains of reshapes whose last tensor has the shape of the first, in place."""
    graph = model.graph
    inferred = shape_inference.infer_shapes(model).graph
    shapes = {
        value.name: [side.dim_param or side.dim_value for side in value.type.tensor_type.shape.dim]
        for value in (*inferred.value_info, *inferred.input, *inferred.output)
    }
    producers = {name: node for node in graph.node for name in node.output}
    for node in graph.node:
        for index, name in enumerate(node.input):
            node.input[index] = _before_reshapes(name, producers, shapes)
    _drop_unused(graph)


def _before_reshapes(name: str, producers: dict[str, onnx.NodeProto], shapes: dict[str, list]) -> str:
    """Follow a tensor back through reshapes to the farthest one of the same known shape."""
    farthest = source = name
    while source in producers and producers[source].op_type in _RESHAPES:
        source = producers[source].input[0]
        if same_shape(shapes.get(source), shapes.get(name)):
            farthest = source
    return farthest


def same_shape(first: list | None, last: list | None) -> bool:
    """Tell whether both ends of a chain of reshapes have the same shape.

    Reshapes keep the number of values, so one side may differ or be unknown (0): it follows from the others.
    """
    if not first or not last or len(first) != len(last):
        return False
    return sum(a != b or not a for a, b in zip(first, last, strict=True)) <= 1


def _drop_unused(graph: onnx.GraphProto) -> None:
    """Remove nodes, and then constants, whose results are not used."""
    while True:
        used = {name for node in graph.node for name in node.input} | {value.name for value in graph.output}
        idle = [node for node in graph.node if not used.intersection(node.output)]
        if not idle:
            break
        for node in idle:
            graph.node.remove(node)
    for constant in [constant for constant in graph.initializer if constant.name not in used]:
        graph.initializer.remove(constant)
