"""export/jetson/run_engine.py on stand-ins of TensorRT and CUDA (stubs/).

Their memory is real and their stream does nothing before it is synchronized, so a map that is right shows that the
buffers are large enough, pinned, addressed by the right tensor's name, copied the right way and waited for. They show
nothing of the real bindings' types, of TensorRT, of a camera's drivers, or of speed: only hardware can tell.
"""

import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import render_photograph, save_picture
from kit_runner import KIT, StubbedDevice, pretend_onnx

from salgan_tf import images

IMAGE_BYTES, SALIENCY_BYTES = 6 * 8 * 3 * 4, 6 * 8 * 4
FREES = ("free device", "free pinned", "cudaStreamDestroy")


@pytest.fixture
def device(tmp_path) -> StubbedDevice:
    return StubbedDevice(tmp_path)


@pytest.fixture
def engine(tmp_path) -> Path:
    """What the stand-in takes for an engine: the mean of a pixel's colours."""
    return pretend_onnx(tmp_path / "edge.engine")


@pytest.fixture
def photograph_file(tmp_path) -> Path:
    save_picture(tmp_path / "photographs" / "scene.png", render_photograph(0))
    return tmp_path / "photographs" / "scene.png"


@pytest.fixture
def video_file(tmp_path) -> Path:
    """A video of five frames."""
    writer = cv2.VideoWriter(str(tmp_path / "scene.avi"), cv2.VideoWriter_fourcc(*"MJPG"), 25, (80, 60))
    for _ in range(5):
        writer.write(render_photograph(0)[..., ::-1])
    writer.release()
    return tmp_path / "scene.avi"


def expected_levels(photograph: np.ndarray) -> np.ndarray:
    """Compute the map of the stand-in's network in the package's words."""
    network = images.resize_area(photograph, (6, 8)).astype(np.float32).mean(axis=-1) / 255
    large = images.resize_cubic(network, photograph.shape[:2])
    return images.to_levels(np.clip(cv2.GaussianBlur(large, (5, 5), 0), 0, 1))


@pytest.mark.parametrize("old_binding", [False, True], ids=["cuda.bindings", "cudart"])
def test_the_map_of_a_photograph_is_right(tmp_path, engine, photograph_file, old_binding):
    device = StubbedDevice(tmp_path / "stubbed", old_binding)
    outcome = device.run("run_engine.py", engine, photograph_file.parent, "--out", tmp_path / "out")
    assert (outcome.code, outcome.lines) == (0, [])
    levels = images.read_image(tmp_path / "out" / "scene_saliency.png")[..., 0]
    # The mean's last bit may differ.
    assert np.abs(levels.astype(int) - expected_levels(render_photograph(0))).max() <= 1
    assert images.read_size(tmp_path / "out" / "scene_overlay.jpg") == (60, 80)
    assert re.search(r"^[\d.]+ pictures per second, [\d.]+ ms each", outcome.output, re.MULTILINE)


def test_buffers_fit_and_both_tensors_get_their_address(device, engine, photograph_file, tmp_path):
    device.run("run_engine.py", engine, photograph_file, "--out", tmp_path / "out")
    pinned, on_device = device.calls("allocate pinned"), device.calls("allocate device")
    assert [call["size"] for call in pinned] == [IMAGE_BYTES, SALIENCY_BYTES]
    assert [call["size"] for call in on_device] == [IMAGE_BYTES, SALIENCY_BYTES]
    addresses = {call["name"]: call["address"] for call in device.calls("trt.set_tensor_address")}
    assert addresses == {"image": on_device[0]["address"], "saliency": on_device[1]["address"]}
    freed = {call["address"] for call in device.calls("free device", "free pinned")}
    assert freed == {call["address"] for call in (*pinned, *on_device)}
    assert len(device.calls("cudaStreamCreate")) == len(device.calls("cudaStreamDestroy")) == 1


