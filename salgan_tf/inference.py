"""From photographs to saliency maps: one call for every kind of model, and whole folders."""

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from salgan_tf import images, visualization
from salgan_tf.attention_table import AttentionTable, Row
from salgan_tf.errors import InputError, first_line, report
from salgan_tf.files import atomic_path, is_file, made_folder
from salgan_tf.film import FilmSettings, is_film, predict_film, write_films
from salgan_tf.photographs import collect_photographs, process_photographs
from salgan_tf.runtimes import PER_THREAD, open_network
from salgan_tf.weights import find_model, list_files

if TYPE_CHECKING:
    import keras

MAP_ENDING, OVERLAY_ENDING = "_saliency.png", "_overlay.jpg"


class SaliencyPredictor:
    """Predicts where people look in a photograph.

    Calls from several threads are safe; they take turns, since a model holds one image at a time.

    Args:
        model: `"edge"` or `"salgan"`, the bundled EfficientNet-Lite 0 and VGG-16 generators; a `.tflite`, `.onnx` or
            `.engine` file; a `.keras` file of a generator or SalGAN; a run folder of `train`; or a Keras generator or
            SalGAN. Only the last three import TensorFlow.
        threads: number of threads of a LiteRT or ONNX model, up to 1024; None for one per core.
        trusted: open a `.tflite` or `.onnx` file without trying it in a child process first, which takes a third of a
            second. A damaged or hostile file may then end or hang this process.

    Attributes:
        name: what errors call it.
        image_shape: (height, width) at which the model sees the photograph.
        path: the file of the model; None for a model in memory.
        files: the files of the model: its own, or all of the run folder that was given.

    Raises:
        InputError: the file is missing, damaged or not a generator, its runtime is not installed, or it crashes it,
            hangs, or needs more memory than the limit; or `threads` is another number.
        TypeError: `model` is neither a name, a path nor a Keras model.
    """

    def __init__(
        self, model: "str | Path | keras.Model" = "edge", threads: int | None = None, *, trusted: bool = False
    ):
        self.path: Path | None = None
        self.files: list[Path] = []
        if isinstance(model, str | Path):
            self.name, self.path = str(model), find_model(model)
            self.files = list_files(model)
            network = open_network(self.path, threads, trusted)
        else:
            from salgan_tf.runtimes.keras import take_generator, wrap_generator

            generator = take_generator(model)
            self.name = model.name
            network = wrap_generator(generator, Path(self.name))
        self.image_shape, self._run = network.image_shape, network.run
        self._lock = threading.Lock()

    def __call__(self, image: np.ndarray | str | Path) -> np.ndarray:
        """Predict one photograph.

        The post-processing is the released code's: resized by area to the model's size, cubic interpolation back, a
        5x5 Gaussian blur; here in floats to the end.

        Args:
            image: uint8 (H, W, 3), RGB; or the photograph's file. For folders there is `predict_files`.

        Returns:
            float32 (H, W) in [0, 1], proportional to the density of fixations.

        Raises:
            ValueError: `image` is not such an array.
            InputError: the file is not a photograph, or the model gives values that are not finite.
        """
        if isinstance(image, str | Path):
            image = images.read_image(image)
        if (
            not isinstance(image, np.ndarray)
            or image.dtype != np.uint8
            or image.ndim != 3
            or image.shape[2] != 3
            or not image.size
        ):
            found = f"{image.dtype} {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__
            raise ValueError(f"image: expected a uint8 array (H, W, 3) in RGB, not {found}")
        saliency = images.resize_cubic(self.run_network(images.resize_area(image, self.image_shape)), image.shape[:2])
        _blur(saliency)
        # In place, as the map of a large photograph takes more memory than the photograph.
        return np.clip(saliency, 0, 1, out=saliency)

    def run_network(self, image: np.ndarray) -> np.ndarray:
        """Run the network alone: uint8 (*image_shape, 3) in, float32 (*image_shape) out, with no processing of either.

        Raises:
            InputError: the model cannot be run, or gives another shape or values that are not finite.
        """
        with self._lock:
            try:
                saliency = self._run(image)
            except (InputError, MemoryError):
                raise
            except Exception as error:  # Each runtime raises classes of its own.
                raise InputError(self.name, f"the model cannot be run: {first_line(error)}") from error
        if saliency.shape != self.image_shape:
            found, expected = images.format_size(saliency.shape), images.format_size(self.image_shape)
            raise InputError(self.name, f"the model gives a map of {found}, expected {expected}")
        if not np.isfinite(saliency).all():
            raise InputError(self.name, "the model gives values that are not finite numbers")
        return saliency


