"""python -m salgan_tf.export: what it prints and which code it exits with, on good input and on bad.

`main` is called in this process, where its imports are paid once; one call is a real one.
"""

import errno
import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import onnx
import pytest
import tensorflow as tf
from conftest import render_photograph, save_picture
from networks import edit_kernel, few_filters, ignore_statistics, tiny_generator

from salgan_tf.__main__ import main
from salgan_tf.exporting import generator as export_generator
from salgan_tf.exporting import latency, litert, report
from salgan_tf.inference import SaliencyPredictor

pytestmark = ignore_statistics


class Outcome(NamedTuple):
    """What a command gave: exit code, stdout, and the lines on stderr."""

    code: int
    output: str
    lines: list[str]


@pytest.fixture(scope="module", autouse=True)
def quick():
    """Few rounds of the stopwatch, and one small network of the package's to compare others with."""
    with few_filters(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(latency, "_SECONDS", 0.001)
        patch.setattr(export_generator, "BACKBONES", {"vgg16": export_generator.BACKBONES["vgg16"]})
        yield


@pytest.fixture(autouse=True)
def nothing_half_written(tmp_path):
    """Whatever a test does, no scratch file outlives it."""
    yield
    assert [path for path in tmp_path.rglob("*") if path.name.startswith(".partial-")] == []


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("model") / "model.keras"
    tiny_generator().save(path)
    return path


@pytest.fixture
def run(capsys, tmp_path):
    """Call the command; files go to tmp_path/out, if nothing else is said."""

    def call(*arguments) -> Outcome:
        out = () if "--out" in arguments else ("--out", tmp_path / "out")
        code = main(["export", *(str(argument) for argument in (*arguments, *out))])
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err.splitlines())

    return call


def refuses(run, subject, *arguments, cause: str = "") -> Outcome:
    """Hold that a call gives one line that names the subject, exit code 1 and no file."""
    outcome = run(*arguments)
    assert outcome.code == 1, outcome
    (line,) = outcome.lines
    assert line.startswith(f"salgan_tf: {subject}: "), line
    assert cause in line
    assert "Traceback" not in line
    return outcome


def test_several_formats_are_written_in_one_call(run, model, tmp_path):
    outcome = run("--model", model, "--float32", "--onnx", "--float32")
    assert outcome.code == 0
    assert outcome.lines == []
    out = tmp_path / "out"
    paths = [out / "tiny_32x48_float32.tflite", out / "tiny_32x48.onnx"]
    assert {path.name for path in out.iterdir() if "report" not in path.name} == {path.name for path in paths}
    *progress, first, second = outcome.output.splitlines()
    assert [line.split(":")[0] for line in progress] == [path.name for path in paths]
    for line, path in zip((first, second), paths, strict=True):
        megabytes = path.stat().st_size / 1e6
        assert line == f"{path} ({megabytes:.2f} MB), see {path.stem}.report.md"
        assert (out / f"{path.stem}.report.md").is_file()


def test_every_option_reaches_the_export(run, model, salicon, tmp_path):
    """Which photographs it is measured and calibrated on, and that any batch is taken."""
    save_picture(tmp_path / "photographs" / "a.png", render_photograph(0))
    data = ("--data", salicon, "--split", "train", "--calibration", tmp_path / "photographs")
    outcome = run("--model", model, "--tensorrt", "--onnx", "--dynamic-batch", "--size", "32x48", *data)
    assert (outcome.code, len(outcome.output.splitlines())) == (0, 4)
    report = json.loads((tmp_path / "out" / "tiny_32x48_int8_qdq.report.json").read_text())
    assert report["calibration"] == f"1 pictures of {tmp_path / 'photographs'}"
    assert list(report["metrics"]) == ["keras", "tensorrt"]
    assert report["metrics"]["tensorrt"]["images"] == 6
    (value,) = onnx.load(tmp_path / "out" / "tiny_32x48.onnx").graph.input
    assert value.type.tensor_type.shape.dim[0].dim_param == "batch"


def test_a_file_that_is_not_the_model_is_refused_unless_forced(run, model, tmp_path, monkeypatch):
    convert = litert.convert

    def convert_badly(generator, precision, path, pictures=None):
        convert(generator, precision, path, pictures)
        edit_kernel(path, lambda numbers: numbers.__imul__(0.5))

    monkeypatch.setattr(litert, "convert", convert_badly)
    outcome = refuses(run, "tiny_32x48_float32.tflite", "--model", model, "--float32", cause="not the model")
    assert "largest difference" in outcome.lines[0]
    assert "at most 0.0001 is wanted" in outcome.lines[0]
    assert list((tmp_path / "out").iterdir()) == []
    forced = run("--model", model, "--float32", "--force")
    assert (forced.code, forced.lines) == (0, [])
    assert (tmp_path / "out" / "tiny_32x48_float32.tflite").is_file()
    assert "NOT the model" in (tmp_path / "out" / "tiny_32x48_float32.report.md").read_text()


def test_ctrl_c_exits_with_130(run, model, tmp_path, monkeypatch):
    def interrupt(generator, precision, path, pictures=None):
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(litert, "convert", interrupt)
    outcome = run("--model", model, "--float32")
    assert (outcome.code, outcome.lines) == (130, ["salgan_tf: interrupted"])
    assert list((tmp_path / "out").iterdir()) == []


