"""Inputs are kept, subfolders are mirrored, predictors work in threads, and odd models are refused."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keras
import numpy as np
import onnx
import pytest
from conftest import render_photograph, save_picture

from salgan_tf import files
from salgan_tf.errors import InputError
from salgan_tf.inference import SaliencyPredictor, predict_files


@pytest.fixture(scope="module")
def predictor() -> SaliencyPredictor:
    return SaliencyPredictor()


def write_pictures(folder: Path, *names: str) -> None:
    for seed, name in enumerate(names):
        save_picture(folder / name, render_photograph(seed, (20, 30)))


def list_files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("inputs", [["cat.png", "cat_saliency.png"], ["cat_saliency.png", "cat.png"]])
@pytest.mark.parametrize("link", [False, True])
def test_an_input_is_not_overwritten_by_the_results_of_another(predictor, tmp_path, inputs, link):
    write_pictures(tmp_path / "photos", "cat.png")
    write_pictures(tmp_path / "elsewhere", "cat_saliency.png")
    (tmp_path / "elsewhere" / "cat_saliency.png").rename(tmp_path / "photos" / "cat_saliency.png")
    before = (tmp_path / "photos" / "cat_saliency.png").read_bytes()
    (tmp_path / "link").symlink_to("photos")
    errors = []
    paths, out = [tmp_path / "photos" / name for name in inputs], tmp_path / ("link" if link else "photos")
    assert predict_files(paths, out, predictor, report=errors.append) == (1, 1)
    assert str(errors[0].subject).endswith("cat.png")
    assert (tmp_path / "photos" / "cat_saliency.png").read_bytes() == before
    assert "cat_overlay.jpg" not in list_files(tmp_path / "photos")


def test_results_that_differ_in_case_only_are_refused(predictor, tmp_path):
    write_pictures(tmp_path / "in", "IMG.jpg", "img.png")
    errors = []
    assert predict_files([tmp_path / "in"], tmp_path / "out", predictor, report=errors.append) == (1, 1)
    assert "would overwrite those of" in errors[0].cause
    assert list_files(tmp_path / "out") == ["IMG_overlay.jpg", "IMG_saliency.png"]


@pytest.mark.parametrize("inside", [False, True])
def test_subfolders_are_mirrored(predictor, tmp_path, inside):
    write_pictures(tmp_path / "in", "a.png", "b/a.png", "b/c/a.jpe", ".hidden/a.png")
    (tmp_path / "in" / "b" / "circle").symlink_to(tmp_path / "in")
    (tmp_path / "in" / "b" / "notes.txt").touch()
    out = tmp_path / "in" / "out" if inside else tmp_path / "out"
    for _ in range(2):
        remarks = []
        counts = predict_files([tmp_path / "in"], out, predictor, False, remarks.append, recursive=True)
        assert counts == (3, 0)
        assert [str(remark) for remark in remarks] == [f"{tmp_path / 'in'}: 1 file is not a picture and was skipped"]
        assert list_files(out) == ["a_saliency.png", "b/a_saliency.png", "b/c/a_saliency.png"]


def test_a_folder_of_folders_hints_at_recursive(predictor, tmp_path):
    write_pictures(tmp_path / "in", "deeper/a.png")
    errors = []
    assert predict_files([tmp_path / "in"], tmp_path / "out", predictor, report=errors.append) == (0, 1)
    assert errors[0].cause == "no pictures in this folder; --recursive takes its subfolders"


def test_a_pipe_and_a_link_stay_what_they_are(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with ThreadPoolExecutor() as pool:
        content = pool.submit((tmp_path / "pipe").read_bytes)
        files.write_bytes(tmp_path / "pipe", b"content")
        assert content.result(timeout=60) == b"content"
    assert (tmp_path / "pipe").is_fifo()
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("folder/target")
    for text in (b"first", b"second"):
        files.write_bytes(tmp_path / "link", text)
        assert (tmp_path / "folder" / "target").read_bytes() == text
    assert (tmp_path / "link").is_symlink()
    assert list_files(tmp_path / "folder") == ["target"]


def test_eight_threads_share_a_predictor(predictor):
    photographs = [render_photograph(seed) for seed in range(4)]
    expected = [predictor(photograph) for photograph in photographs]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda turn: predictor(photographs[turn % 4]), range(96)))
    assert sum(np.array_equal(saliency, expected[turn % 4]) for turn, saliency in enumerate(found)) == 96


def test_predictors_made_in_threads_leave_stderr_where_it_was():
    before, together = os.fstat(2), threading.Barrier(8)

    def make(_):
        together.wait()
        return [SaliencyPredictor(threads=1).image_shape for _ in range(4)]

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(make, range(8))) == [[(256, 320)] * 4] * 8
    assert os.path.samestat(os.fstat(2), before)


def keras_model(shape=(32, 64, 3), batch=None, dtype="float32", end=lambda saliency: saliency) -> keras.Model:
    image = keras.Input(shape, batch_size=batch, dtype=dtype, name="image")
    mean = keras.layers.Conv2D(1, 1)(keras.ops.cast(image, "float32") if dtype != "float32" else image)
    return keras.Model(image, end(mean))


MODELS = {
    "batch of 2": ({"batch": 2}, r"maps \(2, 32, 64, 3\)"),
    "integers in": ({"dtype": "int32"}, "its input is int32"),
    "integers out": ({"end": lambda mean: keras.ops.cast(mean, "int32")}, "its output is int32"),
    "dictionary": ({"end": lambda mean: {"map": mean}}, "its output is a dict"),
    "two outputs": ({"end": lambda mean: [mean, mean]}, "its output is a list"),
    "another size": ({"end": keras.layers.MaxPooling2D()}, r"to \(any, 16, 32, 1\)"),
    "giant": ({"shape": (100000, 100000, 3)}, "needs 190.0 GB of memory"),
}


@pytest.mark.parametrize("kind", MODELS)
def test_odd_keras_models_are_refused(kind):
    settings, cause = MODELS[kind]
    with pytest.raises(InputError, match=cause):
        SaliencyPredictor(keras_model(**settings))


FLOAT = onnx.TensorProto.FLOAT
ONNX_MODELS = {
    "batch of 2": ((2, 8, 8, 3), (2, 8, 8, 1), FLOAT, 1, r"maps \(2, 8, 8, 3\)"),
    "strings": ((1, 8, 8, 3), (1, 8, 8, 1), onnx.TensorProto.STRING, 1, r"its output is tensor\(string\)"),
    "integers": ((1, 8, 8, 3), (1, 8, 8, 1), onnx.TensorProto.INT64, 1, r"its output is tensor\(int64\)"),
    "two outputs": ((1, 8, 8, 3), (1, 8, 8, 3), FLOAT, 2, "has 1 inputs and 2 outputs"),
    "a wrong promise": ((1, "H", 8, 3), (1, 8, 8, 1), FLOAT, 1, "images of any size|maps"),
}


@pytest.mark.parametrize("kind", ONNX_MODELS)
def test_odd_onnx_models_are_refused(tmp_path, kind):
    image, saliency, kind, count, cause = ONNX_MODELS[kind]
    helper = onnx.helper
    nodes = [
        helper.make_node("ReduceMean", ["image"], [f"mean{index}"], axes=[3], keepdims=1)
        if kind == FLOAT and count == 1
        else helper.make_node("Cast", ["image"], [f"mean{index}"], to=kind)
        for index in range(count)
    ]
    shape = saliency if kind == FLOAT else image
    ends = [helper.make_tensor_value_info(f"mean{index}", kind, shape) for index in range(count)]
    if kind != FLOAT:
        nodes = [
            helper.make_node("ReduceMean", ["image"], ["grey"], axes=[3], keepdims=1),
            helper.make_node("Cast", ["grey"], ["mean0"], to=kind),
        ]
        ends = [helper.make_tensor_value_info("mean0", kind, saliency)]
    graph = helper.make_graph(nodes, "odd", [helper.make_tensor_value_info("image", FLOAT, image)], ends)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, tmp_path / "odd.onnx")
    with pytest.raises(InputError, match=cause) as caught:
        SaliencyPredictor(tmp_path / "odd.onnx")
    assert "\n" not in str(caught.value)
