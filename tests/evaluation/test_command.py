"""The command `evaluate`: exit codes, what it prints on stdout and stderr, and the files that it writes."""

import csv
import functools
import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from conftest import brightness_model, write_example, write_fixations, write_mit1003
from handmade import SHAPE

from salgan_tf.evaluation.scoring import BY_NAME

# Runs the command as if only the base install and the extra `evaluate` were there.
WITHOUT_TENSORFLOW = """
import sys
sys.modules.update(dict.fromkeys(("tensorflow", "keras", "tensorboard", "tf2onnx", "onnx", "onnxruntime")))
from salgan_tf.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture
def run(run):
    """Call `evaluate`."""
    return functools.partial(run, "evaluate")


@pytest.fixture
def maps(salicon, tmp_path):
    """A folder with a copy of the maps of val."""
    return shutil.copytree(salicon / "maps" / "val", tmp_path / "maps")


def test_a_table_is_printed_and_files_are_written(run, salicon, maps, tmp_path):
    new = tmp_path / "new"
    files = {"--json": new / "numbers.json", "--csv": new / "each.csv", "--pictures": new / "pictures"}
    flags = [word for pair in files.items() for word in pair]
    code, output, lines = run("--data", salicon, "--maps", maps, "--humans", *flags)
    assert (code, lines) == (0, [])
    assert output.startswith("3 images, ")
    rows = [line.split("  ")[0].strip() for line in output.splitlines()[2::2]]
    assert rows == [str(maps), "centre prior", "uniform", "humans"]
    loaded = json.loads(files["--json"].read_text())
    assert list(loaded["results"]) == ["all"]
    assert list(loaded["results"]["all"]) == rows
    measured = loaded["results"]["all"][str(maps)]
    assert list(measured) == list(BY_NAME)
    assert measured["cc"]["mean"] == pytest.approx(1)
    with files["--csv"].open(newline="") as file:
        each = list(csv.DictReader(file))
    assert len(each) == 4 * 3
    assert np.mean([float(row["nss"]) for row in each[:3]]) == pytest.approx(measured["nss"]["mean"])
    assert len(list(files["--pictures"].iterdir())) == 2


def test_models_and_folders_are_rows_of_one_table(run, salicon, maps, tmp_path):
    other = shutil.copytree(maps, tmp_path / "other")
    code, output, lines = run("--data", salicon, "--maps", maps, "--model", "edge", "--maps", other)
    assert (code, lines) == (0, [])
    names = [line.split("  ")[0] for line in output.split("\n\n")[0].splitlines()[2::2]]
    assert names == ["edge", str(maps), str(other), "centre prior", "uniform"]
    assert "differences from edge, paired" in output


def test_the_bundled_model_is_measured_by_default_unless_there_are_maps(run, salicon, maps):
    code, output, _ = run("--data", salicon)
    assert code == 0
    assert output.splitlines()[2].split()[0] == "edge"
    _, output, _ = run("--data", salicon, "--maps", maps)
    assert "edge" not in output


@pytest.mark.parametrize("published", [[], ["--published"]])
@pytest.mark.parametrize(("style", "start"), [("--markdown", "**"), ("--latex", "% ")])
def test_tables_for_papers_are_printed(run, salicon, maps, style, start, published):
    code, output, lines = run("--data", salicon, "--maps", maps, style, *published)
    assert (code, lines) == (0, [])
    titles = [line for line in output.splitlines() if line.startswith(start)]
    assert titles[0].startswith(f"{start}3 images")
    assert sum("poster's table" in title for title in titles) == 2
    assert any(title.startswith(f"{start}PUBLISHED, not measured here") for title in titles) == bool(published)


def test_densities_are_fitted_on_train(run, tmp_path):
    for index in range(10):
        write_example(tmp_path, "train", f"scene_{index}", index)
    write_example(tmp_path, "val", "scene_20", 20)
    maps = tmp_path / "all"
    for split in ("train", "val"):
        shutil.copytree(tmp_path / "maps" / split, maps, dirs_exist_ok=True)
    code, output, _ = run("--data", tmp_path, "--maps", maps, "--fit-densities", "--json", tmp_path / "out.json")
    assert code == 0
    assert "IG-fit" in output
    assert list(json.loads((tmp_path / "out.json").read_text())["fitted_densities"]) == [str(maps)]


def test_remarks_are_printed_on_stderr_and_do_not_stop_the_command(run, salicon, maps):
    fixations = salicon / "fixations" / "val" / "scene_10.mat"
    write_fixations(fixations, [np.array([[0, 7], [5, 5], [6, 6]])], SHAPE)
    (maps / "scene_12.png").unlink()
    code, output, lines = run("--data", salicon, "--maps", maps, "--allow-missing")
    assert code == 0
    assert output.startswith("2 images")
    assert lines == [
        f"salgan_tf: {maps}: no map of scene_12, such as scene_12.png or .npy",
        f"salgan_tf: {salicon}: 1 of 3 photographs are skipped",
        f"salgan_tf: {fixations}: 1 of 3 fixations lie outside the image and are ignored",
    ]


@pytest.mark.parametrize("case", ["bad maps", "missing maps"])
def test_a_failure_prints_one_line_per_cause_and_leaves_no_files(run, salicon, maps, tmp_path, case):
    paths = [maps / "scene_10.png", maps / "scene_11.png"]
    for path in paths:
        path.unlink()
        if case == "bad maps":
            path.write_text("not a map")
    subjects = [*paths, salicon] if case == "bad maps" else [maps, maps, salicon]
    new = tmp_path / "new"
    files = ["--json", new / "numbers.json", "--csv", new / "each.csv", "--pictures", new / "pictures"]
    code, output, lines = run("--data", salicon, "--maps", maps, *files)
    assert (code, output) == (1, "")
    for line, subject in zip(lines, subjects, strict=True):
        assert line.startswith(f"salgan_tf: {subject}: ")
    assert not new.exists()


@pytest.mark.parametrize(
    "flags",
    [
        ["--csv", "{data}/images/val/scene_10.png"],
        ["--csv", "{data}/images/train/scene_0.png"],
        ["--json", "{data}/fixations/val/scene_10.mat"],
        ["--json", "{maps}/scene_10.png"],
        ["--json", "{model}"],
        ["--csv", "{new}/same", "--json", "{new}/../new/same"],
        ["--csv", "{new}/pictures/distribution.png", "--pictures", "{new}/pictures"],
        ["--pictures", "{data}/images/val"],
    ],
)
def test_an_output_that_would_overwrite_something_is_refused(run, salicon, maps, brightness_file, tmp_path, flags):
    new, model = tmp_path / "new", shutil.copy(brightness_file, tmp_path)
    flags = [flag.format(data=salicon, maps=maps, model=model, new=new) for flag in flags]
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.*") if path.is_file()}
    code, output, (line,) = run("--data", salicon, "--maps", maps, "--model", model, *flags)
    assert (code, output) == (1, "")
    assert "would overwrite" in line or "would become a photograph" in line
    assert {path: path.read_bytes() for path in before} == before
    assert not new.exists()


def test_the_files_of_a_run_folder_are_not_overwritten(run, salicon, tmp_path):
    (tmp_path / "run" / "checkpoints").mkdir(parents=True)
    for name in ("content.keras", "adversarial.keras"):
        brightness_model().save(tmp_path / "run" / name)
    (tmp_path / "run" / "checkpoints" / "last.json").write_text("{}")
    (tmp_path / "run" / "run.json").write_text("{}")
    for name in ("content.keras", "adversarial.keras", "checkpoints/last.json", "run.json"):
        path = tmp_path / "run" / name
        before = path.read_bytes()
        code, _, lines = run("--data", salicon, "--model", tmp_path / "run", "--json", path)
        assert (code, lines) == (1, [f"salgan_tf: {path}: would overwrite {path}, an input: give another name"])
        assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("flags", "cause"),
    [
        (["--humans"], "do not tell observers apart"),
        (["--json", "{data}"], "mit: cannot be written: Is a directory"),
        (["--maps", "{data}/ALLSTIMULI"], "given twice; a folder with the name of a model can be given as ./FOLDER"),
    ],
)
def test_an_impossible_request_prints_its_cause(run, tmp_path, flags, cause):
    data = write_mit1003(tmp_path / "mit")
    flags = [flag.format(data=data) for flag in flags]
    code, output, (line,) = run("--data", data, "--maps", data / "ALLSTIMULI", *flags)
    assert (code, output) == (1, "")
    assert cause in line


def test_the_command_needs_no_tensorflow_and_keeps_stderr_clean(salicon, maps):
    command = [sys.executable, "-c", WITHOUT_TENSORFLOW, "evaluate", "--data", salicon, "--maps", maps]
    command += ["--model", "edge", "--humans"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("3 images")
    assert [line.split()[0] for line in done.stdout.splitlines()[2:6:2]] == ["edge", str(maps)]
    bad = subprocess.run([*command, "--model", "net.keras"], capture_output=True, text=True, timeout=120)
    assert (bad.returncode, bad.stdout) == (1, "")
    (line,) = bad.stderr.splitlines()
    assert line.startswith("salgan_tf: net.keras: ")
