"""export/camera.py with a video file as its camera."""

import re
from pathlib import Path

import cv2
import pytest
from conftest import render_photograph
from stubbed_device import PROGRAMS, StubbedDevice

CAMERA = PROGRAMS / "camera.py"


@pytest.fixture
def device(tmp_path) -> StubbedDevice:
    return StubbedDevice(tmp_path)


@pytest.fixture
def film(tmp_path) -> Path:
    """A film of five frames."""
    writer = cv2.VideoWriter(str(tmp_path / "scene.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 25, (80, 60))
    for _ in range(5):
        writer.write(render_photograph(0)[..., ::-1])
    writer.release()
    return tmp_path / "scene.avi"


def test_frames_become_a_video_and_their_speed_is_printed(device, film, tmp_path):
    outcome = device.run(CAMERA, "--camera", film, "--video", tmp_path / "seen.mp4")
    assert (outcome.code, outcome.lines) == (0, [])
    assert re.search(r"^5 frames, [\d.]+ frames per second with camera and drawing$", outcome.output, re.MULTILINE)
    assert re.search(r"^[\d.]+ ms per prediction, median$", outcome.output, re.MULTILINE)
    seen = cv2.VideoCapture(str(tmp_path / "seen.mp4"))
    frames = []
    while (frame := seen.read())[0]:
        frames.append(frame[1])
    assert [frame.shape for frame in frames] == [(60, 80, 3)] * 5


def test_it_stops_after_the_given_number_of_frames(device, film):
    assert device.run(CAMERA, "--camera", film, "--frames", 2).output.startswith("2 frames, ")


def test_an_opencv_without_windows_is_named(device, film):
    # The package requires the headless OpenCV.
    outcome = device.run(CAMERA, "--camera", film, "--window")
    cause = "salgan_tf: --window: no display, or an OpenCV without windows: use --video"
    assert (outcome.code, outcome.output, outcome.lines) == (1, "", [cause])


@pytest.mark.parametrize("camera", ["99", "missing.avi", "videotestsrc ! no_such_element ! appsink"])
def test_a_camera_that_does_not_exist_is_named(device, camera):
    outcome = device.run(CAMERA, "--camera", camera)
    cause = "not a camera, pipeline or video file that this OpenCV can open"
    subject = "camera 99" if camera == "99" else camera
    assert (outcome.code, outcome.lines) == (1, [f"salgan_tf: {subject}: {cause}"])
