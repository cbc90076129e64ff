"""`crop`: photographs in, the parts of them that people look at out."""

import argparse

from salgan_tf import crops
from salgan_tf.arguments import aspect, path, path_or_name, share, size_across
from salgan_tf.commands import MODEL_HELP
from salgan_tf.console import say
from salgan_tf.inference import SaliencyPredictor


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("paths", nargs="+", metavar="PATH", help="photograph or folder of photographs")
    parser.add_argument(
        "--aspect", type=aspect, metavar="W:H", help="width to height, such as 16:9 (default: that of --size)"
    )
    parser.add_argument(
        "--out", required=True, metavar="DIR", type=path, help="folder for the crops, under the photographs' names"
    )
    parser.add_argument(
        "--size", type=size_across, metavar="WxH", help="width and height of the crops in pixels (default: as cut)"
    )
    parser.add_argument(
        "--area",
        type=share,
        default=1.0,
        metavar="SHARE",
        help="largest share of the photograph that a crop has (default: the largest crop of the aspect)",
    )
    parser.add_argument("--model", type=path_or_name, default="edge", help=f"{MODEL_HELP} (default: %(default)s)")
    parser.add_argument(
        "--recursive", action="store_true", help="also take the subfolders of folders, and make the same ones in DIR"
    )


def run(arguments: argparse.Namespace) -> int:
    """Crop; 1 if a photograph failed."""
    done, failed = crops.crop_files(
        arguments.paths,
        arguments.out,
        arguments.aspect,
        arguments.size,
        SaliencyPredictor(arguments.model),
        arguments.area,
        recursive=arguments.recursive,
    )
    say(f"{done} of {done + failed} cropped" + (f", see {arguments.out}" if done else ""))
    return 1 if failed else 0
