"""`prepare`: write a data set as TFRecords at the training size."""

import argparse

from salgan_tf.arguments import path, size
from salgan_tf.console import say
from salgan_tf.native import import_tensorflow


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("--data", required=True, metavar="ROOT", type=path, help="folder of a data set")
    parser.add_argument("--out", required=True, metavar="RECORDS", type=path, help="folder for the records")
    parser.add_argument(
        "--size",
        dest="image_shape",
        type=size,
        default="192x256",
        metavar="HxW",
        help="training size (default: %(default)s)",
    )
    parser.add_argument(
        "--engine",
        choices=("ray",),
        help="write on all cores of the cluster of RAY_ADDRESS, or of this machine, a process a core",
    )


def run(arguments: argparse.Namespace) -> int:
    """Write the records."""
    import_tensorflow("prepare")
    from salgan_tf.data import records, records_fleet

    write_records = records_fleet.write_records if arguments.engine else records.write_records
    write_records(arguments.data, arguments.out, arguments.image_shape)
    say(f"prepared, see {arguments.out}")
    return 0