def test_each_picture_is_copied_run_read_back_and_waited_for(device, engine, photograph_file, tmp_path):
    device.run("run_engine.py", engine, photograph_file, "--out", tmp_path / "out")
    calls = device.calls("cudaMemcpyAsync", "trt.execute_async_v3", "cudaStreamSynchronize")
    assert calls[:4] == [
        {"call": "cudaMemcpyAsync", "kind": "cudaMemcpyHostToDevice", "size": IMAGE_BYTES},
        {"call": "trt.execute_async_v3", "stream": 4242},
        {"call": "cudaMemcpyAsync", "kind": "cudaMemcpyDeviceToHost", "size": SALIENCY_BYTES},
        {"call": "cudaStreamSynchronize"},
    ]
    # One photograph, three calls to warm up, and three that are timed at least.
    assert len(calls) >= 4 * 7
    assert calls == calls[:4] * (len(calls) // 4)


def test_an_engine_of_any_batch_runs_one_picture(device, photograph_file, tmp_path):
    engine = pretend_onnx(tmp_path / "any.engine", batch=-1)
    assert device.run("run_engine.py", engine, photograph_file, "--out", tmp_path / "out").code == 0
    assert device.calls("trt.set_input_shape") == [
        {"call": "trt.set_input_shape", "name": "image", "shape": [1, 6, 8, 3]}
    ]


def test_a_map_outlives_the_next_picture(device, engine, tmp_path):
    program = tmp_path / "two.py"
    program.write_text(
        f"import sys; sys.path[:0] = [{str(KIT)!r}, {str(KIT / 'jetson')!r}]\n"
        "import numpy as np; from engine import Engine\n"
        f"with Engine({str(engine)!r}) as engine:\n"
        "    black, white = (engine.run_network(np.full((6, 8, 3), level, np.uint8)) for level in (0, 255))\n"
        "    print(black.max(), white.min())\n"
    )
    outcome = device.run(program)
    assert (outcome.code, outcome.output, outcome.lines) == (0, "0.0 1.0\n", [])


@pytest.mark.parametrize(
    ("fails", "line"),
    [
        ("device", "CUDA, cudaMalloc: cudaErrorMemoryAllocation, out of memory"),
        ("pinned", "CUDA, cudaMallocHost: cudaErrorMemoryAllocation, out of memory"),
        ("copy", "CUDA, cudaMemcpyAsync: cudaErrorInvalidValue, invalid argument"),
    ],
)
def test_an_error_of_cuda_is_one_line_and_memory_is_freed(device, engine, video_file, fails, line):
    outcome = device.run("run_engine.py", engine, "--camera", video_file, KIT_FAIL=fails)
    assert (outcome.code, outcome.output, outcome.lines) == (1, "", [line])
    taken = [call["address"] for call in device.calls("allocate device", "allocate pinned")]
    freed = [call["address"] for call in device.calls("free device", "free pinned")]
    assert freed == taken[::-1]
    assert len(device.calls("cudaStreamDestroy")) == 1


def test_an_engine_that_cannot_be_run_is_named(device, photograph_file, tmp_path):
    def refuse(engine: Path) -> str:
        outcome = device.run("run_engine.py", engine, photograph_file, "--out", tmp_path / "out")
        (line,) = outcome.lines
        assert outcome.code == 1
        return line.removeprefix(f"{engine}: ")

    assert refuse(tmp_path / "missing.engine") == "No such file or directory"
    (tmp_path / "junk.engine").write_bytes(b"\x00junk")
    assert refuse(tmp_path / "junk.engine").startswith("no engine of this device and TensorRT 10.3.0: build it here")
    assert refuse(pretend_onnx(tmp_path / "int.engine", type="uint8")) == "its input and output are not float32"
    assert refuse(pretend_onnx(tmp_path / "two.engine", batch=2)).startswith("no generator that takes one picture")
    classifier = pretend_onnx(tmp_path / "classifier.engine", outputs=[["classes", [1, 10]]])
    assert refuse(classifier) == "no generator: it maps (1, 6, 8, 3) to (1, 10)"
    assert refuse(pretend_onnx(tmp_path / "broken.engine", unrunnable=True)).startswith("TensorRT: cannot run")


def test_a_bad_photograph_is_named_and_the_others_go_on(device, engine, photograph_file, tmp_path):
    (photograph_file.parent / "bad.jpg").write_bytes(b"no picture")
    outcome = device.run("run_engine.py", engine, photograph_file.parent, "--out", tmp_path / "out")
    (line,) = outcome.lines
    assert line.startswith(f"{photograph_file.parent / 'bad.jpg'}: not a picture")
    assert outcome.code == 1
    assert outcome.output.startswith("1 of 2 predicted")


def test_a_camera_gives_a_video_and_frames_per_second(device, engine, video_file, tmp_path):
    outcome = device.run("run_engine.py", engine, "--camera", video_file, "--video", tmp_path / "seen.mp4")
    assert (outcome.code, outcome.lines) == (0, [])
    assert re.search(r"^5 frames, [\d.]+ frames per second with camera and drawing$", outcome.output, re.MULTILINE)
    assert re.search(r"^[\d.]+ pictures per second, [\d.]+ ms each", outcome.output, re.MULTILINE)
    seen = cv2.VideoCapture(str(tmp_path / "seen.mp4"))
    frames = []
    while (frame := seen.read())[0]:
        frames.append(frame[1])
    assert [frame.shape for frame in frames] == [(60, 80, 3)] * 5


def test_a_camera_ends_after_the_frames_that_were_asked_for(device, engine, video_file):
    outcome = device.run("run_engine.py", engine, "--camera", video_file, "--frames", 2)
    assert outcome.output.startswith("2 frames, ")


def test_an_opencv_without_windows_is_named(device, engine, video_file):
    # The package's own requirement is the headless OpenCV.
    outcome = device.run("run_engine.py", engine, "--camera", video_file, "--window")
    cause = "--window: no display, or an OpenCV without windows: use --video"
    assert (outcome.code, outcome.output, outcome.lines) == (1, "", [cause])


def test_a_camera_that_is_not_there_is_named(device, engine, tmp_path):
    for camera in (99, tmp_path / "missing.avi", "videotestsrc ! no_such_element ! appsink"):
        outcome = device.run("run_engine.py", engine, "--camera", camera)
        assert (outcome.code, outcome.lines) == (
            1,
            [f"{camera}: no camera, pipeline or video that this OpenCV can open"],
        )


@pytest.mark.parametrize(
    ("arguments", "cause"),
    [
        ([], "give photographs or --camera, one of the two"),
        (["a.png", "--camera", "0"], "give photographs or --camera, one of the two"),
        (["a.png"], "photographs need --out DIR"),
        (["a.png", "--out", "x", "--window"], "--window, --video and --frames belong to --camera"),
        (["--camera", "0", "--out", "x"], "--out and --no-overlay belong to photographs"),
    ],
)
def test_bad_usage_exits_with_2(device, engine, arguments, cause):
    outcome = device.run("run_engine.py", engine, *arguments)
    assert outcome.code == 2
    assert outcome.lines[-1].endswith(cause)
