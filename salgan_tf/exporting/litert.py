"""Write a generator as a LiteRT file: float32, float16, dynamic-range int8, or int8 throughout."""

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from ai_edge_litert.tools import flatbuffer_utils

from salgan_tf.exporting.bias_correction import correct_biases, round_to_float16, round_to_int8

PRECISIONS = ("float32", "float16", "dynamic", "int8")
_BUILTINS = tf.lite.OpsSet.TFLITE_BUILTINS
# The converter's minimum_elements_for_weights: smaller kernels stay float32 in dynamic-range files.
_FEWEST_DYNAMIC = 1024


def _round_as_dynamic(kernel: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    return round_to_int8(kernel, axes) if kernel.size >= _FEWEST_DYNAMIC else kernel


_ROUNDING = {"float16": round_to_float16, "dynamic": _round_as_dynamic, "int8": round_to_int8}


def convert(generator: keras.Model, precision: str, path: str | Path, pictures: np.ndarray | None = None) -> None:
    """Write a generator as LiteRT, with batch 1, built-in operations alone, and tensors `image` and `saliency`.

    Args:
        generator: float32, of one size.
        precision: `"float32"`; `"float16"`: weights, computed in float32; `"dynamic"`: weights in int8, activations in
            float32 or, inside of a layer, int8; `"int8"`: everything, uint8 in and out, biases corrected.
        path: ends in `.tflite`.
        pictures: uint8 (N, H, W, 3), what int8 is calibrated with.
    """
    settings = {"target_spec": {"supported_ops": [_BUILTINS]}}
    if precision != "float32":
        generator = correct_biases(generator, pictures, _ROUNDING[precision])
        settings["optimizations"] = [tf.lite.Optimize.DEFAULT]
    if precision == "float16":
        settings["target_spec"]["supported_types"] = [tf.float16]
    if precision == "int8":
        # Without this list the converter may fall back to float, and to TensorFlow's own operations.
        settings["target_spec"]["supported_ops"] = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        # A black and a white pixel, whatever the pictures are: the bytes of the input are then the picture's own.
        pictures = pictures.copy()
        pictures[0, 0, 0], pictures[0, -1, -1] = 0, 255
        settings["representative_dataset"] = lambda: ([one[None].astype(np.float32)] for one in pictures)
        settings["inference_input_type"] = settings["inference_output_type"] = tf.uint8
    signature = keras.InputSpec(shape=(1, *generator.input_shape[1:]), dtype="float32", name="image")
    generator.export(str(path), format="litert", verbose=False, input_signature=[signature], **settings)
    _name_ends(path)


def _name_ends(path: str | Path) -> None:
    """Call the file's input `image` and its output `saliency`, as tensors and in its only signature."""
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
