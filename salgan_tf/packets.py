"""Packets of films and their sounds, as they are stored, with times that never jump back."""

from collections.abc import Iterator
from typing import Any

import av

# Seconds. Times that go back further are those of another film that was joined to the first one.
_JOINED = 0.5
# Seconds. Times beyond are damaged, and larger ones than a film can have.
LONGEST = 1e8


def demux(container: Any, *streams: Any) -> Iterator[Any]:
    """Yield packets, last those that end each stream; None where the file is damaged, after which there are none.

    Where films were joined as files, the times of all streams go on from what was reached before.
    """
    packets = container.demux(*streams)
    shift, reached = 0.0, 0.0
    latest: dict[int, float] = {}
    try:
        for packet in packets:
            stamp = packet.pts if packet.dts is None else packet.dts
            if stamp is not None and abs(stamp * packet.time_base) < LONGEST:
                at = float(stamp * packet.time_base) + shift
                if at < latest.get(packet.stream_index, at) - _JOINED:
                    shift, at = shift + reached - at, reached
                latest[packet.stream_index] = at
                reached = max(reached, at + float((packet.duration or 0) * packet.time_base))
                _delay(packet, shift)
            yield packet
    except (av.FFmpegError, OSError):
        yield None
        for stream in streams:
            end = av.Packet()
            end.stream = stream
            yield end


def _delay(packet: Any, seconds: float) -> None:
    steps = round(seconds / packet.time_base)
    if steps and packet.pts is not None:
        packet.pts += steps
    if steps and packet.dts is not None:
        packet.dts += steps
