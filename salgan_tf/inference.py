"""From photographs to saliency maps: one call in front of a LiteRT, ONNX or Keras generator, and whole folders."""

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from tqdm import tqdm

from salgan_tf import images, visualization
from salgan_tf.errors import InputError
from salgan_tf.files import is_file, is_folder, make_folder
from salgan_tf.native import import_tensorflow, quiet_stderr

if TYPE_CHECKING:
    import keras

EDGE_MODEL = Path(__file__).parent / "weights" / "salgan_mobilenet_v2_int8.tflite"
# Of a run folder: the generators that a training leaves, the better one first.
_RUN_GENERATORS = ("adversarial.keras", "content.keras")
_MODELS = "edge, a .tflite, .onnx or .keras file, or a run folder"
# What is below half a level of an 8-bit output is stored as level 0. Read as 0 it would be a place where nobody ever
# looks, which costs KL and information gain much; a quarter of a level is the middle of what it may have been.
_LEVEL_ZERO = 0.25
MAP_ENDING, OVERLAY_ENDING = "_saliency.png", "_overlay.jpg"


class SaliencyPredictor:
    """Predicts where people look in a photograph.

    Args:
        model: `"edge"`, the bundled MobileNetV2 generator; a `.tflite` or `.onnx` file; a `.keras` file of a generator
            or SalGAN; a run folder of `train`; or a Keras generator or SalGAN. Only the last three import TensorFlow.
        threads: of a LiteRT or ONNX model; by default one a core.

    Attributes:
        image_shape: (height, width) at which the model sees the photograph.

    Raises:
        InputError: the file is missing, damaged, or holds no generator.
    """

    def __init__(self, model: "str | Path | keras.Model" = "edge", threads: int | None = None):
        self._name = model if isinstance(model, str | Path) else model.name
        if isinstance(model, str | Path):
            self._run, self.image_shape = _load(Path(EDGE_MODEL if model == "edge" else model), threads)
        else:
            self._run, self.image_shape = _wrap_keras(getattr(model, "generator", model))

    def __call__(self, image: np.ndarray | str | Path) -> np.ndarray:
        """Predict one photograph.

        The post-processing is the released code's: by area to the model's size, cubic interpolation back, a 5x5
        Gaussian blur; here in floats to the end.

        Args:
            image: uint8 (H, W, 3), RGB; or the photograph's file. For folders there is `predict_files`.

        Returns:
            float32 (H, W) in [0, 1], proportional to the density of fixations.

        Raises:
            ValueError: `image` is no such array.
            InputError: the file is no photograph, or the model gives values that are not finite.
        """
        if isinstance(image, str | Path):
            image = images.read_image(image)
        if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            found = f"{image.dtype} {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__
            raise ValueError(f"image: a uint8 array (H, W, 3) in RGB is wanted, not {found}")
        saliency = images.resize_cubic(self.run_network(images.resize_area(image, self.image_shape)), image.shape[:2])
        return np.clip(cv2.GaussianBlur(saliency, (5, 5), 0), 0, 1)

    def run_network(self, image: np.ndarray) -> np.ndarray:
        """Run the network alone: uint8 (*image_shape, 3) in, float32 (*image_shape) out, nothing done to either.

        Raises:
            InputError: the model gives values that are not finite.
        """
        saliency = self._run(image)
        if not np.isfinite(saliency).all():
            raise InputError(self._name, "the model gives values that are not finite numbers")
        return saliency


def find_model(path: Path, choices: str = _MODELS) -> Path:
    """Find the file of a model: itself, or the better generator of a run folder; `choices` is said if there is none.

    Raises:
        InputError: there is none.
    """
    if is_folder(path):
        found = [path / name for name in _RUN_GENERATORS if (path / name).is_file()]
        if not found:
            raise InputError(
                path, f"no run folder with a trained generator: neither {' nor '.join(_RUN_GENERATORS)} in it"
            )
        return found[0]
    if not is_file(path):
        raise InputError(path, f"no such model: give {choices}")
    return path


def _load(path: Path, threads: int | None) -> tuple[Callable, tuple[int, int]]:
    path = find_model(path)
    if path.suffix == ".tflite":
        return _load_litert(path, threads)
    if path.suffix == ".onnx":
        return _load_onnx(path, threads)
    if path.suffix == ".keras":
        # Keras and TensorFlow take seconds to import, and the default model needs neither.
        import_tensorflow()
        from salgan_tf.models.pretrained import load_generator

        return _wrap_keras(load_generator(path))
    raise InputError(path, f"not a model: give {_MODELS}")


def _wrap_keras(generator: "keras.Model") -> tuple[Callable, tuple[int, int]]:
    def run(image: np.ndarray) -> np.ndarray:
        return np.asarray(generator.predict_on_batch(image[None].astype(np.float32)), np.float32)[0, ..., 0]

    return run, tuple(generator.input_shape[1:3])