def _blur(saliency: np.ndarray) -> None:
    """Blur float32 (H, W) in place by a 5x5 Gaussian, in bands of rows, each with the two above and below it."""
    above = saliency[:0]
    for rows in images.row_bands(saliency.shape):
        block = np.concatenate([above, saliency[rows.start : rows.stop + 2]])
        start, stop = len(above), len(above) + rows.stop - rows.start
        above = block[:stop][-2:].copy()
        saliency[rows] = cv2.GaussianBlur(block, (5, 5), 0)[start:stop]


def predict_files(
    paths: Iterable[str | Path] | str | Path,
    out: str | Path,
    predictor: SaliencyPredictor | None = None,
    overlay: bool = True,
    report: Callable[[InputError], None] = report,
    recursive: bool = False,
    regions: str | Path | None = None,
    film: FilmSettings | None = None,
    max_side: int | None = None,
) -> tuple[int, int]:
    """Write `NAME_saliency.png` (8-bit grey, see `images.to_levels`) and `NAME_overlay.jpg` of photographs and folders.

    Of films, which are taken only where they are given by name, it writes what `film` says.

    No input is overwritten by the results of another one, nor results by those of another input, also on disks that
    do not distinguish upper and lower case. Other files of these names in `out` are replaced: they are taken for
    results of an earlier call.

    Args:
        paths: photographs, folders of photographs, and films; or a single one.
        out: folder of the results, made if needed. The map and the overlay of a photograph are both written, or none.
        predictor: the model; None for the bundled one.
        overlay: write the overlays too.
        report: called with the error of each input that cannot be used, while the others continue, and with a remark
            for each folder that has files other than pictures, or results of an earlier call, which are skipped. The
            default prints it on stderr.
        recursive: also take the subfolders of folders, and make the same ones in `out`.
        regions: a file of regions of interest, see `salgan_tf.regions`. They are drawn on the overlays, and their
            shares of the attention written to `attention.json` and `attention.csv` in `out`. Films have none.
        film: what is predicted and written of films; None for their overlays, or with `overlay=False` their maps.
        max_side: shrink larger photographs to so many pixels on their larger side, which is much faster; their maps
            and overlays are as small. None for maps of the photographs' own size.

    Returns:
        How many photographs and films were predicted, and how many inputs failed.

    Raises:
        InputError: `out` cannot be written, `regions` is not such a file, or two of a film, `regions` and `max_side`
            are given together.
    """
    if isinstance(paths, str | Path):
        paths = [paths]
    if max_side is not None and (not isinstance(max_side, int) or max_side < 1):
        raise InputError("max_side", f"{max_side!r} is not a positive whole number")
    if max_side and regions is not None:
        raise InputError("max_side", "regions are in pixels of the photographs, which cannot be shrunk then")
    paths = list(paths)
    films = [Path(path) for path in paths if is_film(path)]
    if films and (max_side or regions is not None):
        given = "max_side" if max_side else "regions"
        raise InputError(films[0], f"{given} is for photographs: give films in a call of their own")
    predictor = predictor or SaliencyPredictor()
    endings = (MAP_ENDING, OVERLAY_ENDING)[: 1 + overlay]
    table = None if regions is None else AttentionTable(regions)
    inputs = predictor.files if table is None else [*predictor.files, table.regions.path]
    with made_folder(out) as folder:

        def describe_films(path: Path) -> str:
            # A phone has a short film beside each photograph, and films take long: those in folders are not taken.
            there = any(map(is_film, path.glob("**/*" if recursive else "*")))
            return "; its films are predicted if they are given by name" if there else ""

        others = [path for path in paths if not is_film(path)]
        photographs, unusable = collect_photographs(others, folder, recursive, report, is_result, describe_films)
        if table:
            table.check([path for path, _ in photographs], inputs, folder, report)
        predict = spread(predictor, len(photographs))
        predicted, failed = process_photographs(
            photographs,
            lambda photograph: [folder / f"{photograph.base}{ending}" for ending in endings],
            lambda path, results: predict_file(path, results, predict, table, max_side),
            [*inputs, *films],
            report,
            "predict",
        )
        if table:
            table.write(folder, [row for row in predicted if row])
        taken = [*inputs, *(path for path, _ in photographs)]
        settings = film or FilmSettings(overlay=overlay, maps=not overlay)
        shown, spoiled = write_films(films, folder, spread(predictor, len(films) * 2), settings, taken, report)
    return len(predicted) + shown, unusable + failed + spoiled


