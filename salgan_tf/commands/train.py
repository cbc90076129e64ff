"""`train`: a data set in, a run folder with checkpoints, curves and the trained generators out."""

import argparse
import sys
from pathlib import Path

from salgan_tf import extras
from salgan_tf.arguments import content_loss, decay, names, natural, positive, rate, seed, size
from salgan_tf.native import import_tensorflow


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument(
        "--data", required=True, metavar="ROOT", help="data set in SALICON's layout, or records of prepare"
    )
    parser.add_argument(
        "--out", required=True, metavar="RUN", type=Path, help="folder for checkpoints, curves and models"
    )
    parser.add_argument("--resume", action="store_true", help="continue the run in RUN after its last whole epoch")
    network = parser.add_mutually_exclusive_group()
    network.add_argument(
        "--recipe",
        choices=("edge",),
        help="train as the bundled model was: teachers, what they see, and a student; an interrupted one is continued",
    )
    network.add_argument(
        "--backbone", choices=("mobilenet_v2", "vgg16"), help="mobilenet_v2 (edge, if not said) or the paper's"
    )
    parser.add_argument(
        "--init",
        metavar="imagenet|edge|none|FILE",
        help="start of the weights; FILE ends in .keras, .weights.h5, .tflite or .npz",
    )
    parser.add_argument("--size", dest="image_shape", type=size, metavar="HxW", help="size of the network's input")
    parser.add_argument("--batch-size", type=positive, metavar="N", help="photographs a step")
    parser.add_argument("--bce-epochs", type=natural, metavar="N", help="epochs of content loss alone")
    parser.add_argument("--gan-epochs", type=natural, metavar="N", help="epochs of adversarial training")
    parser.add_argument("--steps-per-epoch", type=positive, metavar="N", help="steps an epoch, if not the whole data")
    parser.add_argument(
        "--content-loss",
        type=content_loss,
        metavar="bce|density|WEIGHTS",
        help="BCE/4 as in the paper; KL, CC, NSS and BCE/4; or their weights, such as kl=1,cc=0.5,sim=0.5",
    )
    parser.add_argument("--alpha", type=rate, metavar="X", help="weight of the content loss beside the adversarial one")
    parser.add_argument("--updates", choices=("alternate", "both"), help="train one network a batch, in turns, or both")
    parser.add_argument("--label-smoothing", type=decay, metavar="X", help="recorded maps are taught as 1 - X")
    parser.add_argument(
        "--spectral-normalization",
        action=argparse.BooleanOptionalAction,
        help="normalise the discriminator's layers (Miyato et al. 2018)",
    )
    parser.add_argument("--optimizer", choices=("adagrad", "adamw"), help="the paper's, or AdamW with a cosine")
    parser.add_argument("--learning-rate", type=rate, metavar="X", help="of the first stage")
    parser.add_argument("--gan-learning-rate", type=rate, metavar="X", help="of the second stage")
    parser.add_argument(
        "--encoder-rate", type=rate, metavar="X", help="times the learning rate for the encoder (adamw)"
    )
    parser.add_argument(
        "--frozen", type=natural, metavar="N", help="of the encoder's convolutions, how many keep their start"
    )
    parser.add_argument("--dropout", type=decay, metavar="X", help="share of the decoder's feature maps left out")
    parser.add_argument("--weight-decay", type=rate, metavar="X", help="decoupled weight decay")
    parser.add_argument(
        "--ema", type=decay, metavar="X", help="decay of the average of the generator's weights, 0 for none"
    )
    parser.add_argument("--pseudo", metavar="ROOT", help="data set of distill, trained on as well")
    parser.add_argument(
        "--augment", dest="augmentations", type=names, metavar="NAMES", help="of flip,crop,color, or none"
    )
    parser.add_argument(
        "--keep-epochs", action=argparse.BooleanOptionalAction, help="keep the generator of every epoch, in RUN/epochs"
    )
    parser.add_argument("--seed", type=seed, metavar="N", help="of start, order and augmentation")
    parser.add_argument("--strategy", choices=("none", "mirrored"), help="mirrored: all GPUs of this machine")


def run(arguments: argparse.Namespace) -> int:
    """Train, or continue a training."""
    extras.require("train", "train")
    import_tensorflow()
    from salgan_tf import recipes, training

    own = ("run", "out", "resume", "backbone", "recipe")
    settings = {name: value for name, value in vars(arguments).items() if name not in own}
    # Progress bars for a terminal, a line per epoch for a log.
    verbose = 1 if sys.stdout.isatty() else 2
    if arguments.recipe:
        # The recipe consists of several trainings; to begin it and to continue it are the same call.
        recipes.train_edge(out=arguments.out, verbose=verbose, **settings)
    elif arguments.resume:
        training.resume(arguments.out, verbose, backbone=arguments.backbone, **settings)
    else:
        training.train(training.make_config(arguments.backbone or "mobilenet_v2", **settings), arguments.out, verbose)
    print(f"trained, see {arguments.out}")
    return 0
