"""The commands of `python -m salgan_tf`: arguments in, exit code out, no logic."""

import argparse
import os
import sys
from pathlib import Path

# Read by TensorFlow when it is imported: warnings and errors only.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from salgan_tf import __version__, files, inference
from salgan_tf.arguments import content_loss, decay, names, natural, positive, rate, report, run_command, seed, size
from salgan_tf.native import import_tensorflow


def _predict(arguments: argparse.Namespace) -> int:
    predictor = inference.SaliencyPredictor(arguments.model)
    overlay = not arguments.no_overlay
    done, failed = inference.predict_files(arguments.paths, arguments.out, predictor, overlay, report)
    print(f"{done} of {done + failed} predicted" + (f", see {arguments.out}" if done else ""))
    return 1 if failed else 0


def _evaluate(arguments: argparse.Namespace) -> int:
    from salgan_tf import evaluation

    models = arguments.model or ([] if arguments.maps else ["edge"])
    contenders = evaluation.open_contenders(models, arguments.maps)
    measured = evaluation.evaluate(
        arguments.data,
        contenders,
        split=arguments.split,
        humans=arguments.humans,
        fit_densities=arguments.fit_densities,
        allow_missing=arguments.allow_missing,
        report=report,
    )
    if arguments.markdown:
        print(evaluation.format_markdown(measured, arguments.published))
    elif arguments.latex:
        print(evaluation.format_latex(measured, arguments.published))
    else:
        print(evaluation.format_text(measured, arguments.published))
    # After the table, which no unwritable file shall cost.
    if arguments.json:
        files.write_json(arguments.json, evaluation.as_dict(measured))
    if arguments.csv:
        evaluation.write_csv(measured, arguments.csv)
    if arguments.pictures:
        evaluation.write_pictures(measured, contenders, arguments.pictures)
    return 0


def _train(arguments: argparse.Namespace) -> int:
    import_tensorflow()
    from salgan_tf import recipes, training

    own = ("run", "out", "resume", "backbone", "recipe")
    settings = {name: value for name, value in vars(arguments).items() if name not in own}
    # Bars and carriage returns for a person, a line an epoch for a log.
    verbose = 1 if sys.stdout.isatty() else 2
    if arguments.recipe:
        # Over every training of the recipe; begun or continued, it is the same call.
        recipes.train_edge(out=arguments.out, verbose=verbose, **settings)
    elif arguments.resume:
        training.resume(arguments.out, verbose, backbone=arguments.backbone, **settings)
    else:
        training.train(training.make_config(arguments.backbone or "mobilenet_v2", **settings), arguments.out, verbose)
    print(f"trained, see {arguments.out}")
    return 0


def _distill(arguments: argparse.Namespace) -> int:
    import_tensorflow()
    from salgan_tf import distillation

    distillation.write_pseudo_labels(
        arguments.data, arguments.teachers, arguments.out, arguments.views, arguments.split, arguments.seed
    )
    print(f"written, see {arguments.out}")
    return 0


def _prepare(arguments: argparse.Namespace) -> int:
    import_tensorflow()
    from salgan_tf.data import records

    records.write_records(arguments.data, arguments.out, arguments.image_shape)
    print(f"prepared, see {arguments.out}")
    return 0


def _import_weights(arguments: argparse.Namespace) -> int:
    import_tensorflow()
    from salgan_tf import released

    released.import_weights(arguments.generator, arguments.discriminator, arguments.out)
    print(f"imported, see {arguments.out}")
    return 0


