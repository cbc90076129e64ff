"""The run folder: the files of a training, written after each epoch, from which it can be continued."""

import contextlib
import csv
import io
import math
import os
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import filelock
import keras
import numpy as np

from salgan_tf import files, images, visualization
from salgan_tf.errors import InputError
from salgan_tf.limits import check_file
from salgan_tf.models.precision import to_float32
from salgan_tf.models.pretrained import load_weights_file
from salgan_tf.weights import STAGES

_SAMPLE_PICTURES = 4
# The names of what a run writes, by folder. TensorBoard's names are new each time, and never in the way.
_NAMES = {
    "": rf"run\.json|history\.csv|curves\.png|({'|'.join(STAGES)})\.keras",
    "checkpoints": r"last\.json|epoch-\d{4,}\.weights\.h5",
    "epochs": r"epoch-\d{4,}\.keras",
    "samples": r"epoch-\d{4,}\.jpg",
}


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep other trainings out of an existing folder. The system takes the lock off when the process ends, killed too.

    Raises:
        InputError: another training is in the folder, or it cannot be locked.
    """
    place = path / "run.lock"
    if os.path.lexists(place) and (not files.is_file(place) or place.stat().st_size):
        raise InputError(place, "is in the way of a lock, which is an empty file: choose another folder")
    try:
        # One object for all calls of a thread: a recipe locks a folder around the training in it.
        lock = filelock.FileLock(place, timeout=0, is_singleton=True)
        lock.acquire()
    except filelock.Timeout as error:
        raise InputError(path, "another training is writing to this folder") from error
    except (OSError, NotImplementedError) as error:
        raise InputError(path, f"cannot be locked: {error}") from error
    try:
        yield
    finally:
        # Nested blocks remove it once, at the end. It is still held then: nobody else can have taken it.
        if lock.lock_counter == 1:
            with contextlib.suppress(OSError):  # Windows keeps open files.
                place.unlink()
        lock.release()


class RunFolder:
    """The files of a training.

    `run.json`: settings, versions, fingerprint of the data. `history.csv`, `curves.png`: losses and validation metrics
    by epoch. `samples/`: photograph, truth and prediction of a few validation pictures. `content.keras`,
    `adversarial.keras`: the generator of each stage with the best validation CC. `epochs/`: the generators of all
    epochs, if `keep_epochs`. `checkpoints/`: everything needed to continue after the last whole epoch. `logs/`:
    TensorBoard.

    Args:
        path: an existing folder.
        epochs: number of epochs that the run is to have; None if it is not known.

    Raises:
        InputError: the record of the checkpoints is lost or damaged, has more epochs, or names a file that is lost; or
            one of the run's folders is something else.
    """

    def __init__(self, path: str | Path, epochs: int | None = None):
        self.path = Path(path)
        for name in (*_NAMES, "logs"):
            if os.path.lexists(self.path / name) and not files.is_folder(self.path / name):
                raise InputError(self.path / name, "is in the way of a run, which has a folder of this name")
        self._state_path = self.path / "checkpoints" / "last.json"
        self.state: dict[str, Any] = {"weights": None, "best_cc": {}, "history": []}
        if self._state_path.exists():
            self.state = files.read_json(self._state_path)
            if cause := _find_damage(self.state):
                raise InputError(self._state_path, f"not the record of a run's checkpoints: {cause}")
            if epochs is not None and self.epochs_done > epochs:
                cause = f"{self.epochs_done} epochs, and the run has {epochs}"
                raise InputError(self._state_path, f"not the record of this run's checkpoints: {cause}")
            check_file(self._state_path.parent / self.state["weights"])
        elif (self.path / "history.csv").exists():
            raise InputError(self._state_path, "lost, and history.csv has whole epochs: start a new run")

    @property
    def epochs_done(self) -> int:
        """Number of whole epochs, of both stages together."""
        return len(self.state["history"])

    def load_checkpoint(self, model: keras.Model) -> None:
        """Load the last whole epoch's weights, optimizer states and step count into a compiled model.

        Raises:
            InputError: the checkpoint is missing or damaged.
        """
        load_weights_file(model, self._state_path.parent / self.state["weights"])

    def save_epoch(self, model: keras.Model, row: dict) -> None:
        """Write a checkpoint, the history and the curves. A kill at any moment leaves the epoch before or this one."""
        older = self.state["weights"]
        self.state["history"].append(row)
        self.state["weights"] = _weights_name(self.epochs_done)
        with files.atomic_path(self._state_path.parent / self.state["weights"]) as scratch:
            model.save_weights(scratch)
        files.write_json(self._state_path, self.state)
        if older and older != self.state["weights"]:
            (self._state_path.parent / older).unlink(missing_ok=True)
        self._write_history()

    def tidy(self) -> None:
        """Remove the half-written files of a killed training, and write those that it did not come to."""
        for name in _NAMES:
            for scratch in files.find_scratch(self.path / name):
                shutil.rmtree(scratch, ignore_errors=True)
        # Beside the last epoch's weights, a killed run leaves those of the epoch after it, whose record it did not come
        # to, or of the epoch before it. All others are the user's.
        for epoch in (self.epochs_done - 1, self.epochs_done + 1):
            if epoch:
                (self._state_path.parent / _weights_name(epoch)).unlink(missing_ok=True)
        if self.state["history"]:
            self._write_history()

    def _write_history(self) -> None:
        names = list(dict.fromkeys(name for row in self.state["history"] for name in row))
        table = io.StringIO()
        writer = csv.DictWriter(table, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.state["history"])
        files.write_bytes(self.path / "history.csv", table.getvalue().encode())
        visualization.plot_history(self.state["history"], self.path / "curves.png")

    def save_best(self, generator: keras.Model, stage: str, cc: float) -> None:
        """Write `STAGE.keras` if its validation CC is the stage's best so far."""
        if cc > self.state["best_cc"].get(stage, -math.inf):
            self.state["best_cc"][stage] = cc
            with files.atomic_path(self.path / f"{stage}.keras") as scratch:
                to_float32(generator).save(scratch)

    def save_generator(self, generator: keras.Model, epoch: int) -> None:
        """Write the generator of an epoch, best or not, to `epochs/`."""
        with files.atomic_path(self.path / "epochs" / f"epoch-{epoch:04d}.keras") as scratch:
            to_float32(generator).save(scratch)

    def save_samples(self, generator: keras.Model, batch: tuple, epoch: int) -> None:
        """Draw a row of photograph, true map and predicted map for each of a few pictures."""
        photographs, truth = batch[0][:_SAMPLE_PICTURES], batch[1]["saliency"][:_SAMPLE_PICTURES]
        predictions = keras.ops.convert_to_numpy(generator(photographs, training=False))
        rows = [
            [photograph.astype(np.uint8), *(visualization.heat_map(saliency[..., 0]) for saliency in maps)]
            for photograph, *maps in zip(np.asarray(photographs), np.asarray(truth), predictions, strict=True)
        ]
        images.write_image(self.path / "samples" / f"epoch-{epoch:04d}.jpg", visualization.picture_grid(rows))


