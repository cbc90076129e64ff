"""The scripts that write docs/experiments.md: what stands in their tables."""

import csv
import dataclasses
import json
import re

import compare_adversarial
import numpy as np
import pytest
import sections
import tabulate_runs

from salgan_tf.data.folder import Example
from salgan_tf.settings import make_config


def write_run(folder, epochs: int, **settings):
    """Write what a run leaves for the table, with CC rising and falling by 0.1 an epoch, highest in the second."""
    folder.mkdir(parents=True)
    config = make_config(data="data", gan_epochs=0, bce_epochs=3, **settings)
    (folder / "run.json").write_text(json.dumps({"settings": dataclasses.asdict(config)}))
    if epochs:
        with (folder / "history.csv").open("w") as table:
            writer = csv.writer(table)
            writer.writerow(["epoch", "stage", "seconds", "val_cc", "val_nss", "val_sim", "val_kl"])
            for epoch in range(1, epochs + 1):
                writer.writerow([epoch, "content", 60, 0.8 - 0.1 * abs(epoch - 2), 2, 0.7, 0.4])


def cells(table: str, run: str) -> list[str]:
    (row,) = re.findall(rf"^\| {run} \|(.*)\|$", table, flags=re.MULTILINE)
    return [cell.strip() for cell in row.split("|")]


def test_runs_are_told_by_what_differs_and_failures_too(tmp_path):
    write_run(tmp_path / "base", 3)
    write_run(tmp_path / "teachers" / "wide", 2, image_shape=(288, 384), augmentations=("flip",), seed=4)
    write_run(tmp_path / "dead", 0, init="/home/somebody/weights.npz")
    table = tabulate_runs.tabulate(tmp_path, "base")
    assert cells(table, "base") == ["as the baseline", "0", "3", "3.0", "2", "0.800", "2.000", "0.700", "0.400"]
    wide = cells(table, "teachers/wide")
    assert wide[:3] == ["image_shape 288x384, augmentations flip", "4", "2 of 3, stopped"]
    assert cells(table, "dead") == ["init somebody/weights.npz", "0", "0 of 3, stopped", "0.0", *"–––––"]


@pytest.fixture
def scores():
    """Two seeds, two arms, a start and two epochs, all metrics, 30 images; the second arm ends 0.1 above the first."""
    random = np.random.default_rng(0)
    scores = random.normal(0.5, 0.1, (2, 1, 3, len(compare_adversarial.METRICS), 30)).repeat(2, axis=1)
    scores[:, 1, -1] += 0.1 + random.normal(0, 0.01, scores[:, 1, -1].shape)
    return scores


def test_arms_are_compared_image_by_image(scores, tmp_path):
    examples = [Example(f"a_{index}", tmp_path, None, None, "a") for index in range(30)]
    table = compare_adversarial.format_table(scores, examples)
    assert [cell.split()[0] for cell in cells(table, "")] == ["sAUC", "AUC-B", "NSS", "CC", "IG", "AUC-J", "SIM", "KL"]
    for name in ("difference", "difference, seed 0", "difference, seed 1"):
        assert all(float(cell) == pytest.approx(0.1, abs=0.01) for cell in cells(table, name))
    low, high = map(float, cells(table, "95 % interval")[0].split(" to "))
    assert 0.09 < low < high < 0.11
    assert all(float(cell) < 1e-6 for cell in cells(table, "Wilcoxon's p"))
    assert len(compare_adversarial.draw(scores).axes) == 8


def test_a_section_is_replaced_and_nothing_else(tmp_path):
    path = tmp_path / "page.md"
    path.write_text("before\n<!-- a -->\nold\n<!-- /a -->\nafter\n")
    sections.replace_section(path, "a", "new \\1")
    assert path.read_text() == "before\n<!-- a -->\nnew \\1\n<!-- /a -->\nafter\n"
    with pytest.raises(SystemExit, match="has no section <!-- b -->"):
        sections.replace_section(path, "b", "new")
