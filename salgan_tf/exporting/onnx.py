"""ONNX: write a generator in float32, with the same input and output as the LiteRT files."""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from salgan_tf.exporting.format import Contents, Format, Limits

if TYPE_CHECKING:
    import keras

# Understood by ONNX Runtime since 1.13 and by TensorRT since 8.6.
_OPSET = 17


def convert(generator: "keras.Model", path: str | Path, any_batch: bool = False) -> None:
    """Write a generator as ONNX: `image` float32 (B, H, W, 3) in [0, 255] to `saliency` (B, H, W, 1), checked.

    Args:
        generator: float32, of one size.
        path: ends in `.onnx`.
        any_batch: let B be any number; 1 otherwise.
    """
    import keras

    from salgan_tf.exporting.onnx_file import tidy

    batch = None if any_batch else 1
    signature = keras.InputSpec(shape=(batch, *generator.input_shape[1:]), dtype="float32", name="image")
    with warnings.catch_warnings():
        # Keras mends tf2onnx for numpy 2, which sets off a warning of numpy's.
        warnings.simplefilter("ignore", FutureWarning)
        generator.export(str(path), format="onnx", verbose=False, opset_version=_OPSET, input_signature=[signature])
    tidy(path, any_batch)


def read_contents(path: Path) -> Contents:
    """Read what an ONNX file contains, see `onnx_file.read_contents`."""
    from salgan_tf.exporting import onnx_file

    return onnx_file.read_contents(path)


ONNX = Format(
    name="onnx",
    ending=".onnx",
    help="ONNX, float32",
    limits=Limits(difference=1e-4, mean_cc=0.9999, worst_cc=0.999),
    convert=lambda generator, path, pictures: convert(generator, path),
    convert_any_batch=lambda generator, path, pictures: convert(generator, path, any_batch=True),
    read_contents=read_contents,
    extra="onnx",
)
