"""Runs a program of the kit as a person does: another Python, in which a warning is an error."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

KIT = Path(__file__).parents[2] / "export"
_STUBS = Path(__file__).parent / "stubs"


class Outcome(NamedTuple):
    """What a program gave: exit code, stdout, and the lines of stderr."""

    code: int
    output: str
    lines: list[str]


def run_kit(program: str | Path, *arguments: object, **environment: str) -> Outcome:
    """Run `program` of the folder export/, with variables added to the environment."""
    done = subprocess.run(
        [sys.executable, "-W", "error", KIT / program, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        env=os.environ | environment,
    )
    return Outcome(done.returncode, done.stdout, done.stderr.splitlines())


class StubbedDevice:
    """Runs programs for a Jetson on stand-ins of TensorRT and CUDA, see stubs/, and tells what they called.

    Args:
        folder: for the binding's module and the list of calls.
        old_binding: put CUDA's runtime where cuda-python had it before 12.6.1.
    """

    def __init__(self, folder: Path, old_binding: bool = False):
        self._calls = folder / "calls.jsonl"
        module = folder / "binding" / "cuda" / ("cudart.py" if old_binding else "bindings/runtime.py")
        module.parent.mkdir(parents=True)
        module.write_text("from fake_device import *\n")
        self._path = os.pathsep.join(map(str, (folder / "binding", _STUBS)))

    def run(self, program: str | Path, *arguments: object, **environment: str) -> Outcome:
        """Run `program` of export/jetson/, or any by its whole path."""
        self._calls.write_text("")
        paths = {"PYTHONPATH": self._path, "KIT_CALLS": str(self._calls), "PYTHONDONTWRITEBYTECODE": "1"}
        return run_kit(Path("jetson") / program, *arguments, **paths, **environment)

    def calls(self, *names: str) -> list[dict]:
        """Give the last run's calls in order; with `names`, those alone."""
        calls = [json.loads(line) for line in self._calls.read_text().splitlines()]
        return [call for call in calls if not names or call["call"] in names]


def pretend_onnx(path: Path, batch: int = 1, **told: object) -> Path:
    """Write what the stand-in of TensorRT takes for an ONNX file, or, unbuilt, for an engine: a generator of 6x8."""
    shapes = {"inputs": [["image", [batch, 6, 8, 3]]], "outputs": [["saliency", [batch, 6, 8, 1]]]}
    path.write_text(json.dumps(shapes | told))
    return path
