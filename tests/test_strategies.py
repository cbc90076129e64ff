"""Training on several machines, as two processes on this one: the weights of one process, and every death survived."""

import csv
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest
from conftest import SHORT, tiny_backbone, write_example, write_salicon

from salgan_tf import training
from salgan_tf.errors import InputError
from salgan_tf.models.backbones import BACKBONES
from salgan_tf.recipes import train_edge

# The command, which knows the tiny backbone, and prints what it saves: every worker's weights, and who it is.
COMMAND = """
import hashlib, sys
from conftest import tiny_backbone
from salgan_tf.__main__ import main
from salgan_tf.models.backbones import BACKBONES
from salgan_tf.run_folder import RunFolder
BACKBONES["tiny"] = tiny_backbone("tiny")
save_epoch = RunFolder.save_epoch
def save(folder, model, row):
    save_epoch(folder, model, row)
    weights = b"".join(each.tobytes() for each in model.get_weights())
    print("saved", row["epoch"], hashlib.sha256(weights).hexdigest(), flush=True)
RunFolder.save_epoch = save
sys.exit(main())
"""
SETTINGS = SHORT | {"gan_epochs": 1, "ema": 0.9}
WORDS = ["--size", "32x32", "--batch-size", "2", "--bce-epochs", "2", "--gan-epochs", "1", "--init", "none"]
WORDS += ["--ema", "0.9", "--augment", "flip,crop", "--updates", "alternate", "--backbone", "tiny"]


