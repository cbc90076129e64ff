"""Write a generator as int8 ONNX with explicit Q/DQ pairs, for strongly typed engines of TensorRT 10 and 11."""

import logging
import tempfile
from pathlib import Path

import keras
import numpy as np
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static

from salgan_tf.exporting import onnx
from salgan_tf.exporting.bias_correction import correct_biases

# What TensorRT asks for: everything symmetric, so that all zero points are 0; a scale for each filter of the weights
# and one for each activation; no quantized biases; weights as floats behind a pair of their own. Only what enters a
# convolution is quantized: a pair behind one would come between it and its ReLU6, which TensorRT fuses.
_OPERATIONS = ["Conv"]
_RULES = {
    "ActivationSymmetric": True,
    "WeightSymmetric": True,
    "QuantizeBias": False,
    "AddQDQPairToWeight": True,
    "OpTypesToExcludeOutputQuantization": _OPERATIONS,
}


class _Pictures(CalibrationDataReader):
    """Hands pictures to ONNX Runtime's calibration one by one."""

    def __init__(self, pictures: np.ndarray):
        self._pictures = iter(pictures)

    def get_next(self) -> dict[str, np.ndarray] | None:
        picture = next(self._pictures, None)
        return None if picture is None else {"image": picture[None].astype(np.float32)}


def convert(generator: keras.Model, path: str | Path, pictures: np.ndarray) -> None:
    """Write a generator as Q/DQ int8 ONNX, biases corrected; `image` and `saliency` stay float32, batch 1.

    Args:
        generator: float32, of one size.
        path: ends in `.onnx`.
        pictures: uint8 (N, H, W, 3), what the scales of the activations are calibrated with.
    """
    with tempfile.TemporaryDirectory() as scratch:
        plain = Path(scratch) / "float.onnx"
        onnx.convert(correct_biases(generator, pictures), plain)
        # It advises preprocessing that has been done.
        logging.disable(logging.WARNING)
        try:
            quantize_static(
                plain,
                path,
                _Pictures(pictures),
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
