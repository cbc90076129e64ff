"""`evaluate`: a data set, models and folders of saliency maps in, tables and pictures out."""

import argparse

from salgan_tf import extras, files
from salgan_tf.arguments import path, path_or_name
from salgan_tf.commands import MODEL_HELP
from salgan_tf.console import say
from salgan_tf.errors import InputError, report


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument(
        "--data", required=True, metavar="ROOT", type=path, help="data set in the layout of SALICON, MIT1003 or CAT2000"
    )
    parser.add_argument("--split", help="split of the data set (default: val, or the only one)")
    parser.add_argument(
        "--model",
        nargs="+",
        action="extend",
        metavar="MODEL",
        type=path_or_name,
        help=f"{MODEL_HELP} (default: edge, unless --maps)",
    )
    parser.add_argument(
        "--maps",
        nargs="+",
        action="extend",
        default=[],
        metavar="DIR",
        type=path_or_name,
        help="folders of saliency maps of any size: NAME.png or NAME_saliency.png (8 or 16 bits), NAME.npy, NAME.mat",
    )
    parser.add_argument(
        "--humans", action="store_true", help="also measure people: each observer predicted from all others"
    )
    parser.add_argument(
        "--fit-densities",
        action="store_true",
        help="also measure information gain with blur, contrast and centre bias fitted on train",
    )
    parser.add_argument(
        "--allow-missing", action="store_true", help="skip and list photographs that lack a map or fixations"
    )
    parser.add_argument(
        "--json", metavar="FILE", type=path, help="write means, intervals and differences of all metrics"
    )
    parser.add_argument("--csv", metavar="FILE", type=path, help="write every metric of every photograph")
    parser.add_argument(
        "--pictures", metavar="DIR", type=path, help="write the distributions, and the best and worst photographs"
    )
    styles = parser.add_mutually_exclusive_group()
    for style in ("Markdown", "LaTeX"):
        text = f"print {style}, with the SalGAN poster's two tables"
        styles.add_argument(f"--{style.lower()}", dest="style", action="store_const", const=style.lower(), help=text)
    parser.add_argument("--published", action="store_true", help="also print published figures, in tables of their own")


def run(arguments: argparse.Namespace) -> int:
    """Evaluate and print the tables."""
    extras.require("evaluate", "evaluate")
    from salgan_tf import evaluation

    models = arguments.model or ([] if arguments.maps else ["edge"])
    outputs = [path for path in (arguments.json, arguments.csv) if path]
    if arguments.pictures:
        outputs += evaluation.picture_files([*models, *arguments.maps], arguments.pictures)
    measured = evaluation.evaluate(
        arguments.data,
        [*models, *map(evaluation.MapFolder, arguments.maps)],
        split=arguments.split,
        humans=arguments.humans,
        fit_densities=arguments.fit_densities,
        allow_missing=arguments.allow_missing,
        outputs=outputs,
        report=report,
    )
    writers = (
        (arguments.json, lambda path: files.write_json(path, evaluation.as_dict(measured))),
        (arguments.csv, lambda path: evaluation.write_csv(measured, path)),
        (arguments.pictures, lambda path: evaluation.write_pictures(measured, path)),
    )
    # Before the tables, whose printing may fail; nor does a file that cannot be written cost the other files and those.
    errors: list[InputError] = []
    for target, write in writers:
        try:
            if target:
                write(target)
        except InputError as error:
            errors.append(error)
    styles = {"markdown": evaluation.format_markdown, "latex": evaluation.format_latex}
    say(styles.get(arguments.style, evaluation.format_text)(measured, arguments.published))
    for failure in errors:
        report(failure)
    return 1 if errors else 0
