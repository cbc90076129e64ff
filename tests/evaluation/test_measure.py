"""Measuring a data set: the metrics of every photograph; anything that cannot be measured is named before any work."""

import os
import shutil

import numpy as np
import pytest
from conftest import write_cat2000, write_example, write_fixations, write_mit1003, write_salicon
from handmade import BRIGHTNESS, DARKNESS, SHAPE, Made, render_spot

from salgan_tf.data import folder
from salgan_tf.errors import InputError, InputErrors
from salgan_tf.evaluation import CentrePrior, MapFolder, evaluate
from salgan_tf.evaluation.scoring import BY_NAME, NegativeFixations, score_map, score_observers
from salgan_tf.metrics.maps import cc

OUTSIDE = np.array([[0, 7], [81, 60], [80, 61]])


class Remarks(list):
    """Collects what an evaluation reports, as (subject, cause)."""

    def __call__(self, error: InputError) -> None:
        self.append((error.subject, error.cause))


def fail(example, image):
    raise AssertionError("nothing should be measured")


UNTOUCHED = Made(fail)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A data set with photographs of several sizes that no test changes."""
    root = write_salicon(tmp_path_factory.mktemp("data") / "salicon")
    write_example(root, "val", "tall", 20, (70, 50))
    write_example(root, "val", "large", 21, (90, 130))
    return root


@pytest.fixture
def maps(salicon, tmp_path):
    """A folder with a copy of the maps of val."""
    return shutil.copytree(salicon / "maps" / "val", tmp_path / "maps")


def assert_same(scores: dict, others: dict) -> None:
    """Assert that all metrics of two rows are equal to the bit."""
    assert scores.keys() == others.keys()
    for metric in BY_NAME:
        np.testing.assert_array_equal(scores[metric], others[metric])


def make_negatives(examples) -> NegativeFixations:
    return NegativeFixations({example.name: folder.read_gaze(example) for example in examples})


def test_scores_are_those_of_each_photograph_by_hand(data):
    measured = evaluate(data, {"bright": BRIGHTNESS, "spot": Made(lambda _, image: render_spot(image.shape[:2]))})
    examples = folder.index_folder(data, "val")
    assert measured.examples == examples
    negatives, prior = make_negatives(examples), CentrePrior(folder.index_folder(data, "train"))
    for index, example in enumerate(examples):
        sample = folder.read_example(example)
        baseline = prior.density(example, sample.saliency.shape)
        maps = {
            "bright": sample.image.mean(axis=-1),
            "spot": render_spot(baseline.shape),
            "centre prior": baseline,
            "uniform": np.ones(baseline.shape),
        }
        assert list(measured.scores) == list(maps)
        for name, saliency in maps.items():
            others = negatives.of(example.name)
            expected = score_map(saliency, sample.saliency, sample.gaze.points, baseline, others)
            found = {metric: values[index] for metric, values in measured.scores[name].items()}
            assert found == pytest.approx(expected, nan_ok=True, rel=1e-6), (name, example.name)


def test_contenders_are_measured_side_by_side_in_any_order(data):
    contenders = {"bright": BRIGHTNESS, "truth": MapFolder(data / "maps" / "val"), "dark": DARKNESS}
    measured = evaluate(data, contenders)
    scores = measured.scores
    assert list(scores) == ["bright", "truth", "dark", "centre prior", "uniform"]
    assert measured.contenders == contenders
    np.testing.assert_allclose(scores["truth"]["cc"], np.ones(5))
    # The fixations are on the brightest square.
    assert scores["dark"]["nss"].mean() < 0 < scores["bright"]["nss"].mean() < scores["truth"]["nss"].mean()
    backwards = evaluate(data, dict(reversed(contenders.items()))).scores
    assert list(backwards) == ["dark", "truth", "bright", "centre prior", "uniform"]
    for name in scores:
        assert_same(scores[name], backwards[name])
    for name, row in evaluate(data, {}).scores.items():
        assert_same(row, scores[name])


def test_the_result_does_not_depend_on_the_number_of_threads(data, monkeypatch):
    results = []
    for cores in (1, 7):
        for name in ("cpu_count", "process_cpu_count"):
            monkeypatch.setattr(os, name, lambda cores=cores: cores, raising=False)
        results.append(evaluate(data, {"bright": BRIGHTNESS}, humans=True).scores)
    for name in results[0]:
        assert_same(results[0][name], results[1][name])


def test_val_is_the_default_split_and_train_has_a_prior_of_other_photographs(data):
    assert evaluate(data, {}).prior == "the photographs of train"
    measured = evaluate(data, {}, split="train")
    assert measured.prior == "all other photographs of train"
    examples = folder.index_folder(data, "train")
    assert measured.examples == examples
    prior, truth = CentrePrior(examples[1:]).density(examples[0], SHAPE), folder.read_density(examples[0])
    assert measured.scores["centre prior"]["cc"][0] == pytest.approx(cc(prior, truth), abs=1e-6)


def test_a_single_photograph_is_measured(tmp_path):
    write_example(tmp_path, "val", "only", 3)
    measured = evaluate(tmp_path, {"truth": MapFolder(tmp_path / "maps" / "val")})
    assert measured.scores["truth"]["cc"] == pytest.approx([1])
    for row in measured.scores.values():
        assert np.isnan([row["sauc"][0], row["sauc_borji"][0]]).all()
    assert measured.prior == "no other photograph, so it is uniform"
    assert measured.scores["centre prior"]["ig_uniform"] == pytest.approx([0], abs=1e-6)


def test_mit1003_whose_only_split_is_measured_by_default(tmp_path):
    measured = evaluate(write_mit1003(tmp_path), {"bright": BRIGHTNESS, "dark": DARKNESS})
    assert [example.name for example in measured.examples] == ["i0", "i1", "i2", "i3"]
    assert measured.prior == "all other photographs of all"
    assert measured.scores["bright"]["nss"].min() > 1
    assert measured.scores["dark"]["auc_uniform"].max() < 0.5


def test_cat2000_is_measured_end_to_end(tmp_path):
    data = write_cat2000(tmp_path / "cat2000")
    measured = evaluate(data, {"truth": MapFolder(data / "FIXATIONMAPS"), "bright": BRIGHTNESS})
    names = [(example.name, example.source) for example in measured.examples]
    assert names == [("Action/001", "Action"), ("Action/002", "Action"), ("Art/001", "Art")]
    np.testing.assert_allclose(measured.scores["truth"]["cc"], np.ones(3))
    assert measured.scores["bright"]["nss"].min() > 1


def test_people_are_measured_if_observers_are_told_apart(salicon):
    fixations = salicon / "fixations" / "val"
    nobody, somebody = np.empty((0, 2)), np.array([[30, 20], [31, 22]])
    write_fixations(fixations / "scene_11.mat", [somebody, nobody, somebody + 3], SHAPE)
    write_fixations(fixations / "scene_12.mat", [nobody, somebody], SHAPE)
    remarks = []
    scores = evaluate(salicon, {"bright": BRIGHTNESS}, humans=True, report=remarks.append).scores
    line = f"{salicon}: 1 of 3 photographs have fewer than two observers and are left out of humans"
    assert [str(remark) for remark in remarks] == [line]
    assert list(scores) == ["bright", "centre prior", "uniform", "humans"]
    examples = folder.index_folder(salicon, "val")
    negatives, prior = make_negatives(examples), CentrePrior(folder.index_folder(salicon, "train"))
    for index, example in enumerate(examples):
        gaze = folder.read_gaze(example)
        expected = score_observers(gaze, prior.density(example, SHAPE), negatives.of(example.name))
        found = {metric: values[index] for metric, values in scores["humans"].items()}
        assert found == pytest.approx(expected, nan_ok=True)
    assert np.isfinite(scores["humans"]["nss"]).tolist() == [True, True, False]


def test_missing_maps_are_each_named_and_nothing_is_measured(salicon, maps):
    for index in (10, 12):
        (maps / f"scene_{index}.png").unlink()
    with pytest.raises(InputErrors) as caught:
        evaluate(salicon, {"bright": UNTOUCHED, "maps": MapFolder(maps)})
    assert [error.subject for error in caught.value.errors] == [str(maps)] * 2
    for name, error in zip(("scene_10", "scene_12"), caught.value.errors, strict=True):
        assert f"no map of {name}," in error.cause


@pytest.mark.parametrize("allow_missing", [False, True])
def test_a_folder_without_any_map_gives_one_line(salicon, tmp_path, allow_missing):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="nor of any other of 3 photographs") as caught:
        evaluate(salicon, [MapFolder(tmp_path / "empty")], allow_missing=allow_missing)
    assert str(caught.value).startswith(f"{tmp_path / 'empty'}: ")
    write_example(tmp_path, "val", "only", 3)
    with pytest.raises(InputErrors, match=r"no map of only, such as only.png or .npy\n"):
        evaluate(tmp_path, [MapFolder(tmp_path / "empty")], allow_missing=allow_missing)


def test_photographs_without_a_map_can_be_skipped_in_all_rows(salicon, maps):
    (maps / "scene_11.png").unlink()
    remarks = Remarks()
    contenders = {"bright": BRIGHTNESS, "maps": MapFolder(maps)}
    measured = evaluate(salicon, contenders, allow_missing=True, humans=True, report=remarks)
    assert [example.name for example in measured.examples] == ["scene_10", "scene_12"]
    for row in measured.scores.values():
        assert {len(values) for values in row.values()} == {2}
    assert remarks == [
        (str(maps), "no map of scene_11, such as scene_11.png or .npy"),
        (str(salicon), "1 of 3 photographs are skipped"),
    ]
    # The result is the same as without the photograph: it gives no negatives either.
    for kind in ("images", "maps", "fixations"):
        next((salicon / kind / "val").glob("scene_11.*")).unlink()
    assert_same(measured.scores["bright"], evaluate(salicon, {"bright": BRIGHTNESS}).scores["bright"])


@pytest.mark.parametrize("case", ["no file", "none inside"])
def test_photographs_without_fixations_are_named_or_skipped(salicon, case):
    fixations = salicon / "fixations" / "val" / "scene_11.mat"
    if case == "no file":
        fixations.unlink()
    else:
        write_fixations(fixations, [OUTSIDE], SHAPE)
    with pytest.raises(InputErrors, match="NSS and AUC need them") as caught:
        evaluate(salicon, {"bright": UNTOUCHED})
    (error,) = caught.value.errors
    assert error.subject == str(salicon / "images" / "val" / "scene_11.png" if case == "no file" else fixations)
    remarks = Remarks()
    measured = evaluate(salicon, {"bright": BRIGHTNESS}, allow_missing=True, report=remarks)
    assert [example.name for example in measured.examples] == ["scene_10", "scene_12"]
    assert remarks == [(error.subject, error.cause), (str(salicon), "1 of 3 photographs are skipped")]


@pytest.mark.parametrize("allow_missing", [False, True])
def test_a_split_without_any_fixations_is_measured_against_densities(salicon, allow_missing):
    before = evaluate(salicon, {"bright": BRIGHTNESS}).scores
    shutil.rmtree(salicon / "fixations" / "val")
    remarks = Remarks()
    after = evaluate(salicon, {"bright": BRIGHTNESS}, allow_missing=allow_missing, report=remarks).scores
    cause = "no fixations, so only CC, SIM, KL and EMD are measured, against the density maps"
    assert remarks == [(str(salicon), cause)]
    for name, columns in before.items():
        for metric, values in columns.items():
            expected = values if metric in ("cc", "sim", "sim_mit", "kl", "emd") else np.full(3, np.nan)
            np.testing.assert_array_equal(after[name][metric], expected)
    with pytest.raises(InputError, match="observers"):
        evaluate(salicon, {"bright": BRIGHTNESS}, humans=True)


def test_fixations_outside_the_image_are_reported_and_ignored(salicon):
    fixations = salicon / "fixations" / "val" / "scene_11.mat"
    inside = np.array([[80, 60], [1, 1], [40, 30]])
    write_fixations(fixations, [inside], SHAPE)
    before = evaluate(salicon, {"bright": BRIGHTNESS}).scores
    write_fixations(fixations, [np.concatenate([OUTSIDE, inside])], SHAPE)
    remarks = Remarks()
    after = evaluate(salicon, {"bright": BRIGHTNESS}, report=remarks).scores
    assert remarks == [(str(fixations), "3 of 6 fixations lie outside the image and are ignored")]
    for name in before:
        assert_same(before[name], after[name])


@pytest.mark.parametrize("name", ["centre prior", "uniform", "humans"])
def test_the_name_of_a_baseline_is_refused(salicon, name):
    with pytest.raises(InputError, match="name of a baseline") as caught:
        evaluate(salicon, {"bright": UNTOUCHED, name: UNTOUCHED})
    assert caught.value.subject == name


def test_bad_photographs_and_maps_are_each_named(salicon, maps):
    photograph, saliency_map = salicon / "images" / "val" / "scene_10.png", maps / "scene_12.png"
    photograph.write_bytes(photograph.read_bytes()[:300])
    saliency_map.write_text("not a map")
    with pytest.raises(InputErrors) as caught:
        evaluate(salicon, [MapFolder(maps)])
    assert [error.subject for error in caught.value.errors] == [str(photograph), str(saliency_map)]


def test_photographs_of_train_are_not_decoded(salicon):
    before = evaluate(salicon, {"bright": BRIGHTNESS}).scores["bright"]
    photograph = salicon / "images" / "train" / "scene_1.png"
    photograph.write_bytes(photograph.read_bytes()[:300])
    assert_same(before, evaluate(salicon, {"bright": BRIGHTNESS}).scores["bright"])
