"""Export: a generator in, files out, none of them before it has been held against the generator."""

import importlib.util
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from salgan_tf import images
from salgan_tf.data import folder
from salgan_tf.errors import InputError
from salgan_tf.exporting import calibration, latency, litert, parity
from salgan_tf.exporting.generator import load_for_export
from salgan_tf.exporting.litert_file import Contents, read_contents
from salgan_tf.exporting.report import Report, write_report
from salgan_tf.files import make_folder
from salgan_tf.inference import SaliencyPredictor
from salgan_tf.metrics import maps, points
from salgan_tf.native import quiet_stderr

FORMATS = (*litert.PRECISIONS, "onnx", "tensorrt")
# Those whose activations are rounded, by what was seen of them.
CALIBRATED = ("int8", "tensorrt")
_OF_ONNX = frozenset(("onnx", "tensorrt"))
_ENDINGS = {"onnx": ".onnx", "tensorrt": "_int8_qdq.onnx"} | {
    precision: f"_{precision}.tflite" for precision in litert.PRECISIONS
}
_CHECK_PICTURES = 32
# Apart from those that are calibrated with.
_CHECK_SEED = 1


@dataclass(frozen=True)
class Settings:
    """What to export, and how.

    Attributes:
        model: as `load_for_export` takes it.
        formats: of `FORMATS`.
        size: (height, width), or None for the model's own.
        calibration: folder of pictures to calibrate int8 with, or None for generated ones.
        data: data set to measure the files on, or None.
        split: of `data`.
        dynamic_batch: let ONNX take any batch.
        force: write a file that is not the model, too.
    """

    model: str | Path
    formats: Sequence[str]
    size: tuple[int, int] | None = None
    calibration: Path | None = None
    data: Path | None = None
    split: str = "val"
    dynamic_batch: bool = False
    force: bool = False


def export(
    settings: Settings, out: str | Path, say: Callable[[str], None] = lambda line: None
) -> tuple[list[Path], list[InputError]]:
    """Write a generator in several formats, each with a report beside it (`NAME.report.{json,md,png}`).

    Args:
        settings: what and how.
        out: folder of the files.
        say: called with a line of progress.

    Returns:
        The files that were written, and for each that was refused which check it failed.

    Raises:
        InputError: no such model, pictures or data; a folder that cannot be written.
    """
    if _OF_ONNX.intersection(settings.formats):
        _require_onnx()
    generator = load_for_export(settings.model, settings.size)
    shape = generator.input_shape[1:3]
    name = f"{generator.name}_{shape[0]}x{shape[1]}"
    examples = folder.index_folder(settings.data, settings.split) if settings.data else []
    pictures, origin = _calibration_pictures(settings, shape)
    checks, checks_origin = _check_pictures(settings, shape, examples)
    expected = parity.run_generator(generator, checks)
    # Of the weights too: a ReLU6 may hide a NaN of theirs in one library and not in another.
    if not all(np.isfinite(values).all() for values in (expected, *generator.get_weights())):
        raise InputError(settings.model, "has weights or gives values that are not finite numbers")
    out = make_folder(out)
    written, refused = [], []
    try:
        with tempfile.TemporaryDirectory(prefix=".partial-", dir=out) as scratch:
            files, found = {}, {}
            for format in settings.formats:
                started = time.perf_counter()
                path = Path(scratch) / f"{name}{_ENDINGS[format]}"
                _convert(generator, format, path, pictures, settings)
                found[format] = parity.compare(expected, SaliencyPredictor(path), checks, parity.LIMITS[format])
                say(f"{path.name}: {time.perf_counter() - started:.0f} s, {_summary(found[format])}")
                if (failures := found[format].failures()) and not settings.force:
                    refused.append(InputError(path.name, f"not the model, and not written: {'; '.join(failures)}"))
                else:
                    files[format] = path
            milliseconds = _measure_latency(generator, files, Path(scratch), checks[0], settings)
            metrics = _measure_metrics(generator, files, examples, settings, Path(scratch))
            for format, path in files.items():
                report = Report(
                    file=path.name,
                    format=format,
                    model=str(settings.model),
                    image_shape=shape,
                    size=path.stat().st_size,
                    contents=_read_contents(path),
                    calibration=origin if format in CALIBRATED else None,
                    checked_with=checks_origin,
                    parity=found[format],
                    latency={threads: _ratio(times, format) for threads, times in milliseconds.items()},
                    metrics={
                        row: metrics[row] for row in ("keras", format, f"{format} of photographs") if row in metrics
                    },
                )
                worst = found[format].worst
                network = SaliencyPredictor(path).run_network(checks[worst])
                beside = write_report(report, path.with_suffix(""), checks[worst], expected[worst], network)
                # All four or, where one cannot be written, none.
                for one in (*beside, path):
                    one.replace(out / one.name)
                written.append(out / path.name)
    except OSError as error:
        raise InputError(out, f"cannot be written: {error.strerror or error}") from error
    return written, refused


