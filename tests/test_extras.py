"""What works in a base install, and what a command says when its extra is missing: the other packages are blocked."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import render_photograph, save_picture

import salgan_tf

# Python runs it at start-up: every import of a package that only an extra brings fails, as if it were not installed.
BLOCKER = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {blocked!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Blocker())
"""
EXTRAS = (
    "tensorflow",
    "keras",
    "tensorboard",
    "scipy",
    "matplotlib",
    "ot",
    "onnx",
    "onnxruntime",
    "tf2onnx",
    "jax",
    "av",
    "ray",
    "fsspec",
)


@pytest.fixture
def run(tmp_path):
    """Run Python in a base install, in a folder with two photographs."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(BLOCKER.format(blocked=set(EXTRAS)))
    for seed in range(2):
        save_picture(tmp_path / "photographs" / f"{seed}.png", render_photograph(seed))
    path = os.pathsep.join((str(tmp_path / "site"), str(Path(salgan_tf.__file__).parents[1])))

    def call(*arguments: str) -> subprocess.CompletedProcess:
        command = [sys.executable, *arguments]
        variables = os.environ | {"PYTHONPATH": path}
        return subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, text=True, timeout=120)

    return call


def test_the_commands_of_the_base_install_work(run, tmp_path):
    for arguments in ("--help", "--version", "predict --help", "evaluate --help", "export --help"):
        done = run("-m", "salgan_tf", *arguments.split())
        assert (done.returncode, done.stderr) == (0, "")
    done = run("-m", "salgan_tf", "predict", "photographs", "photographs/0.png", "--out", "maps")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(list((tmp_path / "maps").iterdir())) == 4


def test_the_predictor_of_the_base_install_works(run):
    done = run("-c", "import salgan_tf; print(salgan_tf.SaliencyPredictor()('photographs/0.png').shape)")
    assert (done.returncode, done.stdout, done.stderr) == (0, "(60, 80)\n", "")


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        ("train --data photographs --out run", "train"),
        ("train --help", "train"),
        ("evaluate --data photographs", "evaluate"),
        ("export --int8", "train"),
        ("distill --data photographs --teachers edge --out out", "train"),
        ("prepare --data photographs --out records", "train"),
        ("import-weights a.npz --out a.keras", "train"),
        ("predict photographs --out maps --model model.keras", "train"),
        ("predict photographs --out maps --model model.onnx", "onnx"),
        ("predict clip.mp4 --out maps", "video"),
        ("predict --camera 0 --out maps", "video"),
        ("predict photographs --out maps --engine ray", "ray"),
        ("predict s3://bucket/photographs --out s3://bucket/maps --engine ray", "ray"),
    ],
)
def test_a_missing_extra_is_one_line_with_the_command_that_installs_it(run, tmp_path, arguments, extra):
    for name in ("model.keras", "model.onnx"):
        (tmp_path / name).write_text("a model")
    done = run("-m", "salgan_tf", *arguments.split())
    (line,) = done.stderr.splitlines()
    assert done.returncode == 1
    assert line.startswith("salgan_tf: ")
    assert line.endswith(f"pip install 'salgan_tf[{extra}]'")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.keras", "model.onnx", "photographs", "site"]


@pytest.mark.parametrize("name", ["SalGAN", "train", "evaluate", "export", "predict_video"])
def test_a_public_name_without_its_extra_says_what_to_install(run, name):
    done = run("-c", f"from salgan_tf import {name}")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(f"ImportError: salgan_tf.{name} requires ")


def test_every_public_name_exists():
    for name in salgan_tf.__all__:
        assert getattr(salgan_tf, name).__doc__
    assert callable(salgan_tf.export)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        salgan_tf.nothing  # noqa: B018
