"""Run folders that are damaged, hostile or in use: one line that names the file, and nothing removed."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from salgan_tf import InputError, training
from salgan_tf.__main__ import main
from salgan_tf.run_folder import RunFolder, locked

ROW = {"epoch": 1, "stage": "content", "seconds": 1.5, "content_loss": 0.5, "val_cc": 0.1}
STATE = {"weights": "epoch-0001.weights.h5", "best_cc": {"content": 0.1}, "history": [ROW]}


def write_run(run: Path, data: Path, state: object = STATE, settings: dict | None = None) -> Path:
    """Write what a training of one epoch leaves, with weights that are none."""
    (run / "checkpoints").mkdir(parents=True)
    (run / "checkpoints" / "epoch-0001.weights.h5").write_bytes(b"weights")
    (run / "checkpoints" / "last.json").write_text(state if isinstance(state, str) else json.dumps(state))
    settings = {"data": str(data), "image_shape": [32, 32], "batch_size": 2, "init": "none"} | (settings or {})
    (run / "run.json").write_text(json.dumps({"settings": settings, "data": {}}))
    return run


def list_files(root: Path) -> set[Path]:
    return {path for path in root.rglob("*") if path.is_file()}


def train_in_one_line(arguments: list[str], capsys) -> str:
    """Run a training that must fail, and return its line on stderr."""
    assert main(["train", *map(str, arguments)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    return line


@pytest.mark.parametrize(
    "state",
    [
        "",
        "{",
        "[]",
        "null",
        "{}",
        *({name: value for name, value in STATE.items() if name != missing} for missing in STATE),
        *(STATE | {"weights": name} for name in ("../precious.h5", "/etc/hostname", "epoch-0002.weights.h5")),
        *(STATE | {"weights": value} for value in (None, 7, "", [], {}, "a\0b", "x" * 5000)),
        *(STATE | {"history": value} for value in (None, 3, {}, [], [1], [[]], [{}], "x", [ROW, ROW])),
        *(STATE | {"history": [ROW | {name: value}]} for name in ROW for value in (None, "x", [], {})),
        *(STATE | {"best_cc": value} for value in (None, [], 1, {"content": "x"}, {"content": None})),
    ],
)
def test_damaged_record_of_checkpoints_is_one_line_and_removes_nothing(state, salicon, tmp_path, capsys):
    precious = tmp_path / "run" / "precious.h5"
    run = write_run(tmp_path / "run", salicon, state)
    precious.write_bytes(b"precious")
    before = list_files(tmp_path)
    cause = "last.json: not " if state else "last.json: is empty"
    assert cause in train_in_one_line(["--data", salicon, "--out", run, "--resume"], capsys)
    assert list_files(tmp_path) == before


TWO_EPOCHS = {"weights": "epoch-0002.weights.h5", "history": [ROW, ROW | {"epoch": 2}]}


@pytest.mark.parametrize(
    ("state", "epochs", "line"),
    [
        (STATE | TWO_EPOCHS, 3, "epoch-0002.weights.h5: No such file or directory"),
        (STATE | TWO_EPOCHS, 1, "last.json: not the record of this run's checkpoints: 2 epochs, and the run has 1"),
        (None, 3, "last.json: lost, and history.csv has whole epochs"),
    ],
)
def test_record_of_other_checkpoints_removes_nothing(state, epochs, line, salicon, tmp_path, capsys):
    run = write_run(tmp_path / "run", salicon, state, {"bce_epochs": epochs, "gan_epochs": 0})
    (run / "history.csv").touch()
    if state is None:
        (run / "checkpoints" / "last.json").unlink()
    before = list_files(tmp_path)
    assert line in train_in_one_line(["--data", salicon, "--out", run, "--resume"], capsys)
    assert list_files(tmp_path) == before


@pytest.mark.parametrize(
    "name",
    [
        *("content.keras", "adversarial.keras", "history.csv", "curves.png", "samples/epoch-0001.jpg"),
        *("epochs/epoch-0001.keras", "checkpoints/last.json", "checkpoints/epoch-0012.weights.h5"),
    ],
)
def test_new_run_never_replaces_or_continues_what_it_finds(name, salicon, tmp_path, capsys):
    (tmp_path / "run" / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / "run" / name).write_text("mine")
    new = ["--data", salicon, "--out", tmp_path / "run", "--init", "none"]
    line = train_in_one_line(new, capsys)
    assert f"{name}: is in the way of a new run, which would replace it: choose another folder" in line
    assert (tmp_path / "run" / name).read_text() == "mine"
    assert not (tmp_path / "run" / "run.json").exists()


def test_a_run_among_the_photographs_of_its_data_is_refused(salicon, capsys):
    before = list_files(salicon)
    line = train_in_one_line(["--data", salicon, "--out", salicon / "images" / "val", "--init", "none"], capsys)
    assert line.endswith("val/curves.png: would become a photograph of the data set: choose another folder")
    assert list_files(salicon) == before


@pytest.mark.parametrize("name", ["checkpoints", "epochs", "samples", "logs", "run.lock"])
def test_a_file_in_the_place_of_a_folder_or_lock_is_named_before_the_training(name, salicon, tmp_path, capsys):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / name).write_text("mine")
    line = train_in_one_line(["--data", salicon, "--out", tmp_path / "run", "--init", "none"], capsys)
    assert f"run/{name}: is in the way of a {'lock' if name == 'run.lock' else 'run'}, which" in line
    assert list_files(tmp_path / "run") == {tmp_path / "run" / name}


def test_tidying_removes_only_what_a_run_writes(salicon, tmp_path):
    run = write_run(tmp_path / "run", salicon)
    of_the_user = [
        *("checkpoints/epoch-best-of-mine.weights.h5", "epoch-0007.weights.h5", ".partial-mine/scratch.h5"),
        *("checkpoints/epoch-0000.weights.h5", "checkpoints/epoch-0009.weights.h5", "epochs/epoch-0009.keras"),
        *(".partial-download/notes.txt", "notes/.partial-0_abcdef/scratch.h5"),
    ]
    of_a_kill = [".partial-0_abcdef/scratch.json", "samples/.partial-abcdefgh/scratch.jpg"]
    for name in [*of_the_user, *of_a_kill, "checkpoints/epoch-0002.weights.h5"]:
        (run / name).parent.mkdir(parents=True, exist_ok=True)
        (run / name).touch()
    before = list_files(run)
    RunFolder(run).tidy()
    written = {run / "history.csv", run / "curves.png"}
    removed = {run / name for name in [*of_a_kill, "checkpoints/epoch-0002.weights.h5"]}
    assert list_files(run) == before - removed | written
    assert not any((run / name).parent.exists() for name in of_a_kill)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "7",
        "{}",
        '{"settings": {}, "data": {}}',
        '{"settings": [], "data": {}}',
        '{"settings": null, "data": {}}',
        '{"settings": {"data": "x", "colour": 3}, "data": {}}',
        '{"settings": {"data": "x"}, "data": 3}',
        '{"settings": {"data": "x"}}',
        *(
            json.dumps({"settings": {"data": "x", name: value}, "data": {}})
            for name in ("batch_size", "image_shape", "learning_rate", "content_loss", "augmentations", "backbone")
            for value in ({"a": 1}, [[]], -1, "9" * 5000 + "x", "?")
        ),
    ],
)
def test_damaged_settings_of_a_run_are_one_line(text, salicon, tmp_path, capsys):
    run = write_run(tmp_path / "run", salicon)
    (run / "run.json").write_text(text)
    before = list_files(tmp_path)
    cause = "run.json: not " if text else "run.json: is empty"
    assert cause in train_in_one_line(["--data", salicon, "--out", run, "--resume"], capsys)
    assert list_files(tmp_path) == before


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("batch_size", 7),
        ("batch_size", 10**12),
        ("batch_size", 10**30),
        ("batch_size", "1" * 5000),
        ("steps_per_epoch", 10**30),
        ("bce_epochs", 10**30),
        ("frozen", 10**30),
        ("image_shape", (32 * 10**30, 32)),
        ("image_shape", (2**20, 2**20)),
        ("image_shape", (32, 33)),
        ("learning_rate", "1e999"),
        ("alpha", "nan"),
    ],
)
def test_settings_that_do_not_fit_are_one_line(name, value, salicon, tmp_path):
    with pytest.raises(InputError, match=r"too large|not a number|does not fit|Exceeds|fewer than one batch"):
        training.train(salicon, tmp_path / "run", verbose=0, **{"init": "none", name: value})
    assert not (tmp_path / "run" / "run.json").exists()


HOLDER = """
import pathlib, sys, time
from salgan_tf.run_folder import locked
with locked(pathlib.Path(sys.argv[1])):
    print("locked", flush=True)
    time.sleep(600)
"""


def test_second_training_in_a_folder_is_refused_until_the_first_is_killed(salicon, tmp_path, capsys):
    run = write_run(tmp_path / "run", salicon)
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(run)], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout.readline() == "locked\n"
        (run / "run.json").rename(tmp_path / "run.json")
        new = ["--data", salicon, "--out", run, "--init", "none"]
        assert "another training is writing to this folder" in train_in_one_line(new, capsys)
        (tmp_path / "run.json").rename(run / "run.json")
        resumed = ["--data", salicon, "--out", run, "--resume"]
        assert "another training is writing to this folder" in train_in_one_line(resumed, capsys)
    finally:
        os.kill(holder.pid, signal.SIGKILL)
        holder.communicate()
    assert "is not the data that the run was started with" in train_in_one_line(resumed, capsys)


def test_a_lock_can_be_taken_again_inside_of_itself_and_after_an_error(tmp_path):
    with pytest.raises(ZeroDivisionError), locked(tmp_path), locked(tmp_path):
        raise ZeroDivisionError
    with locked(tmp_path):
        assert RunFolder(tmp_path).epochs_done == 0
