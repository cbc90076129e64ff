"""Films and cameras in, films of their saliency out."""

import contextlib
import datetime
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm import tqdm

from salgan_tf import extras, images, visualization
from salgan_tf.camera import Camera
from salgan_tf.errors import InputError
from salgan_tf.files import atomic_path, check_results, find_real, fold_name, identify_all, is_folder
from salgan_tf.frames import Frame, FrameMaps, count_threads, predict_frames
from salgan_tf.parallel import naming_lack_of_memory
from salgan_tf.photographs import describe_results

if TYPE_CHECKING:
    # It needs the extra `video`.
    from salgan_tf.video import Film
    from salgan_tf.video_writer import FilmWriter

# Endings of films, by which they are recognized.
FILM_SUFFIXES = frozenset((".mp4", ".m4v", ".mov", ".3gp", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".mts"))
FILM_SUFFIXES |= {".m2ts", ".wmv", ".asf", ".flv", ".ogv"}
MAP_ENDING, OVERLAY_ENDING = "_saliency.mkv", "_overlay.mp4"
_BAR: dict[str, Any] = {"unit": "frame", "disable": None}


@dataclass(frozen=True)
class FilmSettings:
    """What of a film is predicted, and what is written.

    Args:
        every: take every Nth frame only.
        start: first second of the film that is taken.
        stop: the second before which to end; None for the film's end.
        smooth: average the maps over about so many seconds, beginning anew at cuts; 0 for maps as they are.
        maps: write `NAME_saliency.mkv`, the grey maps as a film without loss.
        overlay: write `NAME_overlay.mp4`.

    Raises:
        InputError: nothing is to be written, or a number makes no sense.
    """

    every: int = 1
    start: float = 0.0
    stop: float | None = None
    smooth: float = 0.0
    maps: bool = False
    overlay: bool = True

    def __post_init__(self) -> None:
        if not isinstance(self.every, int) or self.every < 1:
            raise InputError("every", f"{self.every} is not a whole number above 0")
        if not self.overlay and not self.maps:
            raise InputError("overlay, maps", "nothing is to be written: at least one of them must be True")
        for name, value in (("start", self.start), ("smooth", self.smooth)):
            if not 0 <= value < float("inf"):
                raise InputError(name, f"{value} is not a number of seconds")
        if self.stop is not None and not self.start < self.stop < float("inf"):
            raise InputError("stop", f"{self.stop:g} is not a number of seconds after the start, {self.start:g}")

    def endings(self) -> list[str]:
        """Return the endings of the results' names."""
        return [OVERLAY_ENDING] * self.overlay + [MAP_ENDING] * self.maps


def is_film(path: str | Path) -> bool:
    """Return whether a path is called like a film, and is no folder."""
    return Path(path).suffix.lower() in FILM_SUFFIXES and not is_folder(Path(path))


def predict_film(
    path: Path,
    predict: Callable[[np.ndarray], np.ndarray],
    settings: FilmSettings,
    report: Callable[[InputError], None],
) -> Iterator[tuple[Frame, np.ndarray]]:
    """Yield the frames of a film with their maps, see `salgan_tf.predict_video`."""
    with _open_film(path, report) as film:
        threads = count_threads(path, film.shape)
        frames = film.read(settings.every, settings.start, settings.stop)
        yield from predict_frames(frames, predict, threads, settings.smooth)


def write_films(
    paths: list[Path],
    out: Path,
    predict: Callable[[np.ndarray], np.ndarray],
    settings: FilmSettings,
    inputs: list[Path],
    report: Callable[[InputError], None],
) -> tuple[int, int]:
    """Write the overlays and maps of films; a bad one does not stop the others.

    Args:
        paths: the films.
        out: folder of the results.
        predict: makes the map float32 (H, W) of a frame; called in several threads.
        settings: what is predicted and written.
        inputs: files that must not be overwritten, beside the films.
        report: called with the error of each film that cannot be used, and with remarks on others. Films in `out` that
            this function wrote are skipped.

    Returns:
        How many films were predicted, and how many failed.
    """
    earlier = [path for path in paths if _is_result(path, out)]
    if earlier:
        report(describe_results(out, len(earlier)))
        paths = [path for path in paths if path not in earlier]
    taken = identify_all([*inputs, *paths])
    written: dict[str, Path] = {}
    seen: set[Path] = set()
    done, failed = 0, 0
    for path in paths:
        results = [out / f"{path.stem}{ending}" for ending in settings.endings()]
        try:
            if (real := find_real(path)) in seen:
                continue
            seen.add(real)
            check_results(path, results, written, taken)
            with naming_lack_of_memory(path):
                _write_film(path, results, predict, settings, report)
            written[fold_name(results[0])] = path
            done += 1
        except InputError as error:
            failed += 1
            report(error)
    return done, failed


