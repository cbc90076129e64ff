"""TensorRT 10 and 11: `.engine` files on an NVIDIA GPU; one stream, pinned buffers on the host, one image at a time."""

import contextlib
import ctypes
import math
import weakref
from pathlib import Path
from typing import Any

import numpy as np

from salgan_tf.errors import InputError
from salgan_tf.limits import read_bytes
from salgan_tf.runtimes.network import Network, check_counts, check_shapes

try:
    import tensorrt as trt

    try:
        from cuda.bindings import runtime as cuda
    except ImportError:
        # Where cuda-python had it before 12.6.1; version 13 has it only in the new place.
        from cuda import cudart as cuda
except ImportError as error:
    _missing: ImportError | None = error
else:
    _missing = None


def open_network(path: Path, threads: int | None = None) -> Network:
    """Open an engine of `export/jetson/build_engine.py` or trtexec, see `salgan_tf.runtimes.open_network`.

    Its input and output are float32. `threads` has no meaning here.
    """
    if _missing:
        cause = f"an engine requires TensorRT, which comes with JetPack, and `pip install cuda-python` ({_missing})"
        raise InputError(path, cause)
    engine = _Engine(path)
    return Network(engine.image_shape, engine.run)


def _call(name: str, *arguments: Any) -> Any:
    """Call a function of CUDA's runtime and return what follows its error code.

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


class _Engine:
    """A generator in TensorRT. Its memory is freed when it is collected, or when Python exits."""

    def __init__(self, path: Path):
        content = read_bytes(path)
        with contextlib.ExitStack() as resources:
            self._load(path, content)
            self._stream = _call("cudaStreamCreate")
            resources.callback(cuda.cudaStreamDestroy, self._stream)
            self._image, self._image_on_device = self._allocate(resources, self._names[0], (1, *self.image_shape, 3))
            self._saliency, self._saliency_on_device = self._allocate(
                resources, self._names[1], (1, *self.image_shape, 1)
            )
            # The error codes of the calls that free are not checked: after a failure CUDA repeats that failure's code.
            weakref.finalize(self, resources.pop_all().close)

    def _load(self, path: Path, content: bytes) -> None:
        # The engine needs the runtime, and that the logger, as long as it lives.
        self._logger = trt.Logger(trt.Logger.WARNING)
        self._runtime = trt.Runtime(self._logger)
        self._engine = self._runtime.deserialize_cuda_engine(content)
        if self._engine is None:
            cause = f"not an engine of this device and TensorRT {trt.__version__}: build it here with build_engine.py"
            raise InputError(path, cause)
        names = [self._engine.get_tensor_name(index) for index in range(self._engine.num_io_tensors)]
        inputs = [name for name in names if self._engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT]
        outputs = [name for name in names if name not in inputs]
        check_counts(path, inputs, outputs)
        self._names = (*inputs, *outputs)
        if any(self._engine.get_tensor_dtype(name) != trt.float32 for name in self._names):
            raise InputError(path, "its input and output are not float32")
        image, saliency = (tuple(self._engine.get_tensor_shape(name)) for name in self._names)
        self.image_shape = check_shapes(path, image, saliency)
        self._context = self._engine.create_execution_context()
        if self._context is None:
            raise InputError(path, "not enough memory on the device to run it")
        if not self._context.set_input_shape(inputs[0], (1, *image[1:])):
            raise InputError(path, f"cannot be run with one image: its input is {image}")

    def _allocate(self, resources: contextlib.ExitStack, name: str, shape: tuple[int, ...]) -> tuple[np.ndarray, int]:
        """Allocate a tensor on the host and on the device; return the first as an array, the second as an address."""
        size = math.prod(shape) * ctypes.sizeof(ctypes.c_float)
        # Pinned: only from such memory can a copy run beside the host's work, without going through another buffer.
        pinned = _call("cudaMallocHost", size)
        resources.callback(cuda.cudaFreeHost, pinned)
        on_device = int(_call("cudaMalloc", size))
        resources.callback(cuda.cudaFree, on_device)
        if not self._context.set_tensor_address(name, on_device):
            raise InputError(name, "TensorRT does not accept its address")
        on_host = np.ctypeslib.as_array((ctypes.c_float * math.prod(shape)).from_address(int(pinned)))
        return on_host.reshape(shape), on_device

    def run(self, picture: np.ndarray) -> np.ndarray:
        """Run the network: uint8 (*image_shape, 3) RGB in, float32 (*image_shape) out."""
        self._image[0] = picture
        stream, kinds = self._stream, cuda.cudaMemcpyKind
        image, saliency = self._image, self._saliency
        _call(
            "cudaMemcpyAsync",
            self._image_on_device,
            image.ctypes.data,
            image.nbytes,
            kinds.cudaMemcpyHostToDevice,
            stream,
        )
        if not self._context.execute_async_v3(int(stream)):
            raise InputError("TensorRT", "cannot run the engine; its messages above say why")
        _call(
            "cudaMemcpyAsync",
            saliency.ctypes.data,
            self._saliency_on_device,
            saliency.nbytes,
            kinds.cudaMemcpyDeviceToHost,
            stream,
        )
        _call("cudaStreamSynchronize", stream)
        # A copy: the next result is read back to the same place.
        return saliency[0, ..., 0].copy()
