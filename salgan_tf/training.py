"""The two-stage schedule (Pan et al. 2017, section 3.3): content loss alone, then adversarial, in a run folder."""

import dataclasses
import platform
import sys
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

import salgan_tf
from salgan_tf import losses
from salgan_tf.data.pipeline import Split, concatenate, load_examples, make_batches
from salgan_tf.errors import InputError
from salgan_tf.files import make_folder, read_json, write_json
from salgan_tf.models.discriminator import build_discriminator
from salgan_tf.models.generator import BACKBONES, build_generator
from salgan_tf.models.optimizers import LayerwiseAdamW, paper_optimizer
from salgan_tf.models.salgan import SalGAN
from salgan_tf.run_folder import RunFolder, RunRecorder


@dataclass(frozen=True)
class TrainingConfig:
    """Every setting of a training; the defaults are the paper's, `RECIPES` has the edge generator's.

    Attributes:
        data: folder in SALICON's layout, or of records; it must have the splits `train` and `val`.
        backbone: `"vgg16"` or `"mobilenet_v2"`.
        image_shape: (height, width).
        batch_size: examples a step, over all replicas.
        bce_epochs: epochs of stage 1, content loss alone.
        gan_epochs: epochs of stage 2, content and adversarial loss.
        steps_per_epoch: steps an epoch; None for the whole data.
        init: `"imagenet"`, `"edge"`, `"none"` or a file of weights, see `build_generator`.
        content_loss: `"bce"`, the paper's BCE/4; `"density"`, `DensityLoss`; or its weights, such as `"kl=1,cc=0.5"`.
        alpha: weight of the content loss in stage 2.
        updates: `"alternate"` or `"both"`, see `SalGAN`.
        label_smoothing: one-sided: the discriminator is taught 1 minus this for recorded maps (Salimans et al. 2016).
        spectral_normalization: see `build_discriminator`.
        optimizer: `"adagrad"`, the paper's with a constant rate, or `"adamw"`, whose rate falls as a cosine.
        learning_rate: of stage 1.
        encoder_rate: times the learning rate for the encoder, which starts trained; for `"adamw"` only.
        gan_learning_rate: of stage 2, of both networks.
        frozen: how many of the encoder's first convolutions keep their start (of `"vgg16"`, seven always do).
        dropout: share of the decoder's feature maps that each step of the training leaves out.
        weight_decay: decoupled: each update also takes rate * weight_decay of every weight.
        ema: decay of the running average of the generator's weights, which is what is validated and saved; 0 for none.
        pseudo: a data set whose split `train` is trained on too, such as `distill` makes; None for none.
        augmentations: of `salgan_tf.data.augmentation.AUGMENTATIONS`.
        keep_epochs: keep the generator of every epoch, in the folder `epochs/` of the run.
        seed: of the start, the order and the augmentations.
        strategy: `"none"` or `"mirrored"`, over all GPUs of the machine.
    """

    data: str
    backbone: str = "vgg16"
    image_shape: tuple[int, int] = (192, 256)
    batch_size: int = 32
    bce_epochs: int = 15
    gan_epochs: int = 105
    steps_per_epoch: int | None = None
    init: str = "imagenet"
    content_loss: str = "bce"
    label_smoothing: float = 0.0
    spectral_normalization: bool = False
    alpha: float = 0.05
    updates: str = "alternate"
    optimizer: str = "adagrad"
    learning_rate: float = 3e-4
    gan_learning_rate: float = 3e-4
    encoder_rate: float = 1.0
    frozen: int = 0
    dropout: float = 0.0
    weight_decay: float = 1e-4
    ema: float = 0.0
    pseudo: str | None = None
    augmentations: tuple[str, ...] = ()
    keep_epochs: bool = False
    seed: int = 0
    strategy: str = "none"


RECIPES = {
    "vgg16": {},
    "mobilenet_v2": {
        "batch_size": 16,
        "bce_epochs": 9,
        "gan_epochs": 4,
        "content_loss": "density",
        "alpha": 2.0,
        "updates": "both",
        "optimizer": "adamw",
        "learning_rate": 4e-4,
        "gan_learning_rate": 1e-4,
        "ema": 0.99,
        "augmentations": ("flip", "color"),
    },
}


