"""`distill`: from photographs to a data set of windows and blends with the maps of trained generators."""

import argparse

from salgan_tf.arguments import natural, path, path_or_name, positive, seed
from salgan_tf.commands import MODEL_HELP
from salgan_tf.console import say
from salgan_tf.native import import_tensorflow


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument(
        "--data", required=True, metavar="ROOT", type=path, help="data set in the layout of SALICON, MIT1003 or CAT2000"
    )
    parser.add_argument("--teachers", required=True, nargs="+", metavar="MODEL", type=path_or_name, help=MODEL_HELP)
    parser.add_argument("--out", required=True, metavar="DIR", type=path, help="folder for the new data set")
    parser.add_argument("--split", default="train", help="split of the data set (default: %(default)s)")
    parser.add_argument(
        "--views",
        type=positive,
        default=3,
        metavar="N",
        help="views per photograph, up to 1000: the whole and N - 1 windows (default: %(default)s)",
    )
    parser.add_argument(
        "--blends",
        type=natural,
        default=0,
        metavar="N",
        help="further views per photograph, up to 1000: windows blended with one of another (default: %(default)s)",
    )
    parser.add_argument(
        "--seed", type=seed, default=0, metavar="N", help="seed of windows and blends (default: %(default)s)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Write the data set."""
    import_tensorflow("distill")
    from salgan_tf import distillation

    distillation.write_pseudo_labels(
        arguments.data,
        arguments.teachers,
        arguments.out,
        arguments.views,
        arguments.split,
        arguments.seed,
        arguments.blends,
    )
    say(f"written, see {arguments.out}")
    return 0
