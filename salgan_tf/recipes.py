"""The recipe of the bundled edge model: teachers, their pseudo-labels, and a student that learns them too."""

from pathlib import Path
from typing import Any

from salgan_tf.distillation import write_pseudo_labels
from salgan_tf.errors import InputError
from salgan_tf.files import is_file, made_folder
from salgan_tf.run_folder import check_new, locked
from salgan_tf.training import train
from salgan_tf.weights import find_model

# Settings on top of mobilenet_v2's defaults, found by the search of docs/experiments.md. The encoder's knowledge of
# ImageNet is worth more than anything that 1100 photographs can teach it: its first layers are frozen, and the others
# learn slowly.
_GENTLE: dict[str, Any] = {"gan_epochs": 0, "frozen": 9, "learning_rate": 1e-3, "encoder_rate": 0.25}
_FINE = _GENTLE | {"image_shape": (288, 384)}
_CROPPED = ("flip", "color", "crop")
# Seeds are added to the recipe's.
TEACHERS: dict[str, dict[str, Any]] = {
    "coarse": _GENTLE | {"bce_epochs": 7, "seed": 0},
    "fine-crop": _FINE | {"bce_epochs": 8, "augmentations": _CROPPED, "seed": 0},
    "fine-dropout": _FINE | {"bce_epochs": 8, "dropout": 0.2, "seed": 1},
    "fine-both": _FINE | {"bce_epochs": 9, "augmentations": _CROPPED, "dropout": 0.1, "seed": 2},
}
VIEWS = 8
# The student starts from one of its teachers, at the image size of the bundled model.
STUDENT = _GENTLE | {
    "image_shape": (256, 320),
    "bce_epochs": 4,
    "content_loss": "kl=1,cc=0.5,nss=0.1,sim=1,bce=0.5",
}
STUDENT_START = "fine-crop"


def train_edge(
    data: str | Path, out: str | Path, seed: int | None = None, verbose: int | str = "auto", **settings: Any
) -> Path:
    """Train the edge generator like the bundled one; to continue an interrupted call, repeat it.

    Args:
        data: a folder in SALICON's layout with the splits `train` and `val`; records are not supported.
        out: the student's run folder. It also holds the teachers' run folders in `teachers/NAME`, and in `pseudo` their
            maps of the photographs of `train` and of windows of them.
        seed: 0 by default.
        verbose: as in `keras.Model.fit`.
        settings: of `TrainingConfig`, on top of those of every training; None means the recipe's. `init` is the
            teachers'.

    Raises:
        InputError: bad data or weights, or `out` holds a run with other settings, or files that it would replace.
    """
    seed = seed or 0
    given = {name: value for name, value in settings.items() if value is not None}
    if given.get("strategy") == "multi-worker":
        raise InputError("--strategy multi-worker", "the recipe runs on one machine: its trainings follow one another")
    if given.get("stream"):
        raise InputError("--stream", "reads records, and the recipe reads a folder: it trains at several sizes")
    with made_folder(out) as out, locked(out):
        return _train_edge(data, out, seed, given, verbose)


def _train_edge(data: str | Path, out: Path, seed: int, given: dict[str, Any], verbose: int | str) -> Path:
    if not is_file(out / "run.json"):
        # Before the teachers are trained: the student's training would say it after them.
        check_new(out)
    teachers = [out / "teachers" / name for name in TEACHERS]
    for path, teacher in zip(teachers, TEACHERS.values(), strict=True):
        train(data, path, resume=None, verbose=verbose, **teacher | given | {"seed": seed + teacher["seed"]})
    write_pseudo_labels(data, teachers, out / "pseudo", VIEWS, seed=seed)
    student = STUDENT | {"pseudo": str(out / "pseudo"), "seed": seed} | given
    start = str(find_model(out / "teachers" / STUDENT_START))
    return train(data, out, resume=None, verbose=verbose, **student | {"init": start})