class Workers:
    """Two processes that train together."""

    def __init__(self, data: Path, out: Path, *words: str, others: tuple[str, ...] = ()):
        with socket.create_server(("", 0)) as one, socket.create_server(("", 0)) as two:
            addresses = [f"127.0.0.1:{server.getsockname()[1]}" for server in (one, two)]
        # Where the workers' own folders are.
        self.scratch = out.parent / "scratch"
        self.scratch.mkdir(exist_ok=True)
        self.addresses = addresses
        common = os.environ | {
            "PYTHONPATH": os.pathsep.join(sys.path),
            "TMPDIR": str(self.scratch),
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "SALGAN_TF_WAIT_SECONDS": "300",
        }
        command = [sys.executable, "-c", COMMAND, "train", "--data", str(data), "--out", str(out), *WORDS, *words]
        self.processes = [
            subprocess.Popen(
                [*command, "--strategy", "multi-worker", *(others if index else ())],
                env=common
                | {
                    "TF_CONFIG": json.dumps(
                        {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
                    )
                },
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for index in range(2)
        ]

    def end(self) -> list[tuple[int, list[str], list[str]]]:
        """Wait for both, and return exit code, what was saved, and the package's lines of errors for each."""
        outcomes = []
        for process in self.processes:
            output, errors = process.communicate(timeout=600)
            assert "Traceback" not in errors, errors
            saved = [line for line in output.splitlines() if line.startswith("saved")]
            lines = [line for line in errors.splitlines() if line.startswith("salgan_tf: ")]
            outcomes.append((process.returncode, saved, lines))
        return outcomes


def final_weights(run: Path, stage: str = "adversarial") -> list[np.ndarray]:
    return keras.saving.load_model(run / f"{stage}.keras").get_weights()


def assert_ended_alike(run: Path, expected: Path):
    """Compare the generators, the whole state of the last checkpoint, and what was reported."""
    for stage in ("content", "adversarial"):
        for ours, theirs in zip(final_weights(run, stage), final_weights(expected, stage), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-6)
    histories = []
    for folder in (run, expected):
        with (folder / "history.csv").open() as table:
            histories.append(list(csv.DictReader(table)))
    for ours, theirs in zip(*histories, strict=True):
        for name in ours.keys() - {"seconds", "stage"}:
            assert float(ours[name] or 0) == pytest.approx(float(theirs[name] or 0), rel=1e-4), name


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """Six photographs to train on, and four to validate on, which two workers can share."""
    root = write_salicon(tmp_path_factory.mktemp("data") / "salicon")
    write_example(root, "val", "scene_13", 13)
    return root


@pytest.fixture(scope="module")
def alone(data, tmp_path_factory) -> Path:
    """The same training in one process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(BACKBONES, "tiny", tiny_backbone("tiny"))
        return training.train(data, tmp_path_factory.mktemp("alone") / "run", "tiny", verbose=0, **SETTINGS)


def test_two_workers_end_like_one_process(data, alone, tmp_path):
    workers = Workers(data, tmp_path / "run")
    (code, saved, lines), (other_code, other_saved, other_lines) = workers.end()
    assert (code, lines, other_code, other_lines) == (0, [], 0, [])
    assert len(saved) == 3
    # To the bit, of both networks.
    assert saved == other_saved
    assert_ended_alike(tmp_path / "run", alone)
    assert not (tmp_path / "run" / "run.lock").exists()
    assert not list(workers.scratch.glob("salgan_tf-*"))
    assert {path.name for path in (tmp_path / "run" / "logs").iterdir()} == {"content", "adversarial"}


def test_killed_worker_ends_the_chief_and_the_same_command_continues(data, alone, tmp_path):
    workers = Workers(data, tmp_path / "run")
    state = tmp_path / "run" / "checkpoints" / "last.json"
    while not state.exists() and workers.processes[0].poll() is None:
        time.sleep(0.05)
    workers.processes[1].kill()
    (code, _, lines), (killed, _, _) = workers.end()
    assert (code, killed) == (1, -signal.SIGKILL)
    assert lines == [
        f"salgan_tf: --strategy multi-worker: lost {workers.addresses[1]}; repeat the command on every machine to "
        "continue"
    ]
    assert len(list(workers.scratch.glob("salgan_tf-*"))) == 1
    workers = Workers(data, tmp_path / "run")
    (code, saved, _), (other_code, other_saved, _) = workers.end()
    assert (code, other_code) == (0, 0)
    # Continued, not begun again.
    assert 0 < len(saved) < 3
    assert saved == other_saved
    assert_ended_alike(tmp_path / "run", alone)
    assert not list(workers.scratch.glob("salgan_tf-*"))


def test_dropout_and_a_validation_that_cannot_be_shared(tmp_path):
    """Three photographs to validate on: each worker measures all of them."""
    data = write_salicon(tmp_path / "salicon")
    one_epoch = ("--bce-epochs", "0", "--gan-epochs", "1", "--dropout", "0.2")
    (code, saved, _), (other_code, other_saved, _) = Workers(data, tmp_path / "run", *one_epoch).end()
    assert (code, other_code) == (0, 0)
    assert len(saved) == 1
    assert saved == other_saved
    with (tmp_path / "run" / "history.csv").open() as table:
        (row,) = csv.DictReader(table)
    # The moving average of the weights, which is what was saved and validated.
    model = training.SalGAN(keras.saving.load_model(tmp_path / "run" / "adversarial.keras"))
    model.compile()
    batches = training.make_batches(training.load_examples(data, "val", (32, 32)), 3)
    measured = model.evaluate(batches, return_dict=True, verbose=0)
    assert float(row["val_cc"]) == pytest.approx(measured["cc"], rel=1e-4)


def test_workers_with_other_settings_or_batches_that_cannot_be_shared_stop(data, tmp_path):
    workers = Workers(data, tmp_path / "run", others=("--seed", "7"))
    (code, _, lines), (other_code, _, other_lines) = workers.end()
    assert (code, other_code) == (1, 1)
    assert other_lines == ["salgan_tf: --seed: is 7 for this worker, and 0 for the chief"]
    assert lines[0].startswith(f"salgan_tf: --strategy multi-worker: lost {workers.addresses[1]}")
    for code, _, lines in Workers(data, tmp_path / "odd", "--batch-size", "3").end():
        assert code == 1
        assert lines == ["salgan_tf: --batch-size: 3 photographs cannot be shared evenly among 2 devices"]
    assert not (tmp_path / "odd").exists()


def test_multi_worker_needs_a_new_process_and_no_recipe(data, tmp_path, monkeypatch):
    keras.ops.zeros(1)
    with socket.create_server(("", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
    config = {"cluster": {"worker": [address]}, "task": {"type": "worker", "index": 0}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(config))
    with pytest.raises(InputError, match="TensorFlow has been used in this process already: train in a new one"):
        training.train(data, tmp_path / "run", strategy="multi-worker")
    with pytest.raises(InputError, match="the recipe runs on one machine"):
        train_edge(data, tmp_path / "run", strategy="multi-worker")
    assert not (tmp_path / "run").exists()
