"""`export`: a generator in, files for phones, Jetsons and servers out, each with a report."""

import argparse
from pathlib import Path

from salgan_tf import extras
from salgan_tf.arguments import size
from salgan_tf.console import say
from salgan_tf.errors import report
from salgan_tf.native import import_tensorflow

_HELP = {
    "int8": "LiteRT, int8 throughout, uint8 in and out: the smallest and fastest, for phones",
    "float16": "LiteRT, weights in float16, computed in float32",
    "dynamic": "LiteRT, weights in int8, activations in float32",
    "float32": "LiteRT, float32: the reference",
    "onnx": "ONNX, float32",
    "tensorrt": "ONNX with int8 Q/DQ pairs, from which TensorRT builds an engine on the device",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    for name, text in _HELP.items():
        parser.add_argument(f"--{name}", dest="formats", action="append_const", const=name, help=text)
    parser.add_argument(
        "--model", default="edge", help="edge (the bundled one, if not said), a .keras file, or a run folder of train"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("exported"), metavar="DIR", help="folder (exported, if not said)"
    )
    parser.add_argument("--size", type=size, metavar="HxW", help="size of the network's input, if not its own")
    parser.add_argument(
        "--calibration", type=Path, metavar="DIR", help="photographs to calibrate int8 with, if not generated pictures"
    )
    parser.add_argument("--data", type=Path, metavar="ROOT", help="data set with fixations to measure the files on")
    parser.add_argument("--split", help="which part of it (val, if not said)")
    parser.add_argument("--dynamic-batch", action="store_true", help="with --onnx: any batch, not 1")
    parser.add_argument("--force", action="store_true", help="write a file too whose maps are not the model's")
    parser.set_defaults(check=lambda options: _check(parser, options))


def _check(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Exit with code 2 if options contradict one another."""
    if not options.formats:
        parser.error(f"say what to write: {', '.join(f'--{name}' for name in _HELP)}")
    if options.dynamic_batch and "onnx" not in options.formats:
        parser.error("--dynamic-batch goes with --onnx: the other files take one picture")
    if options.calibration and not {"int8", "tensorrt"}.intersection(options.formats):
        parser.error("--calibration goes with --int8 or --tensorrt: the other files are not calibrated")
    if options.split and not options.data:
        parser.error("--split goes with --data: it says which part of it")
    options.split = options.split or "val"
    options.formats = list(dict.fromkeys(options.formats))


def run(options: argparse.Namespace) -> int:
    """Export; 1 if a file was refused."""
    options.check(options)
    extras.require("export", "train")
    import_tensorflow()
    from salgan_tf.exporting import exporter

    names = ("model", "formats", "size", "calibration", "data", "split", "dynamic_batch", "force")
    settings = exporter.Settings(**{name: getattr(options, name) for name in names})
    written, refused = exporter.export(settings, options.out, say)
    for error in refused:
        report(error)
    for path in written:
        say(f"{path} ({path.stat().st_size / 1e6:.2f} MB), see {path.stem}.report.md")
    return 1 if refused else 0
