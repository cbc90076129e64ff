"""From the name of a model to its file: a bundled model, the best generator of a run folder, or the file itself."""

import glob
from pathlib import Path
from typing import NamedTuple

from salgan_tf.errors import InputError
from salgan_tf.files import is_file, is_folder, read_json


class Bundled(NamedTuple):
    """A model that is bundled with the package.

    Attributes:
        backbone: what it was built of.
        file: its int8 LiteRT file, from which the float network is made as well.
    """

    backbone: str
    file: Path


_FOLDER = Path(__file__).parent
BUNDLED = {
    "edge": Bundled("efficientnet_lite0_slim", _FOLDER / "salgan_efficientnet_lite0_slim_int8.tflite"),
    "salgan": Bundled("vgg16", _FOLDER / "salgan_vgg16_int8.tflite"),
}
# The stages of a training. Each leaves its best generator in the run folder.
STAGES = ("content", "adversarial")


def find_model(
    model: str | Path, choices: str = "edge, salgan, a .tflite, .onnx, .keras or .engine file, or a run folder"
) -> Path:
    """Find the file of a model.

    Args:
        model: the name of a bundled model, a file, or a run folder of `train`, whose generator with the best CC on
            `val` is taken.
        choices: what the error suggests instead.

    Raises:
        InputError: there is no such model.
    """
    if bundled := BUNDLED.get(str(model)):
        if not is_file(bundled.file):
            raise InputError(model, f"its file {bundled.file.name} is missing in {bundled.file.parent}")
        return bundled.file
    path = Path(model)
    if is_folder(path):
        generators = {path / f"{stage}.keras": stage for stage in STAGES[::-1] if is_file(path / f"{stage}.keras")}
        if not generators:
            names = " or ".join(f"{stage}.keras" for stage in STAGES[::-1])
            raise InputError(path, f"not a run folder with a trained generator: contains no {names}")
        best_cc = _read_best_cc(path)
        return max(generators, key=lambda generator: best_cc.get(generators[generator], 0))
    if not is_file(path):
        raise InputError(path, f"no such model; expected {choices}")
    return path


def list_files(model: str | Path) -> list[Path]:
    """Return the files that belong to a model: all of a run folder, or a file and its weights beside it."""
    path = bundled.file if (bundled := BUNDLED.get(str(model))) else Path(model)
    if is_folder(path):
        return [each for each in path.rglob("*") if is_file(each)]
    # ONNX keeps large weights in files such as NAME.onnx.data and NAME.onnx_data.
    return [path, *path.parent.glob(f"{glob.escape(path.name)}?*")]


def _read_best_cc(run: Path) -> dict[str, float]:
    """Read the best CC of each stage of a run; nothing if only its generators were copied."""
    record = run / "checkpoints" / "last.json"
    best = read_json(record).get("best_cc") if is_file(record) else None
    return best if isinstance(best, dict) and all(type(value) is float for value in best.values()) else {}
