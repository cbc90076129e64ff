"""Training in a run folder: what it leaves, how it is resumed, and how it stops."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import write_salicon

from salgan_tf import InputError, SalGAN, SaliencyPredictor, build_discriminator, build_generator, images, training
from salgan_tf.__main__ import main
from salgan_tf.models import mobilenet_v2, vgg16
from salgan_tf.models.pretrained import load_pretrained
from salgan_tf.run_folder import RunFolder

TINY = {
    "image_shape": (32, 32),
    "batch_size": 2,
    "bce_epochs": 2,
    "gan_epochs": 2,
    "init": "none",
    "augmentations": ("flip", "crop"),
    "updates": "alternate",
}


def tiny_config(data: Path, **settings) -> training.TrainingConfig:
    return training.make_config("mobilenet_v2", data=str(data), **TINY | settings)


def tiny_arguments(data: Path, out: Path) -> list[str]:
    return [
        *("train", "--data", str(data), "--out", str(out), "--size", "32x32", "--batch-size", "2", "--init", "none"),
        *("--bce-epochs", "2", "--gan-epochs", "2", "--augment", "flip,crop"),
        *("--updates", "alternate"),
    ]


def read_history(run: Path) -> list[dict]:
    with (run / "history.csv").open() as table:
        return list(csv.DictReader(table))


def final_weights(run: Path) -> list[np.ndarray]:
    return keras.saving.load_model(run / "adversarial.keras").get_weights()


def assert_ended_alike(run: Path, expected: Path):
    for one, two in zip(final_weights(expected), final_weights(run), strict=True):
        np.testing.assert_allclose(two, one, rtol=1e-5, atol=1e-6)
    for one, two in zip(read_history(expected), read_history(run), strict=True):
        for name in ("content_loss", "discriminator_loss", "val_cc"):
            assert float(two[name] or 0) == pytest.approx(float(one[name] or 0), rel=1e-4)


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """A data set that the tests of this file only read."""
    return write_salicon(tmp_path_factory.mktemp("data") / "salicon")


def build_tiny_generator(backbone: str, image_shape: tuple[int, ...], weights=None, dropout=0.0) -> keras.Model:
    """Build a generator of three layers, which TensorFlow traces in a second."""
    image = keras.Input(image_shape, name="image")
    x = keras.layers.Rescaling(1 / 127.5, offset=-1.0)(image)
    x = keras.layers.Conv2D(4, 3, padding="same", activation="relu", name="hidden")(x)
    tiny = keras.Model(image, keras.layers.Conv2D(1, 3, padding="same", activation="sigmoid", name="output")(x))
    if weights is not None:
        load_pretrained(tiny, weights)
    return tiny


@pytest.fixture
def tiny(monkeypatch):
    """Train a tiny generator: what is tested is the schedule around it."""
    monkeypatch.setattr(training, "build_generator", build_tiny_generator)


@pytest.fixture(scope="module")
def whole_run(data, tmp_path_factory) -> Path:
    """An uninterrupted training with alternating updates, three steps an epoch: every epoch ends in mid-turn."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "build_generator", build_tiny_generator)
        return training.train(tiny_config(data), tmp_path_factory.mktemp("whole") / "run", verbose=0)


def test_run_folder_holds_all_that_a_researcher_needs(whole_run):
    history = read_history(whole_run)
    assert [row["stage"] for row in history] == ["content", "content", "adversarial", "adversarial"]
    assert [row["epoch"] for row in history] == ["1", "2", "3", "4"]
    for name in ("content_loss", "val_cc", "val_kl", "val_sim", "val_nss"):
        assert all(np.isfinite(float(row[name])) for row in history)
    assert all(np.isfinite(float(row["discriminator_loss"])) for row in history[2:])
    described = json.loads((whole_run / "run.json").read_text())
    assert described["settings"]["seed"] == 0
    assert described["settings"]["optimizer"] == "adamw"
    assert described["data"]["train"]["examples"] == 6
    assert described["versions"]["keras"] == keras.__version__
    assert len(list((whole_run / "checkpoints").glob("*.weights.h5"))) == 1
    assert any((whole_run / "logs").rglob("events.out.tfevents.*"))
    # Two validation pictures of 32x32 (a batch) in rows of photograph, truth and prediction, with gaps of 4 pixels.
    for name in ("epoch-0001.jpg", "epoch-0004.jpg"):
        assert images.read_image(whole_run / "samples" / name).shape == (2 * 32 + 4, 3 * 32 + 2 * 4, 3)
    assert images.read_image(whole_run / "curves.png").shape[1] > 500
    saliency = SaliencyPredictor(whole_run)(np.zeros((40, 50, 3), np.uint8))
    assert saliency.shape == (40, 50)


