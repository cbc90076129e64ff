"""Evaluation: known maps give known numbers, and what cannot be measured is named."""

import json

import keras
import numpy as np
import pytest
from conftest import write_example, write_fixations
from PIL import Image

from salgan_tf import images
from salgan_tf.__main__ import main
from salgan_tf.data import folder
from salgan_tf.errors import InputError, InputErrors
from salgan_tf.evaluation import METRICS, centre_prior, evaluate, format_table, from_maps, from_predictor
from salgan_tf.inference import SaliencyPredictor


@pytest.fixture
def truth(salicon):
    """The folder of val's own maps."""
    return salicon / "maps" / "val"


def gaussian_map(shape: tuple[int, int]) -> np.ndarray:
    """A blob a third of the way down and at three quarters of the width, whatever the size; uint8."""
    rows, columns = ((np.arange(side) + 0.5) / side for side in shape)
    density = np.exp(-((rows[:, None] - 0.33) ** 2 + (columns[None] - 0.75) ** 2) / (2 * 0.1**2))
    return images.to_uint8(density)


def test_the_truth_itself_is_perfect(salicon, truth):
    row = evaluate(salicon, "val", {"truth": from_maps(truth)})["truth"]
    assert row["images"] == 3
    assert row["cc"] == pytest.approx(1)
    assert row["sim"] == pytest.approx(1)
    assert row["kl"] == pytest.approx(0, abs=1e-9)
    assert row["nss"] > 1


def test_numbers_are_means_over_images(salicon, truth, tmp_path):
    rows = []
    for example in folder.index_folder(salicon, "val"):
        alone = tmp_path / example.name
        for path, kind in ((example.image, "images"), (example.map, "maps"), (example.fixations, "fixations")):
            target = alone / kind / "val" / path.name
            target.parent.mkdir(parents=True)
            target.write_bytes(path.read_bytes())
        rows.append(evaluate(alone, "val", {"prior": centre_prior(salicon)})["prior"])
    together = evaluate(salicon, "val", {"prior": centre_prior(salicon)})["prior"]
    for metric in METRICS:
        assert together[metric] == pytest.approx(np.mean([row[metric] for row in rows]))


def test_sixteen_bits_and_both_names_of_maps_are_read(salicon, truth, tmp_path):
    for number, example in enumerate(folder.index_folder(salicon, "val")):
        levels = np.rint(images.read_grey(example.map) * 65535).astype(np.uint16)
        name = f"{example.name}_saliency.png" if number % 2 else f"{example.name}.png"
        (tmp_path / name).write_bytes(images.encode_png(levels))
    row = evaluate(salicon, "val", {"maps": from_maps(tmp_path)})["maps"]
    assert row["cc"] == pytest.approx(1)


def test_the_centre_prior_is_the_mean_of_train_stretched_to_each_photograph(tmp_path):
    for split, name, shape in (("train", "a", (60, 80)), ("train", "b", (40, 90)), ("val", "c", (120, 100))):
        write_example(tmp_path, split, name, 0, shape)
        Image.fromarray(gaussian_map(shape)).save(tmp_path / "maps" / split / f"{name}.png")
    row = evaluate(tmp_path, "val", {"prior": centre_prior(tmp_path)})["prior"]
    assert row["cc"] > 0.99
    assert row["sim"] > 0.95


def test_every_picture_counts_alike_in_the_centre_prior(tmp_path):
    write_example(tmp_path, "train", "wide", 0)
    write_example(tmp_path, "train", "narrow", 1)
    for name, box in (("wide", (0, 0, 40, 60)), ("narrow", (60, 20, 68, 28))):
        saliency_map = Image.new("L", (80, 60))
        saliency_map.paste(255, box)
        saliency_map.save(tmp_path / "maps" / "train" / f"{name}.png")
    example = folder.index_folder(tmp_path, "train")[0]
    prior = centre_prior(tmp_path)(example, images.read_image(example.image))
    assert prior[:, :40].sum() == pytest.approx(prior[:, 40:].sum(), rel=0.05)


