"""Saliency maps with SalGAN: a photograph goes in, the map of where people will look comes out.

Importing the package is fast: a name is imported when it is first used, and TensorFlow only with those that need it.
"""

import importlib

__version__ = "0.4.0"

_HOMES = {
    "InputError": "errors",
    "SaliencyPredictor": "inference",
    "SalGAN": "models.salgan",
    "build_discriminator": "models.discriminator",
    "build_generator": "models.generator",
    "load_dataset": "data.pipeline",
    "load_generator": "models.pretrained",
    "load_lasagne_weights": "models.lasagne",
}
__all__ = ["__version__", *_HOMES]


def __getattr__(name: str):
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
