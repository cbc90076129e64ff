"""Films that tests make: a white square on a smooth scene, and a tone."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from conftest import render_photograph

RATE = 10


def render_frames(count: int, shape: tuple[int, int] = (60, 80)) -> list[np.ndarray]:
    """Render a scene, uint8 (H, W, 3), that moves to the left."""
    return [np.roll(render_photograph(0, shape), -2 * index, axis=1) for index in range(count)]


def write_film(
    path: Path,
    frames: list[np.ndarray],
    codec: str = "ffv1",
    pixels: str = "bgr0",
    sound: str | None = None,
    times: list[float] | None = None,
    rate: int = RATE,
    options: dict[str, str] | None = None,
    **properties: object,
) -> Path:
    """Write a film of RGB frames, by default without loss and at ten frames per second.

    Args:
        path: where; its ending chooses the container.
        frames: uint8 (H, W, 3).
        codec: of the frames.
        pixels: FFmpeg's name of how it stores them.
        sound: a codec, for a tone as long as the film.
        times: seconds at which the frames are shown.
        rate: frames per second.
        options: of the container.
        properties: of the frames, such as `color_trc`.
    """
    quiet = {"x265-params": "log-level=none"} if codec == "libx265" else {}
    # In thousandths, unless they are regular: MPEG-2 knows a few rates only.
    clock = Fraction(1, 1000) if times else Fraction(1, rate)
    with av.open(str(path), "w", options=options or {}) as film:
        video = film.add_stream(codec, rate=rate, options=quiet)
        video.pix_fmt = pixels
        if frames:
            video.height, video.width = frames[0].shape[:2]
        video.codec_context.time_base = clock
        for name, value in properties.items():
            setattr(video.codec_context, name, value)
        audio = film.add_stream(sound, rate=48000, layout="mono") if sound else None
        for index, picture in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(picture, "rgb24").reformat(format=pixels)
            frame.pts, frame.time_base = round(times[index] / clock) if times else index, clock
            for name, value in properties.items():
                setattr(frame, name, value)
            film.mux(video.encode(frame))
            if audio:
                samples = 48000 // rate
                wave = 9000 * np.sin(0.06 * np.arange(index * samples, (index + 1) * samples))
                tone = av.AudioFrame.from_ndarray(wave.astype(np.int16)[None], "s16", "mono")
                tone.rate, tone.pts, tone.time_base = 48000, index * samples, Fraction(1, 48000)
                film.mux(audio.encode(tone))
        if frames:
            film.mux(video.encode())
        if audio:
            film.mux(audio.encode())
    return path


def write_sound(path: Path) -> Path:
    """Write a tone without pictures."""
    with av.open(str(path), "w") as film:
        audio = film.add_stream("aac", rate=48000, layout="mono")
        tone = av.AudioFrame.from_ndarray(np.zeros((1, 48000), np.int16), "s16", "mono")
        tone.rate, tone.pts, tone.time_base = 48000, 0, Fraction(1, 48000)
        film.mux(audio.encode(tone))
        film.mux(audio.encode())
    return path


def read_frames(path: Path) -> tuple[list[float], list[np.ndarray]]:
    """Decode a film by PyAV alone; return the times of its frames and them as they are stored, grey or RGB."""
    with av.open(str(path)) as film:
        frames = list(film.decode(video=0))
    format = "gray" if frames[0].format.name == "gray" else "rgb24"
    return [frame.time for frame in frames], [frame.to_ndarray(format=format) for frame in frames]


def read_sound(path: Path) -> list[tuple[float, bytes]]:
    """Return the packets of a film's sound with their times."""
    with av.open(str(path)) as film:
        return [(float(packet.pts * packet.time_base), bytes(packet)) for packet in film.demux(audio=0) if packet.size]
