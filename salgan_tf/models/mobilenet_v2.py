"""A generator for devices: a MobileNetV2 encoder (Sandler et al. 2018) and the light decoder of `edge_decoder`.

The encoder's batch norms are folded into its convolutions: a smaller graph, the same on every backend and device, and
small batches train as well as large ones.
"""

import dataclasses
import functools

import keras

from salgan_tf.models.backbone import Backbone
from salgan_tf.models.edge_decoder import SLIM, connect_decoder
from salgan_tf.models.inverted_residual import convolution, inverted_residual

# Filters and stride of MobileNetV2's inverted residuals (its table 2, width 1.0); all but the first expand 6 times.
BLOCKS = (
    *((16, 1), (24, 2), (24, 1), (32, 2), (32, 1), (32, 1), (64, 2), (64, 1), (64, 1), (64, 1)),
    *((96, 1), (96, 1), (96, 1), (160, 2), (160, 1), (160, 1), (320, 1)),
)
# The names of keras.applications.
ENCODER_LAYERS = (
    *("Conv1", "expanded_conv_depthwise", "expanded_conv_project"),
    *(f"block_{index}_{part}" for index in range(1, len(BLOCKS)) for part in ("expand", "depthwise", "project")),
)
# The blocks that leave 1/16, 1/8 and 1/4 of the image's size.
SKIPS = ("block_13", "block_6", "block_3")


def _connect(image, dropout: float, width: float = 1.0):
    x = keras.layers.Rescaling(1 / 127.5, offset=-1.0, name="preprocessing")(image)
    x = convolution(x, 32, 3, "Conv1", stride=2)
    expansions = {}
    for index, (filters, stride) in enumerate(BLOCKS):
        name = f"block_{index}" if index else "expanded_conv"
        x, expansions[name] = inverted_residual(x, filters, stride, name, expand=index > 0)
    return connect_decoder(image, x, [expansions[name] for name in SKIPS], dropout, width)


# Defaults of the generators for devices.
DEFAULTS = {
    "batch_size": 16,
    "bce_epochs": 9,
    "gan_epochs": 4,
    "content_loss": "density",
    "alpha": 2.0,
    "updates": "both",
    "optimizer": "adamw",
    "learning_rate": 4e-4,
    "gan_learning_rate": 1e-4,
    "ema": 0.99,
    "augmentations": ("flip", "color"),
}

MOBILENET_V2 = Backbone(
    name="mobilenet_v2",
    stride=32,
    connect=_connect,
    encoder_layers=ENCODER_LAYERS,
    application="MobileNetV2",
    defaults=DEFAULTS,
)
MOBILENET_V2_SLIM = dataclasses.replace(
    MOBILENET_V2, name="mobilenet_v2_slim", connect=functools.partial(_connect, width=SLIM)
)
