"""`salgan_tf.export`: files and reports, the refusal of files that are not the model, nothing half-written."""

import dataclasses
import json
import re
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import onnx
import pytest
import tensorflow as tf
from conftest import render_photograph, save_picture, write_salicon
from networks import edit_kernel, ignore_statistics, quick_exports, tiny_generator
from onnx import numpy_helper
from PIL import Image

import salgan_tf
from salgan_tf.errors import InputError, InputErrors
from salgan_tf.exporting.formats import FORMATS
from salgan_tf.images import resize_area
from salgan_tf.inference import SaliencyPredictor

pytestmark = ignore_statistics

NAMES = {
    "int8": "tiny_32x48_int8.tflite",
    "float16": "tiny_32x48_float16.tflite",
    "dynamic": "tiny_32x48_dynamic.tflite",
    "float32": "tiny_32x48_float32.tflite",
    "onnx": "tiny_32x48.onnx",
    "tensorrt": "tiny_32x48_int8_qdq.onnx",
}


@pytest.fixture(scope="module", autouse=True)
def quick():
    with quick_exports():
        yield


@pytest.fixture(scope="module")
def generator() -> keras.Model:
    return tiny_generator()


@pytest.fixture(scope="module")
def model(generator, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("model") / "model.keras"
    generator.save(path)
    return path


def change_format(monkeypatch, name: str, convert) -> None:
    """Let `convert(generator, path, pictures)` convert to a format."""
    monkeypatch.setitem(FORMATS, name, dataclasses.replace(FORMATS[name], convert=convert))


def beside(out: Path, format: str, ending: str) -> Path:
    return out / f"{Path(NAMES[format]).stem}.report.{ending}"


def read_report(out: Path, format: str) -> dict:
    def refuse(token: str):
        raise AssertionError(f"{token} is not JSON")

    return json.loads(beside(out, format, "json").read_text(), parse_constant=refuse)


@pytest.fixture(scope="module")
def everything(model, tmp_path_factory) -> SimpleNamespace:
    """An export in every format, measured on a data set."""
    folder = tmp_path_factory.mktemp("everything")
    data, out, lines = write_salicon(folder / "salicon"), folder / "out", []
    written = salgan_tf.export(model, out, tuple(FORMATS), data=data, log=lines.append)
    return SimpleNamespace(data=data, out=out, written=written, lines=lines)


def test_every_format_is_written_beside_its_report(everything):
    assert [path.name for path in everything.written] == list(NAMES.values())
    reports = {beside(everything.out, format, ending).name for format in NAMES for ending in ("json", "md", "png")}
    assert {path.name for path in everything.out.iterdir()} == {*NAMES.values()} | reports
    assert [line.split(":")[0] for line in everything.lines[: len(NAMES)]] == list(NAMES.values())
    assert [line.split(" ")[0] for line in everything.lines[len(NAMES) :]] == list(map(str, everything.written))


def test_the_files_are_the_model(everything, generator, photograph):
    expected = SaliencyPredictor(generator)(photograph)
    for path in everything.written:
        predictor = SaliencyPredictor(path)
        assert predictor.image_shape == (32, 48)
        np.testing.assert_allclose(predictor(photograph), expected, rtol=0, atol=0.06, err_msg=path.name)


@pytest.mark.parametrize("format", NAMES)
def test_a_report_says_what_the_file_is(everything, model, format):
    report = read_report(everything.out, format)
    assert report["file"] == NAMES[format]
    assert (report["format"], report["model"], report["image_shape"]) == (format, str(model), [32, 48])
    assert report["size"] == (everything.out / report["file"]).stat().st_size
    assert report["contents"]["macs"] > 0
    assert report["checked_with"] == f"3 photographs of {everything.data}, val"
    calibrated = format in ("int8", "tensorrt")
    assert report["calibration"] == ("100 generated pictures (dead leaves)" if calibrated else None)
    assert report["parity"]["failures"] == []
    assert report["parity"]["pictures"] == 3
    assert report["parity"]["mean_cc"] >= report["parity"]["limits"]["mean_cc"]


@pytest.mark.parametrize("format", NAMES)
def test_a_report_has_metrics_on_recorded_fixations(everything, format):
    metrics = read_report(everything.out, format)["metrics"]
    twins = [f"{format}, calibrated with photographs"] if format in ("int8", "tensorrt") else []
    assert list(metrics) == ["keras", format, *twins]
    for row in metrics.values():
        assert set(row) == {"nss", "cc", "sim", "kl", "images"}
        assert row["images"] == 3
        assert row["nss"] == pytest.approx(metrics["keras"]["nss"], abs=0.1)
    if format in ("float32", "onnx"):
        assert metrics[format] == pytest.approx(metrics["keras"], abs=1e-3)


@pytest.mark.parametrize("format", NAMES)
def test_a_report_compares_the_latency_with_float32(everything, format):
    report = read_report(everything.out, format)
    assert re.match(r".+, \d+ threads", report["processor"])
    latency = report["latency"]
    assert bool(latency) == (format != "tensorrt")
    for times in latency.values():
        assert set(times) == {"milliseconds", "times as fast as float32"}
        assert times["milliseconds"] > 0
        if format == "float32":
            assert times["times as fast as float32"] == 1


@pytest.mark.parametrize("format", NAMES)
def test_a_report_can_be_read_and_seen(everything, format):
    text = beside(everything.out, format, "md").read_text()
    assert text.startswith(f"# {NAMES[format]}\n")
    assert "NOT the model" not in text
    assert f"| {format} | " in text
    assert ("The last row" in text) == (format in ("int8", "tensorrt"))
    with Image.open(beside(everything.out, format, "png")) as picture:
        picture.load()
        assert min(picture.size) > 500
        assert np.ptp(np.asarray(picture.convert("L"))) > 200


def test_a_generator_in_memory_is_exported_by_name(generator, tmp_path):
    (path,) = salgan_tf.export(generator, tmp_path, ["float32"])
    assert path == tmp_path / NAMES["float32"]
    assert read_report(tmp_path, "float32")["model"] == "tiny, in memory"


def test_photographs_to_calibrate_with_are_used_and_reported(model, tmp_path, monkeypatch):
    for index in range(3):
        save_picture(tmp_path / "photographs" / f"{index}.png", render_photograph(index))
    convert, used = FORMATS["tensorrt"].convert, []
    change_format(monkeypatch, "tensorrt", lambda *arguments: [used.append(arguments[2]), convert(*arguments)])
    salgan_tf.export(model, tmp_path / "out", ["tensorrt"], calibration=tmp_path / "photographs")
    report = read_report(tmp_path / "out", "tensorrt")
    assert report["calibration"] == report["checked_with"] == f"3 pictures of {tmp_path / 'photographs'}"
    assert report["metrics"] == {}
    assert "generated" not in beside(tmp_path / "out", "tensorrt", "md").read_text()
    np.testing.assert_array_equal(used, [[resize_area(render_photograph(index), (32, 48)) for index in range(3)]])


def change_weight(numbers: np.ndarray) -> None:
    numbers[0] += 0.5


def negate_filter(numbers: np.ndarray) -> None:
    numbers[:27] = -numbers[:27]


def negate_onnx_kernel(path: Path) -> None:
    model = onnx.load(path)
    kernel = next(tensor for tensor in model.graph.initializer if len(tensor.dims) == 4)
    kernel.CopyFrom(numpy_helper.from_array(-numpy_helper.to_array(kernel), kernel.name))
    onnx.save(model, path)


SABOTAGE = {
    "float32": lambda path: edit_kernel(path, change_weight),
    "int8": lambda path: edit_kernel(path, negate_filter),
    "onnx": negate_onnx_kernel,
    "tensorrt": negate_onnx_kernel,
}


def sabotage(monkeypatch, format: str) -> None:
    """Let the converter of a format write files whose weights are not the model's."""
    convert = FORMATS[format].convert
    change_format(
        monkeypatch, format, lambda generator, path, *rest: [convert(generator, path, *rest), SABOTAGE[format](path)]
    )


@pytest.mark.parametrize("format", SABOTAGE)
def test_a_file_that_is_not_the_model_is_refused(format, model, tmp_path, monkeypatch):
    sabotage(monkeypatch, format)
    with pytest.raises(InputError, match=r"not the model, and not written: .* expected at") as caught:
        salgan_tf.export(model, tmp_path / "out", [format])
    assert caught.value.subject == NAMES[format]
    assert list((tmp_path / "out").iterdir()) == []


def test_a_refused_file_can_be_forced_and_its_report_says_so(model, tmp_path, monkeypatch):
    sabotage(monkeypatch, "int8")
    assert salgan_tf.export(model, tmp_path, ["int8"], force=True) == [tmp_path / NAMES["int8"]]
    report = read_report(tmp_path, "int8")
    failures = report["parity"]["failures"]
    assert failures
    text = beside(tmp_path, "int8", "md").read_text()
    assert "NOT the model" in text
    assert "; ".join(failures) in text
    # The cost of generated pictures is always mentioned.
    assert report["checked_with"] == "32 generated pictures (dead leaves)"
    assert "was not measured" in text


def test_the_others_are_written_beside_refused_ones(model, tmp_path, monkeypatch):
    """And an older file with the name of a refused one stays as it was."""
    sabotage(monkeypatch, "int8")
    sabotage(monkeypatch, "onnx")
    (tmp_path / NAMES["int8"]).write_bytes(b"older")
    with pytest.raises(InputErrors) as caught:
        salgan_tf.export(model, tmp_path, ["int8", "float32", "onnx"])
    assert [error.subject for error in caught.value.errors] == [NAMES["int8"], NAMES["onnx"]]
    written = {path.name for path in tmp_path.iterdir() if "report" not in path.name}
    assert written == {NAMES["int8"], NAMES["float32"]}
    assert (tmp_path / NAMES["int8"]).read_bytes() == b"older"
    assert not beside(tmp_path, "int8", "json").exists()


def test_flat_maps_are_reported_without_nan(tmp_path, everything):
    image = keras.Input((32, 48, 3), name="image")
    model = keras.Model(image, keras.layers.Conv2D(1, 1, kernel_initializer="zeros")(image), name="tiny")
    model.get_layer(index=-1).set_weights([np.zeros((1, 1, 3, 1)), np.array([0.5])])
    salgan_tf.export(model, tmp_path, data=everything.data)
    parity = read_report(tmp_path, "int8")["parity"]
    assert (parity["mean_cc"], parity["worst_cc"], parity["flat"], parity["failures"]) == (None, None, 3, [])
    assert "3 of 3 maps had too little contrast" in beside(tmp_path, "int8", "md").read_text()


def test_an_operation_that_no_format_has_is_named(tmp_path):
    image = keras.Input((32, 48, 3), name="image")
    large = keras.layers.Resizing(32, 48, interpolation="lanczos3")(keras.layers.Conv2D(1, 1, strides=2)(image))
    model = keras.Model(image, keras.layers.Activation("sigmoid")(large), name="tiny")
    with pytest.raises(InputErrors) as caught:
        salgan_tf.export(model, tmp_path, list(NAMES))
    cause = "cannot be converted, the format {} has no operation ScaleAndTranslate, which the model needs"
    assert [str(error) for error in caught.value.errors] == [f"{NAMES[name]}: {cause.format(name)}" for name in NAMES]
    assert list(tmp_path.iterdir()) == []


def test_the_others_are_written_beside_one_that_cannot_be_converted(model, tmp_path, monkeypatch):
    """Without latencies, which are measured beside float32."""

    def fail(generator, path, pictures):
        path.write_bytes(b"half")
        raise KeyError("a library's own\nerror")

    change_format(monkeypatch, "float32", fail)
    lines: list[str] = []
    with pytest.raises(InputError, match=r"cannot be converted, the format float32 fails: ") as caught:
        salgan_tf.export(model, tmp_path, ["float32", "onnx"], log=lines.append)
    assert caught.value.subject == NAMES["float32"]
    assert not (tmp_path / NAMES["float32"]).exists()
    assert (tmp_path / NAMES["onnx"]).exists()
    assert read_report(tmp_path, "onnx")["latency"] == {}
    assert lines[1].startswith("no latencies, which are measured beside float32: cannot be converted")


class Adapting(keras.layers.Layer):
    """A convolution whose kernel is computed from the image; or one that cannot be run."""

    def __init__(self, fails: bool):
        super().__init__()
        self.fails = fails

    def call(self, image):
        if self.fails:
            tf.debugging.assert_less(tf.reduce_max(image), -1.0, "too bright")
        kernel = tf.reshape(tf.reduce_mean(image, axis=[0, 1, 2]), (1, 1, 3, 1)) / 1e4
        return tf.sigmoid(tf.nn.conv2d(image, kernel, 1, "SAME"))


def test_a_computed_kernel_is_exported_and_what_cannot_be_run_is_named(tmp_path):
    image = keras.Input((32, 48, 3), name="image")
    salgan_tf.export(keras.Model(image, Adapting(fails=False)(image), name="tiny"), tmp_path, "onnx")
    assert read_report(tmp_path, "onnx")["contents"]["macs"] == 32 * 48 * 3
    with pytest.raises(InputError, match="tiny, in memory: the model cannot be run: "):
        salgan_tf.export(keras.Model(image, Adapting(fails=True)(image), name="tiny"), tmp_path / "out", "onnx")
    assert not (tmp_path / "out").exists()


def test_a_report_does_not_overwrite_a_photograph(model, tmp_path):
    """And files that are no pictures are counted once."""
    save_picture(beside(tmp_path, "float32", "png"), render_photograph(0))
    before = beside(tmp_path, "float32", "png").read_bytes()
    with pytest.raises(InputError, match=r"would overwrite .*, an input"):
        salgan_tf.export(model, tmp_path, "float32", calibration=tmp_path)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [before]


def test_an_exported_file_does_not_overwrite_its_model(model, tmp_path):
    (tmp_path / NAMES["float32"]).symlink_to(model)
    before = model.read_bytes()
    with pytest.raises(InputError, match=r"would overwrite .*model.keras, an input"):
        salgan_tf.export(model, tmp_path, "float32")
    assert model.read_bytes() == before


def test_a_single_format_may_be_given_and_none_may_not(model, tmp_path, capsys):
    save_picture(tmp_path / "photographs" / "a.png", render_photograph(0))
    (tmp_path / "photographs" / "notes.txt").touch()
    assert len(salgan_tf.export(model, tmp_path / "out", "float32", calibration=tmp_path / "photographs")) == 1
    assert capsys.readouterr().err.count("skipped") == 1
    with pytest.raises(ValueError, match="formats: none is given; expected some of 'int8', "):
        salgan_tf.export(model, tmp_path / "out", [])


def test_an_unknown_format_is_named(model, tmp_path):
    with pytest.raises(ValueError, match="unknown format 'int4'; expected 'int8', "):
        salgan_tf.export(model, tmp_path / "out", ["float32", "int4"])
    assert not (tmp_path / "out").exists()
