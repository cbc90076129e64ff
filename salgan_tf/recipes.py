"""The recipe of the bundled edge model: teachers, their pseudo-labels, and a student that learns them first."""

from pathlib import Path
from typing import Any

from salgan_tf.distillation import write_pseudo_labels
from salgan_tf.errors import InputError
from salgan_tf.files import is_file, is_folder, made_folder
from salgan_tf.models.backbones import BACKBONES
from salgan_tf.models.generator import build_generator
from salgan_tf.models.pretrained import load_generator, save_encoder
from salgan_tf.run_folder import check_new, locked
from salgan_tf.settings import make_config
from salgan_tf.training import train
from salgan_tf.weights import find_model

# Settings found by the search of docs/experiments.md. The encoder's knowledge of ImageNet is worth more than anything
# that 1100 photographs can teach it: its first layers are frozen, and the others learn slowly.
_GENTLE: dict[str, Any] = {
    "gan_epochs": 0,
    "frozen": 9,
    "learning_rate": 1e-3,
    "encoder_rate": 0.25,
    "precision": "bfloat16",
}
_FINE = _GENTLE | {"image_shape": (288, 384)}
# Networks that differ err differently: the mean map of three is better than that of more trainings of one. Seeds are
# added to the recipe's.
TEACHERS: dict[str, dict[str, Any]] = {
    "lite2-dropout": _FINE | {"backbone": "efficientnet_lite2", "bce_epochs": 7, "dropout": 0.2, "seed": 2},
    "mobilenet-dropout": _FINE | {"backbone": "mobilenet_v2", "bce_epochs": 6, "dropout": 0.2, "seed": 1},
    "lite0-crop": _FINE
    | {"backbone": "efficientnet_lite0", "bce_epochs": 7, "augmentations": ("flip", "color", "crop"), "seed": 1},
}
VIEWS, BLENDS = 8, 8
# The student starts with the encoder of one of its teachers, at the image size of the bundled model.
STUDENT = _GENTLE | {
    "backbone": "efficientnet_lite0_slim",
    "image_shape": (256, 320),
    "bce_epochs": 4,
    "content_loss": "kl=1,cc=0.5,nss=0.1,sim=1,bce=0.5",
}
STUDENT_START = "lite0-crop"
# The student ends with the recorded maps alone, in smaller steps: what it learned of its teachers keeps it from
# learning their noise by heart.
FINISH = STUDENT | {
    "bce_epochs": 3,
    "learning_rate": 3e-4,
    "content_loss": "kl=1,cc=0.5,nss=0.14,sim=1,bce=0.5",
}


def train_edge(
    data: str | Path, out: str | Path, seed: int | None = None, verbose: int | str = "auto", **settings: Any
) -> Path:
    """Train the edge generator like the bundled one; to continue an interrupted call, repeat it.

    Args:
        data: a folder in SALICON's layout with the splits `train` and `val`; records are not supported.
        out: the run folder of the student's last stage, with the recorded maps alone. It also holds the teachers' run
            folders in `teachers/NAME`, their maps of the photographs of `train` and of windows and blends of them in
            `pseudo`, and in `student` the run folder of the stage that learns these too.
        seed: 0 by default.
        verbose: as in `keras.Model.fit`.
        settings: of `TrainingConfig`, on top of those of every training; None means the recipe's. `init` is a folder
            with the teachers' starts, `BACKBONE_imagenet.npz`, or `"none"`.

    Raises:
        InputError: bad data or weights, or a start is missing; `out` holds a run with other settings, or files that it
            would replace.
    """
    seed = seed or 0
    given = {name: value for name, value in settings.items() if value is not None}
    if given.get("strategy") == "multi-worker":
        raise InputError("--strategy multi-worker", "the recipe runs on one machine: its trainings follow one another")
    if given.get("stream"):
        raise InputError("--stream", "reads records, and the recipe reads a folder: it trains at several sizes")
    if "backbone" in given:
        raise InputError("backbone", "the recipe has its own")
    starts = _find_starts(given.pop("init", None))
    trainings = {
        name: teacher | given | {"seed": seed + teacher["seed"], "init": starts[teacher["backbone"]]}
        for name, teacher in TEACHERS.items()
    }
    student, finish = (stage | given | {"seed": seed} for stage in (STUDENT, FINISH))
    # Before the first teacher is trained, which may take hours: what does not fit the last one shows at once.
    for settings in (*trainings.values(), student | {"init": "none"}, finish | {"init": "none"}):
        make_config(data=data, **settings)
    with made_folder(out) as out, locked(out):
        if not is_file(out / "run.json"):
            check_new(out)
        teachers = [out / "teachers" / name for name in trainings]
        for path, settings in zip(teachers, trainings.values(), strict=True):
            train(data, path, resume=None, verbose=verbose, **settings)
        write_pseudo_labels(data, teachers, out / "pseudo", VIEWS, seed=seed, blends=BLENDS)
        start = out / "teachers" / STUDENT_START / "encoder.npz"
        teacher = load_generator(find_model(start.parent))
        save_encoder(teacher, BACKBONES[TEACHERS[STUDENT_START]["backbone"]], start)
        student |= {"pseudo": str(out / "pseudo"), "init": str(start)}
        learned = find_model(train(data, out / "student", resume=None, verbose=verbose, **student))
        return train(data, out, resume=None, verbose=verbose, **finish | {"init": str(learned)})


def _find_starts(init: str | Path | None) -> dict[str, str]:
    """Return what the encoder of each backbone starts from, after a check that it fits."""
    backbones = sorted({teacher["backbone"] for teacher in TEACHERS.values()})
    if init == "none":
        return dict.fromkeys(backbones, "none")
    files = {backbone: f"{backbone}_imagenet.npz" for backbone in backbones}
    if init is None or not is_folder(Path(init)):
        cause = f"the recipe trains several networks: give a folder that holds {', '.join(files.values())}"
        raise InputError("--init" if init is None else f"--init {init}", cause)
    starts = {}
    for backbone, file in files.items():
        path = Path(init) / file
        # What keras.applications has can be fetched.
        fetched = BACKBONES[backbone].application and not is_file(path)
        starts[backbone] = "imagenet" if fetched else str(path)
        build_generator(backbone, (*2 * (BACKBONES[backbone].stride,), 3), starts[backbone])
    return starts
