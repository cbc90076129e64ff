"""Pseudo-labels: the files, that an interrupted call can be continued, and that mirror images agree."""

import itertools
import json
import os
from pathlib import Path

import keras
import numpy as np
import pytest
from conftest import render_photograph, tiny_backbone, write_example, write_salicon

from salgan_tf import InputError, SaliencyPredictor, images
from salgan_tf.__main__ import main
from salgan_tf.data.folder import index_folder
from salgan_tf.data.pipeline import concatenate, load_examples
from salgan_tf.distillation import mean_density, remove_faint, write_pseudo_labels


@pytest.fixture(scope="module")
def teachers(tmp_path_factory):
    """Two generators with random weights, of two sizes."""
    folder = tmp_path_factory.mktemp("teachers")
    paths = []
    for side in (32, 64):
        image = keras.Input((side, side, 3), name="image")
        keras.Model(image, tiny_backbone("tiny").connect(image, 0.0)).save(folder / f"{side}.keras")
        paths.append(folder / f"{side}.keras")
    return paths


def files_of(root):
    return {path.relative_to(root): path.read_bytes() for path in sorted(root.rglob("*.*")) if path.is_file()}


def test_every_photograph_and_its_windows_get_a_map(tmp_path, teachers):
    data = write_salicon(tmp_path / "data")
    write_pseudo_labels(data, teachers, tmp_path / "pseudo", views=3)
    found = index_folder(tmp_path / "pseudo", "train")
    assert [view.name for view in found] == [f"scene_{index}{end}" for index in range(6) for end in ("", "_1", "_2")]
    assert {view.source for view in found} == {"scene"}
    for example in found:
        image, saliency = images.read_image(example.image), images.read_grey(example.map)
        assert image.shape == (64, 64, 3)
        assert saliency.shape == (64, 64)
        assert saliency.max() == 1
    whole, window = (images.read_image(found[view].image).astype(float) for view in (0, 1))
    photograph = images.resize_area(images.read_image(index_folder(data, "train")[0].image), (64, 64))
    assert np.abs(whole - photograph).mean() < 3
    assert np.abs(window - photograph).mean() > 6


def test_blends_show_two_photographs_and_leave_other_views_as_they_are(tmp_path, teachers):
    data = write_salicon(tmp_path / "data")
    write_pseudo_labels(data, teachers[:1], tmp_path / "pseudo", views=2)
    views = files_of(tmp_path / "pseudo")
    write_pseudo_labels(data, teachers[:1], tmp_path / "pseudo", views=2, blends=2)
    blended = files_of(tmp_path / "pseudo")
    kinds = ("images/train/{}.jpg", "maps/train/{}.png")
    names = [f"scene_{index}_blend_{blend}" for index in range(6) for blend in (1, 2)]
    assert {str(path) for path in blended.keys() - views.keys()} == {
        kind.format(name) for kind in kinds for name in names
    }
    assert {path: blended[path] for path in views if path.suffix != ".json"} == {
        path: content for path, content in views.items() if path.suffix != ".json"
    }
    # Each has content of its own, and the same seed gives the same.
    write_pseudo_labels(data, teachers[:1], tmp_path / "again", views=2, blends=2)
    assert files_of(tmp_path / "again") == blended
    assert len({blended[Path(kinds[0].format(name))] for name in names}) == len(names)


def test_a_blend_is_the_weighted_mean_of_two_photographs(tmp_path, teachers):
    """Windows of photographs of one colour have that colour."""
    for index, (name, level) in enumerate([("black", 0), ("white", 200)]):
        write_example(tmp_path / "data", "train", name, index)
        photograph = next((tmp_path / "data" / "images" / "train").glob(f"{name}.*"))
        images.write_image(photograph, np.full((40, 50, 3), level, np.uint8))
    write_pseudo_labels(tmp_path / "data", teachers[:1], tmp_path / "pseudo", views=1, blends=8)
    for name, lowest, highest in (("black", 0, 100), ("white", 100, 200)):
        levels = [
            images.read_image(tmp_path / "pseudo" / "images" / "train" / f"{name}_blend_{blend}.jpg").mean()
            for blend in range(1, 9)
        ]
        assert all(lowest - 1 <= level <= highest + 1 for level in levels)
        assert np.ptp(levels) > 20


def test_a_blend_needs_two_photographs(tmp_path, run):
    write_example(tmp_path / "data", "train", "scene_0", 0)
    outcome = run(
        "distill", "--data", tmp_path / "data", "--teachers", "edge", "--blends", "1", "--out", tmp_path / "out"
    )
    assert outcome.code == 1
    assert "--blends: train has one photograph only, and a blend is made of two" in outcome.lines[-1]
    assert not (tmp_path / "out").exists()


