"""The machines of a training, from TF_CONFIG or Slurm: what is read, what is refused, and how long is waited."""

import json
import socket
import time

import pytest

from salgan_tf import InputError, training
from salgan_tf.cluster import Cluster, find_cluster, find_lost, meet

TWO = {"worker": ["node1:4000", "node2:4000"]}


def configure(monkeypatch, cluster, task) -> None:
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": cluster, "task": task}))


@pytest.fixture
def listening():
    """A socket that listens at a free port of this machine."""
    with socket.create_server(("", 0)) as server:
        yield server


def address(server: socket.socket) -> str:
    return f"127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize(
    ("cluster", "task", "addresses", "index"),
    [
        (TWO, {"type": "worker", "index": 1}, ["node1:4000", "node2:4000"], 1),
        # As a shell writes it.
        (TWO, {"type": "worker", "index": "0"}, ["node1:4000", "node2:4000"], 0),
        ({"worker": ["b:1"], "chief": ["a:1"]}, {"type": "worker", "index": 0}, ["a:1", "b:1"], 1),
        ({"worker": ["b:1"], "chief": ["a:1"]}, {"type": "chief", "index": 0}, ["a:1", "b:1"], 0),
        ({"worker": ["[::1]:1"]}, {"type": "worker", "index": 0}, ["[::1]:1"], 0),
    ],
)
def test_tf_config_names_the_workers_and_this_one(monkeypatch, cluster, task, addresses, index):
    configure(monkeypatch, cluster, task)
    found = find_cluster()
    assert (found.addresses, found.index) == (addresses, index)


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "has no cluster"),
        ('{"task": {}}', "has no cluster"),
        (json.dumps({"cluster": TWO}), "has no task"),
        (json.dumps({"cluster": TWO, "task": {"index": 0}}), "the task's type is None: the cluster has worker"),
        (json.dumps({"cluster": TWO, "task": {"type": "worker"}}), "the task's index is None: the cluster has 2"),
        (
            json.dumps({"cluster": TWO, "task": {"type": "worker", "index": 2}}),
            "index is 2: the cluster has 2 of worker",
        ),
        (json.dumps({"cluster": TWO, "task": {"type": "worker", "index": -1}}), "index is -1"),
        (json.dumps({"cluster": TWO, "task": {"type": "worker", "index": True}}), "index is True"),
        (json.dumps({"cluster": {**TWO, "ps": ["c:1"]}, "task": {"type": "ps", "index": 0}}), "the job 'ps'"),
        (json.dumps({"cluster": {"worker": "a:1"}, "task": {}}), "worker is not a list of addresses"),
        (json.dumps({"cluster": {"worker": []}, "task": {}}), "worker is not a list of addresses"),
        (json.dumps({"cluster": {"worker": ["a"]}, "task": {}}), "worker is not a list of addresses"),
        (json.dumps({"cluster": {"worker": ["a:0"]}, "task": {}}), "worker is not a list of addresses"),
        (json.dumps({"cluster": {"worker": ["http://a:5"]}, "task": {}}), "worker is not a list of addresses"),
        (json.dumps({"cluster": {"worker": ["::1:5"]}, "task": {}}), "worker is not a list of addresses"),
        (json.dumps({"cluster": TWO, "task": {"type": ["x"], "index": 0}}), "the task's type is \\['x'\\]"),
        (json.dumps({"cluster": {"chief": ["a:1", "b:1"]}, "task": {}}), "more than one chief"),
        (
            json.dumps({"cluster": {"worker": ["a:1", "a:1"]}, "task": {"type": "worker", "index": 0}}),
            "names a:1 2 times: every process needs a port of its own",
        ),
    ],
)
def test_wrong_tf_config_is_one_line(monkeypatch, text, cause):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(InputError, match=f"^TF_CONFIG: .*{cause}"):
        find_cluster()


def test_slurm_names_the_workers(monkeypatch):
    """Without nvidia-smi, several tasks on a machine, and the order of Slurm's ranks."""
    monkeypatch.delenv("TF_CONFIG", raising=False)
    step = {"STEP_NUM_TASKS": "3", "STEP_NODELIST": "gpu[08-09]", "STEP_TASKS_PER_NODE": "2,1", "PROCID": "2"}
    for name, value in step.items():
        monkeypatch.setenv(f"SLURM_{name}", value)
    found = find_cluster()
    assert (found.addresses, found.index) == (["gpu08:8888", "gpu08:8889", "gpu09:8888"], 2)


def test_machines_that_nobody_names_are_one_line(monkeypatch, salicon, tmp_path, run):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    monkeypatch.delenv("SLURM_PROCID", raising=False)
    outcome = run("train", "--data", salicon, "--out", tmp_path / "run", "--strategy", "multi-worker")
    assert (outcome.code, outcome.lines) == (
        1,
        ["salgan_tf: --strategy multi-worker: neither TF_CONFIG nor Slurm names the machines: see docs/scale.md"],
    )
    monkeypatch.setenv("SLURM_PROCID", "0")
    monkeypatch.delenv("SLURM_STEP_NUM_TASKS", raising=False)
    with pytest.raises(InputError, match=r"^Slurm: .*SLURM_STEP_NUM_TASKS not found.*Start it with srun"):
        training.train(salicon, tmp_path / "run", strategy="multi-worker")
    assert not (tmp_path / "run").exists()


def test_port_in_use_is_one_line(listening):
    cluster = Cluster({"worker": [address(listening), "127.0.0.1:1"]}, "worker", 0)
    with pytest.raises(InputError, match=r"of this worker: its port cannot be used: Address already in use"):
        meet(cluster)


def test_workers_that_do_not_come_are_named_in_time(monkeypatch, listening):
    with socket.create_server(("", 0)) as server:
        own = address(server)
    monkeypatch.setenv("SALGAN_TF_WAIT_SECONDS", "0.5")
    absent = ["127.0.0.1:1", "no-such-machine.invalid:4000", f"{'a' * 70}.b:4000"]
    cluster = Cluster({"worker": [own, address(listening), *absent]}, "worker", 0)
    started = time.monotonic()
    with pytest.raises(InputError) as error:
        meet(cluster)
    # No measurement: the usual wait is five minutes.
    assert time.monotonic() - started < 60
    assert "3 of 5 workers have not come in 0.5 s (127.0.0.1:1: Connection refused; no-such" in str(error.value)
    assert address(listening) not in str(error.value)
    assert find_lost(cluster) == absent
    for text in ("soon", "0", "inf"):
        monkeypatch.setenv("SALGAN_TF_WAIT_SECONDS", text)
        with pytest.raises(InputError, match=r"^SALGAN_TF_WAIT_SECONDS: .* is not a positive number"):
            meet(cluster)
