"""The paper's generator: a VGG-16 encoder and its mirror image (Pan et al. 2017, section 3.1, table 1)."""

from typing import Any

import keras

from salgan_tf.models.backbone import Backbone

# Name, number of convolutions and filters of each block.
ENCODER_BLOCKS = (("conv1", 2, 64), ("conv2", 2, 128), ("conv3", 3, 256), ("conv4", 3, 512), ("conv5", 3, 512))
DECODER_BLOCKS = (("uconv5", 3, 512), ("uconv4", 3, 512), ("uconv3", 3, 256), ("uconv2", 2, 128), ("uconv1", 2, 64))
ENCODER_LAYERS = tuple(f"{block}_{index}" for block, depth, _ in ENCODER_BLOCKS for index in range(1, depth + 1))
DECODER_LAYERS = tuple(f"{block}_{index}" for block, depth, _ in DECODER_BLOCKS for index in range(depth, 0, -1))
MEAN_BGR = (103.939, 116.779, 123.68)


def _convolution(filters: int, name: str) -> keras.layers.Conv2D:
    return keras.layers.Conv2D(filters, 3, padding="same", activation="relu", name=name)


def subtract_mean(image, name: str = "preprocessing"):
    """Connect the preprocessing of Caffe's networks: from RGB in [0, 255] to BGR minus the mean, without scaling."""
    # `take` is one operation everywhere; `flip` becomes five in ONNX.
    x = keras.ops.take(image, [2, 1, 0], axis=-1)
    return keras.layers.Rescaling(1.0, offset=[-mean for mean in MEAN_BGR], name=name)(x)


def connect_encoder(image, prefix: str = "", last_pool: int = 2) -> dict[str, Any]:
    """Connect VGG-16 without its classifier (Simonyan and Zisserman 2015), as several networks begin.

    Args:
        image: RGB (B, H, W, 3) in [0, 255].
        prefix: of the names of all layers, for a network that has several encoders.
        last_pool: stride of the pooling before the last block; 1 keeps conv5 at an eighth of the size.

    Returns:
        The outputs of the blocks, `"conv1"` to `"conv5"`, and of the poolings behind them, `"pool1"` to `"pool5"`.
    """
    x = subtract_mean(image, f"{prefix}preprocessing")
    outputs = {}
    for block, depth, filters in ENCODER_BLOCKS:
        for index in range(1, depth + 1):
            x = _convolution(filters, f"{prefix}{block}_{index}")(x)
        outputs[block] = x
        pool = block.replace("conv", "pool")
        stride = last_pool if pool == "pool4" else 2
        x = keras.layers.MaxPooling2D(2, strides=stride, padding="same", name=f"{prefix}{pool}")(x)
        outputs[pool] = x
    return outputs


def _connect(image, dropout: float):
    x = connect_encoder(image)["conv5"]
    for block, depth, filters in DECODER_BLOCKS:
        for index in range(depth, 0, -1):
            x = _convolution(filters, f"{block}_{index}")(x)
        if block != "uconv1":
            # Resizing becomes one RESIZE op on devices, UpSampling2D a TILE and a RESHAPE; the numbers are the same.
            name = block.replace("uconv", "upsampling")
            x = keras.layers.Resizing(2 * x.shape[1], 2 * x.shape[2], interpolation="nearest", name=name)(x)
            if dropout:
                x = keras.layers.SpatialDropout2D(dropout, name=f"{block}_dropout")(x)
    return keras.layers.Conv2D(1, 1, activation="sigmoid", dtype="float32", name="output")(x)


VGG16 = Backbone(
    name="vgg16",
    stride=16,
    connect=_connect,
    encoder_layers=ENCODER_LAYERS,
    application="VGG16",
    # Blocks conv1 to conv3.
    frozen=7,
)