def predict_video(
    path: str | Path,
    predictor: SaliencyPredictor | None = None,
    every: int = 1,
    start: float = 0.0,
    stop: float | None = None,
    smooth: float = 0.0,
    report: Callable[[InputError], None] = report,
) -> Iterator[tuple[float, np.ndarray]]:
    """Predict the frames of a film, in order. It needs the extra `video`.

    The film is opened when the first frame is asked for.

    Args:
        path: the film.
        predictor: the model; None for the bundled one.
        every: take every Nth frame only.
        start: first second of the film that is taken.
        stop: the second before which to end; None for the film's end.
        smooth: average the maps over about so many seconds, beginning anew at cuts; 0 for maps as they are.
        report: called with a remark if the film is damaged, or has a high dynamic range. The default prints it on
            stderr.

    Yields:
        The second of the film at which a frame is shown, which never goes back, and its map, float32 (H, W) in [0, 1].

    Raises:
        InputError: the file is no film or has no frame that can be decoded, its frames are too large for the limit of
            memory, the extra is not installed, or a number makes no sense.
    """
    settings = FilmSettings(every, start, stop, smooth)
    predict = spread(predictor or SaliencyPredictor(), 2)
    pairs = predict_film(Path(path), predict, settings, report)
    return ((frame.time, saliency) for frame, saliency in pairs)


def spread(predictor: SaliencyPredictor, count: int) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function that predicts photographs as `predictor` does, to be called in `count` threads."""
    own = divide(predictor, count)
    return lambda image: own()(image)


def divide(predictor: SaliencyPredictor, count: int) -> Callable[[], SaliencyPredictor]:
    """Return a function that gives each of `count` threads its predictor.

    Of a LiteRT or ONNX file each thread gets an interpreter on one core: together they are faster than one on all
    cores. In models of other kinds the threads take turns.
    """
    path = predictor.path
    if count < 2 or path is None or path.suffix.lower() not in PER_THREAD:
        return lambda: predictor
    own = threading.local()

    def find_own() -> SaliencyPredictor:
        if not hasattr(own, "predictor"):
            own.predictor = SaliencyPredictor(path, threads=1, trusted=True)
            own.predictor.name = predictor.name
        return own.predictor

    return find_own


def predict_file(
    path: Path,
    results: list[Path],
    predict: Callable[[np.ndarray], np.ndarray],
    table: AttentionTable | None = None,
    max_side: int | None = None,
) -> Row | None:
    """Write the map of a photograph, and the overlay if there is a second path of a result: both or none.

    Returns:
        Its row of the table, if there is one.
    """
    with contextlib.ExitStack() as memory:
        image = images.read_image(path, memory, max_side)
        regions = table.regions.find(path, image.shape[:2]) if table else []
        saliency = predict(image)
        row = table.measure(path, saliency, regions) if table else None
        levels = images.to_levels(saliency)
        if len(results) > 1:
            visualization.overlay(image, saliency, out=image)
            if row:
                visualization.draw_regions(
                    image, {share.label: region.corners for share, region in zip(row.shares, regions, strict=True)}
                )
        # Encoding takes as much memory again.
        del saliency
        with atomic_path(results[0]) as scratch:
            scratch.write_bytes(images.encode_png(levels))
            if len(results) > 1:
                images.write_image(results[1], image)
    return row


def is_result(path: Path, exists: Callable[[Path], bool] = is_file) -> bool:
    """Return whether a file in the output folder is called like a result; an overlay is one only beside its map."""
    name = path.name
    beside = path.with_name(f"{name.removesuffix(OVERLAY_ENDING)}{MAP_ENDING}")
    return name.endswith(MAP_ENDING) or (name.endswith(OVERLAY_ENDING) and exists(beside))
