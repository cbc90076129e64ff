"""From the name of a model to its file: a bundled model, the best generator of a run folder, or the file itself."""

from pathlib import Path

from salgan_tf.errors import InputError
from salgan_tf.files import is_file, is_folder

# Models that are bundled with the package, by name.
BUNDLED = {"edge": Path(__file__).parent / "salgan_mobilenet_v2_int8.tflite"}
# The generators that a training leaves in its run folder, the better one first.
_RUN_GENERATORS = ("adversarial.keras", "content.keras")


def find_model(
    model: str | Path, choices: str = "edge, a .tflite, .onnx, .keras or .engine file, or a run folder"
) -> Path:
    """Find the file of a model.

    Args:
        model: the name of a bundled model, a file, or a run folder of `train`.
        choices: what the error suggests instead.

    Raises:
        InputError: there is no such model.
    """
    path = BUNDLED.get(str(model), Path(model))
    if is_folder(path):
        for name in _RUN_GENERATORS:
            if is_file(path / name):
                return path / name
        raise InputError(path, f"not a run folder with a trained generator: contains no {' or '.join(_RUN_GENERATORS)}")
    if not is_file(path):
        raise InputError(path, f"no such model; expected {choices}")
    return path
