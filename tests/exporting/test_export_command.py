"""python -m salgan_tf.export: its options, what it prints and which code it exits with, on good input and on bad.

`main` is called in this process, which imports its libraries once; two calls are real ones.
"""

import dataclasses
import errno
import functools
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
import pytest
import tensorflow as tf
from conftest import render_photograph, save_picture
from networks import edit_kernel, ignore_statistics, quick_exports, tiny_generator

from salgan_tf.__main__ import main
from salgan_tf.exporting import litert, report
from salgan_tf.exporting.format import Format, Limits
from salgan_tf.exporting.formats import FORMATS
from salgan_tf.exporting.litert_file import read_contents
from salgan_tf.inference import SaliencyPredictor

pytestmark = ignore_statistics


@pytest.fixture(scope="module", autouse=True)
def quick():
    with quick_exports():
        yield


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("model") / "model.keras"
    tiny_generator().save(path)
    return path


@pytest.fixture
def run(run, tmp_path):
    """Call `export`; files go to tmp_path/out, unless the arguments have another folder."""
    return functools.partial(run, "export", "--out", tmp_path / "out")


@pytest.fixture
def refuses(run):
    """Assert that a call prints one line that names the subject and the cause, and exits with code 1."""

    def call(subject, *arguments, cause: str) -> None:
        outcome = run(*arguments)
        assert outcome.code == 1, outcome
        (line,) = outcome.lines
        assert line.startswith(f"salgan_tf: {subject}: "), line
        assert cause in line

    return call


def test_several_formats_are_written_in_one_call(run, model, tmp_path):
    outcome = run("--model", model, "--float32", "--onnx", "--float32")
    assert outcome.code == 0
    assert outcome.lines == []
    out = tmp_path / "out"
    paths = [out / "tiny_32x48_float32.tflite", out / "tiny_32x48.onnx"]
    assert {path for path in out.iterdir() if "report" not in path.name} == set(paths)
    *progress, first, second = outcome.output.splitlines()
    assert [line.split(":")[0] for line in progress] == [path.name for path in paths]
    for line, path in zip((first, second), paths, strict=True):
        megabytes = path.stat().st_size / 1e6
        assert line == f"{path} ({megabytes:.2f} MB), see {path.stem}.report.md"
        assert (out / f"{path.stem}.report.md").is_file()


def test_every_option_reaches_the_export(run, model, salicon, tmp_path):
    """The photographs that are measured and calibrated on, and that any batch is taken."""
    save_picture(tmp_path / "photographs" / "a.png", render_photograph(0))
    data = ("--data", salicon, "--split", "train", "--calibration", tmp_path / "photographs")
    outcome = run("--model", model, "--tensorrt", "--onnx", "--dynamic-batch", "--size", "32x48", *data)
    assert (outcome.code, len(outcome.output.splitlines())) == (0, 4)
    written = json.loads((tmp_path / "out" / "tiny_32x48_int8_qdq.report.json").read_text())
    assert written["calibration"] == f"1 pictures of {tmp_path / 'photographs'}"
    assert list(written["metrics"]) == ["keras", "tensorrt"]
    assert written["metrics"]["tensorrt"]["images"] == 6
    (value,) = onnx.load(tmp_path / "out" / "tiny_32x48.onnx").graph.input
    assert value.type.tensor_type.shape.dim[0].dim_param == "batch"


def test_a_format_is_added_by_its_object_alone(run, model, tmp_path, monkeypatch, capsys):
    """Its option, ending, limits, calibration, batches, latency, contents and extra come from it."""

    def convert(generator, path, pictures):
        assert pictures.shape == (100, 32, 48, 3)
        litert.convert(generator, "float32", path)

    toy = Format("toy", "_toy.tflite", "a toy", Limits(1e-4, 0.9999, 0.999), convert, read_contents, calibrated=True)
    monkeypatch.setitem(FORMATS, "toy", toy)
    outcome = run("--model", model, "--toy")
    assert (outcome.code, outcome.lines) == (0, [])
    assert SaliencyPredictor(tmp_path / "out" / "tiny_32x48_toy.tflite").image_shape == (32, 48)
    written = json.loads((tmp_path / "out" / "tiny_32x48_toy.report.json").read_text())
    assert (written["format"], written["contents"]["macs"] > 0) == ("toy", True)
    assert "generated" in written["calibration"]
    assert written["parity"]["limits"] == {"difference": 1e-4, "mean_cc": 0.9999, "worst_cc": 0.999}
    assert written["latency"]["1"]["milliseconds"] > 0
    # The contradictions of options follow from the object as well.
    monkeypatch.setitem(FORMATS, "toy", dataclasses.replace(toy, calibrated=False, convert_any_batch=convert))
    assert run("--model", model, "--toy", "--dynamic-batch").code == 0
    with pytest.raises(SystemExit):
        run("--toy", "--calibration", "DIR")
    assert "--calibration requires --int8 or --tensorrt: " in capsys.readouterr().err
    monkeypatch.setitem(FORMATS, "toy", dataclasses.replace(toy, extra="onnx"))
    monkeypatch.setitem(sys.modules, "tf2onnx", None)
    assert run("--toy").lines == ["salgan_tf: the format toy: requires tf2onnx: pip install 'salgan_tf[onnx]'"]


