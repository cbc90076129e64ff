"""Runs programs of export/ as a person does: another Python, in which a warning is an error, and no NVIDIA GPU."""

import json
import os
import subprocess
import sys
from pathlib import Path

from conftest import Outcome

PROGRAMS = Path(__file__).parents[2] / "export"
_STUBS = Path(__file__).parent / "stubs"


class StubbedDevice:
    """Runs programs for a Jetson on stand-ins of TensorRT and CUDA, see stubs/, and records their calls.

    Args:
        folder: for the binding's module and the list of calls.
        old_binding: put CUDA's runtime where cuda-python had it before 12.6.1.
    """

    def __init__(self, folder: Path, old_binding: bool = False):
        self._calls = folder / "calls.jsonl"
        module = folder / "binding" / "cuda" / ("cudart.py" if old_binding else "bindings/runtime.py")
        module.parent.mkdir(parents=True)
        module.write_text("from fake_device import *\n")
        self._path = os.pathsep.join(map(str, (folder / "binding", _STUBS, PROGRAMS.parent)))

    def run(self, *command: object, **environment: str) -> Outcome:
        """Run Python with the arguments `command` and additional environment variables."""
        self._calls.write_text("")
        variables = {"PYTHONPATH": self._path, "STUB_CALLS": str(self._calls), "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(
            [sys.executable, "-W", "error", *map(str, command)],
            capture_output=True,
            text=True,
            timeout=120,
            env=os.environ | variables | environment,
        )
        return Outcome(done.returncode, done.stdout, done.stderr.splitlines())

    def calls(self, *names: str) -> list[dict]:
        """Return the calls of the last run in order; with `names`, only those."""
        calls = [json.loads(line) for line in self._calls.read_text().splitlines()]
        return [call for call in calls if not names or call["call"] in names]


def pretend_onnx(path: Path, batch: int = 1, **described: object) -> Path:
    """Write what the stub of TensorRT takes for an ONNX file or, unbuilt, for an engine: a generator of 6x8."""
    shapes = {"inputs": [["image", [batch, 6, 8, 3]]], "outputs": [["saliency", [batch, 6, 8, 1]]]}
    path.write_text(json.dumps(shapes | described))
    return path
