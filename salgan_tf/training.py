"""The two-stage schedule (Pan et al. 2017, section 3.3): content loss alone, then adversarial, in a run folder."""

import dataclasses
import json
import platform
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import salgan_tf
from salgan_tf import losses
from salgan_tf.data.folder import check_apart, index_folder
from salgan_tf.data.pipeline import Split, concatenate, load_examples, make_batches
from salgan_tf.data.records import is_records
from salgan_tf.data.stream import Stream, naming_bad_shards
from salgan_tf.errors import InputError
from salgan_tf.files import is_file, read_json, write_json
from salgan_tf.models.backbones import BACKBONES
from salgan_tf.models.discriminator import build_discriminator
from salgan_tf.models.generator import build_generator
from salgan_tf.models.optimizers import LayerwiseAdamW, paper_optimizer
from salgan_tf.models.precision import computing_in
from salgan_tf.models.salgan import SalGAN
from salgan_tf.run_folder import RunFolder, RunRecorder, check_new
from salgan_tf.settings import TrainingConfig, make_config, option, to_text
from salgan_tf.shared_run import opened
from salgan_tf.strategies import deal, is_chief, make_strategy, share, watching, worker_of


def train(
    data: str | Path,
    out: str | Path,
    backbone: str | None = None,
    resume: bool | None = False,
    verbose: int | str = "auto",
    **settings: Any,
) -> Path:
    """Train a generator, in the content stage and then the adversarial stage, into a run folder.

    Args:
        data: a data set with the splits `train` and `val`: a folder in SALICON's layout, or records of `prepare`.
        out: the run folder, see `RunFolder` for its content. After an interruption it keeps the last whole epoch.
        backbone: a name of `BACKBONES`; by default that of the bundled model which `init` names, or `"mobilenet_v2"`.
        resume: False starts a new run, True continues the one in `out`, and None continues it if there is one, as
            False does with `strategy="multi-worker"`: schedulers repeat a command. A continued run keeps its settings;
            only `data` may have moved, and `strategy` may be another.
        verbose: as in `keras.Model.fit`.
        settings: of `TrainingConfig`, such as `batch_size=8`; `salgan-tf train --help` lists them. None means the
            backbone's default.

    Returns:
        `out`. `SaliencyPredictor` and `export` take it as a model.

    Raises:
        InputError: bad data, weights or settings; `out` holds a run or files of one already, or another training is
            writing to it; or, to be continued, it holds none, or one that is damaged or of other data or settings;
            or a worker of `strategy="multi-worker"` is named wrongly, does not come, or ends.
    """
    out = Path(out)
    settings |= {"data": data, "backbone": backbone}
    if settings.get("strategy") == "multi-worker":
        resume = resume or None
    config, _ = _begin(out, resume, settings)
    if not is_records(config.data):
        for split in ("train", "val"):
            check_apart(index_folder(config.data, split), [out / "curves.png"])
    strategy = make_strategy(config.strategy)
    if config.batch_size % (replicas := strategy.num_replicas_in_sync):
        cause = f"{config.batch_size} photographs cannot be shared evenly among {replicas} devices"
        raise InputError("--batch-size", cause)
    with watching(strategy), opened(out, strategy) as folder:
        # Again, now that nobody else writes to the folder, and that all workers have the chief's files.
        config, started_with = _begin(folder, resume, settings | {"strategy": config.strategy})
        _run(config, folder, strategy, verbose if is_chief(strategy) else 0, started_with)
    return out


def _begin(out: Path, resume: bool | None, settings: dict[str, Any]) -> tuple[TrainingConfig, dict | None]:
    """Return the settings of a run and, if it is to be continued, the fingerprint of its data."""
    started = is_file(out / "run.json")
    if resume or (resume is None and started):
        return _read_run(out / "run.json", settings)
    config = make_config(**settings)
    if started:
        raise InputError(out, "holds a run already: continue it with --resume, or choose another folder")
    return config, None


def _read_run(path: Path, settings: dict[str, Any]) -> tuple[TrainingConfig, dict]:
    """Read a run's settings, and the fingerprint of its data; given settings must be the same, except for places."""
    try:
        saved = read_json(path)
    except InputError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            raise InputError(path.parent, "holds no run to continue: it has no run.json") from error
        raise
    try:
        config, started_with = TrainingConfig(**saved["settings"]), saved["data"]
    except (KeyError, TypeError, InputError) as error:
        raise InputError(path, f"not the settings of a run: {error}") from error
    if not isinstance(started_with, dict):
        raise InputError(path, "not the settings of a run: data is not an object")
    given = {name: value for name, value in settings.items() if value is not None}
    asked = dataclasses.replace(config, **given)
    for setting in dataclasses.fields(config):
        kept, other = getattr(config, setting.name), getattr(asked, setting.name)
        if setting.name not in ("data", "strategy") and kept != other:
            cause = f"{option(setting)} is {to_text(kept)}, not {to_text(other)}: a resumed run keeps its settings"
            raise InputError(path, cause)
    return asked, started_with


