"""The machines of a training: read from TF_CONFIG or Slurm, checked, and waited for."""

import contextlib
import json
import os
import socket
import time
from dataclasses import dataclass

import tensorflow as tf

from salgan_tf.errors import InputError, first_line

# Jobs that train, in the order of their workers. TensorFlow knows others, which would wait for ever.
_JOBS = ("chief", "worker")
_WAIT = 300.0


@dataclass(frozen=True)
class Cluster:
    """The processes that train together.

    Attributes:
        jobs: addresses, such as `"node1:12345"`, by job: `worker`, and `chief` if there is a job for it.
        job: the job of this process.
        task: its place in the job.
    """

    jobs: dict[str, list[str]]
    job: str
    task: int

    @property
    def addresses(self) -> list[str]:
        """The addresses of all workers, the chief's first."""
        return [address for job in _JOBS for address in self.jobs.get(job, ())]

    @property
    def index(self) -> int:
        """The place of this process in `addresses`."""
        return self.task + (len(self.jobs.get("chief", ())) if self.job == "worker" else 0)


def find_cluster() -> Cluster:
    """Read the cluster from TF_CONFIG or, without it, from the step of Slurm that this process belongs to.

    Raises:
        InputError: there is neither, or it is damaged, or does not name this process once.
    """
    if text := os.environ.get("TF_CONFIG"):
        return _parse(text)
    if "SLURM_PROCID" in os.environ:
        return _from_slurm()
    raise InputError("--strategy multi-worker", "neither TF_CONFIG nor Slurm names the machines: see docs/scale.md")


def _parse(text: str) -> Cluster:
    try:
        config = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError("TF_CONFIG", f"not JSON: {error}") from error
    example = '{"cluster": {"worker": ["node1:12345", …]}, "task": {"type": "worker", "index": 0}}'
    for name in ("cluster", "task"):
        if not isinstance(config, dict) or not isinstance(config.get(name), dict):
            raise InputError("TF_CONFIG", f"has no {name}: expected {example}")
    jobs, job, task = config["cluster"], config["task"].get("type"), config["task"].get("index")
    if unknown := sorted(set(jobs) - set(_JOBS)):
        raise InputError("TF_CONFIG", f"the cluster has the job {unknown[0]!r}: only {' and '.join(_JOBS)} train")
    for name, addresses in jobs.items():
        if not isinstance(addresses, list) or not addresses or not all(map(_is_address, addresses)):
            raise InputError("TF_CONFIG", f"{name} is not a list of addresses like node1:12345")
    if len(jobs.get("chief", ())) > 1:
        raise InputError("TF_CONFIG", "the cluster has more than one chief")
    if not isinstance(job, str) or job not in jobs:
        raise InputError("TF_CONFIG", f"the task's type is {job!r}: the cluster has {' and '.join(jobs) or 'no jobs'}")
    if isinstance(task, str) and task.isdecimal():  # As shells write it.
        task = int(task)
    if not isinstance(task, int) or isinstance(task, bool) or not 0 <= task < len(jobs[job]):
        raise InputError("TF_CONFIG", f"the task's index is {task!r}: the cluster has {len(jobs[job])} of {job}")
    cluster = Cluster(jobs, job, task)
    for address in cluster.addresses:
        if (count := cluster.addresses.count(address)) > 1:
            raise InputError("TF_CONFIG", f"names {address} {count} times: every process needs a port of its own")
    return cluster


def _is_address(address: object) -> bool:
    if not isinstance(address, str):
        return False
    host, _, port = address.rpartition(":")
    plain = "/" not in host and (":" not in host or host.startswith("["))
    return bool(host) and plain and port.isascii() and port.isdecimal() and 0 < int(port) < 65536


def _from_slurm() -> Cluster:
    try:
        # Without these numbers it would run nvidia-smi. They say nothing of the GPUs that are used: Slurm shows each
        # task its own, and there must only be enough of them for every task of a machine.
        resolver = tf.distribute.cluster_resolver.SlurmClusterResolver(
            auto_set_gpu=False, gpus_per_node=1024, gpus_per_task=1
        )
        jobs = resolver.cluster_spec().as_dict()
        return Cluster(jobs, resolver.task_type, resolver.task_id)
    except (RuntimeError, ValueError, KeyError) as error:
        raise InputError("Slurm", f"does not name the machines: {first_line(error)} Start it with srun") from error


def _wait_seconds() -> float:
    """Return how long the workers wait for each other: SALGAN_TF_WAIT_SECONDS, or five minutes.

    Raises:
        InputError: the variable is not a positive number.
    """
    text = os.environ.get("SALGAN_TF_WAIT_SECONDS")
    with contextlib.suppress(ValueError):
        if 0 < (seconds := float(text or _WAIT)) < float("inf"):
            return seconds
    raise InputError("SALGAN_TF_WAIT_SECONDS", f"{text!r} is not a positive number")


def meet(cluster: Cluster) -> None:
    """Wait until every worker answers at its address. TensorFlow alone would wait for an hour.

    Raises:
        InputError: this worker's port is taken, or a worker has not come in time; the error names each that is missing.
    """
    own, seconds = cluster.addresses[cluster.index], _wait_seconds()
    _, port = _split(own)
    try:
        both = socket.has_dualstack_ipv6()
        family = socket.AF_INET6 if both else socket.AF_INET
        door = socket.create_server(("", port), family=family, backlog=4 * len(cluster.addresses), dualstack_ipv6=both)
    except OSError as error:
        raise InputError(f"{own}, the address of this worker", f"its port cannot be used: {error.strerror}") from error
    end = time.monotonic() + seconds
    with door:
        peers = [address for address in cluster.addresses if address != own]
        while missing := _missing(peers):
            if time.monotonic() > end:
                listed = "; ".join(f"{address}: {cause}" for address, cause in missing.items())
                cause = f"{len(missing)} of {len(cluster.addresses)} workers have not come in {seconds:g} s"
                raise InputError("--strategy multi-worker", f"{cause} ({listed})")
            peers = list(missing)
            time.sleep(0.2)


def find_lost(cluster: Cluster) -> list[str]:
    """Return the addresses of workers that no longer answer."""
    return list(_missing([address for address in cluster.addresses if address != cluster.addresses[cluster.index]]))


def _missing(addresses: list[str]) -> dict[str, str]:
    """Return those addresses at which nobody answers, and why."""
    missing = {}
    for address in addresses:
        try:
            socket.create_connection(_split(address), timeout=2).close()
        except OSError as error:
            missing[address] = error.strerror or str(error)
        except UnicodeError:  # Of a name with an empty or too long part.
            missing[address] = "not the name of a machine"
    return missing


def _split(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)
