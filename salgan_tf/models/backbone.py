"""What the package has to know about a network to build, start, train and export a generator of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Backbone:
    """A network from a photograph to its saliency map. A new one takes a file of its own and a line in `backbones.py`.

    Attributes:
        name: the name of the backbone in `build_generator` and on the command line.
        stride: the height and width of the input are multiples of it.
        connect: a function of an RGB image tensor (B, H, W, 3) in [0, 255], and of the share of the decoder's feature
            maps to drop in training; it returns the saliency tensor (B, H, W, 1), float32 in [0, 1].
        encoder_layers: the names of the encoder's convolutions, in network order.
        application: the name in `keras.applications` of the network whose ImageNet weights the encoder takes; None if
            there is none.
        encoders: number of equal encoders, each of which takes the ImageNet weights; their layers follow each other in
            `encoder_layers`.
        frozen: number of first encoder convolutions that are never trained.
        defaults: the settings of `TrainingConfig` whose defaults are others than the paper's.
    """

    name: str
    stride: int
    connect: Callable[[Any, float], Any]
    encoder_layers: tuple[str, ...]
    application: str | None = None
    encoders: int = 1
    frozen: int = 0
    defaults: Mapping[str, Any] = field(default_factory=dict)