def test_a_file_that_is_not_the_model_is_refused_unless_forced(run, refuses, model, tmp_path, monkeypatch):
    def convert(generator, path, pictures):
        litert.convert(generator, "float32", path)
        edit_kernel(path, lambda numbers: numbers.__imul__(0.5))

    monkeypatch.setitem(FORMATS, "float32", dataclasses.replace(litert.FLOAT32, convert=convert))
    refuses("tiny_32x48_float32.tflite", "--model", model, "--float32", cause="expected at most 0.0001")
    assert list((tmp_path / "out").iterdir()) == []
    assert run("--model", model, "--float32", "--force").code == 0
    assert (tmp_path / "out" / "tiny_32x48_float32.tflite").is_file()


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (KeyboardInterrupt(), 130, "interrupted"),
        (OSError(errno.ENOSPC, "No space left on device"), 1, "OUT: cannot be written: No space left on device"),
        (
            tf.errors.ResourceExhaustedError(None, None, "no space left on device"),
            1,
            "tiny_32x48_float32.tflite: cannot be converted, by way of TEMPORARY: no space left on device",
        ),
    ],
)
def test_a_conversion_that_breaks_off_leaves_nothing(run, model, tmp_path, monkeypatch, error, code, line):
    def break_off(generator, path, pictures):
        path.write_bytes(b"half")
        raise error

    monkeypatch.setitem(FORMATS, "float32", dataclasses.replace(litert.FLOAT32, convert=break_off))
    outcome = run("--model", model, "--float32")
    line = line.replace("OUT", str(tmp_path / "out")).replace("TEMPORARY", tempfile.gettempdir())
    assert (outcome.code, outcome.lines) == (code, [f"salgan_tf: {line}"])
    assert list((tmp_path / "out").iterdir()) == []


def test_a_report_that_cannot_be_written_leaves_nothing(refuses, model, tmp_path, monkeypatch):
    def draw(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(report, "_draw", draw)
    refuses(tmp_path / "out", "--float32", "--model", model, "--out", tmp_path / "out", cause="No space left")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_folder_that_cannot_be_written_is_named(refuses, model, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    for out in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/exported")):
        refuses(out, "--onnx", "--model", model, "--out", out, cause="cannot be written")


def test_a_folder_without_pictures_to_calibrate_with_is_named(refuses, model, tmp_path):
    (tmp_path / "notes.txt").touch()
    refuses(tmp_path, "--int8", "--model", model, "--calibration", tmp_path, cause="no pictures in this folder")


def test_a_model_that_is_not_finite_is_named(refuses, tmp_path):
    generator = tiny_generator()
    layer = next(layer for layer in generator.layers if layer.weights)
    layer.set_weights([weight * np.nan for weight in layer.get_weights()])
    path = tmp_path / "nan.keras"
    generator.save(path)
    for force in ([], ["--force"]):
        refuses(path, "--float32", "--model", path, *force, cause="not finite")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "--int8 or --float16 or --dynamic or --float32 or --onnx or --tensorrt"),
        (["--int8", "--dynamic-batch"], "--dynamic-batch requires --onnx"),
        (["--tensorrt", "--dynamic-batch"], "--dynamic-batch requires --onnx"),
        (["--float32", "--onnx", "--calibration", "DIR"], "--calibration requires --int8 or --tensorrt"),
        (["--onnx", "--size", "192"], "HEIGHTxWIDTH"),
        (["--onnx", "--size", "0x32"], "HEIGHTxWIDTH"),
        (["--int4"], "--int4"),
        (["--onnx", "stray"], "stray"),
        (["--onnx", "--split", "val"], "--data"),
        (["--onnx", "--split", ""], "--data"),
    ],
)
def test_bad_usage_exits_with_2(arguments, words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as caught:
        main(["export", *arguments])
    assert caught.value.code == 2
    assert words in capsys.readouterr().err.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


def test_the_command_runs_in_a_process_of_its_own(model, tmp_path):
    """Libraries print nothing on stderr there, either."""
    command = [sys.executable, "-m", "salgan_tf.export", "--onnx", "--model", str(model), "--out", "out"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.splitlines()[-1].startswith("out/tiny_32x48.onnx (")
    assert SaliencyPredictor(tmp_path / "out" / "tiny_32x48.onnx").image_shape == (32, 48)


def test_the_defaults_of_every_calibrated_format_serve_the_bundled_model(tmp_path, capsys):
    """At its own size, with nothing said: the first command of a user of a phone or a Jetson."""
    calibrated = [name for name, format in FORMATS.items() if format.calibrated]
    assert main(["export", *(f"--{name}" for name in calibrated), "--out", str(tmp_path)]) == 0
    assert capsys.readouterr().err == ""
    for name in calibrated:
        stem = Path(f"salgan_efficientnet_lite0_slim_256x320{FORMATS[name].ending}").stem
        written = json.loads((tmp_path / f"{stem}.report.json").read_text())
        assert written["calibration"] == "100 generated pictures (dead leaves)"
        assert (written["parity"]["pictures"], written["parity"]["failures"]) == (32, [])
