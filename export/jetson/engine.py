"""A TensorRT engine and its memory: one stream, pinned buffers on the host, one picture at a time."""

import contextlib
import ctypes
from pathlib import Path
from typing import Any

import numpy as np
import tensorrt as trt
from saliency_pictures import InputError

try:
    from cuda.bindings import runtime as cuda
except ImportError:
    # Where cuda-python had it before 12.6.1; 13 has it only in the new place.
    from cuda import cudart as cuda


def call(name: str, *arguments: Any) -> Any:
    """Call a function of CUDA's runtime; give what stands behind its error code.

    Raises:
        InputError: it failed; the line names the function and CUDA's reason.
    """
    try:
        code, *results = getattr(cuda, name)(*arguments)
    except RuntimeError as error:
        # Old cuda-python raises where there is no driver to ask.
        raise InputError(f"CUDA, {name}", error) from error
    if code != cuda.cudaError_t.cudaSuccess:
        _, reason = cuda.cudaGetErrorString(code)
        raise InputError(f"CUDA, {name}", f"{code.name}, {reason.decode() if isinstance(reason, bytes) else reason}")
    return results[0] if results else None


class Engine:
    """A generator in TensorRT; to be used in a `with`, which frees its memory.

    Args:
        path: an engine of build_engine.py or trtexec, with one float32 input and one float32 output.

    Attributes:
        shape: (height, width) at which the network sees a photograph.

    Raises:
        InputError: no such file; built elsewhere; no generator; CUDA or TensorRT cannot run it.
    """

    def __init__(self, path: str | Path):
        try:
            content = Path(path).read_bytes()
        except OSError as error:
            raise InputError(path, error) from error
        with contextlib.ExitStack() as resources:
            self._load(path, content)
            self._stream = call("cudaStreamCreate")
            resources.callback(cuda.cudaStreamDestroy, self._stream)
            self._image, self._image_on_device = self._allocate(resources, self._names[0], (1, *self.shape, 3))
            self._saliency, self._saliency_on_device = self._allocate(resources, self._names[1], (1, *self.shape, 1))
            # What is freed is not asked for its error code: after a failure CUDA repeats that one, and it is reported.
            self._resources = resources.pop_all()

    def _load(self, path: str | Path, content: bytes) -> None:
        # The engine needs the runtime, and that the logger, as long as it lives.
        self._logger = trt.Logger(trt.Logger.WARNING)
        self._runtime = trt.Runtime(self._logger)
        self._engine = self._runtime.deserialize_cuda_engine(content)
        if self._engine is None:
            cause = f"no engine of this device and TensorRT {trt.__version__}: build it here, with build_engine.py"
            raise InputError(path, cause)
        names = [self._engine.get_tensor_name(index) for index in range(self._engine.num_io_tensors)]
        inputs = [name for name in names if self._engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT]
        outputs = [name for name in names if name not in inputs]
        if (len(inputs), len(outputs)) != (1, 1):
            raise InputError(path, f"no generator: {len(inputs)} inputs and {len(outputs)} outputs")
        self._names = (*inputs, *outputs)
        if any(self._engine.get_tensor_dtype(name) != trt.float32 for name in self._names):
            raise InputError(path, "its input and output are not float32")
        entry = tuple(self._engine.get_tensor_shape(inputs[0]))
        if len(entry) != 4 or entry[0] not in (-1, 1) or entry[3] != 3:
            raise InputError(path, f"no generator that takes one picture: its input is {entry}")
        self._context = self._engine.create_execution_context()
        if self._context is None:
            raise InputError(path, "no memory to run it in")
        if not self._context.set_input_shape(inputs[0], (1, *entry[1:])):
            raise InputError(path, f"cannot be run with one picture: its input is {entry}")
        exit_ = tuple(self._context.get_tensor_shape(outputs[0]))
        if exit_ != (1, *entry[1:3], 1):
            raise InputError(path, f"no generator: it maps {(1, *entry[1:])} to {exit_}")
        self.shape = entry[1:3]

    def _allocate(self, resources: contextlib.ExitStack, name: str, shape: tuple[int, ...]) -> tuple[np.ndarray, int]:
        """Allocate a tensor on the host and on the device; give the first as an array, the second as an address."""
        size = int(np.prod(shape)) * np.dtype(np.float32).itemsize
        # Pinned: only from such memory does a copy run without going through another one, and beside the host's work.
        pinned = call("cudaMallocHost", size)
        resources.callback(cuda.cudaFreeHost, pinned)
        on_device = int(call("cudaMalloc", size))
        resources.callback(cuda.cudaFree, on_device)
        if not self._context.set_tensor_address(name, on_device):
            raise InputError(name, "TensorRT does not take its address")
        return np.frombuffer((ctypes.c_byte * size).from_address(int(pinned)), np.float32).reshape(shape), on_device

    def run_network(self, picture: np.ndarray) -> np.ndarray:
        """Run the network alone: uint8 (*shape, 3) RGB in, float32 (*shape) out, read back."""
        # No division by 255, no mean: preprocessing is inside the model.
        self._image[0] = picture
        stream, kinds = self._stream, cuda.cudaMemcpyKind
        to_device, to_host = kinds.cudaMemcpyHostToDevice, kinds.cudaMemcpyDeviceToHost
        image, saliency = self._image, self._saliency
        call("cudaMemcpyAsync", self._image_on_device, image.ctypes.data, image.nbytes, to_device, stream)
        if not self._context.execute_async_v3(int(stream)):
            raise InputError("TensorRT", "cannot run the engine; why stands in its messages above")
        call("cudaMemcpyAsync", saliency.ctypes.data, self._saliency_on_device, saliency.nbytes, to_host, stream)
        call("cudaStreamSynchronize", stream)
        # A copy: the next picture is read back to the same place.
        return saliency[0, ..., 0].copy()

    def __enter__(self) -> "Engine":
        return self

    def __exit__(self, *error: object) -> None:
        self._resources.close()
