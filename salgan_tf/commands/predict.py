"""`predict`: photographs in, saliency maps and overlays out."""

import argparse

from salgan_tf import inference
from salgan_tf.arguments import path, path_or_name, positive
from salgan_tf.commands import MODEL_HELP
from salgan_tf.console import say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("paths", nargs="+", metavar="PATH", help="photograph or folder of photographs")
    parser.add_argument(
        "--out",
        required=True,
        metavar="DIR",
        type=path,
        help="folder for NAME_saliency.png and NAME_overlay.jpg; older files of these names are replaced",
    )
    parser.add_argument("--model", type=path_or_name, default="edge", help=f"{MODEL_HELP} (default: %(default)s)")
    parser.add_argument(
        "--recursive", action="store_true", help="also take the subfolders of folders, and make the same ones in DIR"
    )
    parser.add_argument(
        "--regions",
        metavar="FILE.json",
        type=path,
        help="regions of interest, drawn on the overlays; DIR gets attention.json and attention.csv with their shares",
    )
    parser.add_argument(
        "--max-side",
        type=positive,
        metavar="N",
        help="shrink photographs whose larger side has more than N pixels, which is much faster; their maps and "
        "overlays are as small (default: the photograph's own size)",
    )
    parser.add_argument("--no-overlay", action="store_true", help="write the saliency maps only")


def run(arguments: argparse.Namespace) -> int:
    """Predict; 1 if a photograph failed."""
    predictor = inference.SaliencyPredictor(arguments.model)
    done, failed = inference.predict_files(
        arguments.paths,
        arguments.out,
        predictor,
        overlay=not arguments.no_overlay,
        recursive=arguments.recursive,
        regions=arguments.regions,
        max_side=arguments.max_side,
    )
    say(f"{done} of {done + failed} predicted" + (f", see {arguments.out}" if done else ""))
    return 1 if failed else 0
