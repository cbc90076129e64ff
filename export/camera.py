"""Saliency of a camera's frames as they come: in a window, in a video file, or as a measurement of speed.

python camera.py --camera 0 --window
python camera.py --camera 0 --model edge.engine --video seen.mp4 --frames 300
"""

import argparse
import contextlib
import statistics
import sys
import time
from pathlib import Path

import cv2
import numpy as np

from salgan_tf import InputError, SaliencyPredictor
from salgan_tf.arguments import path, path_or_name, positive
from salgan_tf.console import run_command, say
from salgan_tf.native import quiet_stderr
from salgan_tf.visualization import overlay

_WARM_UP = 3


def open_camera(source: str) -> cv2.VideoCapture:
    """Open a camera by its number, a GStreamer pipeline (it contains a "!"), or a video file."""
    with quiet_stderr():
        if source.isdecimal():
            camera = cv2.VideoCapture(int(source))
        else:
            camera = cv2.VideoCapture(source, cv2.CAP_GSTREAMER if "!" in source else cv2.CAP_ANY)
    if not camera.isOpened():
        subject = f"camera {source}" if source.isdecimal() else source
        raise InputError(subject, "not a camera, pipeline or video file that this OpenCV can open")
    return camera


def open_video(path: Path, rate: float, size: tuple[int, int]) -> cv2.VideoWriter:
    """Open an mp4 file for frames of `size` (width, height)."""
    with quiet_stderr():
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), rate, size)
    if not writer.isOpened():
        raise InputError(path, "cannot be written as a video")
    return writer


def show(frame: np.ndarray) -> bool:
    """Show a frame, uint8 (H, W, 3) BGR; return False when the key q was pressed."""
    try:
        cv2.imshow("saliency", frame)
        return cv2.waitKey(1) & 0xFF != ord("q")
    except cv2.error as error:
        raise InputError("--window", "no display, or an OpenCV without windows: use --video") from error


def run(arguments: argparse.Namespace) -> int:
    """Draw the saliency of frames until the camera ends, --frames are done, or q or Ctrl-C is pressed."""
    predictor = SaliencyPredictor(arguments.model, arguments.threads)
    camera = open_camera(arguments.camera)
    # The first runs of a network allocate memory; they are not measured.
    blank = np.zeros((*predictor.image_shape, 3), np.uint8)
    for _ in range(_WARM_UP):
        predictor.run_network(blank)
    seconds: list[float] = []
    with contextlib.ExitStack() as resources:
        resources.callback(camera.release)
        video = None
        started = time.perf_counter()
        with contextlib.suppress(KeyboardInterrupt):
            while arguments.frames is None or len(seconds) < arguments.frames:
                there, frame = camera.read()
                if not there:
                    break
                image = cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
                before = time.perf_counter()
                saliency = predictor(image)
                seconds.append(time.perf_counter() - before)
                drawn = cv2.cvtColor(overlay(image, saliency), cv2.COLOR_RGB2BGR)
                if arguments.video:
                    if video is None:
                        rate = camera.get(cv2.CAP_PROP_FPS) or 30
                        video = open_video(arguments.video, rate, (drawn.shape[1], drawn.shape[0]))
                        resources.callback(video.release)
                    video.write(drawn)
                if arguments.window and not show(drawn):
                    break
    if not seconds:
        raise InputError(arguments.camera, "gave no frame")
    rate = len(seconds) / (time.perf_counter() - started)
    say(f"{len(seconds)} frames, {rate:.1f} frames per second with camera and drawing")
    say(f"{1000 * statistics.median(seconds):.1f} ms per prediction, median")
    return 0


def main(argv: list[str] | None = None) -> int:
    """Run the program and return its exit code: 0, 1 for bad input, 2 for bad usage."""
    parser = argparse.ArgumentParser(description="Show the saliency of a camera's frames as they come.")
    parser.add_argument("--camera", default="0", help="number, GStreamer pipeline or video file (default: %(default)s)")
    parser.add_argument(
        "--model", type=path_or_name, default="edge", help="as in `salgan-tf predict` (default: %(default)s)"
    )
    parser.add_argument("--threads", type=positive, metavar="N", help="CPU threads (default: one per core)")
    parser.add_argument("--window", action="store_true", help="show the overlays; q ends")
    parser.add_argument("--video", type=path, metavar="FILE.mp4", help="write the overlays")
    parser.add_argument("--frames", type=positive, metavar="N", help="stop after N frames")
    parser.set_defaults(run=run)
    return run_command(lambda: parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
