"""The export as a whole: files and reports, the refusal of what is not the model, nothing half written."""

import errno
import json
from pathlib import Path

import keras
import numpy as np
import onnx
import pytest
from conftest import render_photograph, save_picture, write_salicon
from networks import edit_kernel, few_filters, ignore_statistics, tiny_generator
from onnx import numpy_helper
from PIL import Image

from salgan_tf.errors import InputError
from salgan_tf.exporting import exporter, latency, litert, tensorrt
from salgan_tf.exporting import generator as export_generator
from salgan_tf.exporting import onnx as onnx_export
from salgan_tf.images import resize_area
from salgan_tf.inference import SaliencyPredictor

pytestmark = ignore_statistics

ENDINGS = {
    "float32": "_float32.tflite",
    "float16": "_float16.tflite",
    "dynamic": "_dynamic.tflite",
    "int8": "_int8.tflite",
    "onnx": ".onnx",
    "tensorrt": "_int8_qdq.onnx",
}


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
def generator() -> keras.Model:
    return tiny_generator()


@pytest.fixture(scope="module")
def model(generator, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("model") / "model.keras"
    generator.save(path)
    return path


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return write_salicon(tmp_path_factory.mktemp("data") / "salicon")


class Exported:
    """What an export gave, and its reports."""

    def __init__(self, settings: exporter.Settings, out: Path):
        self.lines = []
        self.out = out
        self.written, self.refused = exporter.export(settings, out, self.lines.append)

    def report(self, format: str) -> dict:
        def refuse(token: str):
            raise AssertionError(f"{token} is no JSON")

        return json.loads(self.beside(format, "json").read_text(), parse_constant=refuse)

    def beside(self, format: str, ending: str) -> Path:
        return self.out / f"{Path('tiny_32x48' + ENDINGS[format]).stem}.report.{ending}"


@pytest.fixture(scope="module")
def everything(model, data, tmp_path_factory) -> Exported:
    settings = exporter.Settings(model, exporter.FORMATS, data=data)
    return Exported(settings, tmp_path_factory.mktemp("out") / "made")


def test_every_format_is_written_beside_its_report(everything):
    names = {f"tiny_32x48{ending}" for ending in ENDINGS.values()}
    assert everything.refused == []
    assert {path.name for path in everything.written} == names
    reports = {f"{Path(name).stem}.report.{ending}" for name in names for ending in ("json", "md", "png")}
    assert {path.name for path in everything.out.iterdir()} == names | reports
    assert [line.split(":")[0] for line in everything.lines] == [f"tiny_32x48{ENDINGS[one]}" for one in ENDINGS]


def test_what_was_written_is_the_model(everything, generator, photograph):
    expected = SaliencyPredictor(generator)(photograph)
    for path in everything.written:
        predictor = SaliencyPredictor(path)
        assert predictor.image_shape == (32, 48)
        np.testing.assert_allclose(predictor(photograph), expected, rtol=0, atol=0.06, err_msg=path.name)


@pytest.mark.parametrize("format", ENDINGS)
def test_a_report_says_what_the_file_is(everything, model, data, format):
    report = everything.report(format)
    assert report["file"] == f"tiny_32x48{ENDINGS[format]}"
    assert (report["format"], report["model"], report["image_shape"]) == (format, str(model), [32, 48])
    assert report["size"] == (everything.out / report["file"]).stat().st_size
    assert report["contents"]["macs"] > 0
    assert report["checked_with"] == f"3 photographs of {data}, val"
    assert (report["calibration"] is not None) == (format in ("int8", "tensorrt"))
    if report["calibration"]:
        assert "generated" in report["calibration"]
    assert report["parity"]["failures"] == []
    assert report["parity"]["pictures"] == 3
    assert report["parity"]["mean_cc"] >= report["parity"]["limits"]["mean_cc"]


@pytest.mark.parametrize("format", ENDINGS)
def test_a_report_holds_metrics_on_recorded_fixations(everything, format):
    metrics = everything.report(format)["metrics"]
    rows = ["keras", format, "int8 of photographs"] if format == "int8" else ["keras", format]
    assert list(metrics) == rows
    for row in metrics.values():
        assert set(row) == {"nss", "cc", "sim", "kl", "images"}
        assert row["images"] == 3
        assert row["nss"] == pytest.approx(metrics["keras"]["nss"], abs=0.1)
    if format in ("float32", "onnx"):
        assert metrics[format] == pytest.approx(metrics["keras"], abs=1e-3)


@pytest.mark.parametrize("format", ENDINGS)
def test_a_report_times_a_file_beside_float32(everything, format):
    for ratio in everything.report(format)["latency"].values():
        if format == "tensorrt":
            assert ratio is None
        else:
            assert set(ratio) == {"milliseconds", "times as fast as float32"}
            assert ratio["milliseconds"] > 0
            if format == "float32":
                assert ratio["times as fast as float32"] == 1


@pytest.mark.parametrize("format", ENDINGS)
def test_a_report_can_be_read_and_seen(everything, format):
    text = everything.beside(format, "md").read_text()
    assert text.startswith(f"# tiny_32x48{ENDINGS[format]}\n")
    assert "NOT the model" not in text
    assert f"| {format} | " in text
    assert ("int8 of photographs" in text) == (format == "int8")
    with Image.open(everything.beside(format, "png")) as picture:
        picture.load()
        assert min(picture.size) > 500
        assert np.ptp(np.asarray(picture.convert("L"))) > 200


def test_photographs_to_calibrate_with_are_said_and_used(model, tmp_path, monkeypatch):
    for index in range(3):
        save_picture(tmp_path / "photographs" / f"{index}.png", render_photograph(index))
    settings = exporter.Settings(model, ["tensorrt"], calibration=tmp_path / "photographs")
    seen = []
    convert = tensorrt.convert
    monkeypatch.setattr(tensorrt, "convert", lambda *arguments: [seen.append(arguments[2]), convert(*arguments)])
    exported = Exported(settings, tmp_path / "out")
    assert exported.refused == []
    report = exported.report("tensorrt")
    assert report["calibration"] == report["checked_with"] == f"3 pictures of {tmp_path / 'photographs'}"
    assert report["metrics"] == {}
    assert "generated" not in exported.beside("tensorrt", "md").read_text()
    expected = [resize_area(render_photograph(index), (32, 48)) for index in range(3)]
    np.testing.assert_array_equal(seen[0], expected)


def one_weight(numbers: np.ndarray) -> None:
    numbers[0] += 0.5


def one_filter(numbers: np.ndarray) -> None:
    numbers[:27] = -numbers[:27]


def sabotage_onnx(path: Path) -> None:
    model = onnx.load(path)
    kernel = next(one for one in model.graph.initializer if len(one.dims) == 4)
    kernel.CopyFrom(numpy_helper.from_array(-numpy_helper.to_array(kernel), kernel.name))
    onnx.save(model, path)


# By format: where it is converted, at which argument its path is, and what is done to the file.
SABOTAGE = {
    "float32": (litert, 2, lambda path: edit_kernel(path, one_weight)),
    "int8": (litert, 2, lambda path: edit_kernel(path, one_filter)),
    "onnx": (onnx_export, 1, sabotage_onnx),
    "tensorrt": (tensorrt, 1, sabotage_onnx),
}


@pytest.fixture
def sabotaged(request, monkeypatch) -> str:
    """A format whose converter writes files with weights that are not the model's."""
    format = request.param
    module, position, change = SABOTAGE[format]
    convert = module.convert

    def convert_badly(*arguments):
        convert(*arguments)
        if module is not litert or arguments[1] == format:
            change(arguments[position])

    monkeypatch.setattr(module, "convert", convert_badly)
    return format


@pytest.mark.parametrize("sabotaged", SABOTAGE, indirect=True)
def test_a_file_that_is_not_the_model_is_refused(sabotaged, model, tmp_path):
    exported = Exported(exporter.Settings(model, [sabotaged]), tmp_path / "out")
    assert exported.written == []
    (error,) = exported.refused
    assert error.subject == f"tiny_32x48{ENDINGS[sabotaged]}"
    assert error.cause.startswith("not the model, and not written: ")
    assert "is wanted" in error.cause
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("sabotaged", ["int8"], indirect=True)
def test_a_refused_file_can_be_forced_and_its_report_says_so(sabotaged, model, tmp_path):
    exported = Exported(exporter.Settings(model, [sabotaged], force=True), tmp_path)
    assert exported.refused == []
    assert [path.name for path in exported.written] == [f"tiny_32x48{ENDINGS[sabotaged]}"]
    failures = exported.report(sabotaged)["parity"]["failures"]
    assert failures
    text = exported.beside(sabotaged, "md").read_text()
    assert "NOT the model" in text
    assert "; ".join(failures) in text
    # What generated pictures cost is never passed over.
    assert "other generated pictures" in exported.report(sabotaged)["checked_with"]
    assert "was not measured" in text


@pytest.mark.parametrize("sabotaged", ["int8"], indirect=True)
def test_the_others_are_written_beside_a_refused_one(sabotaged, model, tmp_path):
    """And an older file of the refused one's name stays as it was."""
    (tmp_path / "tiny_32x48_int8.tflite").write_bytes(b"older")
    exported = Exported(exporter.Settings(model, ["float32", sabotaged]), tmp_path)
    assert [path.name for path in exported.written] == ["tiny_32x48_float32.tflite"]
    assert [error.subject for error in exported.refused] == ["tiny_32x48_int8.tflite"]
    assert (tmp_path / "tiny_32x48_int8.tflite").read_bytes() == b"older"
    assert not exported.beside("int8", "json").exists()


def test_flat_maps_are_reported_without_nan(tmp_path, data):
    image = keras.Input((32, 48, 3), name="image")
    model = keras.Model(image, keras.layers.Conv2D(1, 1, kernel_initializer="zeros")(image), name="tiny")
    model.get_layer(index=-1).set_weights([np.zeros((1, 1, 3, 1)), np.array([0.5])])
    model.save(tmp_path / "flat.keras")
    exported = Exported(exporter.Settings(tmp_path / "flat.keras", ["int8"], data=data), tmp_path / "out")
    parity = exported.report("int8")["parity"]
    assert (parity["mean_cc"], parity["worst_cc"], parity["flat"], parity["failures"]) == (None, None, 3, [])
    assert "3 of 3 maps had too little contrast" in exported.beside("int8", "md").read_text()


@pytest.mark.parametrize(
    ("module", "error"),
    [
        (litert, KeyboardInterrupt()),
        (onnx_export, OSError(errno.ENOSPC, "No space left on device")),
        (tensorrt, KeyboardInterrupt()),
    ],
)
def test_a_conversion_that_breaks_off_leaves_nothing(monkeypatch, model, tmp_path, module, error):
    def break_off(generator, *arguments):
        path = next(one for one in arguments if isinstance(one, Path))
        path.write_bytes(b"half")
        raise error

    monkeypatch.setattr(module, "convert", break_off)
    format = {litert: "float32", onnx_export: "onnx", tensorrt: "tensorrt"}[module]
    with pytest.raises(InputError if isinstance(error, OSError) else KeyboardInterrupt) as caught:
        exporter.export(exporter.Settings(model, [format]), tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []
    if isinstance(error, OSError):
        assert str(caught.value) == f"{tmp_path / 'out'}: cannot be written: No space left on device"
