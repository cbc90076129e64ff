"""The settings of a training: the type, default, help and legal values of each, from which `train --help` is made."""

import argparse
import dataclasses
from collections.abc import Callable, Iterable
from typing import Any

from salgan_tf import arguments
from salgan_tf.data.augmentation import AUGMENTATIONS
from salgan_tf.errors import InputError
from salgan_tf.losses import CONTENT_LOSSES, make_content_loss
from salgan_tf.models.backbones import BACKBONES
from salgan_tf.models.precision import POLICIES
from salgan_tf.models.salgan import UPDATES
from salgan_tf.weights import BUNDLED

DEFAULT_BACKBONE = "mobilenet_v2"
# TensorFlow counts in 32 bits.
_LARGEST = 2**31 - 1


def _content_loss(text: str) -> str:
    try:
        make_content_loss(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return text


def _augmentations(text: str) -> tuple[str, ...]:
    names = () if text == "none" else tuple(text.split(","))
    if unknown := set(names) - set(AUGMENTATIONS):
        listed = ", ".join(sorted(unknown))
        raise argparse.ArgumentTypeError(f"unknown {listed}: expected some of {','.join(AUGMENTATIONS)}, or none")
    return names


def _switch(text: str) -> bool:
    if text not in ("on", "off"):
        raise argparse.ArgumentTypeError(f"{text!r} is neither on nor off")
    return text == "on"


def _setting(
    default: Any,
    help: str,
    read: Callable[[str], Any] = str,
    metavar: str | None = None,
    choices: Iterable[str] | None = None,
    flag: str | None = None,
) -> Any:
    """Declare a setting.

    Args:
        default: the paper's value. If it is None, the help says what happens then.
        help: what the setting is, for the command line.
        read: turns a text into the value, or raises `argparse.ArgumentTypeError`.
        metavar: stands for the value in the help.
        choices: the legal values, if they are few.
        flag: the option, if it is not named like the setting.
    """
    metadata = {"help": help, "read": read, "metavar": metavar, "choices": choices, "flag": flag}
    return dataclasses.field(default=default, metadata=metadata)


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """The settings of a training, with the paper's defaults. `salgan-tf train --help` explains each.

    Values may be given as the command line takes them, such as `"192x256"` or `"flip,color"`.

    Raises:
        InputError: an illegal value, no epochs, a start that the backbone does not have, or more frozen convolutions
            than its encoder.
    """

    data: str = _setting(
        dataclasses.MISSING, "data set in SALICON's layout, or records of prepare", arguments.path_or_name, "ROOT"
    )
    backbone: str = _setting(DEFAULT_BACKBONE, "network of the generator", choices=BACKBONES)
    image_shape: tuple[int, int] = _setting(
        (192, 256), "size of the network's input", arguments.size, "HxW", flag="--size"
    )
    batch_size: int = _setting(32, "photographs per step, over all GPUs", arguments.positive, "N")
    bce_epochs: int = _setting(15, "epochs of content loss alone", arguments.natural, "N")
    gan_epochs: int = _setting(105, "epochs of content and adversarial loss", arguments.natural, "N")
    steps_per_epoch: int | None = _setting(
        None, "steps per epoch (default: all photographs once)", arguments.positive, "N"
    )
    init: str = _setting(
        "imagenet",
        "start of the weights; edge and salgan, the bundled models, bring their backbone; FILE ends in .keras, "
        ".weights.h5, .tflite or .npz; with --recipe a folder of starts",
        arguments.path_or_name,
        "imagenet|edge|salgan|none|FILE",
    )
    content_loss: str = _setting(
        "bce",
        "content loss: bce is the paper's BCE/4; density is KL, CC, NSS and BCE/4; mlnet is ML-Net's; mse is the mean "
        "squared error; WEIGHTS are those of density, such as kl=1,cc=0.5,sim=0.5",
        _content_loss,
        "|".join([*CONTENT_LOSSES, "WEIGHTS"]),
    )
    label_smoothing: float = _setting(
        0.0, "label of recorded maps for the discriminator is 1 - X (Salimans et al. 2016)", arguments.decay, "X"
    )
    spectral_normalization: bool = _setting(
        False, "normalise the discriminator's layers spectrally (Miyato et al. 2018)", _switch
    )
    alpha: float = _setting(0.05, "weight of the content loss beside the adversarial loss", arguments.rate, "X")
    updates: str = _setting("alternate", "train the networks in turns, one per batch, or both", choices=UPDATES)
    optimizer: str = _setting(
        "adagrad",
        "the paper's adagrad; sgd with Nesterov momentum of 0.9; or adamw with a cosine schedule. The others have a "
        "constant rate",
        choices=("adagrad", "sgd", "adamw"),
    )
    learning_rate: float = _setting(3e-4, "learning rate of the content stage", arguments.rate, "X")
    gan_learning_rate: float = _setting(
        3e-4, "learning rate of both networks in the adversarial stage", arguments.rate, "X"
    )
    encoder_rate: float = _setting(
        1.0, "factor of the learning rate in the pretrained encoder, for adamw only", arguments.rate, "X"
    )
    frozen: int = _setting(
        0, "number of encoder convolutions to freeze; a backbone may always freeze some", arguments.natural, "N"
    )
    dropout: float = _setting(0.0, "share of the decoder's feature maps to drop in training", arguments.decay, "X")
    weight_decay: float = _setting(1e-4, "decoupled weight decay", arguments.rate, "X")
    ema: float = _setting(
        0.0,
        "decay of the moving average of the generator's weights, which is validated and saved; 0 for none",
        arguments.decay,
        "X",
    )
    pseudo: str | None = _setting(
        None,
        "data set of distill, whose photographs are trained on as well (default: none)",
        arguments.path_or_name,
        "ROOT",
    )
    stream: bool = _setting(
        False, "read records again in each epoch, shard by shard, instead of into memory once; for large data", _switch
    )
    augmentations: tuple[str, ...] = _setting(
        (), f"some of {','.join(AUGMENTATIONS)}, or none", _augmentations, "NAMES", flag="--augment"
    )
    keep_epochs: bool = _setting(False, "keep the generator of every epoch, in RUN/epochs", _switch)
    seed: int = _setting(0, "seed of the start, the order and the augmentations", arguments.seed, "N")
    precision: str = _setting(
        "float32",
        "number format that the generator computes in; its weights are float32. bfloat16 takes about half the time on "
        "processors with AVX-512 BF16 or AMX",
        choices=POLICIES,
    )
    strategy: str = _setting(
        "none",
        "mirrored trains on all GPUs of this machine; multi-worker on those of all machines that TF_CONFIG or Slurm "
        "names, and begins or continues the run",
        choices=("none", "mirrored", "multi-worker"),
    )

    def __post_init__(self) -> None:
        for setting in dataclasses.fields(self):
            object.__setattr__(self, setting.name, _check(setting, getattr(self, setting.name)))
        if not self.bce_epochs + self.gan_epochs:
            raise InputError("settings", "no epochs to train: bce_epochs and gan_epochs are both 0")
        if self.init == "imagenet" and BACKBONES[self.backbone].application is None:
            cause = (
                f"keras.applications has no weights of {self.backbone}: give a file of them, or none for a random start"
            )
            raise InputError("init", cause)
        if self.frozen > (count := len(BACKBONES[self.backbone].encoder_layers)):
            cause = f"{self.frozen} is too many: the encoder of {self.backbone} has {count} convolutions"
            raise InputError("frozen", cause)


def make_config(**settings: Any) -> TrainingConfig:
    """Return settings on top of their backbone's defaults; None means the default.

    A training that starts from a bundled model has its backbone, unless another one is given.

    Raises:
        InputError: an illegal value.
    """
    given = {name: value for name, value in settings.items() if value is not None}
    if bundled := BUNDLED.get(str(given.get("init"))):
        given.setdefault("backbone", bundled.backbone)
    backbone = BACKBONES.get(given.get("backbone", DEFAULT_BACKBONE))
    return TrainingConfig(**{**(backbone.defaults if backbone else {}), **given})


def option(setting: dataclasses.Field) -> str:
    """Return the option of a setting."""
    return setting.metadata["flag"] or f"--{setting.name.replace('_', '-')}"


def describe_default(setting: dataclasses.Field) -> str:
    """Return the default of a setting as the command line would take it, with the backbones that have another one."""
    usual = to_text(setting.default)
    others: dict[str, list[str]] = {}
    for name, backbone in BACKBONES.items():
        if (text := to_text(backbone.defaults.get(setting.name, setting.default))) != usual:
            others.setdefault(text, []).append(name)
    return "; ".join([usual, *(f"{text} for {', '.join(names)}" for text, names in others.items())])


def _check(setting: dataclasses.Field, value: Any) -> Any:
    """Return a value in the setting's own type, by reading its text as the command line does."""
    if value is None and setting.default is None:
        return None
    choices, text = setting.metadata["choices"], to_text(value)
    try:
        if choices and text not in choices:
            raise argparse.ArgumentTypeError(f"{text!r} is not one of {', '.join(choices)}")
        found = setting.metadata["read"](text)
        if any(
            isinstance(number, int) and number > _LARGEST for number in (found if isinstance(found, tuple) else [found])
        ):
            raise argparse.ArgumentTypeError(f"{text[:40]!r} is too large: expected numbers up to {_LARGEST}")
        return found
    except (argparse.ArgumentTypeError, ValueError) as error:  # ValueError: a number of thousands of digits.
        raise InputError(setting.name, error) from error


def to_text(value: Any) -> str:
    """Return a value as the command line would take it."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, list | tuple):
        return ("," if value and isinstance(value[0], str) else "x").join(map(str, value)) or "none"
    return str(value)
