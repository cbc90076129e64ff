"""ONNX Runtime: `.onnx` files on the CPU, without TensorFlow."""

import os
from pathlib import Path

import numpy as np

from salgan_tf import extras
from salgan_tf.errors import InputError, first_line
from salgan_tf.runtimes.network import Network, check_counts, check_shapes


def open_network(path: Path, threads: int | None = None) -> Network:
    """Open an `.onnx` file whose input and output are float32, see `salgan_tf.runtimes.open_network`."""
    try:
        import onnxruntime
    except ImportError as error:
        raise InputError(path, f"an ONNX file {extras.missing_extra('onnx')}") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or os.cpu_count() or 1
    options.log_severity_level = 4
    # Threads that spin after a run would take the cores from whatever runs next.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # On x86 CPUs without VNNI the fast int8 kernels overflow in their 16-bit sums, and the maps are wrong.
    # This chooses exact kernels there, and changes nothing on other CPUs.
    options.add_session_config_entry("session.x64quantprecision", "1")
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises a class of its own for each kind of failure.
        raise InputError(path, f"not an ONNX model that can be run: {first_line(error)}") from error
    (image,), (saliency,) = check_counts(path, session.get_inputs(), session.get_outputs())
    shape = check_shapes(path, image.shape, saliency.shape)
    for name, end in (("input", image), ("output", saliency)):
        if end.type != "tensor(float)":
            raise InputError(path, f"its {name} is {end.type}, expected tensor(float)")

    def run(picture: np.ndarray) -> np.ndarray:
        return session.run(None, {image.name: picture[None].astype(np.float32)})[0][0, ..., 0]

    return Network(shape, run)
