"""The commands on bad input: a line that names the file, nothing half done, and exit code 1; or the usage and 2.

The tests of the functions behind the commands know every kind of bad file; here each command meets one.
"""

import pickle
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Outcome, names_in, render_photograph, save_picture

from salgan_tf.__main__ import main
from salgan_tf.errors import InputError, InputErrors

TINY_TRAINING = ["--size=32x32", "--batch-size=2", "--bce-epochs=1", "--gan-epochs=0", "--augment=none"]


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


def use_data(command: str, data: Path, out: Path) -> tuple:
    """Return the words of a command that reads a data set and writes to a folder."""
    options = {
        "train": (*TINY_TRAINING, "--init=none", "--out", out),
        "evaluate": ("--maps", data / "maps" / "val", "--pictures", out),
        "prepare": ("--size=32x32", "--out", out),
    }[command]
    return command, "--data", data, *options


def assert_fails_with_name(outcome: Outcome, subject: Path) -> None:
    """Assert exit code 1 and a line that names the file; behind it may be the summary of a batch."""
    assert outcome.code == 1
    named, *summary = outcome.lines
    assert named.startswith("salgan_tf: ")
    assert f"{subject}: " in named
    assert all(re.search(r": \d+ of \d+ cannot be used$", line) for line in summary)


def test_a_real_call_names_only_the_bad_picture_and_predicts_the_others(brightness_file, photographs, tmp_path):
    bad = photographs / "bad.jpg"
    bad.write_text("not a picture")
    command = [sys.executable, "-m", "salgan_tf", "predict", photographs, "--out", "out", "--model", brightness_file]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert_fails_with_name(Outcome(done.returncode, done.stdout, done.stderr.splitlines()), bad)
    assert "1 of 2 predicted" in done.stdout
    assert names_in(tmp_path / "out") == ["good_overlay.jpg", "good_saliency.png"]


def test_other_files_in_a_folder_are_skipped_and_counted(run, brightness_file, photographs, tmp_path):
    (photographs / "notes.txt").write_text("a note")
    (photographs / "video.mp4").write_bytes(bytes(100))
    outcome = run("predict", photographs, "--out", tmp_path / "out", "--model", brightness_file)
    assert outcome.code == 0
    assert outcome.lines == [f"salgan_tf: {photographs}: 2 files are not pictures and were skipped"]
    assert "1 of 1 predicted" in outcome.output


@pytest.mark.parametrize("command", ["predict", "prepare", "train", "evaluate"])
def test_an_output_below_a_file_is_named(run, brightness_file, salicon, photographs, command):
    blocked = photographs / "good.png" / "out"
    if command == "predict":
        words = ("predict", photographs, "--out", blocked, "--model", brightness_file)
    else:
        words = use_data(command, salicon, blocked)
    assert_fails_with_name(run(*words), blocked)


@pytest.mark.parametrize("command", ["predict", "evaluate"])
def test_a_bad_model_is_named(run, salicon, photographs, tmp_path, command):
    path = tmp_path / "text.keras"
    path.write_text("no model\n" * 50)
    given = (photographs, "--out", tmp_path / "out") if command == "predict" else ("--data", salicon)
    assert_fails_with_name(run(command, *given, "--model", path), path)


def test_bad_weights_are_named(run, salicon, tmp_path):
    weights, out = tmp_path / "bad.npz", tmp_path / "run"
    weights.write_bytes(b"garbage" * 30)
    assert_fails_with_name(run(*use_data("train", salicon, out), f"--init={weights}"), weights)
    assert_fails_with_name(run("import-weights", weights, "--out", out / "imported.keras"), weights)
    assert not out.exists()


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--optimizer=sgd", "--encoder-rate=0.5"], "--encoder-rate: has no effect with --optimizer sgd"),
        (["--alpha=3"], "--alpha: has no effect with --gan-epochs 0"),
        (
            ["--bce-epochs=0", "--gan-epochs=1", "--learning-rate=1"],
            "--learning-rate: has no effect with --bce-epochs 0",
        ),
    ],
)
def test_a_setting_without_an_effect_is_refused(run, salicon, tmp_path, options, line):
    outcome = run(*use_data("train", salicon, tmp_path / "run"), "--gan-epochs=0", *options)
    assert (outcome.code, outcome.lines) == (1, [f"salgan_tf: {line}"])
    assert not (tmp_path / "run").exists()


def test_weights_are_not_overwritten_by_what_is_made_of_them(run, tmp_path):
    weights, out = tmp_path / "weights.npz", tmp_path / "imported.keras"
    weights.write_bytes(b"precious")
    out.symlink_to(weights)
    assert_fails_with_name(run("import-weights", weights, "--out", out), out)
    assert weights.read_bytes() == b"precious"


@pytest.mark.parametrize(
    ("command", "split", "written"),
    [("train", "train", 0), ("train", "val", 0), ("evaluate", "val", 0), ("prepare", "val", 3)],
)
def test_bad_data_is_named(run, salicon, tmp_path, command, split, written):
    bad = salicon / "images" / split / {"train": "scene_1.png", "val": "scene_11.png"}[split]
    bad.write_bytes(bad.read_bytes()[:300])
    (tmp_path / "out").mkdir()
    assert_fails_with_name(run(*use_data(command, salicon, tmp_path / "out")), bad)
    assert len(names_in(tmp_path / "out")) == written


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
        "predict photo.jpg --out=",
        "evaluate --data=",
        "evaluate --data data --model=",
        "evaluate --data data --maps=",
        "predict photo.jpg --out out --model=",
        "export --int8 --model=",
        "distill --data data --out out --teachers=",
        "train --data= --out out",
        "train --data data --out out --pseudo=",
        "train --data data --out out --init=",
        "prepare --data data --out out --size large",
        "prepare --data data --out out --size 99999999999x1",
        "train --data data --out out --batch-size 0",
        "train --data data --out out --updates never",
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


@pytest.mark.parametrize("module", ["argparse", "salgan_tf.console", "salgan_tf.commands.predict", "cv2"])
def test_ctrl_c_while_the_program_starts_is_no_traceback(tmp_path, module):
    program = f"""
import runpy, sys

class Interrupt:
    def find_spec(self, name, *_):
        if name == {module!r}:
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupt())
runpy.run_module("salgan_tf", run_name="__main__")
"""
    command = [sys.executable, "-c", program, "predict", "photograph.jpg", "--out", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr in ("", "salgan_tf: interrupted\n")


def test_errors_survive_the_way_from_one_process_to_another():
    one = InputError("photo.jpg", "not a picture")
    for error in (one, InputErrors("photographs", [one], 2)):
        copy = pickle.loads(pickle.dumps(error))
        assert (type(copy), str(copy)) == (type(error), str(error))
