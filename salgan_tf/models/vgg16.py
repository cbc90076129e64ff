"""The paper's generator: a VGG-16 encoder and its mirror image (Pan et al. 2017, section 3.1, table 1)."""

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


def _connect(image, dropout: float):
    # Caffe trained VGG-16 on BGR minus the mean, without scaling.
    # `take` is one operation everywhere; `flip` becomes five in ONNX.
    x = keras.ops.take(image, [2, 1, 0], axis=-1)
    x = keras.layers.Rescaling(1.0, offset=[-mean for mean in MEAN_BGR], name="preprocessing")(x)
    for block, depth, filters in ENCODER_BLOCKS:
        for index in range(1, depth + 1):
            x = _convolution(filters, f"{block}_{index}")(x)
        if block != "conv5":
            x = keras.layers.MaxPooling2D(name=block.replace("conv", "pool"))(x)
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
