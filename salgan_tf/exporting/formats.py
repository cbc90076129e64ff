"""The registry of export formats, one line for each: add a format here, and its object in a module of its own."""

from salgan_tf.exporting import litert, onnx, tensorrt
from salgan_tf.exporting.format import Format

# In the order of `export --help`.
_FORMATS = (
    litert.INT8,
    litert.FLOAT16,
    litert.DYNAMIC,
    litert.FLOAT32,
    onnx.ONNX,
    tensorrt.TENSORRT,
)
FORMATS: dict[str, Format] = {format.name: format for format in _FORMATS}
