"""The experiment of the poster's second table and figure: content loss alone against content and adversarial loss.

    python tools/compare_adversarial.py --data freeview --init mobilenet_v2_imagenet.npz --out runs/adversarial

For each seed a common start is trained, and from it two runs of equal length, one without and one with a
discriminator; everything else is the same. Then the generator of every epoch is measured on `val`. Writes the runs,
docs/NAME.json (all figures), docs/NAME.png (metrics over epochs), and the table between `<!-- NAME -->` marks of a
document in docs/, and prints the table. NAME and the document are the backbone's, see EXPERIMENTS. To continue an
interrupted call, repeat it.
"""

import argparse
import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from scipy.stats import wilcoxon
from sections import replace_section

from salgan_tf import evaluation, files, visualization
from salgan_tf.evaluation.scoring import BY_NAME
from salgan_tf.training import train

# The poster's columns first.
METRICS = ("sauc", "auc_borji", "nss", "cc", "ig", "auc_judd", "sim", "kl")
ARMS = ("BCE", "BCE+GAN")
DOCS = Path(__file__).parents[1] / "docs"


@dataclasses.dataclass(frozen=True)
class Experiment:
    """How the runs of a backbone are trained, and where their figures go.

    Attributes:
        common: the settings of all runs. With one content loss, one optimizer and one rate, the discriminator is the
            only difference between the arms.
        start: the settings of the common start.
        epochs: number of epochs after the start, in each arm.
        rate: their learning rate.
        alpha: weight of the content loss. At the paper's 0.05 the content loss, whose gradient is small near its
            optimum, has no weight beside the discriminator: with AdamW the maps deteriorate within an epoch.
        name: of the files and the section.
        document: what has the section.
    """

    common: dict[str, Any]
    start: dict[str, Any]
    epochs: int
    rate: float
    alpha: float
    name: str
    document: str


EXPERIMENTS = {
    "mobilenet_v2": Experiment(
        {"frozen": 9, "encoder_rate": 0.25, "updates": "both"},
        {"bce_epochs": 4, "learning_rate": 1e-3},
        epochs=3,
        rate=2e-4,
        alpha=20.0,
        name="adversarial",
        document="experiments.md",
    ),
    "vgg16": Experiment(
        {
            "batch_size": 8,
            "optimizer": "adamw",
            "ema": 0.98,
            "augmentations": "flip,crop,color",
            "updates": "both",
            "precision": "bfloat16",
        },
        {"bce_epochs": 12, "learning_rate": 1e-4},
        epochs=2,
        rate=5e-5,
        alpha=20.0,
        name="adversarial_vgg16",
        document="paper.md",
    ),
}


def train_runs(
    experiment: Experiment, backbone: str, data: str, init: str, out: Path, seeds: int, start: str | None
) -> dict[tuple[int, str], list[Path]]:
    """Train the missing runs; return, by seed and arm, the generators of the start and of each later epoch."""
    generators = {}
    common = experiment.common | {"backbone": backbone, "content_loss": "bce", "keep_epochs": True}
    for seed in range(seeds):
        first = Path(start) if start else out / f"start-{seed}" / "content.keras"
        if not start:
            settings = common | experiment.start | {"init": init, "seed": seed, "gan_epochs": 0}
            train(data, first.parent, resume=None, verbose=2, **settings)
        for arm in ARMS:
            folder = out / f"{arm.lower().replace('+', '-')}-{seed}"
            epochs = {
                "bce_epochs": 0 if "GAN" in arm else experiment.epochs,
                "gan_epochs": experiment.epochs if "GAN" in arm else 0,
            }
            rates = dict.fromkeys(("learning_rate", "gan_learning_rate"), experiment.rate)
            own = common | epochs | rates | {"init": first, "seed": seed, "alpha": experiment.alpha}
            train(data, folder, resume=None, verbose=2, **own)
            generators[seed, arm] = [first, *sorted((folder / "epochs").glob("*.keras"))]
    return generators


def measure(data: str, generators: dict[tuple[int, str], list[Path]]) -> tuple[np.ndarray, list]:
    """Return all metrics (seed, arm, epoch, metric, image) on `val`, and the photographs."""
    seeds = sorted({seed for seed, _ in generators})
    scores, examples = [], []
    for seed in seeds:
        paths = list(dict.fromkeys(str(path) for arm in ARMS for path in generators[seed, arm]))
        measured = evaluation.evaluate(data, paths, split="val")
        examples = measured.examples
        scores.append(
            [[[measured.scores[str(path)][name] for name in METRICS] for path in generators[seed, arm]] for arm in ARMS]
        )
    return np.array(scores), examples


