"""Training in a run folder: its files, how it is resumed, and how it stops."""

import csv
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import SHORT, few_filters, tiny_backbone, write_salicon

from salgan_tf import InputError, SaliencyPredictor, build_generator, images, training
from salgan_tf.__main__ import main
from salgan_tf.data import records
from salgan_tf.models.backbones import BACKBONES
from salgan_tf.run_folder import RunFolder
from salgan_tf.weights import find_model


def train(data: Path, out: Path, backbone: str = "tiny", **settings) -> Path:
    return training.train(data, out, backbone, verbose=0, **SHORT | settings)


def resume(data: Path, out: Path) -> Path:
    return training.train(data, out, resume=True, verbose=0)


def make_arguments(data: Path, out: Path, backbone: str = "tiny") -> list[str]:
    return [
        *("train", "--data", str(data), "--out", str(out), "--backbone", backbone, "--size", "32x32"),
        *("--batch-size", "2", "--init", "none", "--bce-epochs", "2", "--gan-epochs", "2", "--augment", "flip,crop"),
        *("--updates", "alternate"),
    ]


def read_history(run: Path) -> list[dict]:
    with (run / "history.csv").open() as table:
        return list(csv.DictReader(table))


def final_weights(run: Path) -> list[np.ndarray]:
    return keras.saving.load_model(run / "adversarial.keras").get_weights()


def assert_ended_alike(run: Path, expected: Path):
    for theirs, ours in zip(final_weights(expected), final_weights(run), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
    for theirs, ours in zip(read_history(expected), read_history(run), strict=True):
        for name in ("content_loss", "discriminator_loss", "val_cc"):
            assert float(ours[name] or 0) == pytest.approx(float(theirs[name] or 0), rel=1e-4)


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """A data set that the tests of this file only read."""
    return write_salicon(tmp_path_factory.mktemp("data") / "salicon")


@pytest.fixture(scope="module", autouse=True)
def tiny():
    """Register a tiny backbone, to test the schedule around it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(BACKBONES, "tiny", tiny_backbone("tiny"))
        yield


@pytest.fixture(scope="module")
def whole_run(data, tiny, tmp_path_factory) -> Path:
    """An uninterrupted training with alternating updates, three steps per epoch: every epoch ends in mid-turn."""
    return train(data, tmp_path_factory.mktemp("whole") / "run")


def test_backbone_needs_only_its_line_in_the_registry(whole_run, tmp_path, capsys):
    """Its run is recognized and exported at another size, and `train --help` lists it."""
    assert json.loads((whole_run / "run.json").read_text())["settings"]["backbone"] == "tiny"
    command = ["export", "--model", str(whole_run), "--float32", "--size", "20x24", "--out", str(tmp_path)]
    assert main(command) == 0
    (exported,) = tmp_path.glob("*.tflite")
    assert exported.name.startswith("salgan_tiny_20x24")
    generator = build_generator("tiny", (20, 24, 3), whole_run / "adversarial.keras")
    image = np.random.default_rng(0).integers(0, 256, (20, 24, 3), np.uint8)
    expected = np.asarray(generator(image[None]))[0, ..., 0]
    np.testing.assert_allclose(SaliencyPredictor(exported).run_network(image), expected, rtol=0, atol=1e-5)
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert f"--backbone {{{','.join(BACKBONES)}}}" in text
    light = "mobilenet_v2, mobilenet_v2_slim, efficientnet_lite0, efficientnet_lite0_slim, efficientnet_lite2"
    assert f"(default: 32; 16 for {light}, salicon, tiny; 10 for mlnet)" in text


def test_run_folder_has_everything_a_researcher_needs(whole_run):
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


@pytest.mark.parametrize(
    ("best_cc", "stage"),
    [({"content": 0.8, "adversarial": 0.7}, "content"), ({"content": 0.7, "adversarial": 0.8}, "adversarial")],
)
def test_the_better_generator_of_a_run_is_its_model(tmp_path, best_cc, stage):
    for name in best_cc:
        (tmp_path / f"{name}.keras").touch()
    assert find_model(tmp_path) == tmp_path / "adversarial.keras"
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "last.json").write_text(json.dumps({"best_cc": best_cc}))
    assert find_model(tmp_path) == tmp_path / f"{stage}.keras"


@pytest.mark.parametrize("epoch", [2, 3, 4])
def test_resumed_run_ends_equal_to_an_uninterrupted_one(data, whole_run, tmp_path, monkeypatch, epoch):
    """Interrupted in the middle of the second epoch of either stage, and of the first of the second stage."""

    def interrupt(recorder, batch, logs=None):
        if recorder.epoch == epoch and batch == 1:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(training.RunRecorder, "on_train_batch_end", interrupt)
        train(data, tmp_path / "run")
    assert RunFolder(tmp_path / "run").epochs_done == epoch - 1
    assert_ended_alike(resume(data, tmp_path / "run"), whole_run)


def test_run_with_fewer_steps_than_batches_resumes_equal_too(data, tmp_path, monkeypatch):
    whole = train(data, tmp_path / "whole", steps_per_epoch=2)

    def interrupt(recorder, batch, logs=None):
        if recorder.epoch == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(training.RunRecorder, "on_train_batch_end", interrupt)
        train(data, tmp_path / "run", steps_per_epoch=2)
    assert_ended_alike(resume(data, tmp_path / "run"), whole)


# The command, which knows the tiny backbone.
COMMAND = """
import sys
from conftest import tiny_backbone
from salgan_tf.__main__ import main
from salgan_tf.models.backbones import BACKBONES
BACKBONES["tiny"] = tiny_backbone("tiny")
sys.exit(main())
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_stopped_command_keeps_its_last_epoch(data, whole_run, tmp_path, how):
    arguments = make_arguments(data, tmp_path / "run")
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, *arguments],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
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
    assert_ended_alike(tmp_path / "run", whole_run)


