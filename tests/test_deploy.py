"""What starts a training on several machines: the addresses that a Job makes, and the scripts with stand-ins."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from conftest import write_salicon

from salgan_tf.cluster import find_cluster
from salgan_tf.run_folder import RunFolder

ROOT = Path(__file__).parents[1]


def write_program(path: Path, *lines: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(["#!/usr/bin/env bash", *lines, ""]))
    path.chmod(0o755)


def start(command: list[str], programs: Path, **variables: str) -> subprocess.CompletedProcess:
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path} | variables
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("index", [0, 1])
def test_kubernetes_job_names_its_workers(tmp_path, monkeypatch, index):
    """Its own shell script runs, with a `salgan-tf` that prints what it gets."""
    service, job = yaml.safe_load_all((ROOT / "deploy" / "kubernetes.yaml").read_text())
    assert [service["kind"], job["kind"]] == ["Service", "Job"]
    pod = job["spec"]["template"]
    (container,) = pod["spec"]["containers"]
    (port,) = service["spec"]["ports"]
    write_program(tmp_path / "bin" / "salgan-tf", 'echo "$TF_CONFIG"', 'echo "$@"')
    variables = {each["name"]: each["value"] for each in container["env"]}
    command = container["command"] + container["args"]
    done = start(command, tmp_path / "bin", JOB_COMPLETION_INDEX=str(index), **variables)
    assert done.returncode == 0, done.stderr
    text, words = done.stdout.splitlines()
    assert words == "train --data /shared/data --out /shared/run --strategy multi-worker"
    monkeypatch.setenv("TF_CONFIG", text)
    cluster = find_cluster()
    # The names that an Indexed Job gives its pods, in the domain of the service that selects them.
    names = [f"{job['metadata']['name']}-{number}.{service['metadata']['name']}" for number in range(2)]
    assert cluster.addresses == [f"{name}:{port['port']}" for name in names]
    assert cluster.index == index
    assert job["spec"]["completions"] == job["spec"]["parallelism"] == int(variables["WORKERS"])
    assert pod["spec"]["subdomain"] == service["metadata"]["name"]
    assert service["spec"]["selector"].items() <= pod["metadata"]["labels"].items()
    assert service["spec"]["clusterIP"] == "None"


@pytest.mark.parametrize(("failures", "code"), [(2, 0), (9, 1)])
def test_slurm_script_repeats_a_step_that_fails(tmp_path, failures, code):
    log = tmp_path / "log"
    write_program(tmp_path / "bin" / "srun", f'echo "$@" >> {log}', f"[ $(wc -l < {log}) -gt {failures} ]")
    done = start(["bash", str(ROOT / "deploy" / "slurm.sh"), "some data", "run", "--seed", "1"], tmp_path / "bin")
    assert done.returncode == code
    words = "--kill-on-bad-exit=1 salgan-tf train --data some data --out run --strategy multi-worker --seed 1"
    assert log.read_text().splitlines() == [words] * min(failures + 1, 5)


def test_ray_trains_with_two_workers(tmp_path):
    pytest.importorskip("ray.train", reason="ray[train] is not installed")
    data = write_salicon(tmp_path / "salicon")
    settings = {"data": data, "out": tmp_path / "run", "image_shape": "32x32", "batch_size": 2, "init": "none"}
    settings |= {"bce_epochs": 1, "gan_epochs": 0, "steps_per_epoch": 1}
    command = [sys.executable, "deploy/ray_train.py", "--workers", "2", *(f"{k}={v}" for k, v in settings.items())]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "RAY_USAGE_STATS_ENABLED": "0", "HOME": str(tmp_path)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert RunFolder(tmp_path / "run").epochs_done == 1
    assert len(set(re.findall(r"RayTrainWorker pid=\d+", done.stdout + done.stderr))) == 2
