"""A stub of TensorRT's Python binding: the names that the package and build_engine.py call, as its wheels have them.

It builds and computes nothing that TensorRT would: an "ONNX file" is JSON that says what to pretend, a parsed network
is its shapes, an engine is the network as JSON, and running one gives the mean of a pixel's colours divided by 255.
Each call is recorded as a line of JSON in the file that STUB_CALLS names.
"""

import json
import os
from enum import IntEnum
from pathlib import Path

import fake_device

__version__ = os.environ.get("STUB_TENSORRT", "10.3.0")
float32, uint8 = "float32", "uint8"


def _note(call, **details):
    fake_device.note(f"trt.{call}", **details)


class Logger:
    WARNING, VERBOSE = 2, 4

    def __init__(self, severity):
        self.severity = severity


class TensorIOMode(IntEnum):
    INPUT, OUTPUT = 1, 2


class MemoryPoolType(IntEnum):
    WORKSPACE = 0


if not os.environ.get("STUB_NO_FLAG"):

    class NetworkDefinitionCreationFlag(IntEnum):
        STRONGLY_TYPED = 1


class _Tensor:
    def __init__(self, name, shape):
        self.name, self.shape = name, tuple(shape)


class _Network:
    def __init__(self):
        self.described = {"inputs": [], "outputs": []}

    num_inputs = property(lambda self: len(self.described["inputs"]))
    num_outputs = property(lambda self: len(self.described["outputs"]))

    def get_input(self, index):
        return _Tensor(*self.described["inputs"][index])

    def get_output(self, index):
        return _Tensor(*self.described["outputs"][index])


class OnnxParser:
    def __init__(self, network, logger):
        self._network, self._errors = network, []

    def parse_from_file(self, path):
        described = json.loads(Path(path).read_text())
        self._errors = described.get("errors", [])
        self._network.described |= described
        return not self._errors

    num_errors = property(lambda self: len(self._errors))

    def get_error(self, index):
        return self._errors[index]


class _Profile:
    def set_shape(self, name, smallest, usual, largest):
        _note("set_shape", name=name, shapes=[smallest, usual, largest])


class _Cache:
    def __init__(self, content):
        self.content = content

    def serialize(self):
        return memoryview(self.content + b"measured")


class _Config:
    def set_memory_pool_limit(self, pool, size):
        _note("set_memory_pool_limit", pool=pool.name, size=size)

    def add_optimization_profile(self, profile):
        _note("add_optimization_profile")

    def create_timing_cache(self, content):
        return _Cache(content)

    def set_timing_cache(self, cache, ignore_mismatch):
        self._cache = cache
        _note("set_timing_cache", content=cache.content.decode(), ignore_mismatch=ignore_mismatch)
        return cache.content != b"of another device"

    def get_timing_cache(self):
        return self._cache


class Builder:
    def __init__(self, logger):
        if os.environ.get("STUB_NO_GPU"):
            raise TypeError("pybind11::init(): factory function returned nullptr")

    def create_network(self, flags=0):
        _note("create_network", flags=flags)
        return _Network()

    def create_builder_config(self):
        return _Config()

    def create_optimization_profile(self):
        return _Profile()

    def build_serialized_network(self, network, config):
        _note("build_serialized_network")
        return None if network.described.get("unbuildable") else memoryview(json.dumps(network.described).encode())


class _Context:
    def __init__(self, described):
        self._described, self._addresses = described, {}
        self._batch = described["inputs"][0][1][0]

    def set_input_shape(self, name, shape):
        _note("set_input_shape", name=name, shape=shape)
        self._batch = shape[0]
        return True

    def get_tensor_shape(self, name):
        (shape,) = [shape for output, shape in self._described["outputs"] if output == name]
        return (self._batch, *shape[1:])

    def set_tensor_address(self, name, address):
        _note("set_tensor_address", name=name, address=address)
        self._addresses[name] = address
        return True

    def execute_async_v3(self, stream_handle):
        _note("execute_async_v3", stream=stream_handle)
        if self._described.get("unrunnable"):
            return False
        (entry, shape), (exit_, _) = self._described["inputs"][0], self._described["outputs"][0]
        pixels = shape[1] * shape[2]
        fake_device.run(stream_handle, self._addresses[entry], self._addresses[exit_], pixels)
        return True


class _Engine:
    def __init__(self, described):
        self._described = described
        # Outputs first: callers must not rely on an order.
        self._tensors = dict((*described["outputs"], *described["inputs"]))

    num_io_tensors = property(lambda self: len(self._tensors))

    def get_tensor_name(self, index):
        return list(self._tensors)[index]

    def get_tensor_mode(self, name):
        return TensorIOMode.INPUT if name in dict(self._described["inputs"]) else TensorIOMode.OUTPUT

    def get_tensor_dtype(self, name):
        return self._described.get("type", float32)

    def get_tensor_shape(self, name):
        return tuple(self._tensors[name])

    def create_execution_context(self):
        return _Context(self._described)


class Runtime:
    def __init__(self, logger):
        pass

    def deserialize_cuda_engine(self, content):
        try:
            return _Engine(json.loads(content))
        except ValueError:
            return None