def make_config(backbone: str, **settings) -> TrainingConfig:
    """Give a backbone's recipe with the settings that are not None put over it."""
    chosen = {name: value for name, value in settings.items() if value is not None}
    return TrainingConfig(backbone=backbone, **RECIPES[backbone] | chosen)


def train(config: TrainingConfig, out: str | Path, verbose: int | str = "auto") -> Path:
    """Train into a new run folder, see `RunFolder` for what is in it.

    Raises:
        InputError: bad data, weights or folder, or `out` already holds a run.
    """
    if not config.bce_epochs + config.gan_epochs:
        raise InputError(out, "no epochs to train: both stages have 0")
    out = make_folder(out)
    if (out / "run.json").exists():
        raise InputError(out, "holds a run already: continue it with --resume, or choose another folder")
    return _run(config, out, verbose)


def resume(out: str | Path, verbose: int | str = "auto", data: str | None = None, **settings) -> Path:
    """Continue an interrupted training after its last whole epoch, with the settings that it was started with.

    Args:
        out: the run folder.
        verbose: as in `keras.Model.fit`.
        data: where the data is now, if it has been moved.
        settings: what the caller believes the settings to be; None for not saying.

    Raises:
        InputError: no run there, the data has changed, or a setting differs from the run's.
    """
    path = Path(out) / "run.json"
    saved = read_json(path)
    try:
        fields = {name: tuple(value) if isinstance(value, list) else value for name, value in saved["settings"].items()}
        config, started_with = TrainingConfig(**fields), saved["data"]
    except (KeyError, TypeError) as error:
        raise InputError(path, f"not the settings of a run: {error}") from error
    for name, value in settings.items():
        if value is not None and value != getattr(config, name):
            kept = f"{name}={getattr(config, name)!r}"
            raise InputError(path, f"the run has {kept}, and a resumed run keeps its settings, not {value!r}")
    return _run(dataclasses.replace(config, data=data or config.data), Path(out), verbose, started_with)


def train_or_resume(out: str | Path, verbose: int | str = "auto", **settings) -> Path:
    """Train the edge generator into a run folder, go on with what is there, or see that it is done.

    Args:
        out: the run folder.
        verbose: as in `keras.Model.fit`.
        settings: of `make_config`.

    Raises:
        InputError: as `train` and `resume` do.
    """
    if (Path(out) / "run.json").exists():
        return resume(out, verbose, **settings)
    return train(make_config("mobilenet_v2", **settings), out, verbose)


def _run(config: TrainingConfig, out: Path, verbose: int | str, started_with: dict | None = None) -> Path:
    strategy = tf.distribute.MirroredStrategy() if config.strategy == "mirrored" else tf.distribute.get_strategy()
    keras.utils.set_random_seed(config.seed)
    folder = RunFolder(out)
    with strategy.scope():
        # Before the data: a wrong file of weights shows at once. A checkpoint replaces the start.
        weights = None if config.init == "none" or folder.epochs_done else config.init
        try:
            generator = build_generator(config.backbone, (*config.image_shape, 3), weights, dropout=config.dropout)
        except ValueError as error:
            raise InputError("network", error) from error
        for name in BACKBONES[config.backbone].encoder_layers()[: config.frozen]:
            generator.get_layer(name).trainable = False
    examples = {split: load_examples(config.data, split, config.image_shape) for split in ("train", "val")}
    if config.pseudo:
        pseudo = load_examples(config.pseudo, "train", config.image_shape)
        examples["train"] = concatenate([examples["train"], pseudo])
    if not examples["val"].count:
        raise InputError(config.data, "no examples to validate on")
    if examples["train"].count < config.batch_size:
        cause = f"{examples['train'].count} examples to train on are fewer than one batch of {config.batch_size}"
        raise InputError(config.data, cause)
    found = {split: {"examples": some.count, "fingerprint": some.fingerprint} for split, some in examples.items()}
    if started_with is None:
        write_json(out / "run.json", _describe(config, found))
    elif found != started_with:
        raise InputError(config.data, f"is not the data that the run was started with: {found}, not {started_with}")
    folder.tidy()
    stages = {
        "content": (0, config.bce_epochs),
        "adversarial": (config.bce_epochs, config.bce_epochs + config.gan_epochs),
    }
    for stage, (start, end) in stages.items():
        # A stage that ended with the last checkpoint is entered again, to leave its averaged weights in the generator.
        if start < end and folder.epochs_done <= end:
            with strategy.scope():
                _run_stage(config, stage, start, end, generator, examples, folder, verbose)
    return out