@pytest.fixture(scope="module")
def in_shards(data, tmp_path_factory) -> Path:
    """The data set as records of three shards, of two examples each, and two."""
    root = tmp_path_factory.mktemp("shards") / "records"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "EXAMPLES_PER_SHARD", 2)
        records.write_records(data, root, SHORT["image_shape"])
    return root


@pytest.fixture
def batches_read(monkeypatch) -> list[list[str]]:
    """For each training, digests of the batches that are made for it, in order; some are read ahead.

    A training that is interrupted may read ahead for a while.
    """
    trainings, make_batches = [], training.make_batches

    def recorded(*arguments, first_epoch=None, **options):
        batches = make_batches(*arguments, first_epoch=first_epoch, **options)
        if first_epoch is None:
            return batches
        digests = []
        trainings.append(digests)

        def digest(*arrays):
            digests.append(hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest())
            return arrays[0]

        def record(image, truth):
            same = tf.numpy_function(digest, [image, *truth.values()], tf.float32)
            return tf.ensure_shape(same, image.shape), truth

        return batches.map(record)

    monkeypatch.setattr(training, "make_batches", recorded)
    return trainings


def test_resumed_stream_gives_the_same_batches_to_the_bit(in_shards, batches_read, tmp_path, monkeypatch):
    settings = {"bce_epochs": 4, "gan_epochs": 0, "stream": True}
    whole = train(in_shards, tmp_path / "whole", **settings)

    def interrupt(recorder, batch, logs=None):
        if recorder.epoch == 3 and batch == 1:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(training.RunRecorder, "on_train_batch_end", interrupt)
        train(in_shards, tmp_path / "run", **settings)
    resume(in_shards, tmp_path / "run")
    uninterrupted, interrupted, resumed = batches_read
    expected = uninterrupted[:12]
    assert len(set(expected)) == 12
    assert interrupted[:8] == expected[:8]
    assert resumed[:6] == expected[6:]
    runs = [whole, tmp_path / "run"]
    weights = [keras.saving.load_model(run / "content.keras").get_weights() for run in runs]
    for theirs, ours in zip(*weights, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
    assert json.loads((whole / "run.json").read_text())["settings"]["stream"] is True


def test_shard_that_is_damaged_during_a_training_is_named_and_the_run_continued(in_shards, tmp_path, monkeypatch):
    settings = {"stream": True, "bce_epochs": 3, "gan_epochs": 0}
    whole = train(in_shards, tmp_path / "whole", **settings)
    data = shutil.copytree(in_shards, tmp_path / "records")
    shard = sorted(data.glob("train-*.tfrecord"))[1]
    content = shard.read_bytes()

    def damage(recorder, epoch, logs=None):
        if epoch == 0:
            shard.write_bytes(content[:-100] + bytes([content[-100] ^ 1]) + content[-99:])

    with monkeypatch.context() as patch, pytest.raises(InputError, match="damaged") as caught:
        patch.setattr(training.RunRecorder, "on_epoch_begin", damage)
        train(data, tmp_path / "run", **settings)
    assert caught.value.subject == str(shard)
    shard.write_bytes(content)
    resume(data, tmp_path / "run")
    for theirs, ours in zip(read_history(whole), read_history(tmp_path / "run"), strict=True):
        assert float(ours["content_loss"]) == pytest.approx(float(theirs["content_loss"]), rel=1e-4)


def test_stream_reads_records_and_pseudo_labels_in_records(in_shards, data, tmp_path, capsys):
    one_epoch = {"stream": True, "bce_epochs": 1, "gan_epochs": 0}
    described = json.loads((train(in_shards, tmp_path / "run", pseudo=in_shards, **one_epoch) / "run.json").read_text())
    assert described["data"]["train"]["examples"] == 12
    assert main([*make_arguments(data, tmp_path / "folder"), "--stream"]) == 1
    (line,) = capsys.readouterr().err.splitlines()[-1:]
    assert line.endswith(f"{data}: is not a folder of records, which --stream reads: write them with `prepare`")
    with pytest.raises(InputError, match="not a folder of records") as caught:
        train(in_shards, tmp_path / "mixed", pseudo=data, **one_epoch)
    assert caught.value.subject == str(data)
    assert not (tmp_path / "folder").exists() and not (tmp_path / "mixed").exists()


def test_loss_that_is_not_finite_stops_the_run_and_keeps_the_checkpoint(data, tmp_path, monkeypatch):
    make_batches = training.make_batches

    def spoiled(examples, *arguments, first_epoch=None, **options):
        batches = make_batches(examples, *arguments, first_epoch=first_epoch, **options)
        if first_epoch is None:
            return batches

        def spoil(step, batch):
            # The second epoch's second batch, of three per epoch.
            saliency = batch[1]["saliency"] * tf.where(step == 4, np.nan, 1.0)
            return batch[0], batch[1] | {"saliency": saliency}

        return batches.enumerate().map(spoil)

    cause = r"content_loss became nan at step 5 \(epoch 2, batch 2\).*after epoch 1 is kept"
    with monkeypatch.context() as patch, pytest.raises(InputError, match=cause):
        patch.setattr(training, "make_batches", spoiled)
        train(data, tmp_path / "run", bce_epochs=3, gan_epochs=0)
    folder = RunFolder(tmp_path / "run")
    assert folder.epochs_done == 1
    resume(data, tmp_path / "run")
    assert RunFolder(tmp_path / "run").epochs_done == 3


def test_second_run_in_a_folder_and_resuming_without_a_run_are_refused(data, whole_run, tmp_path, capsys):
    assert main(make_arguments(data, whole_run)) == 1
    assert "--resume" in capsys.readouterr().err
    assert main(["train", "--data", str(data), "--out", str(tmp_path / "none"), "--resume"]) == 1
    assert "none: holds no run to continue: it has no run.json" in capsys.readouterr().err


def test_resume_refuses_other_settings_and_other_data(salicon, tmp_path, capsys):
    run = train(salicon, tmp_path / "run", bce_epochs=1, gan_epochs=0)
    assert main([*make_arguments(salicon, run), "--resume", "--seed", "7"]) == 1
    assert "--bce-epochs is 1, not 2: a resumed run keeps its settings" in capsys.readouterr().err
    (salicon / "maps" / "train" / "scene_0.png").unlink()
    assert main(["train", "--data", str(salicon), "--out", str(run), "--resume"]) == 1
    assert "is not the data" in capsys.readouterr().err
    assert main(["train", "--data", str(tmp_path / "none"), "--out", str(tmp_path / "new"), "--init", "none"]) == 1
    assert not (tmp_path / "new").exists()


def test_mirrored_strategy_trains_from_the_command_line(data, tmp_path):
    arguments = make_arguments(data, tmp_path / "run")
    arguments += ["--bce-epochs", "1", "--gan-epochs", "1"]
    assert main([*arguments, "--strategy", "mirrored"]) == 0
    assert RunFolder(tmp_path / "run").epochs_done == 2
    # Where it computes is no setting that a resumed run must keep.
    assert main([*arguments, "--strategy", "none", "--resume"]) == 0


def test_vgg16_trains_with_the_papers_defaults(data, tmp_path):
    settings = {"image_shape": (16, 16), "batch_size": 2, "bce_epochs": 1, "gan_epochs": 1, "init": "none"}
    with few_filters():
        run = training.train(data, tmp_path / "run", "vgg16", verbose=0, **settings)
    saved = json.loads((run / "run.json").read_text())["settings"]
    names = ("content_loss", "alpha", "optimizer", "updates")
    assert [saved[name] for name in names] == ["bce", 0.05, "adagrad", "alternate"]
    assert RunFolder(run).epochs_done == 2


def test_run_in_bfloat16_leaves_a_generator_in_float32(data, tmp_path):
    one_epoch = {"bce_epochs": 1, "gan_epochs": 0}
    run, in_float32 = (
        train(data, tmp_path / precision, precision=precision, **one_epoch) for precision in ("bfloat16", "float32")
    )
    assert keras.config.dtype_policy().name == "float32"
    generator = keras.saving.load_model(resume(data, run) / "content.keras")
    assert {layer.compute_dtype for layer in generator.layers} == {"float32"}
    loss, expected = (float(read_history(folder)[0]["content_loss"]) for folder in (run, in_float32))
    assert loss != expected == pytest.approx(loss, rel=0.02)


def test_run_killed_in_its_first_epoch_is_resumed_from_its_start(data, tmp_path, monkeypatch):
    """The weights start from a file, which a resumed run must load again."""
    settings = {"init": tmp_path / "start.keras", "bce_epochs": 1, "gan_epochs": 1}
    build_generator("tiny", (32, 32, 3)).save(settings["init"])
    whole = train(data, tmp_path / "whole", **settings)
    with monkeypatch.context() as patch, pytest.raises(ZeroDivisionError):
        patch.setattr(training.RunRecorder, "on_train_batch_end", lambda *arguments, **options: 1 / 0)
        train(data, tmp_path / "run", **settings)
    # The files that a kill in the middle of writing leaves.
    (tmp_path / "run" / "checkpoints" / ".partial-0_abcdef").mkdir(parents=True)
    (tmp_path / "run" / "checkpoints" / "epoch-0001.weights.h5").write_bytes(b"half")
    resume(data, tmp_path / "run")
    assert_ended_alike(tmp_path / "run", whole)
    assert [path.name for path in (tmp_path / "run" / "checkpoints").glob("*.h5")] == ["epoch-0002.weights.h5"]
    assert not list((tmp_path / "run").rglob(".partial-*"))


def test_frozen_convolutions_keep_their_start_and_every_epoch_its_generator(tmp_path, data):
    settings = {"frozen": 1, "dropout": 0.2, "label_smoothing": 0.1, "spectral_normalization": True, "gan_epochs": 1}
    run = train(data, tmp_path / "run", keep_epochs=True, **settings)
    epochs = sorted((run / "epochs").iterdir())
    assert [path.name for path in epochs] == [f"epoch-{number:04d}.keras" for number in (1, 2, 3)]
    first, last = (keras.saving.load_model(epochs[index]) for index in (0, -1))
    moved = {
        name: (first.get_layer(name).kernel.numpy() != last.get_layer(name).kernel.numpy()).any()
        for name in ("hidden", "output")
    }
    assert moved == {"hidden": False, "output": True}
    # Dropout takes part in training only.
    picture = np.full((1, 32, 32, 3), 90, np.float32)
    np.testing.assert_array_equal(last(picture, training=False), last(picture, training=False))
    assert (np.asarray(last(picture, training=True)) != np.asarray(last(picture, training=True))).any()
