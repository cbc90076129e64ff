"""Two processes that train from one stream: over both, every example is shown once an epoch."""

import json
import os
import socket
import subprocess
import sys

import pytest
from conftest import write_example, write_salicon

from salgan_tf.data import records

# The command, which knows the tiny backbone, and prints the pictures that its replica is given: a digest of each.
COMMAND = """
import hashlib, sys
import tensorflow as tf
from conftest import tiny_backbone
from salgan_tf.__main__ import main
from salgan_tf.models.backbones import BACKBONES
from salgan_tf.models.salgan import SalGAN
BACKBONES["tiny"] = tiny_backbone("tiny")
train_step = SalGAN.train_step
def show(images):
    print("shown", *(hashlib.sha256(image.tobytes()).hexdigest() for image in images), flush=True)
    return images
def shown_step(model, batch):
    images, truth = batch
    return train_step(model, (tf.ensure_shape(tf.numpy_function(show, [images], tf.float32), images.shape), truth))
SalGAN.train_step = shown_step
sys.exit(main())
"""
WORDS = ["--size", "32x32", "--batch-size", "2", "--bce-epochs", "2", "--gan-epochs", "0", "--init", "none"]
WORDS += ["--backbone", "tiny", "--stream", "--augment", "none"]


@pytest.fixture
def data(tmp_path, monkeypatch):
    """Records of six photographs to train on, in three shards, and of four to validate on, which two workers share."""
    monkeypatch.setattr(records, "EXAMPLES_PER_SHARD", 2)
    root = write_salicon(tmp_path / "salicon")
    write_example(root, "val", "scene_13", 13)
    records.write_records(root, tmp_path / "records", (32, 32))
    return tmp_path / "records"


def train_together(data, out) -> list[list[str]]:
    """Train in two processes; return the digests that each was shown."""
    with socket.create_server(("", 0)) as one, socket.create_server(("", 0)) as two:
        addresses = [f"127.0.0.1:{server.getsockname()[1]}" for server in (one, two)]
    processes = []
    for index in range(2):
        cluster = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "TF_CONFIG": json.dumps(cluster)}
        command = [sys.executable, "-c", COMMAND, "train", "--data", str(data), "--out", str(out), *WORDS]
        processes.append(
            subprocess.Popen(
                [*command, "--strategy", "multi-worker"],
                env=environment | {"SALGAN_TF_WAIT_SECONDS": "300"},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    found = []
    for process in processes:
        output, errors = process.communicate(timeout=600)
        assert process.returncode == 0, errors
        lines = [line.split()[1:] for line in output.splitlines() if line.startswith("shown")]
        found.append([digest for line in lines for digest in line])
    return found


def test_every_example_is_shown_once_over_both(data, tmp_path):
    first, second = train_together(data, tmp_path / "run")
    # Two epochs of three steps, in each of which a worker has one of two examples.
    assert len(first) == len(second) == 6
    everything = set(first) | set(second)
    assert len(everything) == 6
    for epoch in (slice(0, 3), slice(3, 6)):
        assert {*first[epoch], *second[epoch]} == everything
    # Their parts change from epoch to epoch.
    assert first[:3] != first[3:]
