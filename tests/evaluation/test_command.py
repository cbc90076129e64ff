"""The command `evaluate`: exit codes, what stands on stdout and stderr, and the files that are left."""

import csv
import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from conftest import write_cat2000, write_example, write_fixations, write_mit1003
from handmade import SHAPE
from PIL import Image

from salgan_tf import images
from salgan_tf.__main__ import main
from salgan_tf.data.folder import index_folder
from salgan_tf.evaluation.scoring import BY_NAME


@pytest.fixture
def run(capsys):
    """Call `evaluate`; give exit code, stdout and the lines of stderr."""

    def call(*arguments) -> tuple[int, str, list[str]]:
        code = main(["evaluate", *map(str, arguments)])
        captured = capsys.readouterr()
        return code, captured.out, captured.err.splitlines()

    return call


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
    assert list(loaded["results"]["all"][str(maps)]) == list(BY_NAME)
    assert loaded["results"]["all"][str(maps)]["cc"]["mean"] == pytest.approx(1)
    with files["--csv"].open(newline="") as file:
        each = list(csv.DictReader(file))
    assert len(each) == 4 * 3
    assert np.mean([float(row["nss"]) for row in each[:3]]) == pytest.approx(
        loaded["results"]["all"][str(maps)]["nss"]["mean"]
    )
    assert len(list(files["--pictures"].iterdir())) == 2


def test_models_and_folders_stand_side_by_side(run, salicon, maps, tmp_path):
    other = shutil.copytree(maps, tmp_path / "other")
    code, output, lines = run("--data", salicon, "--maps", maps, "--model", "edge", "--maps", other)
    assert (code, lines) == (0, [])
    names = [line.split("  ")[0] for line in output.split("\n\n")[0].splitlines()[2::2]]
    assert names == ["edge", str(maps), str(other), "centre prior", "uniform"]
    assert "differences from edge, paired" in output


def test_the_same_name_twice_is_no_table(run, salicon, maps):
    code, output, lines = run("--data", salicon, "--maps", maps, maps)
    assert (code, output) == (1, "")
    assert lines == [f"salgan_tf: {maps}: given twice; a folder that is called like a model can be given as ./FOLDER"]


def test_the_bundled_model_is_measured_only_if_nothing_else_is_said(run, salicon, maps):
    code, output, _ = run("--data", salicon)
    assert code == 0
    assert output.splitlines()[2].split()[0] == "edge"
    _, output, _ = run("--data", salicon, "--maps", maps)
    assert "edge" not in output


@pytest.mark.parametrize(
    ("flags", "begins", "holds"),
    [
        (["--markdown"], "**3 images", "columns of the poster's table 2"),
        (["--latex"], "% 3 images", "\\begin{tabular}"),
        (["--markdown", "--published"], "**3 images", "**PUBLISHED, not measured here"),
        (["--latex", "--published"], "% 3 images", "% PUBLISHED, not measured here"),
    ],
)
def test_tables_for_papers_are_printed(run, salicon, maps, flags, begins, holds):
    code, output, lines = run("--data", salicon, "--maps", maps, *flags)
    assert (code, lines) == (0, [])
    assert output.startswith(begins)
    assert holds in output
    assert ("PUBLISHED" in output) == ("--published" in flags)


def test_any_split_can_be_measured(run, salicon):
    code, output, _ = run("--data", salicon, "--split", "train", "--maps", salicon / "maps" / "train")
    assert code == 0
    assert output.startswith("6 images")


def test_a_split_that_is_not_there_is_named(run, salicon, maps):
    code, output, lines = run("--data", salicon, "--split", "test", "--maps", maps)
    assert (code, output) == (1, "")
    (line,) = lines
    assert line.startswith(f"salgan_tf: {salicon}")
    assert "'test'" in line


def test_mit1003_and_cat2000_are_measured(run, tmp_path):
    mit1003, cat2000 = write_mit1003(tmp_path / "mit"), write_cat2000(tmp_path / "cat2000")
    for root in (mit1003, cat2000):
        for example in index_folder(root, "all"):
            images.write_image(tmp_path / "maps" / f"{example.name}.png", images.read_image(example.image)[..., 0])
    code, output, lines = run("--data", mit1003, "--maps", tmp_path / "maps")
    assert (code, lines) == (0, [])
    assert output.startswith("4 images")
    code, output, lines = run("--data", cat2000, "--maps", tmp_path / "maps")
    assert (code, lines) == (0, [])
    assert [table.splitlines()[0] for table in output.split("\n\n")][1:] == ["Action: 2 images", "Art: 1 image"]


