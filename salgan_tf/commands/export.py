"""`export`: a generator in, files for phones, Jetsons and servers out, each with a report."""

import argparse
from pathlib import Path

from salgan_tf.arguments import path, path_or_name, size
from salgan_tf.console import say
from salgan_tf.exporting.formats import FORMATS
from salgan_tf.native import import_tensorflow


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    for name, format in FORMATS.items():
        parser.add_argument(f"--{name}", dest="formats", action="append_const", const=name, help=format.help)
    parser.add_argument(
        "--model",
        type=path_or_name,
        default="edge",
        help="edge or salgan, the bundled models; a .keras file; or a run folder of train (default: %(default)s)",
    )
    parser.add_argument(
        "--out",
        type=path,
        default=Path("exported"),
        metavar="DIR",
        help="folder of the files; older ones of their names are replaced (default: %(default)s)",
    )
    parser.add_argument("--size", type=size, metavar="HxW", help="size of the network's input (default: the model's)")
    parser.add_argument(
        "--calibration",
        type=path,
        metavar="DIR",
        help=f"photographs to calibrate {_options('calibrated')} with (default: generated pictures)",
    )
    parser.add_argument("--data", type=path, metavar="ROOT", help="data set with fixations to measure the files on")
    parser.add_argument("--split", help="split of the data set (default: val)")
    parser.add_argument(
        "--dynamic-batch", action="store_true", help=f"let {_options('convert_any_batch')} files take any batch"
    )
    parser.add_argument("--force", action="store_true", help="also write files whose maps differ from the model's")
    parser.set_defaults(check=lambda arguments: _check(parser, arguments))


def _options(attribute: str) -> str:
    """List the options of the formats for which an attribute is set."""
    return " or ".join(f"--{name}" for name, format in FORMATS.items() if getattr(format, attribute))


def _check(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> None:
    """Exit with code 2 if options contradict each other."""
    if not arguments.formats:
        parser.error(f"no format given: expected {_options('name')}")
    for option, given, attribute, others in (
        ("--dynamic-batch", arguments.dynamic_batch, "convert_any_batch", "take one picture"),
        ("--calibration", arguments.calibration, "calibrated", "are not calibrated"),
    ):
        if given and not any(getattr(FORMATS[name], attribute) for name in arguments.formats):
            parser.error(f"{option} requires {_options(attribute)}: other files {others}")
    if arguments.split is not None and not arguments.data:
        parser.error("--split requires --data")


def run(arguments: argparse.Namespace) -> int:
    """Export; a file that is refused is an error."""
    arguments.check(arguments)
    import_tensorflow("export")
    from salgan_tf.exporting.exporter import export

    settings = {name: getattr(arguments, name) for name in ("size", "calibration", "data", "dynamic_batch", "force")}
    split = "val" if arguments.split is None else arguments.split
    export(arguments.model, arguments.out, arguments.formats, split=split, log=say, **settings)
    return 0
