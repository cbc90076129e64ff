"""The commands on odd and bad inputs: odd ones succeed, bad ones print a line that names the file, nothing half done.

`main` is called in this process, which imports TensorFlow once; a few calls are processes of their own.
"""

import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import pytest
import scipy.io
from conftest import names_in, render_photograph, save_picture, write_fixations
from PIL import Image

from salgan_tf import images
from salgan_tf.__main__ import main

NOBODY = 65534
_PROGRESS_BAR = re.compile(r"\d+%\||\d+(picture|shard) \[")
TINY_TRAINING = ["--size=32x32", "--batch-size=2", "--bce-epochs=1", "--gan-epochs=0", "--augment=none", "--init"]


class Outcome(NamedTuple):
    """The result of a command: exit code, stdout, and the lines on stderr that are not progress bars."""

    code: int
    output: str
    lines: list[str]


def lines_without_bars(stderr: str) -> list[str]:
    shown = [line.rsplit("\r", 1)[-1] for line in stderr.split("\n")]
    return [line for line in shown if line.strip() and not _PROGRESS_BAR.search(line)]


@pytest.fixture
def run(capsys):
    def call(*arguments) -> Outcome:
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Outcome(code, captured.out, lines_without_bars(captured.err))

    return call


@pytest.fixture(autouse=True)
def nothing_half_written(tmp_path):
    """Assert that no scratch file outlives a test."""
    yield
    assert [path for path in tmp_path.rglob("*") if path.name.startswith(".partial-")] == []


@pytest.fixture
def photographs(tmp_path) -> Path:
    """A folder with one good photograph, 20x30."""
    save_picture(tmp_path / "photographs" / "good.png", render_photograph(0, (20, 30)))
    return tmp_path / "photographs"


def assert_fails_with_name(outcome: Outcome, subject: Path) -> None:
    """Assert exit code 1, that one line names the file, and that any other is a summary of the batch."""
    assert outcome.code == 1
    lines = outcome.lines
    named = [line for line in lines if f"{subject}: " in line]
    assert len(named) == 1, lines
    assert named[0].startswith("salgan_tf: "), lines
    others = [line for line in lines if line not in named]
    assert all(re.search(r": \d+ of \d+ cannot be used$|pictures? and (was|were) skipped$", line) for line in others)
    assert "Traceback" not in "".join(lines)


# test_images.py reads odd and bad pictures of every kind: here are the commands' reactions.
@pytest.mark.parametrize("shape", [(1, 1), (1, 4000), (4000, 1)])
def test_pictures_of_extreme_shapes_are_predicted(run, brightness_file, tmp_path, shape):
    path = tmp_path / "odd.png"
    save_picture(path, np.random.default_rng(3).integers(0, 256, (*shape, 3), np.uint8))
    outcome = run("predict", path, "--out", tmp_path / "out", "--model", brightness_file)
    assert (outcome.code, outcome.lines) == (0, [])
    assert "1 of 1 predicted" in outcome.output
    for name in ("odd_saliency.png", "odd_overlay.jpg"):
        assert images.read_size(tmp_path / "out" / name) == shape


def write_bad(folder: Path) -> Path:
    """Write a truncated photograph; return its path."""
    path = folder / "bad.jpg"
    save_picture(path, render_photograph(3))
    path.write_bytes(path.read_bytes()[:700])
    return path


def test_a_bad_picture_is_named_and_the_others_continue(run, brightness_file, photographs, tmp_path):
    bad = write_bad(photographs)
    outcome = run("predict", photographs, "--out", tmp_path / "out", "--model", brightness_file)
    assert_fails_with_name(outcome, bad)
    assert "1 of 2 predicted" in outcome.output
    assert names_in(tmp_path / "out") == ["good_overlay.jpg", "good_saliency.png"]


