"""Streams that are closed, full or of another encoding, and Ctrl-C: no result is lost, and no traceback is shown."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import render_photograph, save_picture

import salgan_tf

ROOT = str(Path(salgan_tf.__file__).parents[1])
FULL = "salgan_tf: stdout: cannot be written: No space left on device\n"


def shell(line: str, folder: Path, **variables: str) -> subprocess.CompletedProcess:
    """Run a line of bash in a folder; `salgan` is the command line."""
    salgan = f'salgan() {{ "{sys.executable}" -m salgan_tf "$@"; }}; '
    return subprocess.run(
        ["bash", "-c", salgan + line],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": ROOT} | variables,
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture
def folder(tmp_path) -> Path:
    save_picture(tmp_path / "a.png", render_photograph(0))
    return tmp_path


@pytest.mark.parametrize("closed", ["2>&-", ">&-", "<&- >&- 2>&-"])
def test_streams_that_are_closed_cost_nothing(folder, closed):
    done = shell(f"salgan predict a.png --out out {closed}", folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(list((folder / "out").iterdir())) == 2


@pytest.mark.parametrize(
    ("line", "code", "stderr"),
    [
        ("salgan predict a.png --out out > /dev/full", 1, FULL),
        ("salgan --help > /dev/full", 1, FULL),
        ("salgan predict a.png --out out | true; exit ${PIPESTATUS[0]}", 0, ""),
        ("salgan predict missing.png --out out 2> /dev/full", 1, ""),
    ],
)
def test_a_full_disk_is_one_line_and_a_closed_pipe_none(folder, line, code, stderr):
    done = shell(line, folder)
    assert (done.returncode, done.stderr) == (code, stderr)


def test_a_name_that_the_encoding_lacks_is_escaped(folder):
    done = shell("salgan predict a.png --out ö", folder, PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stdout, done.stderr) == (0, "1 of 1 predicted, see \\xf6\n", "")


def test_evaluate_writes_its_files_before_it_prints(salicon):
    line = "salgan evaluate --data . --maps maps/val --json a.json --csv missing/../a.png/b.csv > /dev/full"
    save_picture(salicon / "a.png", render_photograph(0))
    done = shell(line, salicon)
    assert done.returncode == 1
    assert done.stderr == FULL
    assert json.loads((salicon / "a.json").read_text())["metrics"]


def test_a_device_receives_what_a_file_would(salicon):
    done = shell("salgan evaluate --data . --maps maps/val --json /dev/stdout --csv /dev/null > out.txt", salicon)
    assert (done.returncode, done.stderr) == (0, "")
    found, end = json.JSONDecoder().raw_decode((salicon / "out.txt").read_text())
    assert found["metrics"]
    assert "centre prior" in (salicon / "out.txt").read_text()[end:]
    assert Path("/dev/null").is_char_device()
    assert Path("/dev/stdout").is_symlink()


def test_control_characters_in_names_are_escaped(folder):
    (folder / "new\nline \x1b[31m.png").write_text("not a picture")
    done = shell("salgan predict . --out out", folder)
    assert done.returncode == 1
    assert done.stderr == "salgan_tf: new\\nline \\x1b[31m.png: not a picture, or in an unsupported format\n"


# A job in the background of a shell ignores SIGINT, and so do its tests' processes.
SLOW_IMPORT = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)
class Slow:
    def find_spec(self, name, path=None, target=None):
        if name == "cv2":
            print("importing", flush=True)
            {wait}
sys.meta_path.insert(0, Slow())
"""
WAITS = {
    "plain": "time.sleep(60)",
    "turned into another error": """
            try:
                time.sleep(60)
            except KeyboardInterrupt as error:
                raise ImportError("half imported") from error""",
}


@pytest.mark.parametrize("wait", WAITS)
def test_an_interrupted_import_is_one_line(folder, wait):
    (folder / "sitecustomize.py").write_text(SLOW_IMPORT.format(wait=WAITS[wait]))
    command = [sys.executable, "-m", "salgan_tf", "predict", "a.png", "--out", "out"]
    variables = os.environ | {"PYTHONPATH": os.pathsep.join((str(folder), ROOT))}
    with subprocess.Popen(
        command, cwd=folder, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "importing\n"
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=300)
    assert (process.returncode, stderr) == (130, "salgan_tf: interrupted\n")
