"""TensorRT: write a generator as int8 ONNX with explicit Q/DQ pairs, for the typed engines of TensorRT 10 and 11."""

import logging
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np

from salgan_tf.exporting.format import Format, Limits
from salgan_tf.exporting.onnx import convert as convert_to_onnx
from salgan_tf.exporting.onnx import read_contents

if TYPE_CHECKING:
    import keras

# What TensorRT requires: symmetric int8 throughout, so that all zero points are 0; a scale for each filter of the
# weights and one for each activation; biases that are not quantized; weights in float, with a pair of their own. Only
# the inputs of convolutions are quantized: a pair behind a convolution would separate it from its ReLU6, which
# TensorRT fuses with it.
_OPERATIONS = ["Conv"]
_RULES = {
    "ActivationSymmetric": True,
    "WeightSymmetric": True,
    "QuantizeBias": False,
    "AddQDQPairToWeight": True,
    "OpTypesToExcludeOutputQuantization": _OPERATIONS,
}


def convert(generator: "keras.Model", path: str | Path, pictures: np.ndarray) -> None:
    """Write a generator as Q/DQ int8 ONNX, biases corrected; `image` and `saliency` stay float32, batch 1.

    Args:
        generator: float32, of one size.
        path: ends in `.onnx`.
        pictures: uint8 (N, H, W, 3), on which the scales of the activations are calibrated.
    """
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

    from salgan_tf.exporting.bias_correction import correct_biases

    inputs = ({"image": picture[None].astype(np.float32)} for picture in pictures)
    with tempfile.TemporaryDirectory() as scratch:
        plain = Path(scratch) / "float.onnx"
        convert_to_onnx(correct_biases(generator, pictures), plain)
        # It advises preprocessing, which has been done.
        logging.disable(logging.WARNING)
        try:
            quantize_static(
                plain,
                path,
                SimpleNamespace(get_next=lambda: next(inputs, None)),
                quant_format=QuantFormat.QDQ,
                op_types_to_quantize=_OPERATIONS,
                per_channel=True,
                activation_type=QuantType.QInt8,
                weight_type=QuantType.QInt8,
                calibrate_method=CalibrationMethod.MinMax,
                extra_options=_RULES,
            )
        finally:
            logging.disable(logging.NOTSET)


TENSORRT = Format(
    name="tensorrt",
    ending="_int8_qdq.onnx",
    help="ONNX with int8 Q/DQ pairs, from which TensorRT builds an engine on the device",
    limits=Limits(difference=0.3, mean_cc=0.99, worst_cc=0.95),
    convert=convert,
    read_contents=read_contents,
    calibrated=True,
    timed=False,
    extra="onnx",
)