def _load_litert(path: Path, threads: int | None) -> tuple[Callable, tuple[int, int]]:
    from ai_edge_litert.interpreter import Interpreter

    try:
        with quiet_stderr():
            interpreter = Interpreter(model_path=str(path), num_threads=threads or os.cpu_count())
            interpreter.allocate_tensors()
        (entry,), (exit_,) = interpreter.get_input_details(), interpreter.get_output_details()
    except (ValueError, RuntimeError) as error:
        raise InputError(path, f"not a LiteRT model that can be run: {error}") from error
    if len(entry["shape"]) != 4 or entry["shape"][3] != 3 or (*exit_["shape"],) != (*entry["shape"][:3], 1):
        raise InputError(path, f"no generator: it maps {(*entry['shape'],)} to {(*exit_['shape'],)}")
    if entry["dtype"] not in (np.float32, np.uint8):
        raise InputError(path, f"takes {np.dtype(entry['dtype']).name}, and a plain picture is float32 or uint8")
    scale, zero_point = exit_["quantization"]
    # What each level of a uint8 output is.
    values = (np.maximum(np.arange(256) - zero_point, _LEVEL_ZERO) * scale).astype(np.float32)

    def run(image: np.ndarray) -> np.ndarray:
        interpreter.set_tensor(entry["index"], image[None].astype(entry["dtype"], copy=False))
        interpreter.invoke()
        saliency = interpreter.get_tensor(exit_["index"])[0, ..., 0]
        return values[saliency] if saliency.dtype == np.uint8 else saliency

    return run, tuple(int(side) for side in entry["shape"][1:3])


def _load_onnx(path: Path, threads: int | None) -> tuple[Callable, tuple[int, int]]:
    try:
        import onnxruntime
    except ImportError as error:
        raise InputError(path, "ONNX files need onnxruntime: pip install 'salgan_tf[onnx]'") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or os.cpu_count()
    options.log_severity_level = 4
    # Threads that spin after a run would take the cores from whatever runs next.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        (entry,), (exit_,) = session.get_inputs(), session.get_outputs()
    except Exception as error:  # onnxruntime raises a class of its own for each kind of failure.
        raise InputError(path, f"not an ONNX model that can be run: {error}") from error
    if len(entry.shape) != 4 or entry.shape[3] != 3 or exit_.shape[1:] != [*entry.shape[1:3], 1]:
        raise InputError(path, f"no generator: it maps {entry.shape} to {exit_.shape}")
    if not all(isinstance(side, int) for side in entry.shape[1:3]):
        raise InputError(path, "takes pictures of any size; export it at one, such as 192x256")
    if entry.type != "tensor(float)":
        raise InputError(path, f"takes {entry.type}, and a plain picture is tensor(float)")

    def run(image: np.ndarray) -> np.ndarray:
        return session.run(None, {entry.name: image[None].astype(np.float32)})[0][0, ..., 0]

    return run, tuple(entry.shape[1:3])


def predict_files(
    paths: Iterable[str | Path],
    out: str | Path,
    predictor: SaliencyPredictor,
    overlay: bool = True,
    report: Callable[[InputError], None] = lambda error: None,
) -> tuple[int, int]:
    """Write `NAME_saliency.png` (8-bit grey, see `images.to_levels`) and `NAME_overlay.jpg` of photographs and folders.

    Args:
        paths: photographs, and folders whose photographs are taken (not their subfolders').
        out: folder of the results, made if needed.
        predictor: what predicts.
        overlay: write the overlay too.
        report: called with the error of each input that cannot be used; the others go on.

    Returns:
        How many were predicted, and how many failed.

    Raises:
        InputError: `out` cannot be written.
    """
    out = make_folder(out)
    photographs, errors = _collect(paths, out)
    for error in errors:
        report(error)
    done, failed = 0, len(errors)
    written: dict[str, Path] = {}
    # A bar for a single photograph would be noise.
    for path in tqdm(photographs, desc="predict", unit="picture", disable=True if len(photographs) < 2 else None):
        try:
            if path.stem in written:
                cause = f"its map would overwrite that of {written[path.stem]}: rename one, or use another folder"
                raise InputError(path, cause)
            image = images.read_image(path)
            saliency = predictor(image)
            images.write_image(out / f"{path.stem}{MAP_ENDING}", images.to_levels(saliency))
            if overlay:
                images.write_image(out / f"{path.stem}{OVERLAY_ENDING}", visualization.overlay(image, saliency))
            written[path.stem] = path
            done += 1
        except InputError as error:
            failed += 1
            report(error)
    return done, failed


def _collect(paths: Iterable[str | Path], out: Path) -> tuple[list[Path], list[InputError]]:
    """List the photographs of paths, each once, and what is wrong with the paths that give none."""
    photographs, errors = [], []
    for path in map(Path, paths):
        if not is_folder(path):
            photographs.append(path)
            continue
        try:
            found = images.find_pictures(path)
            if path.resolve() == out.resolve():
                found = [one for one in found if not one.name.endswith((MAP_ENDING, OVERLAY_ENDING))]
            if not found:
                raise InputError(path, "no pictures in this folder")
            photographs += found
        except InputError as error:
            errors.append(error)
    # By where they really are: the same photograph may be named in two ways.
    return list({os.path.realpath(path): path for path in reversed(photographs)}.values())[::-1], errors