def check_new(path: Path) -> None:
    """Check that a folder has none of the files that a new run would replace or continue.

    Raises:
        InputError: it has; the error names the first.
    """
    for name, pattern in _NAMES.items():
        for found in sorted((path / name).iterdir()) if files.is_folder(path / name) else ():
            if re.fullmatch(pattern, found.name):
                raise InputError(found, "is in the way of a new run, which would replace it: choose another folder")


def _weights_name(epoch: int) -> str:
    return f"epoch-{epoch:04d}.weights.h5"


def _find_damage(state: dict[str, Any]) -> str | None:
    """Say what is wrong with the record of a run's checkpoints, if anything is: files are removed by what it says."""
    history, best = state.get("history"), state.get("best_cc")
    if not isinstance(history, list) or not history:
        return "history is not a list of epochs"
    for number, row in enumerate(history, 1):
        if not isinstance(row, dict) or row.get("epoch") != number or row.get("stage") not in STAGES:
            return f"history has no epoch {number} of a stage"
        if not all(isinstance(value, int | float) for name, value in row.items() if name != "stage"):
            return f"epoch {number} of its history has values that are not numbers"
    if not isinstance(best, dict) or not all(isinstance(value, int | float) for value in best.values()):
        return "best_cc is not a number for each stage"
    if state.get("weights") != _weights_name(len(history)):
        return f"weights is not {_weights_name(len(history))}, the file of its last epoch"
    return None


class RunRecorder(keras.callbacks.Callback):
    """A callback that writes a `RunFolder` during `fit`, and stops the training when a loss is not finite.

    It must come before `SwapEMAWeights` in the list of callbacks: at the end of a validation the generator then still
    has the averaged weights, which are saved and drawn.

    Args:
        folder: where to write.
        stage: `"content"` or `"adversarial"`.
        sample_batch: a validation batch to draw from.
        sample_every: number of epochs from one drawing to the next.
        keep_epochs: keep the generator of every epoch.
    """

    def __init__(
        self,
        folder: RunFolder,
        stage: str,
        sample_batch: tuple,
        sample_every: int = 2,
        keep_epochs: bool = False,
    ):
        super().__init__()
        self.folder, self.stage = folder, stage
        self.sample_batch, self.sample_every = sample_batch, sample_every
        self.keep_epochs = keep_epochs
        self.epoch = 0
        self.started = 0.0

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch, self.started = epoch + 1, time.monotonic()

    def on_train_batch_end(self, batch, logs=None):
        # With a strategy, the count is a variable of several devices.
        steps = int(keras.ops.convert_to_numpy(self.model.steps))
        self._check_finite(logs, f"step {steps} (epoch {self.epoch}, batch {batch + 1})")

    def on_test_end(self, logs=None):
        self._check_finite(logs, f"the validation of epoch {self.epoch}")
        self.folder.save_best(self.model.generator, self.stage, logs["cc"])
        if self.keep_epochs:
            self.folder.save_generator(self.model.generator, self.epoch)
        if self.epoch % self.sample_every == 1 or self.sample_every == 1 or self.epoch == self.params["epochs"]:
            self.folder.save_samples(self.model.generator, self.sample_batch, self.epoch)

    def on_epoch_end(self, epoch, logs=None):
        seconds = round(time.monotonic() - self.started, 1)
        numbers = {name: float(value) for name, value in logs.items()}
        self.folder.save_epoch(self.model, {"epoch": self.epoch, "stage": self.stage, "seconds": seconds} | numbers)

    def _check_finite(self, logs: dict, moment: str) -> None:
        for name, value in logs.items():
            if not math.isfinite(value):
                done = self.folder.epochs_done
                kept = f"the checkpoint after epoch {done} is kept" if done else "there is no checkpoint yet"
                help = "a new run with a smaller --learning-rate and --init content.keras of this run may help"
                raise InputError(self.folder.path, f"{name} became {float(value)} at {moment}; {kept}; {help}")
