"""Films that are read through PyAV (FFmpeg): upright frames with their times."""

import contextlib
import functools
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.stream
import numpy as np
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, VideoReformatter

from salgan_tf.errors import InputError, first_line
from salgan_tf.frames import Frame, Planes, count_pixels, count_threads, pad_even
from salgan_tf.limits import check_regular
from salgan_tf.packets import LONGEST, demux

# What may be read. FFmpeg knows more formats: playlists and lists of parts (HLS, DASH, concat, SDP) open other files
# and addresses, which no film needs.
_FORMATS = "mov,matroska,avi,mpegts,mpeg,asf,flv,ogg"
# The transfer of light to levels in films of a high dynamic range.
_HDR = {ColorTrc.SMPTE2084: "PQ", ColorTrc.ARIB_STD_B67: "HLG"}
_CONVERTING_VERSION = (18, 1)
# Lines of films that are taken for BT.709 unless they say what they are, as players do; smaller ones are BT.601.
_UNSPECIFIED, _HIGH_DEFINITION = 2, 720
# What FFmpeg calls BT.601: that of PAL, and that of NTSC, which are the same.
_BT601 = (5, 6)
_USUAL_RATE = Fraction(25)
# Frames that a whole film may be shorter than it says, since some count the sound or the last frame in other ways.
_TOLERANCE = 2
# What films say that we made.
MARK = ("comment", "saliency by salgan_tf")


