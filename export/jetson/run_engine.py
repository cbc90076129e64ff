"""Saliency maps with a TensorRT engine: of photographs and folders, or of a camera as it runs.

python run_engine.py MODEL.engine PATH... --out DIR [--no-overlay]
python run_engine.py MODEL.engine --camera 0 [--window] [--video FILE.mp4] [--frames N]

A camera is its number, a GStreamer pipeline that ends in appsink, or a video file.
"""

import argparse
import contextlib
import statistics
import sys
import time
from pathlib import Path

# The shared file lies one folder up, for all devices.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import cv2
import numpy as np
from saliency_pictures import (
    InputError,
    format_speed,
    overlay,
    positive,
    predict,
    predict_files,
    quiet,
    run_program,
    time_network,
)

try:
    from engine import Engine
except ImportError as error:
    sys.exit(f"{error}: TensorRT comes with JetPack, and CUDA's binding with pip install cuda-python, see README.md")

_WINDOW = "saliency"
_USUAL_RATE = 30


def open_camera(source: str) -> cv2.VideoCapture:
    """Open a camera by its number, a GStreamer pipeline (it has a `!`), or a video file."""
    with quiet():
        if source.isdecimal():
            camera = cv2.VideoCapture(int(source))
        elif "!" in source:
            camera = cv2.VideoCapture(source, cv2.CAP_GSTREAMER)
        else:
            camera = cv2.VideoCapture(source)
    if not camera.isOpened():
        raise InputError(source, "no camera, pipeline or video that this OpenCV can open")
    return camera


class Video:
    """Writes frames to an mp4 file, or nowhere."""

    def __init__(self, path: Path | None, rate: float):
        self._path, self._rate, self._writer = path, rate, None

    def write(self, frame: np.ndarray) -> None:
        """Add a frame, uint8 (H, W, 3) BGR; the first decides the size."""
        if not self._path:
            return
        if self._writer is None:
            with quiet():
                code = cv2.VideoWriter_fourcc(*"mp4v")
                self._writer = cv2.VideoWriter(str(self._path), code, self._rate, frame.shape[1::-1])
            if not self._writer.isOpened():
                raise InputError(self._path, "cannot be written as a video")
        self._writer.write(frame)

    def close(self) -> None:
        """End the file, so that players can read it."""
        if self._writer is not None:
            self._writer.release()


def show(frame: np.ndarray) -> bool:
    """Show a frame, uint8 (H, W, 3) BGR; tell whether to go on: the key q ends."""
    try:
        cv2.imshow(_WINDOW, frame)
        return cv2.waitKey(1) & 0xFF != ord("q")
    except cv2.error as error:
        raise InputError("--window", "no display, or an OpenCV without windows: use --video") from error


def follow_camera(
    engine: Engine, source: str, video_path: Path | None, window: bool, most: int | None
) -> tuple[int, float, float]:
    """Draw the maps of a camera's frames until it ends, `most` frames are done, or q or Ctrl-C is pressed.

    Returns:
        How many frames, in how many seconds, and the network's median seconds with read-back, after a warm-up.
    """
    camera = open_camera(source)
    video = Video(video_path, camera.get(cv2.CAP_PROP_FPS) or _USUAL_RATE)
    network_seconds = []

    def network(picture: np.ndarray) -> np.ndarray:
        before = time.perf_counter()
        saliency = engine.run_network(picture)
        network_seconds.append(time.perf_counter() - before)
        return saliency

    # The engine's first calls are slow, and are not counted.
    time_network(engine.shape, engine.run_network, seconds=0)
    started, going_on = time.perf_counter(), True
    try:
        with contextlib.suppress(KeyboardInterrupt):
            while going_on and (most is None or len(network_seconds) < most):
                there, frame = camera.read()
                if not there:
                    break
                picture = cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
                drawn = overlay(picture, predict(picture, engine.shape, network))
                drawn = cv2.cvtColor(drawn, cv2.COLOR_RGB2BGR)
                video.write(drawn)
                going_on = show(drawn) if window else True
    finally:
        camera.release()
        video.close()
    if not network_seconds:
        raise InputError(source, "gave no frame")
    return len(network_seconds), time.perf_counter() - started, statistics.median(network_seconds)


def _run_camera(engine: Engine, arguments: argparse.Namespace) -> int:
    frames, seconds, network = follow_camera(
        engine, arguments.camera, arguments.video, arguments.window, arguments.frames
    )
    print(f"{frames} frames, {frames / seconds:.1f} frames per second with camera and drawing")
    print(format_speed(network))
    return 0


def _run_photographs(engine: Engine, arguments: argparse.Namespace) -> int:
    done, failed = predict_files(
        arguments.paths, arguments.out, engine.shape, engine.run_network, not arguments.no_overlay
    )
    print(f"{done} of {done + failed} predicted" + (f", see {arguments.out}" if done else ""))
    if done:
        print(format_speed(time_network(engine.shape, engine.run_network)))
    return 1 if failed else 0


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Saliency maps of photographs, or of a camera, with a TensorRT engine."
    )
    parser.add_argument("engine", metavar="MODEL.engine", type=Path)
    parser.add_argument("paths", nargs="*", metavar="PATH", type=Path, help="photograph, or folder of photographs")
    parser.add_argument("--out", metavar="DIR", type=Path, help="folder for NAME_saliency.png, NAME_overlay.jpg")
    parser.add_argument("--no-overlay", action="store_true", help="write the grey maps only")
    parser.add_argument("--camera", metavar="N|PIPELINE|FILE", help="number, GStreamer pipeline, or video file")
    parser.add_argument("--window", action="store_true", help="show the camera's overlays; q ends")
    parser.add_argument("--video", metavar="FILE.mp4", type=Path, help="write the camera's overlays")
    parser.add_argument("--frames", metavar="N", type=positive, help="end after so many")
    arguments = parser.parse_args(argv)
    if bool(arguments.paths) == bool(arguments.camera):
        parser.error("give photographs or --camera, one of the two")
    if arguments.paths and not arguments.out:
        parser.error("photographs need --out DIR")
    if arguments.paths and (arguments.window or arguments.video or arguments.frames):
        parser.error("--window, --video and --frames belong to --camera")
    if arguments.camera and (arguments.out or arguments.no_overlay):
        parser.error("--out and --no-overlay belong to photographs")
    return arguments


def _run(arguments: argparse.Namespace) -> int:
    with Engine(arguments.engine) as engine:
        return (_run_camera if arguments.camera else _run_photographs)(engine, arguments)


def main(argv: list[str] | None = None) -> int:
    """Run the program; give its exit code: 0, 1 for a bad input, 2 for bad usage, 130 after Ctrl-C."""
    arguments = _parse(argv)
    return run_program(lambda: _run(arguments))


if __name__ == "__main__":
    sys.exit(main())