def test_interrupted_call_continues_and_the_same_seed_gives_the_same_windows(tmp_path, teachers, monkeypatch):
    data = write_salicon(tmp_path / "data")
    write_pseudo_labels(data, teachers[:1], tmp_path / "whole", views=2)
    calls = itertools.count(1)
    write_image = images.write_image

    def interrupt(path, array):
        if next(calls) >= 5:
            raise KeyboardInterrupt
        write_image(path, array)

    with monkeypatch.context() as patch:
        patch.setattr(images, "write_image", interrupt)
        with pytest.raises(KeyboardInterrupt):
            write_pseudo_labels(data, teachers[:1], tmp_path / "resumed", views=2)
    kept = files_of(tmp_path / "resumed")
    assert len([path for path in kept if path.suffix == ".png"]) == 4
    write_pseudo_labels(data, teachers[:1], tmp_path / "resumed", views=2)
    assert files_of(tmp_path / "resumed") == files_of(tmp_path / "whole")
    # What was lost or emptied meanwhile is written again.
    first, second, *_ = sorted((tmp_path / "resumed" / "images" / "train").iterdir())
    first.unlink()
    second.write_bytes(b"")
    write_pseudo_labels(data, teachers[:1], tmp_path / "resumed", views=2)
    assert files_of(tmp_path / "resumed") == files_of(tmp_path / "whole")


@pytest.mark.parametrize(
    ("out", "seed", "cause"),
    [
        *((out, 0, "is the data set .* itself, or inside its photo") for out in ("data", "link", "data/images/new")),
        ("foreign", 0, r"foreign/fixations: is in the way, and no distill.json says that distill wrote it"),
        ("pseudo", 0, r"pseudo/images/train: is in the way, and no distill.json says that distill wrote it"),
        ("begun", 1, r"distill.json: train was begun with other teachers, another seed or another version"),
    ],
)
def test_photographs_of_others_are_never_overwritten(out, seed, cause, tmp_path):
    data = write_salicon(tmp_path / "data")
    (tmp_path / "link").symlink_to(data)
    write_salicon(tmp_path / "foreign")
    # What is left if distill is killed before its record is whole.
    (tmp_path / "pseudo" / ".partial-0_abcdef").mkdir(parents=True)
    write_pseudo_labels(data, ["edge"], tmp_path / "pseudo", views=1, split="val")
    write_example(tmp_path / "pseudo", "train", "scene_0", 5)
    write_pseudo_labels(data, ["edge"], tmp_path / "begun", views=1)
    before = files_of(tmp_path)
    with pytest.raises(InputError, match=cause):
        write_pseudo_labels(data, ["edge"], tmp_path / out, views=2, seed=seed)
    assert files_of(tmp_path) == before


def test_another_data_set_is_refused_and_a_larger_one_continued(tmp_path):
    for data, name, seed in (("data", "scene_0", 0), ("other", "scene_0", 5), ("disjoint", "sea_0", 0)):
        write_example(tmp_path / data, "train", name, seed)
    out = tmp_path / "out"
    write_pseudo_labels(tmp_path / "data", ["edge"], out, views=1)
    before = files_of(out)
    for data, name in (("other", "scene_0"), ("disjoint", "sea_0")):
        line = rf"distill.json: train was begun with another data set, without this {name}: choose another folder$"
        with pytest.raises(InputError, match=line):
            write_pseudo_labels(tmp_path / data, ["edge"], out, views=1)
    assert files_of(out) == before
    write_example(tmp_path / "data", "train", "scene_1", 1)
    record = json.loads((out / "distill.json").read_text())
    # As version 0.4.0 wrote it.
    maps = record["train"].pop("maps")
    (out / "distill.json").write_text(json.dumps(record))
    with pytest.raises(InputError, match=r"distill.json: train was begun with other .* or another version: choose"):
        write_pseudo_labels(tmp_path / "data", ["edge"], out, views=1)
    record["train"]["maps"] = maps
    (out / "distill.json").write_text(json.dumps(record))
    write_pseudo_labels(tmp_path / "data", ["edge"], out, views=1)
    photographs = record["train"]["photographs"]
    assert json.loads((out / "distill.json").read_text())["train"]["photographs"].items() > photographs.items()
    record["train"]["photographs"] = [3]
    (out / "distill.json").write_text(json.dumps(record))
    with pytest.raises(InputError, match=r"distill.json: train was begun with another data set"):
        write_pseudo_labels(tmp_path / "data", ["edge"], out, views=1)