def _run_stage(
    config: TrainingConfig,
    stage: str,
    start: int,
    end: int,
    generator: keras.Model,
    examples: dict[str, Split],
    folder: RunFolder,
    verbose: int | str,
) -> None:
    adversarial = stage == "adversarial"
    # A seed of its own: what the generator's start drew before, a resumed run does not draw.
    keras.utils.set_random_seed(config.seed + start)
    steps = config.steps_per_epoch or examples["train"].count // config.batch_size
    model = SalGAN(
        generator,
        build_discriminator((*config.image_shape, 3), config.spectral_normalization) if adversarial else None,
        alpha=config.alpha,
        content_loss=losses.make_content_loss(config.content_loss),
        updates=config.updates,
        label_smoothing=config.label_smoothing,
    )
    rate = config.gan_learning_rate if adversarial else config.learning_rate
    updates = (end - start) * steps // (2 if adversarial and config.updates == "alternate" else 1)
    model.compile(_make_optimizer(config, rate, updates, config.ema), _make_optimizer(config, rate, updates))
    first = max(start, folder.epochs_done)
    if first > start:
        folder.load_checkpoint(model)
    batches = make_batches(
        examples["train"],
        config.batch_size,
        shuffle=True,
        augmentations=config.augmentations,
        seed=config.seed,
        first_epoch=first,
    )
    validation = make_batches(examples["val"], _validation_batch_size(examples["val"].count, config.batch_size))
    callbacks = [RunRecorder(folder, stage, next(iter(validation)), keep_epochs=config.keep_epochs)]
    if config.ema:
        callbacks.append(keras.callbacks.SwapEMAWeights())
    callbacks.append(keras.callbacks.TensorBoard(folder.path / "logs" / stage, write_graph=False))
    model.fit(
        batches,
        validation_data=validation,
        steps_per_epoch=steps,
        initial_epoch=first,
        epochs=end,
        callbacks=callbacks,
        shuffle=False,
        verbose=verbose,
    )


def _validation_batch_size(count: int, batch_size: int) -> int:
    """Choose the largest batch up to `batch_size` that divides the examples and that the replicas can divide.

    TensorFlow fails in a replica that has nothing of a last, partial batch.
    """
    replicas = tf.distribute.get_strategy().num_replicas_in_sync
    if replicas == 1:
        return batch_size
    return next((size for size in range(batch_size, 0, -1) if count % size == 0 and size % replicas == 0), batch_size)


def _make_optimizer(config: TrainingConfig, rate: float, updates: int, ema: float = 0.0) -> keras.optimizers.Optimizer:
    if config.optimizer == "adagrad":
        optimizer = paper_optimizer(rate, config.weight_decay)
    else:
        schedule = keras.optimizers.schedules.CosineDecay(rate, max(updates, 1), alpha=0.01)
        encoder = BACKBONES[config.backbone].encoder_layers()
        optimizer = LayerwiseAdamW(schedule, encoder, config.encoder_rate, weight_decay=config.weight_decay)
    if ema:
        optimizer.use_ema, optimizer.ema_momentum = True, ema
    return optimizer


def _describe(config: TrainingConfig, data: dict) -> dict:
    return {
        "settings": dataclasses.asdict(config),
        "data": data,
        "versions": {
            "salgan_tf": salgan_tf.__version__,
            "python": platform.python_version(),
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
            "numpy": np.__version__,
        },
        "machine": {"system": platform.platform(), "gpus": len(tf.config.list_physical_devices("GPU"))},
        "command": sys.argv,
    }
