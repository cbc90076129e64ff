"""Films that are written through PyAV (FFmpeg), from frames with their times."""

import contextlib
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import av
import cv2
import numpy as np
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc

from salgan_tf.video import describe

# Seconds that a unit of the times has that are written: whole numbers for usual rates, and few enough for MPEG-4.
_CLOCK = Fraction(1, 60000)
# Of the libraries that encode H.264, or its predecessor, what PyAV has: its wheels have the first.
_COLOR_CODECS: dict[str, dict[str, str]] = {
    "libx264": {"preset": "veryfast", "crf": "20"},
    "libopenh264": {},
    "mpeg4": {"qscale": "3"},
}
_GREY_CODECS: dict[str, dict[str, str]] = {"ffv1": {}}
# Frames per second.
_SLOWEST, _FASTEST = 1, 1000


class FilmWriter:
    """A film that is being written, as a context: RGB as H.264 in MP4, or grey without loss as FFV1 in Matroska.

    Args:
        path: where to write it. Its ending, .mp4 or .mkv, chooses between the two.
        shape: (height, width) of the frames. Of a film in colour, odd sides get another row or column.
        rate: frames per second, about.
        aspect: width of a pixel divided by its height.
        sound: the stream of a sound that is copied; None for none.

    Attributes:
        in_color: whether it takes RGB.
        has_sound: whether the sound is copied: only into MP4, and if MP4 has a place for it.

    Raises:
        OSError: the film cannot be written, here and in all that follows.
    """

    def __init__(
        self,
        path: Path,
        shape: tuple[int, int],
        rate: float,
        aspect: Fraction = Fraction(1),
        sound: Any = None,
    ):
        self._last = -1
        self._heard: int | None = None
        self.in_color = path.suffix == ".mp4"
        self._padding = [side % 2 if self.in_color else 0 for side in shape]
        self._resources = contextlib.ExitStack()
        file = self._resources.enter_context(path.open("wb"))
        self._container = self._resources.enter_context(av.open(file, "w", "mp4" if self.in_color else "matroska"))
        codecs = _COLOR_CODECS if self.in_color else _GREY_CODECS
        codec = next(name for name in codecs if name in av.codecs_available)
        # A rate that is not right only makes the film a little larger.
        rate = min(max(rate, _SLOWEST), _FASTEST)
        self._video: Any = self._container.add_stream(
            codec, Fraction(rate).limit_denominator(1000), options=codecs[codec]
        )
        context: Any = self._video.codec_context
        context.height, context.width = (side + more for side, more in zip(shape, self._padding, strict=True))
        context.pix_fmt = "yuv420p" if self.in_color else "gray"
        context.time_base = _CLOCK
        context.sample_aspect_ratio = aspect
        if self.in_color:
            context.colorspace, context.color_range = Colorspace.ITU709, ColorRange.MPEG
            context.color_primaries, context.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
        self._sound = None
        known = sound and sound.codec_context and sound.codec_context.name in self._container.supported_codecs
        if self.in_color and known:
            self._sound = self._container.add_stream_from_template(sound)
        self.has_sound = self._sound is not None

    def write(self, picture: np.ndarray, time: float) -> None:
        """Write a frame, uint8 (H, W, 3) RGB or (H, W) grey, that is shown from `time` on, in seconds."""
        if self.in_color:
            if any(self._padding):
                picture = cv2.copyMakeBorder(picture, 0, self._padding[0], 0, self._padding[1], cv2.BORDER_REPLICATE)
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            frame = frame.reformat(format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG)
        else:
            frame = av.VideoFrame.from_ndarray(picture, "gray")
        # Damaged films have frames at the same time, which no film may have.
        self._last = max(round(time / _CLOCK), self._last + 1)
        frame.pts, frame.time_base = self._last, _CLOCK
        self._encode(frame)

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
