"""The recipe of the edge model with tiny teachers and a tiny student: the files, and that it can be continued."""

import json
import shutil
from pathlib import Path

import pytest
from conftest import tiny_backbone, write_salicon

from salgan_tf import SaliencyPredictor, build_generator, recipes
from salgan_tf.__main__ import main
from salgan_tf.data.folder import index_folder
from salgan_tf.models.backbones import BACKBONES
from salgan_tf.models.pretrained import save_encoder
from salgan_tf.settings import make_config

TINY = [
    *("--size", "32x32", "--batch-size", "2", "--bce-epochs", "1", "--gan-epochs", "0", "--init", "none"),
    *("--frozen", "0"),
]


@pytest.fixture
def two_teachers(monkeypatch):
    """Two teachers, enough to tell them apart, and a student, of networks that are traced in a second."""
    first = dict(list(recipes.TEACHERS.items())[:2])
    for name in {settings["backbone"] for settings in (*first.values(), recipes.STUDENT)}:
        monkeypatch.setitem(BACKBONES, name, tiny_backbone(name))
    monkeypatch.setattr(recipes, "TEACHERS", first)
    monkeypatch.setattr(recipes, "VIEWS", 2)
    monkeypatch.setattr(recipes, "BLENDS", 1)
    monkeypatch.setattr(recipes, "STUDENT_START", list(first)[1])
    return list(first)


def test_teachers_pseudo_labels_and_student(tmp_path, two_teachers, capsys):
    data, out = write_salicon(tmp_path / "data"), tmp_path / "run"
    arguments = ["train", "--recipe", "edge", "--data", str(data), "--out", str(out), *TINY]
    assert main(arguments) == 0
    settings = [json.loads((out / "teachers" / name / "run.json").read_text())["settings"] for name in two_teachers]
    for setting in ("seed", "backbone"):
        assert [teacher[setting] for teacher in settings] == [recipes.TEACHERS[name][setting] for name in two_teachers]
    assert len(index_folder(out / "pseudo", "train")) == 18
    student, run = (json.loads((folder / "run.json").read_text()) for folder in (out / "student", out))
    assert student["settings"]["seed"] == run["settings"]["seed"] == 0
    assert student["settings"]["pseudo"] == str(out / "pseudo")
    assert student["settings"]["init"] == str(out / "teachers" / two_teachers[1] / "encoder.npz")
    assert student["data"]["train"]["examples"] == 24
    # The last stage has the recorded maps alone.
    assert run["settings"]["pseudo"] is None
    assert run["settings"]["init"] == str(out / "student" / "content.keras")
    assert run["data"]["train"]["examples"] == 6
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


@pytest.fixture(scope="module")
def made_starts(tmp_path_factory):
    """A folder with a start of random numbers for each backbone of the teachers."""
    folder = tmp_path_factory.mktemp("starts")
    for name in {teacher["backbone"] for teacher in recipes.TEACHERS.values()}:
        save_encoder(build_generator(name, (32, 32, 3)), BACKBONES[name], folder / f"{name}_imagenet.npz")
    return folder


@pytest.fixture
def starts(made_starts, tmp_path):
    """A copy of them, to be changed."""
    return Path(shutil.copytree(made_starts, tmp_path / "starts"))


def test_what_does_not_fit_the_last_teacher_is_said_before_the_first_is_trained(tmp_path, starts, run):
    def refused(*options):
        outcome = run("train", "--recipe", "edge", *options, "--data", tmp_path, "--out", tmp_path / "run")
        assert outcome.code == 1
        assert not (tmp_path / "run").exists()
        return outcome.lines[-1]

    several = "the recipe trains several networks: give a folder that holds efficientnet_lite0_imagenet.npz, "
    assert f"--init: {several}" in refused()
    assert f"--init imagenet: {several}" in refused("--init", "imagenet")
    # The encoder of MobileNetV2 has 51 convolutions, that of Lite 0 has 48.
    assert "50 is too many: the encoder of efficientnet_lite0" in refused("--init", starts, "--frozen", 50)
    lite2 = starts / "efficientnet_lite2_imagenet.npz"
    lite2.write_bytes((starts / "efficientnet_lite0_imagenet.npz").read_bytes())
    assert "efficientnet_lite2_imagenet.npz: holds 48 convolutions" in refused("--init", starts)
    lite2.unlink()
    assert "efficientnet_lite2_imagenet.npz: No such file" in refused("--init", starts)


def test_each_training_has_its_own_start(tmp_path, starts, monkeypatch):
    trained = {}

    def note(data, out, **settings):
        trained[out.name] = settings
        return out

    monkeypatch.setattr(recipes, "train", note)
    monkeypatch.setattr(recipes, "write_pseudo_labels", lambda *arguments, **settings: None)
    monkeypatch.setattr(recipes, "find_model", lambda run: run)
    monkeypatch.setattr(recipes, "load_generator", lambda path: None)
    monkeypatch.setattr(recipes, "save_encoder", lambda *arguments: None)
    recipes.train_edge(tmp_path / "data", tmp_path / "run", init=str(starts))
    expected = {name: str(starts / f"{teacher['backbone']}_imagenet.npz") for name, teacher in recipes.TEACHERS.items()}
    expected["student"] = str(tmp_path / "run" / "teachers" / recipes.STUDENT_START / "encoder.npz")
    expected["run"] = str(tmp_path / "run" / "student")
    assert {name: settings["init"] for name, settings in trained.items()} == expected


def test_the_start_that_keras_has_is_fetched_if_there_is_no_file(tmp_path, starts, monkeypatch):
    (starts / "mobilenet_v2_imagenet.npz").unlink()
    built = {}
    monkeypatch.setattr(recipes, "build_generator", lambda backbone, shape, weights: built.update({backbone: weights}))
    monkeypatch.setattr(recipes, "train", lambda *arguments, **settings: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        recipes.train_edge(tmp_path / "data", tmp_path / "run", init=str(starts))
    assert built["mobilenet_v2"] == "imagenet"


def test_its_settings_are_legal():
    for settings in (*recipes.TEACHERS.values(), recipes.STUDENT, recipes.FINISH):
        assert make_config(data="data", init="none", **settings).backbone == settings["backbone"]
