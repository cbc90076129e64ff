"""The memory of a training from 200,000 records, in processes of its own."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from salgan_tf.data import records

EXAMPLES, SHARDS, SHAPE = 200_000, 400, (32, 32)

# Trains for two epochs of 25,000 of the examples, and then lets all of an epoch pass, without decoding them. Prints the
# peak of its resident memory in bytes: the kernel's VmHWM, as ru_maxrss would include the process that started it.
PROGRAM = """
import re, sys
import tensorflow as tf
from conftest import tiny_backbone
from salgan_tf import build_generator, training
from salgan_tf.data.pipeline import load_examples
from salgan_tf.models.backbones import BACKBONES

BACKBONES["tiny"] = tiny_backbone("tiny")
if sys.argv[1:]:
    data, out = sys.argv[1:]
    settings = {"image_shape": (32, 32), "batch_size": 500, "bce_epochs": 2, "gan_epochs": 0, "init": "none"}
    training.train(data, out, "tiny", verbose=0, stream=True, steps_per_epoch=50, **settings)
    order = load_examples(data, "train", (32, 32), streamed=True).order
    epoch = tf.data.Dataset.from_tensors(tf.constant([2, 0], tf.int64)).flat_map(order)
    positions = [position for batch, _ in epoch.batch(1000) for position in batch.numpy()]
    assert sorted(positions) == list(range(200_000))
else:
    build_generator("tiny", (32, 32, 3))
peak = re.search(r"VmHWM:\\s*(\\d+) kB", open("/proc/self/status").read())[1]
print(int(peak) * 1024)
"""


def measure_peak(*arguments: object) -> int:
    """Return the peak of the program's resident memory, in bytes."""
    command = [sys.executable, "-c", PROGRAM, *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.fixture
def many(tmp_path):
    """Records of 1.3 GB of noise, which PNG cannot compress. All shards are the same file."""
    root, random = tmp_path / "records", np.random.default_rng(0)
    root.mkdir()
    shard = root / "noise.tfrecord"
    with tf.io.TFRecordWriter(str(shard)) as writer:
        for _ in range(EXAMPLES // SHARDS):
            pngs = {
                "image": random.integers(0, 256, (*SHAPE, 3), np.uint8),
                "saliency": random.integers(1, 65536, (*SHAPE, 1), np.uint16),
                "fixations": random.integers(0, 256, (*SHAPE, 1), np.uint8),
            }
            lists = {
                name: tf.train.Feature(bytes_list=tf.train.BytesList(value=[tf.io.encode_png(pixels).numpy()]))
                for name, pixels in pngs.items()
            }
            writer.write(tf.train.Example(features=tf.train.Features(feature=lists)).SerializeToString())
    splits = {
        split: {
            "examples": count * EXAMPLES // SHARDS,
            "fingerprint": "noise",
            "shards": [shard.name] * count,
            "counts": [EXAMPLES // SHARDS] * count,
        }
        for split, count in (("train", SHARDS), ("val", 4))
    }
    (root / records.MANIFEST).write_text(json.dumps({"image_shape": SHAPE, "splits": splits}))
    assert SHARDS * shard.stat().st_size > 1.2e9
    return root


@pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's /proc")
def test_training_from_200000_records_takes_less_than_a_gigabyte(many, tmp_path):
    """Above a process that has imported the same modules and built the same network."""
    empty = measure_peak()
    trained = measure_peak(many, tmp_path / "run")
    described = json.loads((tmp_path / "run" / "run.json").read_text())
    assert described["data"]["train"]["examples"] == EXAMPLES
    assert (tmp_path / "run" / "content.keras").exists()
    assert trained - empty < 1e9