def test_a_data_set_of_val_alone_can_be_measured(run, tmp_path):
    write_example(tmp_path, "val", "only", 3)
    code, output, lines = run("--data", tmp_path, "--maps", tmp_path / "maps" / "val", "--json", tmp_path / "out.json")
    assert (code, lines) == (0, [])
    assert output.startswith("1 image,")
    assert json.loads((tmp_path / "out.json").read_text())["centre_prior_of"] == "no other photograph, so it is uniform"


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


def test_remarks_stand_on_stderr_and_stop_nothing(run, salicon, maps):
    fixations = salicon / "fixations" / "val" / "scene_10.mat"
    write_fixations(fixations, [np.array([[0, 7], [5, 5], [6, 6]])], SHAPE)
    (maps / "scene_12.png").unlink()
    code, output, lines = run("--data", salicon, "--maps", maps, "--allow-missing")
    assert code == 0
    assert output.startswith("2 images")
    assert lines == [
        f"salgan_tf: {maps}: no map of scene_12, such as scene_12.png or .npy",
        f"salgan_tf: {salicon}: 1 of 3 photographs are left out",
        f"salgan_tf: {fixations}: 1 of 3 fixations lie outside the image and are left out",
    ]


def spoil(salicon, maps, case: str) -> list[str]:
    """Spoil an evaluation; give the subjects of the lines that should be printed."""
    path = maps / "scene_10.png"
    if case == "bad map":
        path.write_text("no map")
        return [f"{path}", f"{salicon}"]
    if case == "bad array":
        path.unlink()
        np.save(path.with_suffix(".npy"), np.full(SHAPE, np.nan))
        return [f"{path.with_suffix('.npy')}", f"{salicon}"]
    if case == "two missing maps":
        path.unlink()
        (maps / "scene_11.png").unlink()
        return [f"{maps}", f"{maps}", f"{salicon}"]
    if case == "no maps":
        for one in maps.iterdir():
            one.unlink()
        return [f"{maps}"]
    if case == "no folder of maps":
        shutil.rmtree(maps)
        return [f"{maps}"]
    if case == "bad centre prior":
        Image.new("L", (9, 9)).save(salicon / "maps" / "train" / "scene_0.png")
        return [f"{salicon / 'maps' / 'train' / 'scene_0.png'}", f"{salicon / 'images' / 'train'}"]
    shutil.rmtree(salicon)
    return [f"{salicon}"]


@pytest.mark.parametrize(
    "case",
    ["bad map", "bad array", "two missing maps", "no maps", "no folder of maps", "bad centre prior", "no data"],
)
def test_a_failure_is_told_in_lines_and_leaves_no_files(run, salicon, maps, tmp_path, case):
    subjects = spoil(salicon, maps, case)
    new = tmp_path / "new"
    files = ["--json", new / "numbers.json", "--csv", new / "each.csv", "--pictures", new / "pictures"]
    code, output, lines = run("--data", salicon, "--maps", maps, *files)
    assert (code, output) == (1, "")
    assert len(lines) == len(subjects)
    for line, subject in zip(lines, subjects, strict=True):
        assert line.startswith(f"salgan_tf: {subject}: ")
    assert not new.exists()


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--humans"], "do not tell observers apart"),
        (["--fit-densities"], "fitted on the split train"),
        (["--split", "train"], "the only split is 'all'"),
    ],
)
def test_what_mit1003_cannot_give_is_told(run, tmp_path, flags, said):
    data = write_mit1003(tmp_path / "mit")
    code, output, (line,) = run("--data", data, "--maps", data / "ALLSTIMULI", *flags)
    assert (code, output) == (1, "")
    assert said in line


def test_the_name_of_a_baseline_is_refused(run, salicon, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(salicon / "maps" / "val", "uniform")
    code, _, (line,) = run("--data", salicon, "--maps", "uniform")
    assert code == 1
    assert line.startswith("salgan_tf: uniform: ")


@pytest.mark.parametrize("flags", [[], ["--data"], ["--data", "data", "--markdown", "--latex"]])
def test_bad_usage_exits_with_2(run, capsys, flags):
    with pytest.raises(SystemExit) as caught:
        run(*flags)
    assert caught.value.code == 2
    assert "error: " in capsys.readouterr().err.splitlines()[-1]


def test_a_real_call_keeps_stderr_clean_and_needs_no_tensorflow(salicon):
    code = (
        "import sys; from salgan_tf.__main__ import main; "
        "code = main(sys.argv[1:]); assert 'tensorflow' not in sys.modules; sys.exit(code)"
    )
    command = [sys.executable, "-c", code, "evaluate", "--data", str(salicon), "--humans"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("3 images")
    bad = subprocess.run([*command, "--split", "test"], capture_output=True, text=True, timeout=120)
    assert (bad.returncode, bad.stdout) == (1, "")
    (line,) = bad.stderr.splitlines()
    assert line.startswith("salgan_tf: ")
