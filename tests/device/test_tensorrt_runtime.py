"""`predict --model FILE.engine` on stubs of TensorRT and CUDA (stubs/).

Their memory is real and their stream does nothing before it is synchronized, so a correct map shows that the buffers
are large enough, pinned, addressed by the right tensor's name, copied in the right direction and waited for. The real
bindings' types, TensorRT itself and speed can only be tested on hardware.
"""

from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import Outcome, render_photograph, save_picture
from stubbed_device import StubbedDevice, pretend_onnx

from salgan_tf import InputError, images
from salgan_tf.inference import SaliencyPredictor

IMAGE_BYTES, SALIENCY_BYTES = 6 * 8 * 3 * 4, 6 * 8 * 4


@pytest.fixture
def device(tmp_path) -> StubbedDevice:
    return StubbedDevice(tmp_path)


@pytest.fixture
def engine(tmp_path) -> Path:
    """What the stub takes for an engine: the mean of a pixel's colours."""
    return pretend_onnx(tmp_path / "edge.engine")


@pytest.fixture
def photographs(tmp_path) -> Path:
    for seed, name in enumerate(("first", "second")):
        save_picture(tmp_path / "photographs" / f"{name}.png", render_photograph(seed))
    return tmp_path / "photographs"


def predict(device: StubbedDevice, engine: Path, photographs: Path, **environment: str) -> Outcome:
    out = photographs.parent / "out"
    return device.run(
        "-m", "salgan_tf", "predict", photographs, "--model", engine, "--out", out, "--no-overlay", **environment
    )


def expected_levels(photograph: np.ndarray) -> np.ndarray:
    """Compute the map of the stub's network with the package's functions."""
    network = images.resize_area(photograph, (6, 8)).astype(np.float32).mean(axis=-1) / 255
    large = images.resize_cubic(network, photograph.shape[:2])
    return images.to_levels(np.clip(cv2.GaussianBlur(large, (5, 5), 0), 0, 1))


@pytest.mark.parametrize("old_binding", [False, True], ids=["cuda.bindings", "cudart"])
def test_the_maps_are_right(tmp_path, engine, photographs, old_binding):
    outcome = predict(StubbedDevice(tmp_path / "stubbed", old_binding), engine, photographs)
    assert (outcome.code, outcome.lines) == (0, [])
    for seed, name in enumerate(("first", "second")):
        levels = images.read_image(tmp_path / "out" / f"{name}_saliency.png")[..., 0]
        # The last bit of the mean may differ.
        assert np.abs(levels.astype(int) - expected_levels(render_photograph(seed))).max() <= 1


def test_buffers_fit_tensors_have_addresses_and_all_memory_is_freed(device, engine, photographs):
    predict(device, engine, photographs)
    pinned, on_device = device.calls("allocate pinned"), device.calls("allocate device")
    assert [call["size"] for call in pinned] == [IMAGE_BYTES, SALIENCY_BYTES]
    assert [call["size"] for call in on_device] == [IMAGE_BYTES, SALIENCY_BYTES]
    addresses = {call["name"]: call["address"] for call in device.calls("trt.set_tensor_address")}
    assert addresses == {"image": on_device[0]["address"], "saliency": on_device[1]["address"]}
    freed = {call["address"] for call in device.calls("free device", "free pinned")}
    assert freed == {call["address"] for call in (*pinned, *on_device)}
    assert len(device.calls("cudaStreamCreate")) == len(device.calls("cudaStreamDestroy")) == 1


def test_each_image_is_copied_run_read_back_and_waited_for(device, engine, photographs):
    predict(device, engine, photographs)
    calls = device.calls("cudaMemcpyAsync", "trt.execute_async_v3", "cudaStreamSynchronize")
    assert calls == 2 * [
        {"call": "cudaMemcpyAsync", "kind": "cudaMemcpyHostToDevice", "size": IMAGE_BYTES},
        {"call": "trt.execute_async_v3", "stream": 4242},
        {"call": "cudaMemcpyAsync", "kind": "cudaMemcpyDeviceToHost", "size": SALIENCY_BYTES},
        {"call": "cudaStreamSynchronize"},
    ]


def test_an_engine_of_any_batch_size_runs_one_image(device, photographs, tmp_path):
    assert predict(device, pretend_onnx(tmp_path / "any.engine", batch=-1), photographs).code == 0
    assert device.calls("trt.set_input_shape") == [
        {"call": "trt.set_input_shape", "name": "image", "shape": [1, 6, 8, 3]}
    ]


def test_a_map_outlives_the_next_image(device, engine):
    program = (
        "import numpy as np; from salgan_tf import SaliencyPredictor\n"
        f"predictor = SaliencyPredictor({str(engine)!r})\n"
        "black, white = (predictor.run_network(np.full((6, 8, 3), level, np.uint8)) for level in (0, 255))\n"
        "print(black.max(), white.min())\n"
    )
    outcome = device.run("-c", program)
    assert (outcome.code, outcome.output, outcome.lines) == (0, "0.0 1.0\n", [])


@pytest.mark.parametrize(
    ("fails", "cause"),
    [
        ("device", "CUDA, cudaMalloc: cudaErrorMemoryAllocation, out of memory"),
        ("pinned", "CUDA, cudaMallocHost: cudaErrorMemoryAllocation, out of memory"),
        ("copy", "CUDA, cudaMemcpyAsync: cudaErrorInvalidValue, invalid argument"),
    ],
)
def test_an_error_of_cuda_is_one_line_and_memory_is_freed(device, engine, photographs, fails, cause):
    (photographs / "second.png").unlink()
    outcome = predict(device, engine, photographs, STUB_FAIL=fails)
    assert (outcome.code, outcome.lines) == (1, [f"salgan_tf: {cause}"])
    allocated = [call["address"] for call in device.calls("allocate device", "allocate pinned")]
    freed = [call["address"] for call in device.calls("free device", "free pinned")]
    assert freed == allocated[::-1]
    assert len(device.calls("cudaStreamDestroy")) == 1


NOT_A_GENERATOR = "not a generator: maps ({}), expected (1, H, W, 3) to (1, H, W, 1)"


@pytest.mark.parametrize(
    ("described", "cause"),
    [
        (None, "not an engine of this device and TensorRT 10.3.0: build it here with build_engine.py"),
        ({"type": "uint8"}, "its input and output are not float32"),
        ({"batch": 2}, NOT_A_GENERATOR.format("2, 6, 8, 3) to (2, 6, 8, 1")),
        ({"outputs": [["classes", [1, 10]]]}, NOT_A_GENERATOR.format("1, 6, 8, 3) to (1, 10")),
        ({"unrunnable": True}, "cannot run the engine; its messages above say why"),
    ],
    ids=["damaged", "uint8", "batch 2", "classifier", "does not run"],
)
def test_an_engine_that_cannot_be_run_is_named(device, photographs, tmp_path, described, cause):
    (photographs / "second.png").unlink()
    engine = tmp_path / "bad.engine"
    if described is None:
        engine.write_bytes(b"\x00junk")
    else:
        pretend_onnx(engine, **described)
    outcome = predict(device, engine, photographs)
    subject = "TensorRT" if described == {"unrunnable": True} else engine
    assert (outcome.code, outcome.lines) == (1, [f"salgan_tf: {subject}: {cause}"])


def test_without_tensorrt_the_error_says_where_it_comes_from(engine, photograph):
    with pytest.raises(InputError, match="requires TensorRT, which comes with JetPack"):
        SaliencyPredictor(engine)