class Film:
    """A film that is open for reading, as a context.

    Args:
        path: the film.
        report: called with a remark if frames cannot be decoded, if the film ends early, or has a high dynamic range.

    Attributes:
        shape: (height, width) of its frames, upright.
        aspect: width of a pixel divided by its height.
        rate: frames per second, on average.
        duration: seconds; None if it does not say.
        sound: the stream of its sound; None if it has none.
        is_ours: whether `video_writer` made it.
        matrix: of the planes of its frames, as PyAV calls it: ITU601 for films in BT.601, else ITU709.

    Raises:
        InputError: the file cannot be read, is no film, has no frame that can be decoded, or frames too large for the
            limit of memory.
    """

    def __init__(self, path: Path, report: Callable[[InputError], None]):
        check_regular(path)
        self._path, self._report = path, report
        self._resources = contextlib.ExitStack()
        try:
            # Decoded once to know the first frame, and then from the start: not every film can be sought in.
            with self._open() as container:
                context = self._find_video(container).codec_context
                count_threads(path, (context.height, context.width))
                first = self._read_first(container)
            if first.color_trc in _HDR:
                self._announce(_HDR[first.color_trc])
            self._size = first.width, first.height
            self._transposed, *self._flips = _find_orientation(first)
            self.shape = self._size if self._transposed else self._size[::-1]
            self.matrix = "ITU601" if self._find_matrix(first) in _BT601 else "ITU709"
            # Kept, and one for each kind of result, since they prepare tables for what they convert.
            self._image_maker, self._plane_maker = VideoReformatter(), VideoReformatter()
            self._container = self._resources.enter_context(self._open())
        except BaseException:
            self.close()
            raise
        self._video = self._find_video(self._container)
        self.sound = self._container.streams.best("audio")
        self.rate = self._video.average_rate or self._video.guessed_rate or _USUAL_RATE
        pixel = self._video.codec_context.sample_aspect_ratio or Fraction(1)
        self.aspect = (1 / pixel if self._transposed else pixel) if pixel > 0 else Fraction(1)
        self._origin = float((self._video.start_time or 0) * self._video.time_base)
        # Matroska has its keys in capitals.
        self.is_ours = MARK in ((key.lower(), value) for key, value in self._container.metadata.items())
        self.duration = self._container.duration / av.time_base if self._container.duration else None

    def __enter__(self) -> "Film":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._resources.close()

    @contextlib.contextmanager
    def _open(self) -> Iterator[Any]:
        """Open the file. FFmpeg gets its content, not its name, and so opens no other file, program or address."""
        most = str(count_pixels())
        options = {"format_whitelist": _FORMATS, "protocol_whitelist": "none", "max_pixels": most}
        with contextlib.ExitStack() as resources:
            try:
                file = resources.enter_context(self._path.open("rb"))
                nameless = _Nameless(file)
                container = resources.enter_context(av.open(nameless, options=options, metadata_errors="replace"))
                video = self._find_video(container)
                # Its threads stay PyAV's, a slice each: with a frame each, PyAV loses frames near damaged ones.
                video.codec_context.options = {"max_pixels": most}
            except av.FFmpegError as error:
                raise InputError(self._path, f"not a film, or damaged: {describe(error)}") from error
            except OSError as error:
                raise InputError(self._path, error) from error
            yield container

    def _announce(self, transfer: str) -> None:
        """Report a high dynamic range, or refuse it if this PyAV does not convert it."""
        kind = f"high dynamic range ({transfer})"
        if tuple(map(int, av.__version__.split(".")[:2])) < _CONVERTING_VERSION:
            raise InputError(self._path, f"{kind} requires PyAV 18.1 and Python 3.11: pip install --upgrade av")
        self._report(InputError(self._path, f"{kind}: shown as sRGB, where what is brighter than 203 nits is white"))

    def _find_video(self, container: Any) -> Any:
        video = container.streams.best("video")
        # The cover of a song is a picture, and no film.
        if video is None or video.disposition & av.stream.Disposition.attached_pic:
            raise InputError(self._path, "has sound but no pictures" if container.streams.audio else "has no pictures")
        if video.codec_context is None:
            raise InputError(self._path, "its codec is unknown to FFmpeg")
        return video

    def _read_first(self, container: Any) -> Any:
        """Return the first frame.

        Raises:
            InputError: there is none.
        """
        cause = "damaged, or encrypted"
        for packet in demux(container, self._find_video(container)):
            if packet is None:
                continue
            try:
                for frame in packet.decode():
                    if not frame.is_corrupt:
                        return frame
            except av.FFmpegError as error:
                cause = describe(error)
        raise InputError(self._path, f"none of its frames can be decoded: {cause}")

    def read(
        self,
        every: int = 1,
        start: float = 0.0,
        stop: float | None = None,
        copy_sound: Callable[[Any, float], None] | None = None,
    ) -> Iterator[Frame]:
        """Yield frames in order, with the seconds since the film's first one.

        Args:
            every: take every Nth frame from `start` on.
            start: first second that is taken.
            stop: the second before which it ends; None for the film's end.
            copy_sound: called with each packet of the sound between them, and the second from which to count its time.
        """
        if start and self._seek(start):
            self._container.seek(self._to_units(start))
        streams = [stream for stream in (self._video, self.sound) if stream]
        open_streams = {stream.index for stream in streams}
        count, damaged, time, reached = 0, 0, -1 / float(self.rate), 0.0
        for packet in demux(self._container, *streams):
            if packet is None:
                damaged += 1
                continue
            if packet.pts is not None:
                at = float(packet.pts * packet.time_base) - self._origin
                reached = max(reached, at + float((packet.duration or 0) * packet.time_base))
            if packet.stream_index != self._video.index:
                if packet.pts is None or (stop is not None and at >= stop):
                    open_streams.discard(packet.stream_index)
                elif copy_sound and (at >= start or not start):
                    copy_sound(packet, self._origin + start)
            elif self._video.index in open_streams:
                try:
                    frames = packet.decode()
                except av.FFmpegError:
                    damaged, frames = damaged + 1, []
                for frame in frames:
                    at = time + 1 / float(self.rate) if frame.time is None else frame.time - self._origin
                    if abs(at) > LONGEST:
                        damaged += 1
                        continue
                    # Damaged films have frames whose times go back a little.
                    time = max(time, at)
                    if stop is not None and time >= stop:
                        open_streams.discard(self._video.index)
                        break
                    if start and time < start:
                        continue
                    if frame.is_corrupt:
                        damaged += 1
                    elif count % every == 0:
                        yield Frame(time, self._to_image(frame), functools.partial(self._to_planes, frame))
                    count += 1
            if not open_streams:
                break
        if damaged:
            self._report(InputError(self._path, f"damaged: {damaged} of its frames left out"))
        if stop is None and self.duration and reached < self.duration - _TOLERANCE / self.rate:
            self._report(InputError(self._path, f"ends after {reached:.1f} of {self.duration:.1f} seconds"))

    def _seek(self, start: float) -> bool:
        """Return whether the film can be sought in: it must find a frame before `start`, from which to decode.

        Some containers go to any packet, whose frames need earlier ones.
        """
        with self._open() as container, contextlib.suppress(av.FFmpegError, InputError):
            container.seek(self._to_units(start))
            first = self._read_first(container)
            return first.time is not None and first.time - self._origin <= start
        return False

    def _to_units(self, second: float) -> int:
        return int((self._origin + second) * av.time_base)

    def _find_matrix(self, frame: Any) -> int:
        if frame.color_trc in _HDR:
            return Colorspace.ITU709
        unspecified = Colorspace.ITU709 if frame.height >= _HIGH_DEFINITION else Colorspace.ITU601
        return unspecified if frame.colorspace == _UNSPECIFIED else frame.colorspace

    def _to_image(self, frame: Any) -> np.ndarray:
        """Convert a frame to sRGB (H, W, 3), upright."""
        return self._turn(self._convert(self._image_maker, frame, "rgb24").to_ndarray())

    def _to_planes(self, frame: Any) -> Planes:
        """Convert a frame to planes of `matrix`, upright; most films have them so already."""
        converted = self._convert(
            self._plane_maker, frame, "yuv420p", dst_colorspace=self.matrix, dst_color_range=ColorRange.MPEG
        )
        y, u, v = map(self._turn, view_planes(converted))
        return pad_even(y), u, v

    def _convert(self, maker: VideoReformatter, frame: Any, format: str, **colors: Any) -> Any:
        """Convert a frame to sRGB of the first one's size."""
        if frame.color_trc in _HDR:
            colors |= {"dst_color_trc": ColorTrc.IEC61966_2_1, "dst_color_primaries": ColorPrimaries.BT709}
        elif frame.colorspace == _UNSPECIFIED:
            colors["src_colorspace"] = self._find_matrix(frame)
        try:
            return maker.reformat(frame, *self._size, format, **colors)
        except av.FFmpegError as error:
            raise InputError(self._path, f"its colours cannot be converted: {describe(error)}") from error

    def _turn(self, picture: np.ndarray) -> np.ndarray:
        if self._transposed:
            picture = picture.swapaxes(0, 1)
        rows, columns = (slice(None, None, -1 if flip else 1) for flip in self._flips)
        return np.ascontiguousarray(picture[rows, columns])


def view_planes(frame: Any) -> list[np.ndarray]:
    """Return the planes of a frame of 8 bits, each uint8 (H, W), which share its memory."""
    planes = ((plane, np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)) for plane in frame.planes)
    return [rows[:, : plane.width] for plane, rows in planes]


class _Nameless:
    """A file without a name, of which FFmpeg would make a hint for its format."""

    def __init__(self, file: Any):
        self.read, self.seek, self.tell = file.read, file.seek, file.tell


def _find_orientation(frame: Any) -> tuple[bool, bool, bool]:
    """Return whether a frame's sides are to be exchanged, and then its rows and columns reversed, to be upright."""
    if "DISPLAYMATRIX" not in frame.side_data:
        return False, False, False
    # x' = ax + cy and y' = bx + dy, with y downwards. Other angles are taken for the nearest multiple of 90 degrees.
    a, b, _, c, d = np.frombuffer(frame.side_data["DISPLAYMATRIX"], np.int32)[:5].tolist()
    return (True, b < 0, c < 0) if abs(b) > abs(a) else (False, d < 0, a < 0)


def describe(error: av.FFmpegError) -> str:
    """Return an error of FFmpeg as a cause."""
    return error.strerror or first_line(error)