@pytest.mark.parametrize(
    ("kind", "cause"),
    [("lanczos3", "has no operation ScaleAndTranslate, which the model needs"), ("nan", "values that are not finite")],
)
def test_a_bad_teacher_is_named_and_leaves_nothing(tmp_path, kind, cause):
    write_example(tmp_path / "data", "train", "scene_0", 0)
    image = keras.Input((32, 48, 3), name="image")
    small = keras.layers.Conv2D(1, 1, strides=2, bias_initializer=keras.initializers.Constant(np.nan))(image)
    interpolation = "lanczos3" if kind == "lanczos3" else "nearest"
    path = tmp_path / "teacher.keras"
    keras.Model(image, keras.layers.Resizing(32, 48, interpolation=interpolation)(small)).save(path)
    with pytest.raises(InputError, match=cause) as caught:
        write_pseudo_labels(tmp_path / "data", [path], tmp_path / "out", views=1)
    assert caught.value.subject == str(path)
    assert not (tmp_path / "out").exists()


def test_the_number_of_cores_changes_nothing(tmp_path, teachers, monkeypatch):
    data = write_salicon(tmp_path / "data")
    for cores in (1, 4):
        monkeypatch.setattr(os, "cpu_count", lambda cores=cores: cores)
        write_pseudo_labels(data, teachers, tmp_path / str(cores), views=2)
    assert files_of(tmp_path / "1") == files_of(tmp_path / "4")


def test_photographs_whose_views_have_the_same_name_are_refused(tmp_path):
    for name in ("scene", "scene_1"):
        write_example(tmp_path / "data", "train", name, 0)
    with pytest.raises(
        InputError, match=r"scene_1\S*: its view scene_1 would overwrite that of \S*scene\.\w+: rename one"
    ):
        write_pseudo_labels(tmp_path / "data", ["edge"], tmp_path / "out", views=2)
    assert not (tmp_path / "out").exists()
    write_pseudo_labels(tmp_path / "data", ["edge"], tmp_path / "out", views=1)


def test_what_recorded_maps_are_too_coarse_for_is_removed():
    density = np.float32([[4, 4 * 0.5 / 255], [0, 2]])
    np.testing.assert_allclose(remove_faint(density), [[1, 0], [0, 0.49902]], atol=1e-5)
    assert remove_faint(density)[0, 1] == 0


def test_the_mean_density_of_a_mirror_image_is_the_mirrored_density(teachers):
    image = render_photograph(3, (64, 64))
    predictors = [SaliencyPredictor(path) for path in teachers]
    density = mean_density(image, predictors)
    mirrored = mean_density(np.ascontiguousarray(image[:, ::-1]), predictors)
    np.testing.assert_allclose(mirrored, density[:, ::-1], rtol=1e-3, atol=1e-8)
    # Except for the cubic interpolation of the smaller one at the borders.
    assert density.sum() == pytest.approx(1, abs=0.02)


def test_pseudo_labels_are_added_to_the_recorded_maps(tmp_path, teachers):
    data = write_salicon(tmp_path / "data")
    write_pseudo_labels(data, teachers[:1], tmp_path / "pseudo", views=1)
    recorded, pseudo = (load_examples(root, "train", (32, 32)) for root in (data, tmp_path / "pseudo"))
    both = concatenate([recorded, pseudo])
    assert both.count == recorded.count + pseudo.count
    for position in range(both.count):
        part, own = (recorded, position) if position < recorded.count else (pseudo, position - recorded.count)
        for found, expected in zip(both.decode(position), part.decode(own), strict=True):
            np.testing.assert_array_equal(found, expected)
    assert both.fingerprint not in (recorded.fingerprint, pseudo.fingerprint)


def test_command_names_the_bad_input(tmp_path, teachers, capsys):
    data = write_salicon(tmp_path / "data")
    arguments = ["distill", "--data", str(data), "--teachers", str(teachers[0]), "--out", str(tmp_path / "out")]
    assert main([*arguments, "--views", "1"]) == 0
    assert len(index_folder(tmp_path / "out", "train")) == 6
    assert main([*arguments, "--split", "test"]) == 1
    assert "test" in capsys.readouterr().err
    assert main([*arguments, "--views", "9" * 30]) == 1
    assert "9 is not a number from 1 to 1000" in capsys.readouterr().err
    index_folder(data, "train")[1].image.write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"scene_1.*not a picture"):
        write_pseudo_labels(data, ["edge"], tmp_path / "bad", views=1)
    # Without the bad photograph, the call continues.
    index_folder(data, "train")[1].image.unlink()
    write_pseudo_labels(data, ["edge"], tmp_path / "bad", views=1)
    assert len(index_folder(tmp_path / "bad", "train")) == 5