@contextlib.contextmanager
def as_nobody():
    """Give up root's permission to read everything, if the tests run as root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_file_without_permission_is_named(run, brightness_file):
    # pytest's own folders can only be read by root, so this one lies outside of them.
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "model.tflite").write_bytes(brightness_file.read_bytes())
        for photograph in ("bad.png", "good.png"):
            save_picture(folder / photograph, render_photograph(0, (20, 30)))
        (folder / "out").mkdir()
        arguments = ("predict", folder, "--out", folder / "out", "--model", folder / "model.tflite")
        # Once as root: nobody may not be able to read modules that are imported late.
        assert run(*arguments).code == 0
        for path in (folder / "out").iterdir():
            path.unlink()
        folder.chmod(0o755)
        (folder / "out").chmod(0o777)
        (folder / "bad.png").chmod(0)
        with as_nobody():
            outcome = run(*arguments)
        assert_fails_with_name(outcome, folder / "bad.png")
        assert "Permission denied" in "".join(outcome.lines)
        assert names_in(folder / "out") == ["good_overlay.jpg", "good_saliency.png"]


def test_paths_without_pictures_are_named(run, brightness_file, photographs, tmp_path):
    empty, notes, missing = (tmp_path / name for name in ("empty", "notes", "nowhere.jpg"))
    empty.mkdir()
    notes.mkdir()
    (notes / "note.txt").touch()
    outcome = run("predict", empty, notes, missing, photographs, "--out", tmp_path / "out", "--model", brightness_file)
    assert outcome.code == 1
    for line, subject in zip(outcome.lines, (empty, notes, missing), strict=True):
        assert line.startswith(f"salgan_tf: {subject}: ")
    assert len(names_in(tmp_path / "out")) == 2


def test_other_files_in_a_folder_are_skipped_and_counted(run, brightness_file, photographs, tmp_path):
    (photographs / "notes.txt").write_text("a note")
    (photographs / "video.mp4").write_bytes(bytes(100))
    outcome = run("predict", photographs, "--out", tmp_path / "out", "--model", brightness_file)
    assert outcome.code == 0
    assert outcome.lines == [f"salgan_tf: {photographs}: 2 files are not pictures and were skipped"]
    assert "1 of 1 predicted" in outcome.output


@pytest.mark.parametrize("command", ["predict", "prepare", "train", "evaluate", "import-weights"])
def test_an_output_below_a_file_is_named(run, brightness_file, salicon, photographs, tmp_path, command):
    blocked = photographs / "good.png" / "out"
    if command == "import-weights":
        blocked = blocked.with_suffix(".keras")
        (tmp_path / "gen.npz").touch()
    arguments = {
        "predict": (photographs, "--out", blocked, "--model", brightness_file),
        "prepare": ("--data", salicon, "--out", blocked, "--size", "32x32"),
        "train": ("--data", salicon, "--out", blocked, *TINY_TRAINING, "none"),
        "evaluate": ("--data", salicon, "--maps", salicon / "maps" / "val", "--json", blocked),
        "import-weights": (tmp_path / "gen.npz", "--out", blocked),
    }[command]
    outcome = run(command, *arguments)
    assert_fails_with_name(outcome, tmp_path / "gen.npz" if command == "import-weights" else blocked)


@pytest.mark.parametrize("name", ["missing.tflite", "text.tflite", "text.keras", "text.pb"])
@pytest.mark.parametrize("command", ["predict", "evaluate"])
def test_a_bad_model_is_named(run, salicon, photographs, tmp_path, command, name):
    path = tmp_path / name
    if name.startswith("text"):
        path.write_text("no model\n" * 50)
    given = (photographs, "--out", tmp_path / "out") if command == "predict" else ("--data", salicon)
    outcome = run(command, *given, "--model", path)
    assert_fails_with_name(outcome, path)


def write_bad_weights(folder: Path, kind: str) -> Path:
    path = folder / {"another architecture": "other.keras", "another layout": "other.weights.h5"}.get(kind, "bad.npz")
    if path.suffix in (".keras", ".h5"):
        image = keras.Input((32, 32, 3))
        other = keras.Model(image, keras.layers.Conv2D(1, 1)(image))
        (other.save if path.suffix == ".keras" else other.save_weights)(path)
    elif kind == "wrong shape":
        np.savez(path, k00=np.zeros((3, 3, 3, 31), np.float16), b00=np.zeros(31, np.float16))
    elif kind == "wrong shape, released":
        np.savez(path, *(np.zeros((2, 2)) for _ in range(54)))
    elif kind == "pickled object":
        np.savez(path, k00=np.array([{"an": "object"}], dtype=object), arr_0=np.array([None]))
    elif kind == "too few":
        np.savez(path, k00=np.zeros((3, 3, 3, 32), np.float16))
    elif kind == "garbage":
        path.write_bytes(b"garbage" * 30)
    return path


BAD_ARRAYS = ["wrong shape", "wrong shape, released", "pickled object", "too few", "garbage", "missing"]


@pytest.mark.parametrize("kind", ["another architecture", "another layout", *BAD_ARRAYS])
def test_training_names_weights_of_another_network(run, salicon, tmp_path, kind):
    weights = write_bad_weights(tmp_path, kind)
    outcome = run("train", "--data", salicon, "--out", tmp_path / "run", *TINY_TRAINING, weights)
    assert_fails_with_name(outcome, weights)
    assert names_in(tmp_path / "run") == []


@pytest.mark.parametrize("kind", ["wrong shape, released", "pickled object", "too few"])
def test_import_weights_names_files_of_another_network(run, tmp_path, kind):
    weights = write_bad_weights(tmp_path, kind)
    outcome = run("import-weights", weights, "--out", tmp_path / "out.keras")
    assert_fails_with_name(outcome, weights)
    assert names_in(tmp_path) == [weights.name]


def test_import_weights_requires_a_keras_file(run, tmp_path):
    outcome = run("import-weights", tmp_path / "gen.npz", "--out", tmp_path / "out.h5")
    assert_fails_with_name(outcome, tmp_path / "out.h5")


def spoil(root: Path, kind: str, split: str) -> Path:
    """Spoil one file of the second example of a split; return its path."""
    name = {"train": "scene_1", "val": "scene_11"}[split]
    image, saliency_map = (root / folder / split / f"{name}.png" for folder in ("images", "maps"))
    fixations = root / "fixations" / split / f"{name}.mat"
    if kind == "corrupt .mat":
        fixations.write_bytes(fixations.read_bytes()[:300])
    elif kind == ".mat of another layout":
        scipy.io.savemat(fixations, {"points": np.zeros((3, 2))})
    elif kind == "map of another size":
        Image.new("L", (81, 60), 200).save(saliency_map)
    elif kind == "truncated image":
        image.write_bytes(image.read_bytes()[:300])
    elif kind == "fixations on another size":
        write_fixations(fixations, [np.array([[1, 1]])], (80, 60))
    return {"map of another size": saliency_map, "truncated image": image}.get(kind, fixations)


KINDS = [
    "corrupt .mat",
    ".mat of another layout",
    "map of another size",
    "truncated image",
    "fixations on another size",
]


# Only the maps of train are read, for the centre prior.
@pytest.mark.parametrize(("kind", "split"), [*((kind, "val") for kind in KINDS), ("map of another size", "train")])
def test_evaluating_names_bad_data(run, salicon, kind, split):
    bad = spoil(salicon, kind, split)
    outcome = run("evaluate", "--data", salicon, "--maps", salicon / "maps" / "val")
    assert outcome.output == ""
    assert_fails_with_name(outcome, bad)


@pytest.mark.parametrize("split", ["train", "val"])
@pytest.mark.parametrize("kind", KINDS)
def test_training_names_bad_data(run, salicon, tmp_path, kind, split):
    bad = spoil(salicon, kind, split)
    outcome = run("train", "--data", salicon, "--out", tmp_path / "run", *TINY_TRAINING, "none")
    assert_fails_with_name(outcome, bad)
    assert names_in(tmp_path / "run") == []


@pytest.mark.parametrize("case", ["no file", "none inside"])
def test_evaluating_names_a_picture_without_fixations(run, salicon, case):
    fixations = salicon / "fixations" / "val" / "scene_11.mat"
    if case == "no file":
        fixations.unlink()
    else:
        write_fixations(fixations, [np.array([[0, 7]])], (60, 80))
    outcome = run("evaluate", "--data", salicon, "--maps", salicon / "maps" / "val")
    assert_fails_with_name(outcome, fixations if case != "no file" else salicon / "images" / "val" / "scene_11.png")


def test_preparing_skips_bad_pictures_and_names_each(run, salicon, tmp_path):
    bad = [spoil(salicon, "truncated image", "train"), spoil(salicon, "corrupt .mat", "val")]
    outcome = run("prepare", "--data", salicon, "--out", tmp_path / "records", "--size", "32x32")
    assert outcome.code == 1
    assert all(line.startswith("salgan_tf: ") for line in outcome.lines)
    *named, summary = outcome.lines
    for line, path in zip(named, bad, strict=True):
        assert f"{path}: " in line
    assert "2 of 9" in summary
    manifest = json.loads((tmp_path / "records" / "records.json").read_text())
    assert {split: entry["examples"] for split, entry in manifest["splits"].items()} == {"train": 5, "val": 2}
    assert len(names_in(tmp_path / "records")) == 3


@pytest.mark.parametrize("command", ["train", "evaluate", "prepare"])
@pytest.mark.parametrize("case", ["missing", "no images/"])
def test_a_root_without_images_is_named(run, tmp_path, command, case):
    root = tmp_path / "data"
    if case != "missing":
        (root / "maps").mkdir(parents=True)
    arguments = {
        "train": ("--out", tmp_path / "run", *TINY_TRAINING, "none"),
        "evaluate": ("--maps", tmp_path),
        "prepare": ("--out", tmp_path / "records"),
    }[command]
    outcome = run(command, "--data", root, *arguments)
    assert_fails_with_name(outcome, root)
    assert "images/" in outcome.lines[0]


def test_resuming_an_empty_folder_is_named(run, salicon, tmp_path):
    (tmp_path / "run").mkdir()
    outcome = run("train", "--data", salicon, "--out", tmp_path / "run", "--resume")
    assert_fails_with_name(outcome, tmp_path / "run" / "run.json")


@pytest.mark.parametrize(
    "arguments",
    [
        "",
        "paint photo.jpg",
        "predict --out out",
        "predict photo.jpg",
        "predict photo.jpg --out out --colour",
        "evaluate --maps maps",
        "evaluate --data data --maps",
        "evaluate --data data --markdown --latex",
        "prepare --data data --out out --size large",
        "prepare --data data --out out --size 0x32",
        "train --data data --out out --batch-size 0",
        "train --data data --out out --bce-epochs -1",
        "train --data data --out out --learning-rate fast",
        "train --data data --out out --gan-learning-rate nan",
        "train --data data --out out --alpha -1",
        "train --data data --out out --ema 2",
        "train --data data --out out --backbone resnet",
        "train --data data --out out --augment flip,spin",
        "import-weights --out out.keras",
    ],
)
def test_wrong_usage_exits_with_2(capsys, tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as caught:
        main(arguments.split())
    assert caught.value.code == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert re.match(r"salgan-tf.*: error: ", last)
    assert names_in(tmp_path) == []


@pytest.mark.parametrize(
    ("settings", "named"), [("--size 33x32", "33"), ("--batch-size 7", "7"), ("--init nowhere.npz", "nowhere.npz")]
)
def test_settings_that_do_not_fit_are_one_line(run, salicon, tmp_path, settings, named):
    arguments = [*TINY_TRAINING, "none", *settings.split()]
    outcome = run("train", "--data", salicon, "--out", tmp_path / "run", *arguments)
    assert outcome.code in (1, 2)
    (line,) = outcome.lines
    assert line.startswith("salgan_tf: ")
    assert named in line


def run_for_real(*arguments) -> Outcome:
    command = [sys.executable, "-m", "salgan_tf", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    return Outcome(done.returncode, done.stdout, done.stderr.splitlines())


def test_a_real_call_names_only_the_bad_picture_on_stderr(brightness_file, photographs, tmp_path):
    bad = write_bad(photographs)
    outcome = run_for_real("predict", photographs, "--out", tmp_path / "out", "--model", brightness_file)
    assert outcome.code == 1
    (line,) = outcome.lines
    assert line.startswith(f"salgan_tf: {bad}: ")
    assert names_in(tmp_path / "out") == ["good_overlay.jpg", "good_saliency.png"]


def test_a_real_call_of_wrong_usage_exits_with_2():
    outcome = run_for_real("predict")
    assert outcome.code == 2
    assert "required" in outcome.lines[-1]
