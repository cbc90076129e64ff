"""The scripts in benchmarks/, tools/, examples/, export/ and deploy/: `--help` of each, and tiny real runs."""

import csv
import dataclasses
import json
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import compare_adversarial
import convert_efficientnet
import jax_files
import keras
import numpy as np
import pytest
import sections
import tabulate_runs
from conftest import render_photograph, save_picture, write_salicon

from salgan_tf import build_generator, export, images, load_generator
from salgan_tf.data.folder import Example, index_folder, read_gaze
from salgan_tf.settings import make_config
from salgan_tf.weights import BUNDLED

ROOT = Path(__file__).parents[1]
FOLDERS = ("benchmarks", "tools", "examples", "export", "deploy")
MODULES = {"benchmarks/processor.py", "tools/sections.py"}
SCRIPTS = {path.relative_to(ROOT).as_posix() for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")} - MODULES
# build_engine.py needs NVIDIA's TensorRT: here it gets the stub on which tests/device/ runs it.
PATHS = os.pathsep.join(map(str, (ROOT, ROOT / "tests" / "device" / "stubs")))
# Run in environments of their own, see their docstrings, with a package that none of our extras installs.
WITHOUT_ENVIRONMENT = {
    "benchmarks/crops_smartcrop.py": "smartcrop",
    "benchmarks/metrics_pysaliency.py": "pysaliency",
    "tools/train_on_jax.py": "jax",
}


def run(script: str, *arguments: object) -> subprocess.CompletedProcess:
    """Run a script with this Python, as a person does from the root of the repository."""
    command = [sys.executable, script, *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": PATHS}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600)


def succeed(script: str, *arguments: object) -> str:
    """Run a script that must succeed, and return what it prints."""
    done = run(script, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


# One process for many scripts, because TensorFlow takes seconds to import. Prints what each prints for --help, and
# with which status it ends.
HELPS = """
import contextlib, io, json, os, runpy, sys

helps = {}
for script in sys.argv[1:]:
    sys.argv, sys.path[0] = [script, "--help"], os.path.dirname(os.path.abspath(script))
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        try:
            runpy.run_path(script, run_name="__main__")
            code = 0
        except SystemExit as end:
            code = end.code
    helps[script] = code, printed.getvalue()
print(json.dumps(helps))
"""


@pytest.fixture(scope="module")
def helps():
    """How each script ends with --help, and what it prints, of those that have an environment here."""
    return json.loads(succeed("-c", HELPS, *sorted(SCRIPTS - WITHOUT_ENVIRONMENT.keys())))


@pytest.mark.parametrize("script", sorted(SCRIPTS))
def test_every_script_has_a_help(script, helps):
    if package := WITHOUT_ENVIRONMENT.get(script):
        # All that it imports before this is there.
        assert run(script, "--help").stderr.splitlines()[-1] == f"ModuleNotFoundError: No module named '{package}'"
    else:
        code, printed = helps[script]
        assert code == 0, printed
        assert printed.startswith(f"usage: {Path(script).name} ")


def test_predictions_are_timed(tmp_path):
    for seed in range(3):
        save_picture(tmp_path / f"{seed}.jpg", render_photograph(seed))
    printed = succeed("benchmarks/predict.py", "--folder", tmp_path, "--rounds", 1, "--large", 1, "--other", ROOT)
    assert len(re.findall(r"^.* s, .* times import tensorflow$", printed, re.MULTILINE)) == 8
    assert "folder of 3: " in printed
    # A difference of two medians, which a busy machine can make negative.
    assert len(re.findall(r"reading \d+%, .* enlarging -?\d+%", printed)) == 2


def test_prediction_on_ray_is_timed(tmp_path):
    for seed in range(3):
        save_picture(tmp_path / f"{seed}.jpg", render_photograph(seed))
    printed = succeed("benchmarks/fleet.py", "--folder", tmp_path, "--few", 1, "--rounds", 1, "--before", ROOT)
    assert (
        len(re.findall(r"^(?:predict|ray|before) .* s for all, .* s for 1, .* a second$", printed, re.MULTILINE)) == 3
    )
    assert len(re.findall(r"^ray is .* times as fast as .*, .* with all starts$", printed, re.MULTILINE)) == 2


def test_accuracy_is_drawn_over_time(salicon, tmp_path):
    (small,) = export(build_generator("mobilenet_v2_slim", (32, 32, 3)), tmp_path, "float32")
    out = tmp_path / "accuracy.png"
    arguments = ("--data", salicon, "--rounds", 1, "--out", out)
    printed = succeed("benchmarks/accuracy_and_time.py", "edge", small, *arguments)
    assert re.search(r"^\| edge, 256x320 \| [\d.]+ \| 1\.00 \| [34]\.\d\d \| ", printed, re.MULTILINE)
    assert re.search(rf"^\| {small.stem}, 32x32 \| [\d.]+ \| ", printed, re.MULTILINE)
    assert images.read_image(out).ndim == 3
    assert (
        "edge: has the name and the size of another"
        in run("benchmarks/accuracy_and_time.py", "edge", "edge", *arguments).stderr
    )


def test_a_start_is_made_of_weights_of_pytorch(tmp_path):
    """A convolution and a depthwise one with batch norm are, with it folded in, what they were."""
    random = np.random.default_rng(0)
    state = {}
    for name, shape in {"stem": (4, 3, 3, 3), "depthwise": (4, 1, 5, 5)}.items():
        state[f"{name}.weight"] = random.standard_normal(shape).astype(np.float32)
        for part in ("weight", "bias", "running_mean"):
            state[f"{name}_bn.{part}"] = random.standard_normal(4).astype(np.float32)
        state[f"{name}_bn.running_var"] = random.uniform(0.5, 2, 4).astype(np.float32)
    state |= {"fc.weight": np.ones((10, 4), np.float32), "fc.bias": np.ones(10, np.float32)}
    arrays = convert_efficientnet.fold(state)
    assert {name: array.shape for name, array in arrays.items()} == {
        "k00": (3, 3, 3, 4),
        "b00": (4,),
        "k01": (5, 5, 4, 1),
        "b01": (4,),
    }
    image = random.uniform(size=(1, 8, 8, 3)).astype(np.float32)
    layers = [keras.layers.Conv2D(4, 3), keras.layers.DepthwiseConv2D(5)]
    folded, expected = image, image
    for number, (layer, name) in enumerate(zip(layers, ("stem", "depthwise"), strict=True)):
        layer.build(expected.shape)
        layer.set_weights([arrays[f"k{number:02d}"], arrays[f"b{number:02d}"]])
        folded = np.asarray(layer(folded))
        kernel = state[f"{name}.weight"].transpose(2, 3, 1, 0)
        layer.set_weights([kernel if number == 0 else kernel.swapaxes(2, 3), np.zeros(4)])
        gamma, beta, mean, variance = (
            state[f"{name}_bn.{part}"] for part in ("weight", "bias", "running_mean", "running_var")
        )
        expected = (np.asarray(layer(expected)) - mean) / np.sqrt(variance + 1e-3) * gamma + beta
    np.testing.assert_allclose(folded, expected, atol=0.03)


def test_films_are_timed():
    printed = succeed("benchmarks/video.py", "--size", 64, 48, "--frames", 4, "--rounds", 1)
    assert (
        len(
            re.findall(
                r"^.* frames per second, .* of the network alone; .* ms of a core per frame$", printed, re.MULTILINE
            )
        )
        == 5
    )
    assert re.search(r"^of which in one thread: .* drawing [\d.]+, H\.264 [\d.]+", printed, re.MULTILINE)


TINY_STEPS = ("--size", "64x64", "--batch-size", 2, "--rounds", 1, "--steps", 2)


def test_training_steps_are_timed(salicon):
    printed = succeed("benchmarks/training_step.py", "--data", salicon, *TINY_STEPS)
    assert len(re.findall(r"^.* (?:step|batch) .* ms, .* the content step$", printed, re.MULTILINE)) == 6


def test_streams_are_timed(salicon):
    printed = succeed("benchmarks/stream.py", "--data", salicon, *TINY_STEPS, "--examples", 100)
    line = r"^{}, {} examples: \d+ ms per step, .* times as fast as from memory; .* MB more than with one batch$"
    for name, examples in (("memory", 6), ("stream", 100)):
        assert re.search(line.format(name, examples), printed, re.MULTILINE)


# Stands in for metrics_pysaliency.py in its own environment: the same protocol, and one metric of numpy's.
PYSALIENCY = """#!{python}
import json, sys
import numpy as np
print(json.dumps(["cc"]), flush=True)
for line in sys.stdin:
    with np.load(sys.argv[2]) as stored:
        values = [
            np.corrcoef(stored[f"saliency_{{index}}"].ravel(), stored[f"truth_{{index}}"].ravel())[0, 1]
            for index in range(stored["count"])
        ]
    print(json.dumps({{"seconds": 0.5, "values": values}}), flush=True)
"""


def test_metrics_are_timed_and_compared(salicon, tmp_path):
    interpreter = tmp_path / "python"
    interpreter.write_text(PYSALIENCY.format(python=sys.executable))
    interpreter.chmod(0o755)
    printed = succeed("benchmarks/metrics.py", "--pysaliency", interpreter, "--data", salicon, "--rounds", 1)
    (difference,) = re.findall(r"^cc +166\.67 .*\) +(\S+)$", printed, re.MULTILINE)
    assert float(difference) < 1e-6
    assert re.search(r"^sauc_borji +\d", printed, re.MULTILINE)


# Stands in for crops_smartcrop.py: always the upper left corner.
SMARTCROP = """#!{python}
import sys
for line in sys.stdin:
    print("[0, 0]", flush=True)
"""


def test_crops_are_compared(salicon, tmp_path):
    interpreter = tmp_path / "python"
    interpreter.write_text(SMARTCROP.format(python=sys.executable))
    interpreter.chmod(0o755)
    printed = succeed("benchmarks/crops.py", "--smartcrop", interpreter, "--data", salicon)
    assert printed.startswith("3 photographs of val, crops of 50% of the area\n")
    for aspect in ("1:1", "9:16", "16:9"):
        centre, theirs, ours, others, best = (float(cell.split("%")[0]) for cell in cells(printed, aspect)[:5])
        assert max(centre, theirs, ours, others) <= best <= 100


def test_the_demo_predicts(tmp_path):
    runpy.run_path(str(ROOT / "examples" / "demo.py"))["predict"](tmp_path)
    height, width, _ = images.read_image(tmp_path / "demo.jpg").shape
    assert width > 2 * height


def test_the_limits_are_drawn(tmp_path):
    out = tmp_path / "limits.jpg"
    assert succeed("tools/draw_limits.py", "--out", out) == f"{out}\n"
    assert images.read_size(out) == (2 * 240 + 4, 6 * 320 + 5 * 4)


def test_a_data_set_goes_to_jax_and_its_weights_come_back(tmp_path):
    data, packed, trained = write_salicon(tmp_path / "data"), tmp_path / "packed.npz", tmp_path / "trained"
    succeed("tools/jax_files.py", "pack", data, packed)
    photographs = jax_files.read_packed(packed)["train"]
    example = index_folder(data, "train")[1]
    image = images.resize_area(images.read_image(example.image), photographs.images.shape[1:3])
    assert np.abs(photographs.images[1].astype(int) - image).mean() < 10
    found = photographs.points[1][photographs.points[1, :, 0] >= 0]
    gaze = read_gaze(example)
    np.testing.assert_allclose(found, (gaze.points[:, ::-1] + 0.5) / gaze.shape[::-1], atol=1e-3)
    generator = build_generator("mobilenet_v2", (32, 32, 3))
    weights = [variable.numpy() for variable in generator.trainable_variables]
    jax_files.write_trained(trained, {"backbone": "mobilenet_v2", "size": (32, 32)}, weights)
    succeed("tools/jax_files.py", "unpack", trained, tmp_path / "run")
    for found, expected in zip(load_generator(tmp_path / "run" / "content.keras").get_weights(), weights, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-6)


def test_a_model_is_bundled(tmp_path):
    run_folder, out = tmp_path / "run", tmp_path / "bundled.tflite"
    run_folder.mkdir()
    build_generator(BUNDLED["edge"].backbone, (64, 64, 3), weights="edge").save(run_folder / "content.keras")
    printed = succeed("tools/bundle_model.py", "edge", run_folder, "--out", out)
    assert re.fullmatch(r"LiteRT against .*\nKeras from its weights against .*\n.*: \d\.\d\d MB\n", printed)
    assert out.is_file()


def write_run(folder, epochs: int, **settings):
    """Write the files of a run that the table needs; CC changes by 0.1 per epoch and is highest in the second."""
    folder.mkdir(parents=True)
    config = make_config(data="data", gan_epochs=0, bce_epochs=3, **settings)
    (folder / "run.json").write_text(json.dumps({"settings": dataclasses.asdict(config)}))
    if epochs:
        with (folder / "history.csv").open("w") as table:
            writer = csv.writer(table)
            writer.writerow(["epoch", "stage", "seconds", "val_cc", "val_nss", "val_sim", "val_kl"])
            for epoch in range(1, epochs + 1):
                writer.writerow([epoch, "content", 60, 0.8 - 0.1 * abs(epoch - 2), 2, 0.7, 0.4])


def cells(table: str, run: str) -> list[str]:
    (row,) = re.findall(rf"^\| {run} \|(.*)\|$", table, flags=re.MULTILINE)
    return [cell.strip() for cell in row.split("|")]


def test_runs_are_described_by_what_differs_even_failed_ones(tmp_path):
    write_run(tmp_path / "base", 3)
    write_run(tmp_path / "teachers" / "wide", 2, image_shape=(288, 384), augmentations=("flip",), seed=4)
    write_run(tmp_path / "dead", 0, init="/home/somebody/weights.npz")
    table = tabulate_runs.tabulate(tmp_path, "base")
    assert cells(table, "base") == ["as the baseline", "0", "3", "3.0", "2", "0.800", "2.000", "0.700", "0.400"]
    wide = cells(table, "teachers/wide")
    assert wide[:3] == ["image_shape 288x384, augmentations flip", "4", "2 of 3, stopped"]
    assert cells(table, "dead") == ["init somebody/weights.npz", "0", "0 of 3, stopped", "0.0", *"–––––"]


@pytest.fixture
def scores():
    """Scores of 2 seeds, 2 arms, 3 epochs, all metrics and 30 images; the second arm ends 0.1 above the first."""
    random = np.random.default_rng(0)
    scores = random.normal(0.5, 0.1, (2, 1, 3, len(compare_adversarial.METRICS), 30)).repeat(2, axis=1)
    scores[:, 1, -1] += 0.1 + random.normal(0, 0.01, scores[:, 1, -1].shape)
    return scores


def test_arms_are_compared_image_by_image(scores, tmp_path):
    examples = [Example(f"a_{index}", tmp_path, None, None, "a") for index in range(30)]
    table = compare_adversarial.format_table(scores, examples)
    assert [cell.split()[0] for cell in cells(table, "")] == ["sAUC", "AUC-B", "NSS", "CC", "IG", "AUC-J", "SIM", "KL"]
    for name in ("difference", "difference, seed 0", "difference, seed 1"):
        assert all(float(cell) == pytest.approx(0.1, abs=0.01) for cell in cells(table, name))
    low, high = map(float, cells(table, "95 % interval")[0].split(" to "))
    assert 0.09 < low < high < 0.11
    assert all(float(cell) < 1e-6 for cell in cells(table, "Wilcoxon's p"))
    assert len(compare_adversarial.draw(scores).axes) == 8


def test_only_the_section_is_replaced(tmp_path):
    path = tmp_path / "page.md"
    path.write_text("before\n<!-- a -->\nold\n<!-- /a -->\nafter\n")
    sections.replace_section(path, "a", "new \\1")
    assert path.read_text() == "before\n<!-- a -->\nnew \\1\n<!-- /a -->\nafter\n"
    with pytest.raises(SystemExit, match="no section <!-- b -->"):
        sections.replace_section(path, "b", "new")
