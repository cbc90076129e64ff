"""LiteRT: write a generator in float32, with float16 or dynamic-range int8 weights, or in int8 throughout."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from ai_edge_litert.tools import flatbuffer_utils

from salgan_tf.exporting.format import Format, Limits
from salgan_tf.exporting.litert_file import read_contents

if TYPE_CHECKING:
    import keras

# The converter's minimum_elements_for_weights: smaller kernels stay float32 in dynamic-range files.
_FEWEST_DYNAMIC = 1024


def convert(generator: "keras.Model", precision: str, path: str | Path, pictures: np.ndarray | None = None) -> None:
    """Write a generator as LiteRT, with batch 1, built-in operations only, and tensors `image` and `saliency`.

    Args:
        generator: float32, of one size.
        precision: `"float32"`; `"float16"`: weights in float16, computed in float32; `"dynamic"`: weights in int8,
            activations in float32 (int8 inside a layer); `"int8"`: everything, uint8 in and out. The biases are
            corrected for the rounding of the weights.
        path: ends in `.tflite`.
        pictures: uint8 (N, H, W, 3), to correct the biases and to calibrate int8; float32 needs none.
    """
    import keras
    import tensorflow as tf

    from salgan_tf.exporting.bias_correction import correct_biases, round_to_float16, round_to_int8

    def round_to_dynamic(kernel: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
        return round_to_int8(kernel, axes) if kernel.size >= _FEWEST_DYNAMIC else kernel

    target: dict[str, Any] = {"supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS]}
    settings: dict[str, Any] = {"target_spec": target}
    if precision != "float32":
        if pictures is None:
            raise ValueError(f"{precision} requires pictures")
        rounding = {"float16": round_to_float16, "dynamic": round_to_dynamic, "int8": round_to_int8}[precision]
        generator = correct_biases(generator, pictures, rounding)
        settings["optimizations"] = [tf.lite.Optimize.DEFAULT]
        if precision == "float16":
            target["supported_types"] = [tf.float16]
        if precision == "int8":
            # Without this list the converter may fall back to float, and to TensorFlow's own operations.
            target["supported_ops"] = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
            # A black and a white pixel in any case: the bytes of the input are then the picture's own.
            pictures = pictures.copy()
            pictures[0, 0, 0], pictures[0, -1, -1] = 0, 255
            settings["representative_dataset"] = lambda: ([picture[None].astype(np.float32)] for picture in pictures)
            settings["inference_input_type"] = settings["inference_output_type"] = tf.uint8
    signature = keras.InputSpec(shape=(1, *generator.input_shape[1:]), dtype="float32", name="image")
    generator.export(str(path), format="litert", verbose=False, input_signature=[signature], **settings)
    _name_ends(path)


def _name_ends(path: str | Path) -> None:
    """Name the input `image` and the output `saliency`, as tensors and in the only signature."""
    model = flatbuffer_utils.read_model(str(path))
    (graph,), (signature,) = model.subgraphs, model.signatureDefs
    for indices, ends, name in (
        (graph.inputs, signature.inputs, b"image"),
        (graph.outputs, signature.outputs, b"saliency"),
    ):
        (index,), (end,) = indices, ends
        graph.tensors[index].name = name
        end.name = name
    flatbuffer_utils.write_model(model, str(path))


def _format(precision: str, help: str, limits: Limits, calibrated: bool = False) -> Format:
    return Format(
        name=precision,
        ending=f"_{precision}.tflite",
        help=f"LiteRT, {help}",
        limits=limits,
        convert=lambda generator, path, pictures: convert(generator, precision, path, pictures),
        read_contents=read_contents,
        calibrated=calibrated,
    )


INT8 = _format(
    "int8",
    "int8 throughout, uint8 in and out: the smallest and fastest, for phones",
    Limits(difference=0.3, mean_cc=0.995, worst_cc=0.98),
    calibrated=True,
)
FLOAT16 = _format(
    "float16", "weights in float16, computed in float32", Limits(difference=5e-3, mean_cc=0.9999, worst_cc=0.999)
)
DYNAMIC = _format(
    "dynamic", "weights in int8, activations in float32", Limits(difference=0.3, mean_cc=0.99, worst_cc=0.95)
)
FLOAT32 = _format("float32", "float32: the reference", Limits(difference=1e-4, mean_cc=0.9999, worst_cc=0.999))