def _parser() -> argparse.ArgumentParser:
    purpose = "Predict, evaluate and train maps of where people look."
    parser = argparse.ArgumentParser("python -m salgan_tf", description=purpose)
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run, help: str) -> argparse.ArgumentParser:
        one = commands.add_parser(name, help=help, description=help)
        one.set_defaults(run=run)
        return one

    model_help = "edge (the bundled one, if not said), a .tflite, .onnx or .keras file, or a run folder of train"
    one = command("predict", _predict, "Write the saliency map and an overlay of photographs and folders of them.")
    one.add_argument("paths", nargs="+", metavar="PATH", type=Path, help="photograph, or folder of photographs")
    one.add_argument(
        "--out", required=True, metavar="DIR", type=Path, help="folder for NAME_saliency.png, NAME_overlay.jpg"
    )
    one.add_argument("--model", default="edge", help=model_help)
    one.add_argument("--no-overlay", action="store_true", help="write the grey maps only")

    one = command("evaluate", _evaluate, "Measure models and folders of maps against recorded fixations.")
    one.add_argument(
        "--data", required=True, metavar="ROOT", type=Path, help="data set in the layout of SALICON, MIT1003 or CAT2000"
    )
    one.add_argument("--split", help="which part of it (val, or the only one, if not said)")
    one.add_argument("--model", nargs="+", action="extend", metavar="MODEL", help=model_help)
    one.add_argument(
        "--maps",
        nargs="+",
        action="extend",
        default=[],
        metavar="DIR",
        help="folders of maps: NAME.png or NAME_saliency.png (8 or 16 bits), or NAME.npy, of any size",
    )
    one.add_argument(
        "--humans", action="store_true", help="measure people too: each observer predicted from all others"
    )
    one.add_argument(
        "--fit-densities",
        action="store_true",
        help="information gain also with blur, contrast and centre bias fitted on train",
    )
    one.add_argument(
        "--allow-missing", action="store_true", help="leave out photographs that lack a map or fixations, and say so"
    )
    one.add_argument("--json", metavar="FILE", type=Path, help="write means, intervals and differences of all metrics")
    one.add_argument("--csv", metavar="FILE", type=Path, help="write every metric of every photograph")
    one.add_argument(
        "--pictures", metavar="DIR", type=Path, help="write the distributions, and the best and worst photographs"
    )
    layout = one.add_mutually_exclusive_group()
    layout.add_argument("--markdown", action="store_true", help="print Markdown, with the SalGAN poster's two tables")
    layout.add_argument("--latex", action="store_true", help="print LaTeX, likewise")
    one.add_argument("--published", action="store_true", help="print published figures too, in tables of their own")

    one = command(
        "train",
        _train,
        "Train a generator: content loss alone, then adversarial. What is not said is the backbone's recipe.",
    )
    one.add_argument(
        "--data", required=True, metavar="ROOT", help="data set in SALICON's layout, or records of prepare"
    )
    one.add_argument("--out", required=True, metavar="RUN", type=Path, help="folder for checkpoints, curves and models")
    one.add_argument("--resume", action="store_true", help="continue the run in RUN after its last whole epoch")
    network = one.add_mutually_exclusive_group()
    network.add_argument(
        "--recipe",
        choices=("edge",),
        help="train as the bundled model was: teachers, what they see, and a student; an interrupted one is continued",
    )
    network.add_argument(
        "--backbone", choices=("mobilenet_v2", "vgg16"), help="mobilenet_v2 (edge, if not said) or the paper's"
    )
    one.add_argument(
        "--init",
        metavar="imagenet|edge|none|FILE",
        help="start of the weights; FILE ends in .keras, .weights.h5, .tflite or .npz",
    )
    one.add_argument("--size", dest="image_shape", type=size, metavar="HxW", help="size of the network's input")
    one.add_argument("--batch-size", type=positive, metavar="N", help="photographs a step")
    one.add_argument("--bce-epochs", type=natural, metavar="N", help="epochs of content loss alone")
    one.add_argument("--gan-epochs", type=natural, metavar="N", help="epochs of adversarial training")
    one.add_argument("--steps-per-epoch", type=positive, metavar="N", help="steps an epoch, if not the whole data")
    one.add_argument(
        "--content-loss",
        type=content_loss,
        metavar="bce|density|WEIGHTS",
        help="BCE/4 as in the paper; KL, CC, NSS and BCE/4; or their weights, such as kl=1,cc=0.5,sim=0.5",
    )
    one.add_argument("--alpha", type=rate, metavar="X", help="weight of the content loss beside the adversarial one")
    one.add_argument("--updates", choices=("alternate", "both"), help="train one network a batch, in turns, or both")
    one.add_argument("--label-smoothing", type=decay, metavar="X", help="recorded maps are taught as 1 - X")
    one.add_argument(
        "--spectral-normalization",
        action=argparse.BooleanOptionalAction,
        help="normalise the discriminator's layers (Miyato et al. 2018)",
    )
    one.add_argument("--optimizer", choices=("adagrad", "adamw"), help="the paper's, or AdamW with a cosine")
    one.add_argument("--learning-rate", type=rate, metavar="X", help="of the first stage")
    one.add_argument("--gan-learning-rate", type=rate, metavar="X", help="of the second stage")
    one.add_argument("--encoder-rate", type=rate, metavar="X", help="times the learning rate for the encoder (adamw)")
    one.add_argument(
        "--frozen", type=natural, metavar="N", help="of the encoder's convolutions, how many keep their start"
    )
    one.add_argument("--dropout", type=decay, metavar="X", help="share of the decoder's feature maps left out")
    one.add_argument("--weight-decay", type=rate, metavar="X", help="decoupled weight decay")
    one.add_argument(
        "--ema", type=decay, metavar="X", help="decay of the average of the generator's weights, 0 for none"
    )
    one.add_argument("--pseudo", metavar="ROOT", help="data set of distill, trained on as well")
    one.add_argument("--augment", dest="augmentations", type=names, metavar="NAMES", help="of flip,crop,color, or none")
    one.add_argument(
        "--keep-epochs", action=argparse.BooleanOptionalAction, help="keep the generator of every epoch, in RUN/epochs"
    )
    one.add_argument("--seed", type=seed, metavar="N", help="of start, order and augmentation")
    one.add_argument("--strategy", choices=("none", "mirrored"), help="mirrored: all GPUs of this machine")

    one = command(
        "distill", _distill, "Write what trained generators see in windows of photographs, to train another with"
    )
    one.add_argument("--data", required=True, metavar="ROOT", type=Path, help="data set in any layout of evaluate")
    one.add_argument("--teachers", required=True, nargs="+", metavar="MODEL", help=model_help)
    one.add_argument("--out", required=True, metavar="DIR", type=Path, help="folder for the new data set")
    one.add_argument("--split", default="train", help="which part of ROOT (train, if not said)")
    one.add_argument("--views", type=positive, default=3, metavar="N", help="a photograph: it and N - 1 windows (3)")
    one.add_argument("--seed", type=seed, default=0, metavar="N", help="of the windows")

    one = command("prepare", _prepare, "Write a data set as TFRecords at the training size, for slow or remote disks.")
    one.add_argument("--data", required=True, metavar="ROOT", type=Path, help="data set in SALICON's layout")
    one.add_argument("--out", required=True, metavar="RECORDS", type=Path, help="folder for the records")
    one.add_argument(
        "--size",
        dest="image_shape",
        type=size,
        default="192x256",
        metavar="HxW",
        help="training size (192x256, if not said)",
    )

    one = command("import-weights", _import_weights, "Turn the authors' released Lasagne weights into a Keras file.")
    one.add_argument("generator", metavar="GEN.npz", type=Path, help="gen_modelWeights0090.npz")
    one.add_argument("discriminator", metavar="DISC.npz", type=Path, nargs="?", help="discrim_modelWeights0090.npz")
    one.add_argument(
        "--out", required=True, metavar="FILE", type=Path, help="FILE.keras: the generator, or with DISC.npz a SalGAN"
    )
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run a command; give its exit code: 0, 1 for a bad input, 2 for bad usage, 130 after Ctrl-C."""
    return run_command(_parser().parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