def test_a_missing_model_is_named(run, tmp_path):
    refuses(run, tmp_path / "no.keras", "--onnx", "--model", tmp_path / "no.keras", cause="no such model")


def test_a_folder_that_is_no_run_is_named(run, tmp_path):
    (tmp_path / "empty").mkdir()
    refuses(run, tmp_path / "empty", "--onnx", "--model", tmp_path / "empty", cause="not a run folder")


def test_a_classifier_is_no_generator(run, tmp_path):
    image = keras.Input((32, 48, 3))
    x = keras.layers.GlobalAveragePooling2D()(image)
    keras.Model(image, keras.layers.Dense(10)(x)).save(tmp_path / "classifier.keras")
    subject = tmp_path / "classifier.keras"
    refuses(run, subject, "--int8", "--model", subject, cause="no generator")


@pytest.mark.parametrize("name", ["model.tflite", "model.onnx", "model.weights.h5"])
def test_what_is_exported_already_cannot_be_exported(run, tmp_path, name):
    (tmp_path / name).write_bytes(b"content")
    refuses(run, tmp_path / name, "--int8", "--model", tmp_path / name, cause="cannot be exported")


def test_a_damaged_model_is_named(run, tmp_path):
    (tmp_path / "damaged.keras").write_bytes(b"PK no archive")
    refuses(run, tmp_path / "damaged.keras", "--int8", "--model", tmp_path / "damaged.keras", cause="can be loaded")


def test_pictures_to_calibrate_with_are_wanted(run, model, tmp_path):
    (tmp_path / "empty").mkdir()
    call = ("--int8", "--model", model, "--calibration")
    refuses(run, tmp_path / "empty", *call, tmp_path / "empty", cause="no pictures")
    refuses(run, tmp_path / "missing", *call, tmp_path / "missing", cause="No such file")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "a.png").write_bytes(b"text")
    refuses(run, tmp_path / "bad" / "a.png", *call, tmp_path / "bad", cause="not a picture")


def test_a_size_that_the_network_cannot_have_is_refused(run, model):
    refuses(run, model, "--onnx", "--model", model, "--size", "64x64", cause="its own size alone")
    refuses(run, "--size", "--onnx", "--size", "100x256", cause="multiples of 32")


@pytest.mark.parametrize(
    ("arguments", "word"),
    [(("--data", "nowhere"), "nowhere"), (("--split", "test"), "test")],
)
def test_data_that_are_not_there_are_named(run, model, salicon, arguments, word):
    data = () if "--data" in arguments else ("--data", salicon)
    outcome = run("--onnx", "--model", model, *data, *arguments)
    assert outcome.code == 1
    assert len(outcome.lines) == 1
    assert word in outcome.lines[0]


def test_a_folder_that_cannot_be_written_is_named(run, model, tmp_path):
    (tmp_path / "file").write_text("no folder")
    for out in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/exported")):
        refuses(run, out, "--onnx", "--model", model, "--out", out, cause="cannot be written")


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ([], "--int8, --float16, --dynamic, --float32, --onnx, --tensorrt"),
        (["--int8", "--dynamic-batch"], "--dynamic-batch goes with --onnx"),
        (["--tensorrt", "--dynamic-batch"], "--dynamic-batch goes with --onnx"),
        (["--float32", "--onnx", "--calibration", "DIR"], "--calibration goes with --int8 or --tensorrt"),
        (["--onnx", "--size", "192"], "HEIGHTxWIDTH"),
        (["--onnx", "--size", "0x32"], "HEIGHTxWIDTH"),
        (["--int4"], "--int4"),
        (["--onnx", "stray"], "stray"),
        (["--onnx", "--split", "val"], "--data"),
    ],
)
def test_bad_usage_exits_with_2(arguments, word, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as caught:
        main(["export", *arguments])
    assert caught.value.code == 2
    assert word in capsys.readouterr().err.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


def test_a_model_that_is_not_finite_is_named(run, tmp_path):
    generator = tiny_generator()
    layer = next(layer for layer in generator.layers if layer.weights)
    layer.set_weights([weight * np.nan for weight in layer.get_weights()])
    generator.save(tmp_path / "nan.keras")
    for force in ([], ["--force"]):
        refuses(run, tmp_path / "nan.keras", "--float32", "--model", tmp_path / "nan.keras", *force, cause="not finite")


def test_a_converter_without_room_is_one_line(run, model, monkeypatch):
    def convert(*arguments):
        raise tf.errors.ResourceExhaustedError(None, None, "no space left on device")

    monkeypatch.setattr(litert, "convert", convert)
    refuses(run, "tiny_32x48_float32.tflite", "--float32", "--model", model, cause="no space left on device")


def test_a_report_that_cannot_be_written_leaves_nothing(run, model, tmp_path, monkeypatch):
    def draw(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(report, "_draw", draw)
    refuses(run, tmp_path / "out", "--float32", "--model", model, "--out", tmp_path / "out", cause="No space left")
    assert list((tmp_path / "out").iterdir()) == []


def test_the_command_runs_in_a_process_of_its_own(model, tmp_path):
    """Libraries say nothing on stderr there, either."""
    command = [sys.executable, "-m", "salgan_tf.export", "--onnx", "--model", str(model), "--out", "out"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.splitlines()[-1].startswith("out/tiny_32x48.onnx (")
    assert SaliencyPredictor(tmp_path / "out" / "tiny_32x48.onnx").image_shape == (32, 48)
