"""Saliency maps with SalGAN: a photograph goes in, the map of where people will look comes out.

Importing the package is fast: a name is imported when it is first used, and TensorFlow only with those that need it.
"""

import importlib

# As type checkers know it. `typing` itself takes longer than the rest of this file, and a command that is interrupted
# before it begins would print a traceback.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__version__ = "0.5.0"

# The module of each public name, and the extra that it needs.
_HOMES = {
    "InputError": ("errors", None),
    "SaliencyPredictor": ("inference", None),
    "predict_files": ("inference", None),
    "predict_video": ("inference", "video"),
    "attention_share": ("attention", None),
    "best_crop": ("crops", None),
    "crop_files": ("crops", None),
    "SalGAN": ("models.salgan", "train"),
    "build_discriminator": ("models.discriminator", "train"),
    "build_generator": ("models.generator", "train"),
    "load_dataset": ("data.pipeline", "train"),
    "load_generator": ("models.pretrained", "train"),
    "load_lasagne_weights": ("models.lasagne", "train"),
    "train": ("training", "train"),
    "evaluate": ("evaluation", "evaluate"),
    "export": ("exporting.exporter", "train"),
}
__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> "Any":
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, extra = _HOMES[name]
    if extra:
        from salgan_tf.extras import missing_extra

        if cause := missing_extra(extra):
            raise ImportError(f"salgan_tf.{name} {cause}")
    return getattr(importlib.import_module(f"{__name__}.{module}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
