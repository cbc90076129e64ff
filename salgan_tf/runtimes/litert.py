"""LiteRT: `.tflite` files on the CPU, without TensorFlow."""

import math
import os
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from salgan_tf.errors import InputError, first_line
from salgan_tf.limits import check_memory, read_bytes
from salgan_tf.native import quiet_stderr
from salgan_tf.runtimes.network import Network, check_counts, check_shapes

# Values below half a level of an 8-bit output are stored as level 0. Read as 0, they would say that nobody ever looks
# there, which is costly in KL and information gain; a quarter of a level is the middle of what they may have been.
LEVEL_ZERO = 0.25


def open_network(path: Path, threads: int | None = None) -> Network:
    """Open a `.tflite` file whose input and output are each float32 or uint8, see `salgan_tf.runtimes.open_network`."""
    try:
        with quiet_stderr():
            interpreter = Interpreter(model_content=read_bytes(path), num_threads=threads or os.cpu_count())
            tensors = interpreter.get_tensor_details()
            sizes = (math.prod(tensor["shape"].tolist()) * np.dtype(tensor["dtype"]).itemsize for tensor in tensors)
            check_memory(path, sum(sizes))
            interpreter.allocate_tensors()
        inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
    except (ValueError, RuntimeError) as error:
        raise InputError(path, f"not a LiteRT model that can be run: {first_line(error)}") from error
    (image,), (saliency,) = check_counts(path, inputs, outputs)
    shape = check_shapes(path, image["shape"].tolist(), saliency["shape"].tolist())
    for name, end in (("input", image), ("output", saliency)):
        if end["dtype"] not in (np.float32, np.uint8):
            raise InputError(path, f"its {name} is {np.dtype(end['dtype']).name}, expected float32 or uint8")
    scale, zero_point = saliency["quantization"]
    # The value of each level of a uint8 output.
    values = (np.maximum(np.arange(256) - zero_point, LEVEL_ZERO) * scale).astype(np.float32)

    def run(picture: np.ndarray) -> np.ndarray:
        interpreter.set_tensor(image["index"], picture[None].astype(image["dtype"], copy=False))
        interpreter.invoke()
        result = interpreter.get_tensor(saliency["index"])[0, ..., 0]
        return values[result] if result.dtype == np.uint8 else result

    return Network(shape, run)