def _run(
    config: TrainingConfig, out: Path, strategy: tf.distribute.Strategy, verbose: int | str, started_with: dict | None
) -> None:
    keras.utils.set_random_seed(config.seed)
    if started_with is None:
        check_new(out)
    folder = RunFolder(out, config.bce_epochs + config.gan_epochs)
    with strategy.scope(), computing_in(config.precision):
        # Before the data are read: a wrong path or file of weights shows at once. A checkpoint replaces the start.
        weights = None if config.init == "none" or folder.epochs_done else config.init
        try:
            generator = build_generator(config.backbone, (*config.image_shape, 3), weights, dropout=config.dropout)
        except ValueError as error:
            raise InputError("--size", error) from error
        for layer in BACKBONES[config.backbone].encoder_layers[: config.frozen]:
            generator.get_layer(layer).trainable = False
    examples = {
        split: load_examples(config.data, split, config.image_shape, config.stream) for split in ("train", "val")
    }
    if config.pseudo:
        pseudo = load_examples(config.pseudo, "train", config.image_shape, config.stream)
        examples["train"] = concatenate([examples["train"], pseudo])
    if isinstance(divided := examples["train"], Stream):
        examples["train"] = dataclasses.replace(divided, worker=worker_of(strategy))
    if not examples["val"].count:
        raise InputError(config.data, "no examples to validate on")
    if examples["train"].count < config.batch_size:
        cause = f"{examples['train'].count} examples to train on are fewer than one batch of {config.batch_size}"
        raise InputError(config.data, cause)
    found = {split: {"examples": part.count, "fingerprint": part.fingerprint} for split, part in examples.items()}
    # The other workers have the chief's data and settings, or stop.
    own = _describe_settings(config)
    chief = json.loads(share(strategy, json.dumps({"data": found, "settings": own}).encode()))
    for name, value in own.items():
        if value != (other := chief["settings"].get(name)):
            raise InputError(name, f"is {value} for this worker, and {other} for the chief")
    if found != chief["data"]:
        raise InputError(config.data, "is not the data that the chief trains on")
    if started_with is None:
        write_json(out / "run.json", _describe(config, found))
    elif found != started_with:
        counts = " and ".join(f"{part.count} examples of {split}" for split, part in examples.items())
        raise InputError(config.data, f"is not the data that the run was started with: {counts}, or other files")
    folder.tidy()
    stages = {
        "content": (0, config.bce_epochs),
        "adversarial": (config.bce_epochs, config.bce_epochs + config.gan_epochs),
    }
    for stage, (start, end) in stages.items():
        # A stage that ended with the last checkpoint is entered again, to leave its averaged weights in the generator.
        if start < end and folder.epochs_done <= end:
            with strategy.scope(), naming_bad_shards(examples.values()):
                _run_stage(config, stage, start, end, generator, examples, folder, verbose)
    # Nobody leaves before all have saved the last epoch.
    share(strategy, b"")


def _run_stage(
    config: TrainingConfig,
    stage: str,
    start: int,
    end: int,
    generator: keras.Model,
    examples: dict[str, Split | Stream],
    folder: RunFolder,
    verbose: int | str,
) -> None:
    adversarial = stage == "adversarial"
    # A seed for each stage: a resumed run does not draw the random numbers of the generator's start.
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
    model.compile(
        _make_optimizer(config, rate, updates, config.ema),
        _make_optimizer(config, rate, updates) if adversarial else None,
    )
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
        steps_per_epoch=steps,
    )
    validation_size = _validation_batch_size(examples["val"].count, config.batch_size)
    validation = make_batches(examples["val"], validation_size)
    callbacks = [RunRecorder(folder, stage, next(iter(validation)), keep_epochs=config.keep_epochs)]
    if config.ema:
        callbacks.append(keras.callbacks.SwapEMAWeights())
    callbacks.append(keras.callbacks.TensorBoard(folder.path / "logs" / stage, write_graph=False))
    model.fit(
        deal(batches, divided=config.stream),
        validation_data=deal(validation, evenly=examples["val"].count % validation_size == 0),
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
    elif config.optimizer == "sgd":
        optimizer = keras.optimizers.SGD(rate, momentum=0.9, nesterov=True, weight_decay=config.weight_decay)
    else:
        schedule = keras.optimizers.schedules.CosineDecay(rate, max(updates, 1), alpha=0.01)
        encoder = BACKBONES[config.backbone].encoder_layers
        optimizer = LayerwiseAdamW(schedule, encoder, config.encoder_rate, weight_decay=config.weight_decay)
    if ema:
        optimizer.use_ema, optimizer.ema_momentum = True, ema
    return optimizer


def _describe_settings(config: TrainingConfig) -> dict[str, str]:
    """Return the settings that all workers must agree on, as texts. Each may have its files in another place."""
    places = ("data", "pseudo", "init")
    return {
        option(each): to_text(getattr(config, each.name))
        for each in dataclasses.fields(config)
        if each.name not in places
    }


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
