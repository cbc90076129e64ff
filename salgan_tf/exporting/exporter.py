"""Export a generator as files. No file is written before its maps have been compared with the generator's."""

import re
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from salgan_tf import extras, images
from salgan_tf.data import folder
from salgan_tf.errors import InputError, InputErrors, first_line, report
from salgan_tf.exporting import accuracy, latency
from salgan_tf.exporting.calibration import choose_pictures, read_chosen
from salgan_tf.exporting.format import Format
from salgan_tf.exporting.formats import FORMATS
from salgan_tf.exporting.generator import load_for_export
from salgan_tf.exporting.parity import Parity, compare, run_generator
from salgan_tf.exporting.processor import describe_processor
from salgan_tf.exporting.report import Report, report_files, write_report
from salgan_tf.files import check_outputs, make_folder
from salgan_tf.inference import SaliencyPredictor
from salgan_tf.limits import check_memory
from salgan_tf.native import quiet_stderr
from salgan_tf.runtimes.network import find_largest
from salgan_tf.weights import list_files

_CHECKS = 32
# Other pictures than those of the calibration.
_CHECK_SEED = 1
# Memory that the largest layer takes, as a multiple of what it gives: once in Keras, and the rest in a runtime beside
# it. Measured where LiteRT resizes, which it does by pointers to four pixels for each one.
_COPIES = 5
# How TensorFlow's and ONNX' converters, in texts of up to a hundred lines, name an operation that a format lacks.
_LACKING = re.compile(r"(?:'tf\.(?=\w+' op is neither)|No Op registered for )(\w+)")


class _File(NamedTuple):
    """A file that is to be written."""

    format: Format
    path: Path
    parity: Parity


def export(
    model: str | Path | keras.Model,
    out: str | Path,
    formats: str | Sequence[str] = ("int8",),
    *,
    size: tuple[int, int] | None = None,
    calibration: str | Path | None = None,
    data: str | Path | None = None,
    split: str = "val",
    dynamic_batch: bool = False,
    force: bool = False,
    log: Callable[[str], None] = lambda line: None,
) -> list[Path]:
    """Export a generator in several formats, each file with a report beside it (`NAME.report.json`, `.md`, `.png`).

    Every file is run on 32 pictures. A file whose maps are not the generator's is refused, and so is a format that
    lacks an operation of the generator; the others are written.

    Args:
        model: `"edge"`, the bundled model; a `.keras` file or a run folder of `train`; or a generator or SalGAN in
            memory.
        out: folder of the files, made if needed.
        formats: names of `salgan_tf.exporting.formats`: `"int8"`, `"float16"`, `"dynamic"`, `"float32"`, `"onnx"` or
            `"tensorrt"`; or a single name.
        size: (height, width) of the exported network; None for the model's own.
        calibration: folder of photographs to calibrate int8 with; None for generated pictures.
        data: data set with fixations to measure the files on; None to measure nothing.
        split: the part of `data` to measure on.
        dynamic_batch: let a file take any batch, in the formats that can (`"onnx"`).
        force: write also files that are not the model; their reports say so.
        log: called with each line of progress.

    Returns:
        The files.

    Raises:
        ValueError: a format is unknown, or none is given.
        TypeError: `model` is neither a name, a path nor a Keras model.
        InputError: there is no such model, picture or data, an extra is missing, a layer is too large, or a file in
            `out` cannot be written or is an input; or a file was refused (InputErrors for several), which is raised
            after the others have been written.
    """
    chosen = [_find_format(name) for name in dict.fromkeys([formats] if isinstance(formats, str) else formats)]
    if not chosen:
        raise ValueError(f"formats: none is given; expected some of {', '.join(map(repr, FORMATS))}")
    generator = load_for_export(model, size)
    model_name = str(model) if isinstance(model, str | Path) else f"{generator.name}, in memory"
    check_memory(model_name, _COPIES * find_largest(generator))
    shape = generator.input_shape[1:3]
    examples = folder.index_folder(data, split) if data else []
    out = Path(out)
    paths = [out / f"{generator.name}_{shape[0]}x{shape[1]}{format.ending}" for format in chosen]
    beside = [path for each in paths for path in report_files(each.with_suffix(""))]
    photographs = images.find_pictures(calibration, report) if calibration else []
    read = list_files(model) if isinstance(model, str | Path) else []
    check_outputs([*paths, *beside], [*photographs, *folder.list_files(examples), *read])
    pictures, calibrated_with = choose_pictures(calibration, shape)
    if data:
        checks = _read_spread(examples, shape)
        checked_with = f"{len(checks)} photographs of {data}, {split}"
    else:
        checks, checked_with = choose_pictures(calibration, shape, _CHECKS, _CHECK_SEED)
    try:
        expected = run_generator(generator, checks)
    except MemoryError:
        raise
    except Exception as error:  # A layer may raise anything.
        raise InputError(model_name, f"the model cannot be run: {first_line(error)}") from error
    # The weights are checked too: a ReLU6 may hide their NaN in one library and not in another.
    if not all(np.isfinite(values).all() for values in (expected, *generator.get_weights())):
        raise InputError(model_name, "has weights or gives values that are not finite numbers")
    make_folder(out)
    written: list[Path] = []
    refused: list[InputError] = []
    try:
        with tempfile.TemporaryDirectory(prefix=".partial-", dir=out) as name:
            scratch = Path(name)
            files: list[_File] = []
            for format, path in zip(chosen, [scratch / path.name for path in paths], strict=True):
                started = time.perf_counter()
                try:
                    convert(generator, format, path, pictures, dynamic_batch)
                    parity = compare(expected, SaliencyPredictor(path, trusted=True), checks, format.limits)
                except InputError as error:
                    refused.append(InputError(path.name, error.cause))
                    continue
                figures = f"CC to Keras {parity.mean_cc:.4f}, worst {parity.worst_cc:.4f}"
                seconds = time.perf_counter() - started
                log(f"{path.name}: {seconds:.0f} s, {figures}, largest difference {parity.difference:.1e}")
                if (failures := parity.failures()) and not force:
                    refused.append(InputError(path.name, f"not the model, and not written: {'; '.join(failures)}"))
                else:
                    files.append(_File(format, path, parity))
            try:
                latencies = _measure_latency(generator, files, pictures, scratch)
            except InputError as error:
                latencies = {}
                log(f"no latencies, which are measured beside float32: {error.cause}")
            metrics = _measure_accuracy(generator, files, examples, None if calibration else data, scratch)
            for format, path, parity in files:
                summary = Report(
                    file=path.name,
                    format=format.name,
                    model=model_name,
                    image_shape=shape,
                    size=path.stat().st_size,
                    contents=format.read_contents(path),
                    calibration=calibrated_with if format.calibrated else None,
                    checked_with=checked_with,
                    parity=parity,
                    latency=latencies.get(format.name, {}),
                    processor=describe_processor(),
                    metrics={row: metrics[row] for row in metrics if row.split(",")[0] in ("keras", format.name)},
                )
                found = SaliencyPredictor(path, trusted=True).run_network(checks[parity.worst])
                stem = path.with_suffix("")
                reports = write_report(summary, stem, checks[parity.worst], expected[parity.worst], found)
                # All four files or, where one cannot be written, none.
                for finished in (*reports, path):
                    finished.replace(out / finished.name)
                written.append(out / path.name)
                log(f"{written[-1]} ({summary.size / 1e6:.2f} MB), see {path.stem}.report.md")
    except OSError as error:
        raise InputError(out, f"cannot be written: {error.strerror or error}") from error
    if refused:
        raise refused[0] if len(refused) == 1 else InputErrors(out, refused, len(chosen))
    return written