def format_table(scores: np.ndarray, examples: list) -> str:
    """Compare the last epochs: means over seeds and images, intervals over images, paired tests, and every seed."""
    last = scores[:, :, -1]
    means = {arm: dict(zip(METRICS, last[:, index].mean(axis=0), strict=True)) for index, arm in enumerate(ARMS)}
    averaged = evaluation.Evaluation(examples, means, {}, {}, "")
    rows = [["", *(BY_NAME[name].label for name in METRICS)]]
    for arm, columns in evaluation.summarize(averaged)["all"].items():
        estimates = [columns[name] for name in METRICS]
        rows.append([arm, *(f"{mean.mean:.4f} ±{(mean.high - mean.low) / 2:.4f}" for mean in estimates)])
    (difference,) = evaluation.compare(averaged).values()
    rows.append(["difference", *(f"{difference[name].mean:+.4f}" for name in METRICS)])
    rows.append(
        ["95 % interval", *(f"{difference[name].low:+.4f} to {difference[name].high:+.4f}" for name in METRICS)]
    )
    tests = [wilcoxon(means["BCE+GAN"][name], means["BCE"][name]).pvalue for name in METRICS]
    rows.append(["Wilcoxon's p", *(f"{p:.1g}" for p in tests)])
    for seed, arms in enumerate(last.mean(axis=-1)):
        rows.append([f"difference, seed {seed}", *(f"{value:+.4f}" for value in arms[1] - arms[0])])
    rows.insert(1, ["---"] * len(rows[0]))
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def draw(scores: np.ndarray) -> Figure:
    """Plot each metric over epochs: the mean of the seeds, and their range."""
    epochs = np.arange(scores.shape[2])
    figure = Figure(figsize=(13, 6), layout="constrained")
    for index, panel in enumerate(figure.subplots(2, 4).ravel()):
        for number, arm in enumerate(ARMS):
            values = scores[:, number, :, index].mean(axis=-1)
            panel.plot(epochs, values.mean(axis=0), marker=".", label=arm)
            panel.fill_between(epochs, values.min(axis=0), values.max(axis=0), alpha=0.2)
        metric = BY_NAME[METRICS[index]]
        panel.set_title(f"{metric.label} ({metric.better} is better)")
        panel.set_xlabel("epochs after the common start")
        panel.xaxis.get_major_locator().set_params(integer=True)
        panel.legend()
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, metavar="ROOT", help="data set with the splits train and val")
    parser.add_argument("--init", required=True, metavar="FILE", help="ImageNet start of the encoder")
    parser.add_argument("--out", required=True, type=Path, metavar="RUNS", help="folder for the runs")
    parser.add_argument(
        "--backbone", choices=EXPERIMENTS, default="mobilenet_v2", help="network to train (default: %(default)s)"
    )
    parser.add_argument(
        "--start", metavar="FILE.keras", help="common start of all seeds (default: one is trained for each)"
    )
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="number of seeds (default: %(default)s)")
    parser.add_argument("--alpha", type=float, metavar="X", help="weight of the content loss (default: the backbone's)")
    arguments = parser.parse_args()
    experiment = EXPERIMENTS[arguments.backbone]
    if arguments.alpha is not None:
        experiment = dataclasses.replace(experiment, alpha=arguments.alpha)
    generators = train_runs(
        experiment,
        arguments.backbone,
        arguments.data,
        arguments.init,
        arguments.out,
        arguments.seeds,
        arguments.start,
    )
    scores, examples = measure(arguments.data, generators)
    table = format_table(scores, examples)
    print(table)
    means = scores.mean(axis=-1)
    figures = {
        f"seed {seed}": {
            arm: {name: means[seed, number, :, index].tolist() for index, name in enumerate(METRICS)}
            for number, arm in enumerate(ARMS)
        }
        for seed in range(arguments.seeds)
    }
    files.write_json(DOCS / f"{experiment.name}.json", figures)
    files.write_bytes(DOCS / f"{experiment.name}.png", visualization.encode_figure(draw(scores)))
    replace_section(DOCS / experiment.document, experiment.name, table)


if __name__ == "__main__":
    main()
