"""From photographs to saliency maps: one call for every kind of model, and whole folders."""

import os
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from tqdm import tqdm

from salgan_tf import images, visualization
from salgan_tf.errors import InputError, report
from salgan_tf.files import is_folder, make_folder
from salgan_tf.runtimes import open_network
from salgan_tf.weights import find_model

if TYPE_CHECKING:
    import keras

MAP_ENDING, OVERLAY_ENDING = "_saliency.png", "_overlay.jpg"


class SaliencyPredictor:
    """Predicts where people look in a photograph.

    Calls from several threads are safe; they take turns, since a model holds one image at a time.

    Args:
        model: `"edge"`, the bundled MobileNetV2 generator; a `.tflite`, `.onnx` or `.engine` file; a `.keras` file of a
            generator or SalGAN; a run folder of `train`; or a Keras generator or SalGAN. Only the last three import
            TensorFlow.
        threads: number of threads of a LiteRT or ONNX model; None for one per core.

    Attributes:
        image_shape: (height, width) at which the model sees the photograph.

    Raises:
        InputError: the file is missing, damaged or not a generator, or its runtime is not installed.
    """

    def __init__(self, model: "str | Path | keras.Model" = "edge", threads: int | None = None):
        if isinstance(model, str | Path):
            self._name = str(model)
            network = open_network(find_model(model), threads)
        else:
            from salgan_tf.runtimes.keras import wrap_generator

            self._name = model.name
            network = wrap_generator(getattr(model, "generator", model))
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
        if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            found = f"{image.dtype} {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__
            raise ValueError(f"image: expected a uint8 array (H, W, 3) in RGB, not {found}")
        saliency = images.resize_cubic(self.run_network(images.resize_area(image, self.image_shape)), image.shape[:2])
        return np.clip(cv2.GaussianBlur(saliency, (5, 5), 0), 0, 1)

    def run_network(self, image: np.ndarray) -> np.ndarray:
        """Run the network alone: uint8 (*image_shape, 3) in, float32 (*image_shape) out, with no processing of either.

        Raises:
            InputError: the model gives values that are not finite.
        """
        with self._lock:
            saliency = self._run(image)
        if not np.isfinite(saliency).all():
            raise InputError(self._name, "the model gives values that are not finite numbers")
        return saliency


def predict_files(
    paths: Iterable[str | Path],
    out: str | Path,
    predictor: SaliencyPredictor | None = None,
    overlay: bool = True,
    report: Callable[[InputError], None] = report,
) -> tuple[int, int]:
    """Write `NAME_saliency.png` (8-bit grey, see `images.to_levels`) and `NAME_overlay.jpg` of photographs and folders.

    Args:
        paths: photographs, and folders of photographs (without their subfolders).
        out: folder of the results, made if needed.
        predictor: the model; None for the bundled one.
        overlay: write the overlays too.
        report: called with the error of each input that cannot be used, while the others continue. The default prints
            it on stderr.

    Returns:
        How many photographs were predicted, and how many inputs failed.

    Raises:
        InputError: `out` cannot be written.
    """
    predictor = predictor or SaliencyPredictor()
    out = make_folder(out)
    photographs, errors = _collect(paths, out)
    for error in errors:
        report(error)
    failed = len(errors)
    # By stem, the photograph whose results are there.
    written: dict[str, Path] = {}
    # A progress bar for a single photograph would be noise.
    for path in tqdm(photographs, desc="predict", unit="picture", disable=True if len(photographs) < 2 else None):
        try:
            if path.stem in written:
                cause = f"its results would overwrite those of {written[path.stem]}: rename one, or use another folder"
                raise InputError(path, cause)
            image = images.read_image(path)
            saliency = predictor(image)
            images.write_image(out / f"{path.stem}{MAP_ENDING}", images.to_levels(saliency))
            if overlay:
                images.write_image(out / f"{path.stem}{OVERLAY_ENDING}", visualization.overlay(image, saliency))
            written[path.stem] = path
        except InputError as error:
            failed += 1
            report(error)
    return len(written), failed


def _collect(paths: Iterable[str | Path], out: Path) -> tuple[list[Path], list[InputError]]:
    """List the photographs of paths, each once, and the errors of paths that have none."""
    photographs, errors = [], []
    for path in map(Path, paths):
        if not is_folder(path):
            photographs.append(path)
            continue
        try:
            pictures = images.find_pictures(path)
            if path.resolve() == out.resolve():
                # Results of an earlier call are not photographs.
                pictures = [picture for picture in pictures if not picture.name.endswith((MAP_ENDING, OVERLAY_ENDING))]
            if not pictures:
                raise InputError(path, "no pictures in this folder")
            photographs += pictures
        except InputError as error:
            errors.append(error)
    # The same photograph may be given under several names: the first one counts.
    return list({os.path.realpath(path): path for path in reversed(photographs)}.values())[::-1], errors
