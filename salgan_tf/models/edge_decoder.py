"""The decoder of the generators for devices: from a light encoder's features and skips to a saliency map.

Only operations that int8 LiteRT and TensorRT keep whole are used.
"""

from collections.abc import Sequence

import keras

from salgan_tf.models.inverted_residual import convolution, depthwise, pointwise

# The scales of the skips, as divisors of the image's size, and the channels that the skip, the coarser scale and both
# together are reduced to.
_SKIPS = ((16, 160), (8, 80), (4, 32))
_CONTEXT_FILTERS = 256
# The width of the slim generators.
SLIM = 0.4


def connect_decoder(image, x, skips: Sequence, dropout: float, width: float = 1.0):
    """Connect the decoder.

    Args:
        image: the image tensor (B, H, W, 3); only its size is used.
        x: the features at 1/32 of the image.
        skips: the features at 1/16, 1/8 and 1/4: the last and widest of each scale.
        dropout: share of the feature maps to drop in training.
        width: share of the channels that there are; their number is rounded to a multiple of 8.

    Returns:
        The saliency tensor (B, H, W, 1), float32 in [0, 1].
    """
    x = _context(x, _scale(_CONTEXT_FILTERS, width))
    for (scale, full), skip in zip(_SKIPS, skips, strict=True):
        filters = _scale(full, width)
        x = pointwise(x, filters, f"decoder_{scale}_reduce")
        x = _upsample(x, 2, f"upsampling_{scale}")
        side = pointwise(skip, filters, f"skip_{scale}")
        x = keras.layers.Concatenate(name=f"decoder_{scale}_concatenate")([x, side])
        if dropout:
            x = keras.layers.SpatialDropout2D(dropout, name=f"decoder_{scale}_dropout")(x)
        # Full convolutions: in int8 they are more than twice as fast as in float32, depthwise ones are slower.
        x = convolution(x, filters, 3, f"decoder_{scale}_convolution")
    # Fixation densities are blurred by 3 % of the width: a quarter of the size holds all of their detail, and anything
    # finer than a 3x3 mean is noise. Training starts from a dark map (sigmoid(-2.8) = 0.057, the mean of recorded
    # maps): around 0.5 the sigmoid is nearly linear, and for some epochs all densities would be nearly uniform.
    start = keras.initializers.Constant(-2.8)
    x = keras.layers.Conv2D(1, 3, padding="same", bias_initializer=start, name="output")(x)
    x = keras.layers.AveragePooling2D(3, strides=1, padding="same", name="smoothing")(x)
    x = keras.layers.Activation("sigmoid", dtype="float32", name="sigmoid")(x)
    return keras.layers.Resizing(image.shape[1], image.shape[2], dtype="float32", name="saliency")(x)


def _scale(filters: int, width: float) -> int:
    return 8 * max(1, round(filters * width / 8))


def _upsample(x, factor: int, name: str):
    return keras.layers.Resizing(factor * x.shape[1], factor * x.shape[2], interpolation="bilinear", name=name)(x)


def _context(x, filters: int):
    """Add the surroundings and the whole picture to every place of the coarsest scale."""
    x = pointwise(x, filters, "context_reduce")
    y = depthwise(x, "context_depthwise", size=5)
    y = pointwise(y, filters, "context_pointwise", relu=False)
    whole = keras.layers.GlobalAveragePooling2D(keepdims=True, name="context_pooling")(x)
    whole = pointwise(whole, filters, "context_whole", relu=False)
    x = keras.layers.Add(name="context_add")([x, y, whole])
    return keras.layers.ReLU(6.0, name="context_relu")(x)
