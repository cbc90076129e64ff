"""The recipe of the bundled edge model: teachers, the pseudo-labels that they give, and a student that learns both."""

from pathlib import Path

from salgan_tf import training
from salgan_tf.distillation import write_pseudo_labels
from salgan_tf.files import make_folder

# Settings over those of `training.RECIPES["mobilenet_v2"]`, found by the search of docs/experiments.md. What the
# encoder knows of ImageNet is worth more than what 1100 photographs can teach it: its first layers stay, the others go
# slowly.
_GENTLE = {"gan_epochs": 0, "frozen": 9, "learning_rate": 1e-3, "encoder_rate": 0.25}
_FINE = _GENTLE | {"image_shape": (288, 384)}
_CROPPED = ("flip", "color", "crop")
# Seeds are added to the recipe's.
TEACHERS = {
    "coarse": _GENTLE | {"bce_epochs": 7, "seed": 0},
    "fine-crop": _FINE | {"bce_epochs": 8, "augmentations": _CROPPED, "seed": 0},
    "fine-dropout": _FINE | {"bce_epochs": 8, "dropout": 0.2, "seed": 1},
    "fine-both": _FINE | {"bce_epochs": 9, "augmentations": _CROPPED, "dropout": 0.1, "seed": 2},
}
STUDENT = _GENTLE | {"bce_epochs": 6}
VIEWS = 4


def train_edge(data: str, out: str | Path, seed: int | None = None, verbose: int | str = "auto", **settings) -> Path:
    """Train the edge generator as the bundled one was; a call that was interrupted is continued by repeating it.

    Args:
        data: data set with the splits `train` and `val`, see `TrainingConfig`; a folder, not records.
        out: the student's run folder; in it `teachers/NAME`, the teachers' run folders, and `pseudo`, what they see in
            windows of the photographs of `train`.
        seed: 0 if not said.
        verbose: as in `keras.Model.fit`.
        settings: of `TrainingConfig`, put over those of every training; None for not saying.

    Raises:
        InputError: bad data or weights, or `out` holds a run with other settings.
    """
    seed = seed or 0
    said = {name: value for name, value in settings.items() if value is not None} | {"data": data}
    out = make_folder(out)
    teachers = [out / "teachers" / name for name in TEACHERS]
    for path, teacher in zip(teachers, TEACHERS.values(), strict=True):
        _train(path, verbose, teacher | said | {"seed": seed + teacher["seed"]})
    write_pseudo_labels(data, teachers, out / "pseudo", VIEWS, seed=seed)
    _train(out, verbose, STUDENT | {"pseudo": str(out / "pseudo"), "seed": seed} | said)
    return out


def _train(out: Path, verbose: int | str, settings: dict) -> None:
    """Begin a run, go on with it, or see that it is done."""
    if (out / "run.json").exists():
        training.resume(out, verbose, **settings)
    else:
        training.train(training.make_config("mobilenet_v2", **settings), out, verbose)
