"""Films that are written through PyAV (FFmpeg), from pictures with their times."""

import contextlib
import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import av
import numpy as np
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc

from salgan_tf.frames import Planes
from salgan_tf.video import MARK, describe, view_planes

# Seconds that a unit of the times has that are written: whole numbers for usual rates, and few enough for MPEG-4.
_CLOCK = Fraction(1, 60000)
# Of the libraries that encode H.264, or its predecessor, what PyAV has: its wheels have the first.
_COLOR_CODECS: dict[str, dict[str, str]] = {
    # As good as "veryfast" with 20, in half of its time; docs/film.md has the sizes.
    "libx264": {"preset": "superfast", "crf": "21"},
    "libopenh264": {},
    "mpeg4": {"qscale": "3"},
}
_GREY_CODECS: dict[str, dict[str, str]] = {"ffv1": {}}
# Frames per second.
_SLOWEST, _FASTEST = 1, 1000


class FilmWriter:
    """A film that is being written, as a context: colours as H.264 in MP4, or grey without loss as FFV1 in Matroska.

    Args:
        path: where to write it. Its ending, .mp4 or .mkv, chooses between the two.
        shape: (height, width) of the frames. Of a film in colour, odd sides get another row or column.
        rate: frames per second, about.
        matrix: of the planes that it takes, ITU601 or ITU709.
        aspect: width of a pixel divided by its height.
        sound: the stream of a sound that is copied; None for none.

    Attributes:
        in_color: whether it takes planes.
        has_sound: whether the sound is copied: only into MP4, and if MP4 has a place for it.

    Raises:
        OSError: the film cannot be written, here and in all that follows.
    """

    def __init__(
        self,
        path: Path,
        shape: tuple[int, int],
        rate: float,
        matrix: str,
        aspect: Fraction = Fraction(1),
        sound: Any = None,
    ):
        self._last = -1
        self._heard: int | None = None
        self.in_color = path.suffix == ".mp4"
        self._matrix = matrix
        self._resources = contextlib.ExitStack()
        file = self._resources.enter_context(path.open("wb"))
        self._container = self._resources.enter_context(av.open(file, "w", "mp4" if self.in_color else "matroska"))
        self._container.metadata[MARK[0]] = MARK[1]
        codecs = _COLOR_CODECS if self.in_color else _GREY_CODECS
        codec = next(name for name in codecs if name in av.codecs_available)
        # A rate that is not right only makes the film a little larger.
        rate = min(max(rate, _SLOWEST), _FASTEST)
        self._video: Any = self._container.add_stream(
            codec, Fraction(rate).limit_denominator(1000), options=codecs[codec]
        )
        context: Any = self._video.codec_context
        # Of 4:2:0, sides are even.
        context.height, context.width = (side + side % 2 for side in shape) if self.in_color else shape
        context.pix_fmt = "yuv420p" if self.in_color else "gray"
        context.time_base = _CLOCK
        context.sample_aspect_ratio = aspect
        if self.in_color:
            # Beside the threads that predict.
            context.thread_count = max(1, (os.cpu_count() or 1) // 2)
            context.colorspace, context.color_range = Colorspace[matrix], ColorRange.MPEG
            context.color_primaries, context.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
        self._sound = None
        known = sound and sound.codec_context and sound.codec_context.name in self._container.supported_codecs
        if self.in_color and known:
            self._sound = self._container.add_stream_from_template(sound)
        self.has_sound = self._sound is not None

    def write(self, picture: Planes | np.ndarray, time: float) -> None:
        """Write planes, or a grey picture uint8 (H, W), which are shown from `time` on, in seconds."""
        frame = av.VideoFrame(self._video.width, self._video.height, self._video.pix_fmt)
        for target, source in zip(view_planes(frame), picture if self.in_color else [picture], strict=True):
            target[:] = source
        # Damaged films have frames at the same time, which no film may have.
        self._last = max(round(time / _CLOCK), self._last + 1)
        frame.pts, frame.time_base = self._last, _CLOCK
        self._encode(frame)

    def convert(self, colors: np.ndarray) -> list[np.ndarray]:
        """Convert RGB uint8 (H, W, 3) to the Y, U and V of this film, each (H, W)."""
        frame = av.VideoFrame.from_ndarray(colors, "rgb24")
        return view_planes(
            frame.reformat(format="yuv444p", dst_colorspace=self._matrix, dst_color_range=ColorRange.MPEG)
        )

    def copy_sound(self, packet: Any, origin: float) -> None:
        """Write a packet of the sound, `origin` seconds earlier than it is."""
        if self._sound:
            shift = round(origin / packet.time_base)
            packet.pts -= shift
            packet.dts = packet.pts if packet.dts is None else packet.dts - shift
            # Damaged sounds have packets out of order, which no film may have.
            if self._heard is None or packet.dts > self._heard:
                self._heard = packet.dts
                packet.stream = self._sound
                with _as_os_errors():
                    self._container.mux(packet)

    def _encode(self, frame: Any) -> None:
        with _as_os_errors():
            self._container.mux(self._video.encode(frame))

    def __enter__(self) -> "FilmWriter":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: TracebackType | BaseException | None) -> None:
        if kind is None:
            self._encode(None)
            with _as_os_errors():
                self._resources.close()
        else:
            # What is wrong already is on its way.
            with contextlib.suppress(av.FFmpegError, OSError):
                self._resources.close()


@contextlib.contextmanager
def _as_os_errors() -> Iterator[None]:
    """Turn FFmpeg's errors into those of the operating system, for which `atomic_path` names the file."""
    try:
        yield
    except av.FFmpegError as error:
        raise OSError(describe(error)) from error
