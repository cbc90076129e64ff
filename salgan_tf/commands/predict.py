"""`predict`: photographs, films and cameras in, saliency maps and overlays out."""

import argparse

from salgan_tf import fleet, inference
from salgan_tf.arguments import natural, path, path_or_name, path_or_uri, positive, rate
from salgan_tf.commands import MODEL_HELP
from salgan_tf.console import say
from salgan_tf.errors import InputError
from salgan_tf.files import made_folder
from salgan_tf.film import FilmSettings, is_film, record_camera
from salgan_tf.stores import is_uri

# Options that films alone have, and the names of their settings.
_FILM_OPTIONS = {"--every": "every", "--from": "start", "--to": "stop", "--smooth": "smooth", "--maps": "maps"}
# Options that cameras do not have, and the names of their arguments.
_NOT_FOR_CAMERAS = {"PATH": "paths", "--from": "start", "--recursive": "recursive"}
# Options that photographs alone have.
_PHOTOGRAPH_OPTIONS = {"--regions": "regions", "--max-side": "max_side"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("paths", nargs="*", metavar="PATH", help="photograph, folder of photographs, or film")
    parser.add_argument(
        "--out",
        required=True,
        metavar="DIR",
        type=path_or_uri,
        help="folder for NAME_saliency.png and NAME_overlay.jpg, of films NAME_overlay.mp4; older files of these names "
        "are replaced",
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
    parser.add_argument(
        "--engine",
        choices=("ray",),
        help="predict the photographs of one folder that have no results yet, on all cores of the cluster of "
        "RAY_ADDRESS, or of this machine; PATH and DIR may be URIs: s3://bucket/photos",
    )
    films = parser.add_argument_group("films and cameras")
    films.add_argument(
        "--camera", metavar="N", type=natural, help="record a camera, the first is 0, until Ctrl-C or --to"
    )
    films.add_argument(
        "--maps",
        action="store_true",
        default=None,
        help="also write NAME_saliency.mkv, the grey maps as a film without loss (FFV1)",
    )
    films.add_argument("--every", metavar="N", type=positive, help="take every Nth frame only (default: 1)")
    films.add_argument("--from", metavar="SECONDS", type=rate, dest="start", help="where to begin in a film")
    films.add_argument("--to", metavar="SECONDS", type=rate, dest="stop", help="where to end")
    films.add_argument(
        "--smooth",
        metavar="SECONDS",
        type=rate,
        help="average the maps over about this time, beginning anew at cuts (default: 0, not at all)",
    )
    parser.set_defaults(check=lambda arguments: _check(parser, arguments))


def _check(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> None:
    """Exit with code 2 if options contradict each other."""
    films = [name for name in arguments.paths if is_film(name)]
    if arguments.engine:
        excluded = {"--camera": "camera", "--regions": "regions", **_FILM_OPTIONS}
        given = [option for option, name in excluded.items() if getattr(arguments, name) is not None]
        if given:
            parser.error(f"--engine and {given[0]} exclude each other")
        if films or len(arguments.paths) != 1:
            parser.error("--engine takes one PATH, a folder of photographs")
    elif arguments.camera is not None:
        excluded = _NOT_FOR_CAMERAS | _PHOTOGRAPH_OPTIONS
        given = [option for option, name in excluded.items() if getattr(arguments, name)]
        if given:
            parser.error(f"--camera and {given[0]} exclude each other")
    elif not arguments.paths:
        parser.error("expected a PATH or --camera")
    elif not films:
        given = [option for option, name in _FILM_OPTIONS.items() if getattr(arguments, name) is not None]
        if given:
            parser.error(f"{given[0]} requires a film or --camera")
    else:
        given = [option for option, name in _PHOTOGRAPH_OPTIONS.items() if getattr(arguments, name)]
        if given:
            parser.error(f"{given[0]} is for photographs, and {films[0]} is a film")
    if arguments.stop is not None and arguments.stop <= (arguments.start or 0):
        parser.error("--to must be after --from")


def run(arguments: argparse.Namespace) -> int:
    """Predict; 1 if a photograph or film failed."""
    arguments.check(arguments)
    if arguments.engine:
        return _run_fleet(arguments)
    for place in (*arguments.paths, arguments.out):
        if is_uri(str(place)):
            raise InputError(place, "a URI requires --engine ray")
    given = {name: getattr(arguments, name) for name in _FILM_OPTIONS.values()}
    film = FilmSettings(
        overlay=not arguments.no_overlay,
        **{"maps": arguments.no_overlay} | {name: value for name, value in given.items() if value is not None},
    )
    predictor = inference.SaliencyPredictor(arguments.model)
    if arguments.camera is not None:
        with made_folder(arguments.out) as folder:
            results = record_camera(arguments.camera, folder, inference.spread(predictor, 2), film)
        say(f"recorded: {', '.join(map(str, results))}")
        return 0
    done, failed = inference.predict_files(
        arguments.paths,
        arguments.out,
        predictor,
        overlay=not arguments.no_overlay,
        recursive=arguments.recursive,
        regions=arguments.regions,
        film=film,
        max_side=arguments.max_side,
    )
    say(f"{done} of {done + failed} predicted" + (f", see {arguments.out}" if done else ""))
    return 1 if failed else 0


def _run_fleet(arguments: argparse.Namespace) -> int:
    done, earlier, failed = fleet.predict_fleet(
        arguments.paths[0],
        arguments.out,
        arguments.model,
        overlay=not arguments.no_overlay,
        recursive=arguments.recursive,
        max_side=arguments.max_side,
    )
    there = f", {earlier} before" if earlier else ""
    causes = f"; causes in {fleet.ERRORS}" if failed else ""
    if not done + failed:
        say(f"nothing to do: all {earlier} are predicted, see {arguments.out}")
        return 0
    say(f"{done} of {done + failed} predicted{there}, see {arguments.out}{causes}")
    return 1 if failed else 0