def _is_result(path: Path, out: Path) -> bool:
    """Return whether a film in the output folder is a result of an earlier call: it is called and marked like one."""
    if not path.name.endswith((OVERLAY_ENDING, MAP_ENDING)) or path.parent.resolve() != out.resolve():
        return False
    try:
        with _open_film(path, lambda remark: None) as film:
            return film.is_ours
    except InputError:
        return False


def _write_film(
    path: Path,
    results: list[Path],
    predict: Callable[[np.ndarray], np.ndarray],
    settings: FilmSettings,
    report: Callable[[InputError], None],
) -> None:
    with _open_film(path, report) as film, contextlib.ExitStack() as stack:
        threads = count_threads(path, film.shape)
        writers = _open_writers(stack, results, film, settings)
        sound = next((writer for writer in writers if writer.has_sound), None)
        if settings.overlay and film.sound and not sound:
            report(InputError(path, f"its sound ({film.sound.name or 'unknown'}) has no place in MP4 and was left out"))
        frames = film.read(settings.every, settings.start, settings.stop, sound.copy_sound if sound else None)
        end = min(settings.stop or math.inf, film.duration or math.inf)
        total = None if end == math.inf else max(0, round((end - settings.start) * film.rate / settings.every))
        pairs = predict_frames(frames, predict, threads, settings.smooth)
        if not _write_frames(writers, pairs, settings.start, tqdm(total=total, desc=path.name, **_BAR)):
            lasts = f": it lasts {film.duration:.1f} seconds" if film.duration else ""
            raise InputError(path, f"has no frame from second {settings.start:g} on{lasts}")


def record_camera(
    number: int,
    out: Path,
    predict: Callable[[np.ndarray], np.ndarray],
    settings: FilmSettings,
) -> list[Path]:
    """Write what a camera sees until Ctrl-C or `settings.stop`, like a film, under the time as its name.

    Returns:
        The films that were written.

    Raises:
        InputError: there is no such camera, it gives no frame, or a film cannot be written.
    """
    extras.require(f"camera {number}", "video")
    name = f"camera_{number}_{datetime.datetime.now():%Y%m%d_%H%M%S}"
    results = [out / f"{name}{ending}" for ending in settings.endings()]
    with contextlib.closing(Camera(number)) as camera, contextlib.ExitStack() as stack:
        threads = count_threads(camera.name, camera.shape)
        writers = _open_writers(stack, results, camera, settings)
        frames = camera.read(settings.every, settings.stop)
        pairs = predict_frames(frames, predict, threads, settings.smooth)
        if not _write_frames(writers, pairs, 0.0, tqdm(desc=camera.name, **_BAR)):
            raise InputError(camera.name, "gave no frame")
    return results


def _open_film(path: Path, report: Callable[[InputError], None]) -> "Film":
    extras.require(str(path), "video")
    from salgan_tf.video import Film

    return Film(path, report)


def _open_writers(
    stack: contextlib.ExitStack, results: list[Path], source: "Film | Camera", settings: FilmSettings
) -> "list[FilmWriter]":
    """Open the films that are written. When `stack` is closed, all of them are whole; or none is there after errors."""
    from salgan_tf.video_writer import FilmWriter

    # All are finished before the first gets its name.
    scratch = [stack.enter_context(atomic_path(result)) for result in results]
    rate = float(source.rate) / settings.every
    return [
        stack.enter_context(FilmWriter(path, source.shape, rate, source.matrix, source.aspect, source.sound))
        for path in scratch
    ]


def _write_frames(writers: "list[FilmWriter]", pairs: FrameMaps, start: float, bar: tqdm) -> int:
    """Write the overlays and maps of frames, counted from second `start`, and return how many there were."""
    count = 0
    palettes = [writer.convert(visualization.overlay_palette()) if writer.in_color else None for writer in writers]
    with bar, contextlib.closing(pairs):
        for frame, saliency in pairs:
            for writer, palette in zip(writers, palettes, strict=True):
                writer.write(
                    visualization.overlay_planes(frame.planes(), saliency, palette)
                    if palette
                    else images.to_levels(saliency),
                    frame.time - start,
                )
            count += 1
            bar.update()
    return count