def test_the_centre_prior_has_not_seen_what_it_is_measured_on(salicon):
    example = folder.index_folder(salicon, "val")[0]
    image = images.read_image(example.image)
    before = centre_prior(salicon)(example, image)
    Image.new("L", image.shape[1::-1], 255).save(example.map)
    np.testing.assert_array_equal(centre_prior(salicon)(example, image), before)
    assert before.shape == image.shape[:2]
    assert before.min() >= 0


def test_sources_are_measured_side_by_side(salicon, truth):
    image = keras.Input((32, 32, 3))
    mean = keras.layers.Conv2D(1, 1, kernel_initializer=keras.initializers.Constant(1 / 765))(image)
    model = from_predictor(SaliencyPredictor(keras.Model(image, mean)))
    results = evaluate(salicon, "val", {"brightness": model, "truth": from_maps(truth)})
    assert list(results) == ["brightness", "truth"]
    # The fixations were put on the brightest square.
    assert results["brightness"]["nss"] > 0.5
    assert results["brightness"]["cc"] < results["truth"]["cc"]
    table = format_table(results).splitlines()
    assert len(table) == 3
    assert table[0].split() == ["images", "NSS", "CC", "SIM", "KL"]
    assert table[2].split()[:2] == ["truth", "3"]
    assert float(table[2].split()[3]) == 1


@pytest.mark.parametrize("case", ["no file", "none inside"])
def test_pictures_without_fixations_are_named(salicon, truth, case):
    fixations = salicon / "fixations" / "val" / "scene_11.mat"
    if case == "no file":
        fixations.unlink()
    else:
        write_fixations(fixations, [np.array([[0, 0], [200, 5]])], (60, 80))
    with pytest.raises(InputErrors, match="NSS needs them") as caught:
        evaluate(salicon, "val", {"truth": from_maps(truth)})
    (error,) = caught.value.errors
    assert error.subject == str(salicon / "images" / "val" / "scene_11.png" if case == "no file" else fixations)


def test_every_missing_map_and_map_of_another_size_is_named(salicon, truth, tmp_path):
    (tmp_path / "scene_10.png").write_bytes((truth / "scene_10.png").read_bytes())
    Image.new("L", (80, 59), 9).save(tmp_path / "scene_11_saliency.png")
    with pytest.raises(InputErrors) as caught:
        evaluate(salicon, "val", {"maps": from_maps(tmp_path)})
    other_size, missing = caught.value.errors
    assert other_size.subject == str(tmp_path / "scene_11_saliency.png")
    assert "59" in other_size.cause
    assert missing.subject == str(tmp_path)
    assert "scene_12" in missing.cause


def test_a_split_that_is_not_there_is_named(salicon, truth):
    with pytest.raises(InputError, match="'test'"):
        evaluate(salicon, "test", {"truth": from_maps(truth)})
    with pytest.raises(InputError, match="'other'"):
        centre_prior(salicon, "other")


def test_the_command_prints_a_table_and_writes_json(salicon, truth, tmp_path, capsys):
    path = tmp_path / "new" / "numbers.json"
    assert main(["evaluate", "--data", str(salicon), "--maps", str(truth), "--json", str(path)]) == 0
    results = json.loads(path.read_text())
    assert set(results) == {str(truth), "centre prior"}
    assert set(results[str(truth)]) == {*METRICS, "images"}
    assert results[str(truth)]["cc"] == pytest.approx(1)
    assert capsys.readouterr().out.strip() == format_table(results).strip()


def test_the_command_leaves_no_json_of_a_failure(salicon, truth, tmp_path, capsys):
    (truth / "scene_10.png").write_text("no map")
    path = tmp_path / "numbers.json"
    assert main(["evaluate", "--data", str(salicon), "--maps", str(truth), "--json", str(path)]) == 1
    assert not path.exists()
    assert capsys.readouterr().out == ""


def test_a_data_set_of_val_alone_can_be_evaluated(tmp_path, capsys):
    write_example(tmp_path, "val", "only", 3)
    assert main(["evaluate", "--data", str(tmp_path), "--maps", str(tmp_path / "maps" / "val")]) == 0
    assert "centre prior" not in capsys.readouterr().out
