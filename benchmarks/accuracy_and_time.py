"""Accuracy against time: what a smaller or a larger network costs and gains, as a table and a picture.

    python benchmarks/accuracy_and_time.py edge small.tflite large.tflite --data freeview --out docs/accuracy.png

The networks run in turns on one thread, so that a busy moment of the machine hits all of them. Printed are medians,
also as a ratio to the first model. Accuracy is that of the float maps, on the photographs of a split.
"""

import argparse
import functools
from pathlib import Path

import matplotlib
from training_step import measure

from salgan_tf import SaliencyPredictor
from salgan_tf.data import folder
from salgan_tf.exporting import accuracy
from salgan_tf.exporting.calibration import dead_leaves
from salgan_tf.exporting.processor import describe_processor
from salgan_tf.inference import PER_THREAD

matplotlib.use("Agg")
from matplotlib import pyplot


def draw(out: Path, milliseconds: dict[str, float], figures: dict[str, dict[str, float]], title: str) -> None:
    """Draw each model as a point of its time and its CC."""
    figure, axes = pyplot.subplots(figsize=(7, 4.2), layout="constrained")
    for name, time_ in milliseconds.items():
        axes.plot(time_, figures[name]["cc"], "o")
        axes.annotate(name, (time_, figures[name]["cc"]), xytext=(6, -4), textcoords="offset points", fontsize=8)
    axes.set(xlabel="milliseconds of one thread", ylabel="CC", title=title)
    axes.margins(0.25, 0.12)
    axes.grid(alpha=0.3)
    figure.savefig(out, dpi=100)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", metavar="MODEL", help="`edge`, `salgan`, .tflite or .onnx")
    parser.add_argument("--data", required=True, metavar="ROOT", help="data set with fixations")
    parser.add_argument("--split", default="val", help="(default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=100, metavar="N", help="runs of each (default: %(default)s)")
    parser.add_argument("--out", type=Path, metavar="FILE.png", help="picture to draw")
    arguments = parser.parse_args()
    predictors = {}
    for model in arguments.models:
        predictor = SaliencyPredictor(model, threads=1)
        if predictor.path is None or predictor.path.suffix.lower() not in PER_THREAD:
            parser.error(f"{model}: runs on all cores; export it")
        name = f"{Path(model).stem}, {predictor.image_shape[0]}x{predictor.image_shape[1]}"
        if name in predictors:
            parser.error(f"{model}: has the name and the size of another model: rename one")
        predictors[name] = predictor
    processor = describe_processor()
    networks = {
        name: functools.partial(predictor.run_network, dead_leaves(predictor.image_shape, 1)[0])
        for name, predictor in predictors.items()
    }
    milliseconds = {name: 1000 * seconds for name, seconds in measure(networks, arguments.rounds, steps=1).items()}
    figures = accuracy.measure(predictors, folder.index_folder(arguments.data, arguments.split))
    if not figures:
        parser.error(f"{arguments.data}, {arguments.split}: has no fixations")
    print(f"{processor}, one thread")
    print("| model | ms | times the first | MB | CC | NSS | SIM | KL |\n|---|---|---|---|---|---|---|---|")
    first = next(iter(milliseconds.values()))
    for name, values in figures.items():
        size = sum(path.stat().st_size for path in predictors[name].files) / 1e6
        scores = " | ".join(f"{values[metric]:.3f}" for metric in ("cc", "nss", "sim", "kl"))
        print(f"| {name} | {milliseconds[name]:.2f} | {milliseconds[name] / first:.2f} | {size:.2f} | {scores} |")
    if arguments.out:
        draw(arguments.out, milliseconds, figures, processor)
        print(arguments.out)


if __name__ == "__main__":
    main()
