"""`train`: from a data set to a run folder with checkpoints, curves and the trained generators."""

import argparse
import dataclasses
import sys
from typing import Any

from salgan_tf.arguments import path
from salgan_tf.console import say
from salgan_tf.errors import InputError
from salgan_tf.native import import_tensorflow


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command: its own, and all settings of a training.

    Raises:
        InputError: the extra `train`, which the backbones and losses need, is missing.
    """
    import_tensorflow("train")
    from salgan_tf.settings import TrainingConfig, option

    parser.add_argument(
        "--out", required=True, metavar="RUN", type=path, help="folder for checkpoints, curves and models"
    )
    parser.add_argument("--resume", action="store_true", help="continue the run in RUN after its last whole epoch")
    network = parser.add_mutually_exclusive_group()
    network.add_argument(
        "--recipe",
        choices=("edge",),
        help="train like the bundled model: teachers, their pseudo-labels and a student, whose settings are defaults; "
        "--init is a folder of the teachers' starts, or none; to continue, repeat the command",
    )
    for setting in dataclasses.fields(TrainingConfig):
        (network if setting.name == "backbone" else parser).add_argument(option(setting), **_options(setting))


def _options(setting: dataclasses.Field) -> dict[str, Any]:
    """Return what `add_argument` takes for a setting. A setting that is not given is None, see `make_config`."""
    from salgan_tf.settings import describe_default

    help, required = setting.metadata["help"], setting.default is dataclasses.MISSING
    if not required and setting.default is not None:
        help = f"{help} (default: {describe_default(setting)})"
    options = {"dest": setting.name, "help": help, "required": required}
    if isinstance(setting.default, bool):
        return options | {"action": argparse.BooleanOptionalAction}
    if setting.metadata["choices"]:
        return options | {"choices": tuple(setting.metadata["choices"])}
    return options | {"type": setting.metadata["read"], "metavar": setting.metadata["metavar"]}


# Settings of the adversarial stage alone.
_ADVERSARIAL = ("alpha", "gan_learning_rate", "updates", "label_smoothing", "spectral_normalization")


def _check_effects(settings: dict[str, Any]) -> None:
    """Check that every setting that was given has an effect.

    Raises:
        InputError: one has none, or has an illegal value.
    """
    from salgan_tf.settings import TrainingConfig, make_config, option

    config = make_config(**{name: value for name, value in settings.items() if name != "out"})
    causes = {} if config.optimizer == "adamw" else {"encoder_rate": f"--optimizer {config.optimizer}"}
    if not config.gan_epochs:
        causes |= dict.fromkeys(_ADVERSARIAL, "--gan-epochs 0")
    if not config.bce_epochs:
        causes["learning_rate"] = "--bce-epochs 0"
    for setting in dataclasses.fields(TrainingConfig):
        if setting.name in causes and settings[setting.name] is not None:
            raise InputError(option(setting), f"has no effect with {causes[setting.name]}")


def run(arguments: argparse.Namespace) -> int:
    """Train, or continue a training."""
    from salgan_tf import recipes, training

    settings = {name: value for name, value in vars(arguments).items() if name not in ("run", "resume", "recipe")}
    # Progress bars for a terminal, a line per epoch for a log.
    verbose = 1 if sys.stdout.isatty() else 2
    if arguments.recipe:
        # Starts or continues several trainings.
        recipes.train_edge(verbose=verbose, **settings)
    else:
        if not arguments.resume:
            _check_effects(settings)
        training.train(resume=arguments.resume, verbose=verbose, **settings)
    say(f"trained, see {arguments.out}")
    return 0
