"""Conversion of the authors' released weights to a Keras file."""

from pathlib import Path

from salgan_tf.errors import InputError
from salgan_tf.files import atomic_path, check_outputs
from salgan_tf.models.discriminator import build_discriminator
from salgan_tf.models.generator import build_generator
from salgan_tf.models.lasagne import load_lasagne_weights
from salgan_tf.models.salgan import SalGAN


def import_weights(generator_path: str | Path, discriminator_path: str | Path | None, out: str | Path) -> None:
    """Convert the released generator to a `.keras` file; with the released discriminator, to a SalGAN of both.

    Raises:
        InputError: `out` has another ending, is a file of weights itself or cannot be written, or a file of weights
            does not fit.
    """
    if Path(out).suffix != ".keras":
        raise InputError(out, "not a name of a Keras file: expected one that ends in .keras")
    check_outputs([Path(out)], [Path(path) for path in (generator_path, discriminator_path) if path is not None])
    model = build_generator("vgg16")
    load_lasagne_weights(model, generator_path)
    if discriminator_path is not None:
        discriminator = build_discriminator()
        load_lasagne_weights(discriminator, discriminator_path)
        model = SalGAN(model, discriminator)
    with atomic_path(out) as scratch:
        model.save(scratch)