@pytest.mark.parametrize("epoch", [2, 3, 4])
def test_resumed_run_ends_equal_to_an_uninterrupted_one(data, whole_run, tiny, tmp_path, monkeypatch, epoch):
    """Interrupted in the middle of the second epoch of either stage, and of the first of the second stage."""

    class Interrupted(Exception):
        pass

    def interrupt(recorder, batch, logs=None):
        if recorder.epoch == epoch and batch == 1:
            raise Interrupted

    with monkeypatch.context() as patch:
        patch.setattr(training.RunRecorder, "on_train_batch_end", interrupt)
        with pytest.raises(Interrupted):
            training.train(tiny_config(data), tmp_path / "run", verbose=0)
    assert RunFolder(tmp_path / "run").epochs_done == epoch - 1
    assert_ended_alike(training.resume(tmp_path / "run", verbose=0), whole_run)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_stopped_command_keeps_its_last_epoch(data, tmp_path, how):
    """The edge generator through the command line, as users have it."""
    arguments = tiny_arguments(data, tmp_path / "run")
    process = subprocess.Popen(
        [sys.executable, "-m", "salgan_tf", *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        # Tests that run in the background inherit that Ctrl-C is ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    state = tmp_path / "run" / "checkpoints" / "last.json"
    while not state.exists() and process.poll() is None:
        time.sleep(0.05)
    os.kill(process.pid, how)
    errors = process.communicate()[1]
    assert process.returncode == (130 if how == signal.SIGINT else -signal.SIGKILL)
    if how == signal.SIGINT:
        assert errors.splitlines()[-1] == "salgan_tf: interrupted; --resume continues after the last whole epoch"
        return
    assert main([*arguments, "--resume"]) == 0
    assert_ended_alike(tmp_path / "run", training.train(tiny_config(data), tmp_path / "whole", verbose=0))


def test_loss_that_is_no_number_stops_the_run_and_keeps_the_checkpoint(data, tiny, tmp_path, monkeypatch):
    config = tiny_config(data, bce_epochs=3, gan_epochs=0)
    make_batches = training.make_batches

    def spoiled(examples, *arguments, first_epoch=None, **options):
        batches = make_batches(examples, *arguments, first_epoch=first_epoch, **options)
        if first_epoch is None:
            return batches

        def spoil(step, batch):
            # The second epoch's second batch, of three an epoch.
            saliency = batch[1]["saliency"] * tf.where(step == 4, np.nan, 1.0)
            return batch[0], batch[1] | {"saliency": saliency}

        return batches.enumerate().map(spoil)

    with (
        monkeypatch.context() as patch,
        pytest.raises(
            InputError, match=r"content_loss became nan at step 5 \(epoch 2, batch 2\).*after epoch 1 is kept"
        ),
    ):
        patch.setattr(training, "make_batches", spoiled)
        training.train(config, tmp_path / "run", verbose=0)
    folder = RunFolder(tmp_path / "run")
    assert folder.epochs_done == 1
    training.resume(tmp_path / "run", verbose=0)
    assert RunFolder(tmp_path / "run").epochs_done == 3


def test_second_run_in_the_same_folder_is_refused(data, whole_run, capsys):
    assert main(tiny_arguments(data, whole_run)) == 1
    assert "--resume" in capsys.readouterr().err


def test_resume_refuses_other_settings_and_other_data(salicon, tiny, tmp_path, capsys):
    run = training.train(tiny_config(salicon, bce_epochs=1, gan_epochs=0), tmp_path / "run", verbose=0)
    assert main([*tiny_arguments(salicon, run), "--resume", "--seed", "7"]) == 1
    assert "bce_epochs=1" in capsys.readouterr().err
    (salicon / "maps" / "train" / "scene_0.png").unlink()
    assert main(["train", "--data", str(salicon), "--out", str(run), "--resume"]) == 1
    assert "is not the data" in capsys.readouterr().err


def test_resume_without_a_run_is_refused(data, tmp_path, capsys):
    assert main(["train", "--data", str(data), "--out", str(tmp_path / "none"), "--resume"]) == 1
    assert "run.json" in capsys.readouterr().err


def test_mirrored_strategy_trains_from_the_command_line(data, tiny, tmp_path):
    arguments = tiny_arguments(data, tmp_path / "run")
    assert main([*arguments, "--strategy", "mirrored", "--bce-epochs", "1", "--gan-epochs", "1"]) == 0
    assert RunFolder(tmp_path / "run").epochs_done == 2


def test_paper_recipe_trains_vgg16(data, tmp_path):
    config = training.make_config(
        "vgg16", data=str(data), image_shape=(16, 16), batch_size=2, bce_epochs=1, gan_epochs=1, init="none"
    )
    assert (config.content_loss, config.alpha, config.optimizer, config.updates) == (
        "bce",
        0.05,
        "adagrad",
        "alternate",
    )
    training.train(config, tmp_path / "run", verbose=0)
    assert RunFolder(tmp_path / "run").epochs_done == 2


def test_run_killed_in_its_first_epoch_is_resumed_from_its_start(data, tiny, tmp_path, monkeypatch):
    """The start of the weights is a file, as users have it: a resumed run must load it again."""
    start = tmp_path / "start.keras"
    build_tiny_generator("", (32, 32, 3)).save(start)
    config = tiny_config(data, init=str(start), bce_epochs=1, gan_epochs=1)
    whole = training.train(config, tmp_path / "whole", verbose=0)
    with monkeypatch.context() as patch:
        patch.setattr(training.RunRecorder, "on_train_batch_end", lambda *arguments, **options: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            training.train(config, tmp_path / "run", verbose=0)
    # What a kill in the middle of writing leaves.
    (tmp_path / "run" / "checkpoints" / ".partial-x").mkdir(parents=True)
    (tmp_path / "run" / "checkpoints" / "epoch-0009.weights.h5").write_bytes(b"half")
    training.resume(tmp_path / "run", verbose=0)
    assert_ended_alike(tmp_path / "run", whole)
    assert [path.name for path in (tmp_path / "run" / "checkpoints").glob("*.h5")] == ["epoch-0002.weights.h5"]
    assert not list((tmp_path / "run").rglob(".partial-*"))


def test_frozen_blocks_of_the_real_generator_never_move():
    generator = build_generator("vgg16", (16, 16, 3))
    model = SalGAN(generator, build_discriminator((16, 16, 3)))
    model.compile()
    before = {layer.name: layer.get_weights() for layer in generator.layers if layer.weights}
    batch = (
        np.full((2, 16, 16, 3), 100, np.float32),
        {"saliency": np.eye(16, dtype=np.float32)[None, ..., None][[0, 0]]},
    )
    model.fit(tf.data.Dataset.from_tensors(batch).repeat(4), shuffle=False, verbose=0)
    moved = {
        name
        for name, weights in before.items()
        if any((one != two).any() for one, two in zip(weights, generator.get_layer(name).get_weights(), strict=True))
    }
    assert not [name for name in moved if name.startswith(vgg16.FROZEN_BLOCKS)]
    assert {"conv4_1", "conv5_3", "uconv5_3", "uconv1_1", "output"} <= moved


def test_frozen_convolutions_keep_their_start_and_every_epoch_its_generator(tmp_path, salicon):
    settings = {"frozen": 9, "dropout": 0.2, "label_smoothing": 0.1, "spectral_normalization": True, "gan_epochs": 1}
    run = training.train(tiny_config(salicon, keep_epochs=True, **settings), tmp_path / "run", verbose=0)
    epochs = sorted((run / "epochs").iterdir())
    assert [path.name for path in epochs] == [f"epoch-{number:04d}.keras" for number in (1, 2, 3)]
    first, last = (keras.saving.load_model(epochs[index]) for index in (0, -1))
    names = mobilenet_v2.encoder_layers()
    moved = [
        name
        for name in names
        if (first.get_layer(name).get_weights()[0] != last.get_layer(name).get_weights()[0]).any()
    ]
    assert moved == names[9:]
    # Dropout is of the training alone.
    picture = np.full((1, 32, 32, 3), 90, np.float32)
    np.testing.assert_array_equal(last(picture, training=False), last(picture, training=False))
    assert (np.asarray(last(picture, training=True)) != np.asarray(last(picture, training=True))).any()
