"""The recipe of the bundled edge model: teachers, the pseudo-labels that they give, and a student that learns both."""

from pathlib import Path

from salgan_tf import training
from salgan_tf.distillation import write_pseudo_labels
from salgan_tf.files import make_folder
from salgan_tf.weights import find_model

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
VIEWS = 8
# It starts as one of its teachers, at the size of an image that it ships for.
STUDENT = _GENTLE | {
    "image_shape": (256, 320),
    "bce_epochs": 4,
    "content_loss": "kl=1,cc=0.5,nss=0.1,sim=1,bce=0.5",
}
STUDENT_START = "fine-crop"


def train_edge(data: str, out: str | Path, seed: int | None = None, verbose: int | str = "auto", **settings) -> Path:
    """Train the edge generator as the bundled one was; a call that was interrupted is continued by repeating it.

    Args:
        data: data set with the splits `train` and `val`, see `TrainingConfig`; a folder, not records.
        out: the student's run folder; in it `teachers/NAME`, the teachers' run folders, and `pseudo`, what they see in
            windows of the photographs of `train`.
        seed: 0 if not said.
        verbose: as in `keras.Model.fit`.
        settings: of `TrainingConfig`, put over those of every training; None for not saying. `init` is the teachers'.

    Raises:
        InputError: bad data or weights, or `out` holds a run with other settings.
    """
    seed = seed or 0
    said = {name: value for name, value in settings.items() if value is not None} | {"data": data}
    out = make_folder(out)
    teachers = [out / "teachers" / name for name in TEACHERS]
    for path, teacher in zip(teachers, TEACHERS.values(), strict=True):
        training.train_or_resume(path, verbose, **teacher | said | {"seed": seed + teacher["seed"]})
    write_pseudo_labels(data, teachers, out / "pseudo", VIEWS, seed=seed)
    student = STUDENT | {"pseudo": str(out / "pseudo"), "seed": seed} | said
    start = str(find_model(out / "teachers" / STUDENT_START))
    return training.train_or_resume(out, verbose, **student | {"init": start})
