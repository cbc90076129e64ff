"""The edge generator: a MobileNetV2 encoder (Sandler et al. 2018) and a light decoder with skips.

The encoder's batch norms are folded into its convolutions: a smaller graph, the same on every backend and device, and
small batches train as well as large ones. Only operations that int8 LiteRT and TensorRT keep whole are used.
"""

import keras

from salgan_tf.models.backbone import Backbone

# Filters and stride of MobileNetV2's inverted residuals (its table 2, width 1.0); all but the first expand 6 times.
BLOCKS = (
    *((16, 1), (24, 2), (24, 1), (32, 2), (32, 1), (32, 1), (64, 2), (64, 1), (64, 1), (64, 1)),
    *((96, 1), (96, 1), (96, 1), (160, 2), (160, 1), (160, 1), (320, 1)),
)
ENCODER_LAYERS = (
    *("Conv1", "expanded_conv_depthwise", "expanded_conv_project"),
    *(f"block_{index}_{part}" for index in range(1, len(BLOCKS)) for part in ("expand", "depthwise", "project")),
)
# The decoder's skips, at 1/16, 1/8 and 1/4 of the image: the block whose expansion (the last and widest of its scale)
# is taken, and the channels that the skip, the coarser scale and both together are reduced to.
SKIPS = (("block_13", 160), ("block_6", 80), ("block_3", 32))
CONTEXT_FILTERS = 256


def _convolution(x, filters: int, size: int, name: str, relu: bool = True):
    x = keras.layers.Conv2D(filters, size, padding="same", kernel_initializer="he_normal", name=name)(x)
    return keras.layers.ReLU(6.0, name=f"{name}_relu")(x) if relu else x


def _pointwise(x, filters: int, name: str, relu: bool = True):
    return _convolution(x, filters, 1, name, relu)


def _depthwise(x, name: str, stride: int = 1, size: int = 3):
    # On even sizes TensorFlow's "same" pads as MobileNetV2 does: nothing above and left, one pixel below and right.
    # Keras' he_normal counts all channels as inputs of a depthwise filter, which has one: after seven such layers no
    # signal would be left.
    start = keras.initializers.RandomNormal(stddev=(2 / size**2) ** 0.5)
    layer = keras.layers.DepthwiseConv2D(size, strides=stride, padding="same", depthwise_initializer=start, name=name)
    return keras.layers.ReLU(6.0, name=f"{name}_relu")(layer(x))


def _inverted_residual(x, filters: int, stride: int, name: str):
    """Connect a block; return its output and its expansion, the widest view of the block's input."""
    expanded = x if name == "expanded_conv" else _pointwise(x, 6 * x.shape[-1], f"{name}_expand")
    y = _depthwise(expanded, f"{name}_depthwise", stride)
    y = _pointwise(y, filters, f"{name}_project", relu=False)
    if stride == 1 and x.shape[-1] == filters:
        y = keras.layers.Add(name=f"{name}_add")([x, y])
    return y, expanded


def _upsample(x, factor: int, name: str):
    return keras.layers.Resizing(factor * x.shape[1], factor * x.shape[2], interpolation="bilinear", name=name)(x)


def _encode(image):
    """Connect the encoder, named as in keras.applications; return its output and the expansion of each block."""
    x = keras.layers.Rescaling(1 / 127.5, offset=-1.0, name="preprocessing")(image)
    x = keras.layers.Conv2D(32, 3, strides=2, padding="same", kernel_initializer="he_normal", name="Conv1")(x)
    x = keras.layers.ReLU(6.0, name="Conv1_relu")(x)
    expansions = {}
    for index, (filters, stride) in enumerate(BLOCKS):
        name = f"block_{index}" if index else "expanded_conv"
        x, expansions[name] = _inverted_residual(x, filters, stride, name)
    return x, expansions


def _context(x):
    """Add the surroundings and the whole picture to every place of the coarsest scale."""
    x = _pointwise(x, CONTEXT_FILTERS, "context_reduce")
    y = _depthwise(x, "context_depthwise", size=5)
    y = _pointwise(y, CONTEXT_FILTERS, "context_pointwise", relu=False)
    whole = keras.layers.GlobalAveragePooling2D(keepdims=True, name="context_pooling")(x)
    whole = _pointwise(whole, CONTEXT_FILTERS, "context_whole", relu=False)
    x = keras.layers.Add(name="context_add")([x, y, whole])
    return keras.layers.ReLU(6.0, name="context_relu")(x)


def _connect(image, dropout: float):
    x, expansions = _encode(image)
    x = _context(x)
    for scale, (block, filters) in zip((16, 8, 4), SKIPS, strict=True):
        x = _pointwise(x, filters, f"decoder_{scale}_reduce")
        x = _upsample(x, 2, f"upsampling_{scale}")
        side = _pointwise(expansions[block], filters, f"skip_{scale}")
        x = keras.layers.Concatenate(name=f"decoder_{scale}_concatenate")([x, side])
        if dropout:
            x = keras.layers.SpatialDropout2D(dropout, name=f"decoder_{scale}_dropout")(x)
        # Full convolutions: in int8 they are more than twice as fast as in float32, depthwise ones are slower.
        x = _convolution(x, filters, 3, f"decoder_{scale}_convolution")
    # Fixation densities are blurred by 3 % of the width: a quarter of the size holds all of their detail, and anything
    # finer than a 3x3 mean is noise. Training starts from a dark map (sigmoid(-2.8) = 0.057, the mean of recorded
    # maps): around 0.5 the sigmoid is nearly linear, and for some epochs all densities would be nearly uniform.
    start = keras.initializers.Constant(-2.8)
    x = keras.layers.Conv2D(1, 3, padding="same", bias_initializer=start, name="output")(x)
    x = keras.layers.AveragePooling2D(3, strides=1, padding="same", name="smoothing")(x)
    x = keras.layers.Activation("sigmoid", dtype="float32", name="sigmoid")(x)
    return keras.layers.Resizing(image.shape[1], image.shape[2], dtype="float32", name="saliency")(x)


MOBILENET_V2 = Backbone(
    name="mobilenet_v2",
    stride=32,
    connect=_connect,
    encoder_layers=ENCODER_LAYERS,
    application="MobileNetV2",
    defaults={
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
    },
)
