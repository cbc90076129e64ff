"""`import-weights`: from the authors' released Lasagne files to a Keras file."""

import argparse

from salgan_tf.arguments import path
from salgan_tf.console import say
from salgan_tf.native import import_tensorflow


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("generator", metavar="GEN.npz", type=path, help="gen_modelWeights0090.npz")
    parser.add_argument("discriminator", metavar="DISC.npz", type=path, nargs="?", help="discrim_modelWeights0090.npz")
    parser.add_argument(
        "--out",
        required=True,
        metavar="FILE.keras",
        type=path,
        help="file for the generator; with DISC.npz, for a SalGAN of generator and discriminator",
    )


def run(arguments: argparse.Namespace) -> int:
    """Convert the files."""
    import_tensorflow("import-weights")
    from salgan_tf import released

    released.import_weights(arguments.generator, arguments.discriminator, arguments.out)
    say(f"imported, see {arguments.out}")
    return 0