def _find_format(name: str) -> Format:
    if name not in FORMATS:
        raise ValueError(f"unknown format {name!r}; expected {', '.join(map(repr, FORMATS))}")
    format = FORMATS[name]
    if format.extra:
        extras.require(f"the format {name}", format.extra)
    return format


def convert(generator: keras.Model, format: Format, path: Path, pictures: np.ndarray, any_batch: bool = False) -> None:
    """Write a generator in a format, and keep what the converter prints to itself.

    Raises:
        InputError: the format lacks an operation of the generator, or the converter fails; it names the file.
    """
    write = format.convert_any_batch if any_batch and format.convert_any_batch else format.convert
    try:
        # Converters write pages about themselves to stderr.
        with quiet_stderr():
            write(generator, path, pictures)
    except tf.errors.OpError as error:
        # Keras converts by way of the system's folder for temporary files, which may be full.
        cause = f"cannot be converted, by way of {tempfile.gettempdir()}: {first_line(error)}"
        raise InputError(path.name, cause) from error
    except (OSError, MemoryError):
        raise
    except Exception as error:  # Each converter raises classes of its own.
        lacking = ", ".join(dict.fromkeys(_LACKING.findall(str(error))))
        cause = f"has no operation {lacking}, which the model needs" if lacking else f"fails: {first_line(error)}"
        raise InputError(path.name, f"cannot be converted, the format {format.name} {cause}") from error


def _read_spread(examples: list[folder.Example], shape: tuple[int, int]) -> np.ndarray:
    """Read photographs from the whole of a split, uint8 (N, *shape, 3)."""
    chosen = np.unique(np.linspace(0, len(examples) - 1, _CHECKS).astype(int))
    return np.stack([images.resize_area(images.read_image(examples[index].image), shape) for index in chosen])


def _measure_latency(
    generator: keras.Model, files: list[_File], pictures: np.ndarray, scratch: Path
) -> dict[str, dict[str, dict[str, float]]]:
    """Measure the latency of files by format, beside float32, which is converted for this purpose if necessary."""
    paths = {file.format.name: file.path for file in files if file.format.timed}
    if paths and "float32" not in paths:
        paths["float32"] = scratch / "reference.tflite"
        convert(generator, FORMATS["float32"], paths["float32"], pictures)
    return latency.measure(paths, pictures[0]) if paths else {}


def _measure_accuracy(
    generator: keras.Model,
    files: list[_File],
    examples: list[folder.Example],
    training_data: str | Path | None,
    scratch: Path,
) -> dict[str, dict[str, float]]:
    """Measure the generator and its files on recorded fixations.

    Beside each calibrated file its twin is measured that is calibrated with photographs of the split train, if
    `training_data` has it.
    """
    if not examples or not files:
        return {}
    predictors = {"keras": SaliencyPredictor(generator)}
    predictors |= {file.format.name: SaliencyPredictor(file.path, trusted=True) for file in files}
    calibrated = [file.format for file in files if file.format.calibrated]
    if calibrated and training_data and "train" in folder.find_splits(training_data):
        training = [example.image for example in folder.index_folder(training_data, "train")]
        photographs = read_chosen(training, generator.input_shape[1:3])
        for format in calibrated:
            twin = scratch / f"photographs{format.ending}"
            convert(generator, format, twin, photographs)
            predictors[f"{format.name}, calibrated with photographs"] = SaliencyPredictor(twin, trusted=True)
    return accuracy.measure(predictors, examples)
