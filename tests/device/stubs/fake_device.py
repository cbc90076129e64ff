"""A stub of CUDA's runtime with the interface of cuda-python, on plain memory of this process.

Memory "of the device" and pinned memory are different allocations, and every copy is checked against their bounds and
its direction. What is queued on a stream happens when the stream is synchronized, and no earlier: a program that
forgets to synchronize, or queues in the wrong order, reads data that is not there yet.
"""

import ctypes
import json
import os
from enum import IntEnum
from pathlib import Path

import numpy as np


class cudaError_t(IntEnum):
    cudaSuccess = 0
    cudaErrorInvalidValue = 1
    cudaErrorMemoryAllocation = 2


class cudaMemcpyKind(IntEnum):
    cudaMemcpyHostToDevice = 1
    cudaMemcpyDeviceToHost = 2


class cudaStream_t:
    """A handle like the binding's: not a number, but convertible to one."""

    def __int__(self):
        return 4242


_places = {"device": {}, "pinned": {}}
_queue = []
_STREAM = 4242


def note(call, **details):
    with Path(os.environ["STUB_CALLS"]).open("a") as file:
        file.write(json.dumps({"call": call, **details}) + "\n")


def _allocate(where, size):
    if os.environ.get("STUB_FAIL") == where:
        return cudaError_t.cudaErrorMemoryAllocation, None
    memory = (ctypes.c_byte * size)()
    _places[where][ctypes.addressof(memory)] = memory
    note(f"allocate {where}", size=size, address=ctypes.addressof(memory))
    return cudaError_t.cudaSuccess, ctypes.addressof(memory)


def _free(where, address):
    note(f"free {where}", address=address)
    return (cudaError_t.cudaSuccess if _places[where].pop(address, None) else cudaError_t.cudaErrorInvalidValue,)


def cudaMalloc(size):
    return _allocate("device", size)


def cudaMallocHost(size):
    return _allocate("pinned", size)


def cudaFree(address):
    return _free("device", address)


def cudaFreeHost(address):
    return _free("pinned", address)


def cudaStreamCreate():
    note("cudaStreamCreate")
    return cudaError_t.cudaSuccess, cudaStream_t()


def cudaStreamDestroy(stream):
    note("cudaStreamDestroy")
    return (cudaError_t.cudaSuccess,)


def cudaMemcpyAsync(target, source, size, kind, stream):
    note("cudaMemcpyAsync", kind=kind.name, size=size)
    to, of = ("device", "pinned") if kind == cudaMemcpyKind.cudaMemcpyHostToDevice else ("pinned", "device")
    fits = all(
        address in _places[where] and size <= len(_places[where][address])
        for where, address in ((to, target), (of, source))
    )
    if not fits or int(stream) != _STREAM or os.environ.get("STUB_FAIL") == "copy":
        return (cudaError_t.cudaErrorInvalidValue,)
    _queue.append(lambda: ctypes.memmove(target, source, size))
    return (cudaError_t.cudaSuccess,)


def cudaStreamSynchronize(stream):
    note("cudaStreamSynchronize")
    while _queue:
        _queue.pop(0)()
    return (cudaError_t.cudaSuccess,)


def cudaGetErrorString(code):
    return cudaError_t.cudaSuccess, {1: b"invalid argument", 2: b"out of memory"}[code]


def run(stream, entry, exit_, pixels):
    """Queue a network's work: the mean of each pixel's colours, divided by 255."""
    assert stream == _STREAM

    def compute():
        image = np.frombuffer(_places["device"][entry], np.float32).reshape(pixels, 3)
        np.frombuffer(_places["device"][exit_], np.float32)[:] = image.mean(axis=1) / 255

    _queue.append(compute)
