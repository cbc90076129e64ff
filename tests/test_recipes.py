"""The recipe of the edge model with tiny teachers and a tiny student: the files, and that it can be continued."""

import json

import pytest
from conftest import tiny_backbone, write_salicon

from salgan_tf import SaliencyPredictor, recipes
from salgan_tf.__main__ import main
from salgan_tf.data.folder import index_folder
from salgan_tf.models.backbones import BACKBONES
from salgan_tf.settings import make_config

TINY = [
    *("--size", "32x32", "--batch-size", "2", "--bce-epochs", "1", "--gan-epochs", "0", "--init", "none"),
    *("--frozen", "0"),
]


@pytest.fixture
def two_teachers(monkeypatch):
    """Two teachers, enough to tell them apart, of a network that is traced in a second."""
    monkeypatch.setitem(BACKBONES, "mobilenet_v2", tiny_backbone("mobilenet_v2"))
    first = dict(list(recipes.TEACHERS.items())[:2])
    monkeypatch.setattr(recipes, "TEACHERS", first)
    monkeypatch.setattr(recipes, "VIEWS", 2)
    monkeypatch.setattr(recipes, "STUDENT_START", list(first)[1])
    return list(first)


def test_teachers_pseudo_labels_and_student(tmp_path, two_teachers, capsys):
    data, out = write_salicon(tmp_path / "data"), tmp_path / "run"
    arguments = ["train", "--recipe", "edge", "--data", str(data), "--out", str(out), *TINY]
    assert main(arguments) == 0
    settings = [json.loads((out / "teachers" / name / "run.json").read_text())["settings"] for name in two_teachers]
    assert [teacher["seed"] for teacher in settings] == [recipes.TEACHERS[name]["seed"] for name in two_teachers]
    assert len(index_folder(out / "pseudo", "train")) == 12
    run = json.loads((out / "run.json").read_text())
    assert run["settings"]["seed"] == 0
    assert run["settings"]["pseudo"] == str(out / "pseudo")
    assert run["settings"]["init"] == str(out / "teachers" / two_teachers[1] / "content.keras")
    assert run["data"]["train"]["examples"] == 18
    assert SaliencyPredictor(out).image_shape == (32, 32)
    trained = (out / "content.keras").stat().st_mtime_ns
    # The repeated command trains nothing again.
    assert main(arguments) == 0
    assert (out / "content.keras").stat().st_mtime_ns == trained
    assert main([*arguments, "--learning-rate", "1"]) == 1
    assert "keeps its settings" in capsys.readouterr().err


def test_recipe_refuses_a_folder_with_files_in_the_way_before_it_trains(tmp_path, run):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "content.keras").write_text("mine")
    data = write_salicon(tmp_path / "data")
    outcome = run("train", "--recipe", "edge", "--init", "none", "--data", data, "--out", tmp_path / "run")
    assert outcome.code == 1
    assert "content.keras: is in the way of a new run" in outcome.lines[-1]
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["content.keras"]


def test_recipe_refuses_a_stream(tmp_path, run):
    outcome = run("train", "--recipe", "edge", "--stream", "--data", tmp_path, "--out", tmp_path / "run")
    assert outcome.code == 1
    assert "--stream: reads records, and the recipe reads a folder" in outcome.lines[-1]
    assert not (tmp_path / "run").exists()


def test_recipe_has_its_own_backbone(tmp_path, capsys):
    with pytest.raises(SystemExit) as caught:
        main(["train", "--recipe", "edge", "--backbone", "vgg16", "--data", str(tmp_path), "--out", str(tmp_path)])
    assert caught.value.code == 2
    assert "--backbone: not allowed with argument --recipe" in capsys.readouterr().err


def test_starts_of_all_teachers_are_found_before_the_first_is_trained(tmp_path, run):
    (tmp_path / "starts").mkdir()
    (tmp_path / "starts" / "mobilenet_v2_imagenet.npz").write_bytes(b"")
    for init, line in {
        (): "--init: the recipe trains several networks: give a folder with efficientnet_lite0_imagenet.npz, ",
        ("--init", "imagenet"): "--init imagenet: the recipe trains several networks: give a folder",
        ("--init", tmp_path / "starts"): "starts/efficientnet_lite0_imagenet.npz: no such file: a teacher",
    }.items():
        outcome = run("train", "--recipe", "edge", *init, "--data", tmp_path, "--out", tmp_path / "run")
        assert outcome.code == 1
        assert line in outcome.lines[-1]
    assert not (tmp_path / "run").exists()


def test_the_start_of_a_teacher_is_its_backbones(tmp_path, monkeypatch):
    trained = {}
    monkeypatch.setattr(recipes, "train", lambda data, out, **settings: trained.update({out.name: settings}))
    monkeypatch.setattr(recipes, "write_pseudo_labels", lambda *arguments, **settings: None)
    monkeypatch.setattr(recipes, "find_model", lambda run: run / "content.keras")
    for backbone in ("mobilenet_v2", "efficientnet_lite0", "efficientnet_lite2"):
        (tmp_path / f"{backbone}_imagenet.npz").write_bytes(b"")
    recipes.train_edge(tmp_path / "data", tmp_path / "run", init=str(tmp_path))
    starts = {name: str(tmp_path / f"{teacher['backbone']}_imagenet.npz") for name, teacher in recipes.TEACHERS.items()}
    starts["run"] = str(tmp_path / "run" / "teachers" / recipes.STUDENT_START / "content.keras")
    assert {name: settings["init"] for name, settings in trained.items()} == starts


def test_its_settings_are_legal():
    for settings in (*recipes.TEACHERS.values(), recipes.STUDENT):
        assert make_config(data="data", init="none", **settings).backbone == settings["backbone"]