def _convert(generator: keras.Model, format: str, path: Path, pictures: np.ndarray | None, settings: Settings) -> None:
    try:
        # Converters write pages about themselves to stderr.
        with quiet_stderr():
            if format == "onnx":
                from salgan_tf.exporting import onnx

                onnx.convert(generator, path, settings.dynamic_batch)
            elif format == "tensorrt":
                from salgan_tf.exporting import tensorrt

                tensorrt.convert(generator, path, pictures)
            else:
                litert.convert(generator, format, path, pictures)
    except tf.errors.OpError as error:
        # Keras' way to LiteRT goes through the system's folder for temporary files, which may be full.
        cause = f"cannot be converted, by way of {tempfile.gettempdir()}: {error.message}"
        raise InputError(path.name, cause) from error


def _require_onnx() -> None:
    # An extra of the package: most export to LiteRT alone.
    missing = [name for name in ("onnx", "onnxruntime", "tf2onnx") if importlib.util.find_spec(name) is None]
    if missing:
        raise InputError("--onnx and --tensorrt", f"need {', '.join(missing)}: pip install 'salgan_tf[onnx]'")


def _read_contents(path: Path) -> Contents:
    if path.suffix == ".tflite":
        return read_contents(path)
    from salgan_tf.exporting import onnx

    return onnx.read_contents(path)


def _calibration_pictures(settings: Settings, shape: tuple[int, int]) -> tuple[np.ndarray, str]:
    if settings.calibration:
        pictures = calibration.read_pictures(settings.calibration, shape)
        return pictures, f"{len(pictures)} pictures of {settings.calibration}"
    return calibration.dead_leaves(shape), f"{calibration.COUNT} generated pictures (dead leaves), no photographs"


def _check_pictures(
    settings: Settings, shape: tuple[int, int], examples: list[folder.Example]
) -> tuple[np.ndarray, str]:
    if examples:
        chosen = np.unique(np.linspace(0, len(examples) - 1, _CHECK_PICTURES).astype(int))
        pictures = [images.resize_area(images.read_image(examples[index].image), shape) for index in chosen]
        return np.stack(pictures), f"{len(pictures)} photographs of {settings.data}, {settings.split}"
    if settings.calibration:
        pictures = calibration.read_pictures(settings.calibration, shape, _CHECK_PICTURES, _CHECK_SEED)
        return pictures, f"{len(pictures)} pictures of {settings.calibration}"
    pictures = calibration.dead_leaves(shape, _CHECK_PICTURES, _CHECK_SEED)
    return pictures, f"{_CHECK_PICTURES} other generated pictures (dead leaves)"


def _summary(found: parity.Parity) -> str:
    return f"CC to Keras {found.mean_cc:.4f}, worst {found.worst_cc:.4f}, largest difference {found.difference:.1e}"


def _measure_latency(
    generator: keras.Model, files: dict[str, Path], scratch: Path, picture: np.ndarray, settings: Settings
) -> dict[str, dict[str, float]]:
    """Time the files beside float32 LiteRT. Of a Q/DQ file the time on a CPU says nothing of TensorRT."""
    timed = {format: path for format, path in files.items() if format != "tensorrt"}
    if timed and "float32" not in timed:
        timed["float32"] = scratch / "reference.tflite"
        _convert(generator, "float32", timed["float32"], None, settings)
    return latency.measure(timed, picture) if timed else {}


def _ratio(times: dict[str, float], format: str) -> dict[str, float] | None:
    if format not in times:
        return None
    return {"milliseconds": times[format], "times as fast as float32": times["float32"] / times[format]}


def _measure_metrics(
    generator: keras.Model,
    files: dict[str, Path],
    examples: list[folder.Example],
    settings: Settings,
    scratch: Path,
) -> dict[str, dict[str, float]]:
    """Measure the generator and its files on recorded fixations: mean NSS, CC, SIM and KL, by format.

    Where int8 was calibrated with generated pictures, it is also calibrated with photographs of the split train, to
    tell what that costs.
    """
    if not examples or not files:
        return {}
    contenders = {"keras": SaliencyPredictor(generator)} | {
        format: SaliencyPredictor(path) for format, path in files.items()
    }
    if "int8" in files and not settings.calibration and "train" in folder.find_splits(settings.data):
        training = [example.image for example in folder.index_folder(settings.data, "train")]
        photographs = calibration.read_chosen(training, generator.input_shape[1:3])
        _convert(generator, "int8", scratch / "photographs.tflite", photographs, settings)
        contenders["int8 of photographs"] = SaliencyPredictor(scratch / "photographs.tflite")
    rows = {name: [] for name in contenders}
    for example in tqdm(examples, desc="measure", unit="picture", disable=None):
        sample = folder.read_example(example)
        if sample.gaze is None or not len(sample.gaze.points):
            continue
        for name, predictor in contenders.items():
            saliency = predictor(sample.image)
            density = [metric(saliency, sample.saliency) for metric in (maps.cc, maps.sim, maps.kl_divergence)]
            rows[name].append([points.nss(saliency, sample.gaze.points), *density])
    return {
        name: dict(zip(("nss", "cc", "sim", "kl"), np.mean(values, axis=0).tolist(), strict=True))
        | {"images": len(values)}
        for name, values in rows.items()
        if values
    }
