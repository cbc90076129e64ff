"""SALICON (Huang et al., ICCV 2015): two VGG-16, one of the image and one of its half size, and a 1x1 convolution."""

import keras

from salgan_tf.models.backbone import Backbone
from salgan_tf.models.vgg16 import ENCODER_LAYERS, connect_encoder

_SCALES = ("fine_", "coarse_")


def _connect(image, dropout: float):
    height, width = image.shape[1:3]
    half = keras.layers.AveragePooling2D(2, name="half_size")(image)
    fine, coarse = (
        connect_encoder(scaled, prefix)["pool5"] for scaled, prefix in zip((image, half), _SCALES, strict=True)
    )
    coarse = keras.layers.Resizing(*fine.shape[1:3], interpolation="bilinear", name="coarse_resizing")(coarse)
    x = keras.layers.Concatenate(name="features")([fine, coarse])
    if dropout:
        x = keras.layers.SpatialDropout2D(dropout, name="features_dropout")(x)
    x = keras.layers.Conv2D(1, 1, activation="sigmoid", dtype="float32", name="output")(x)
    return keras.layers.Resizing(height, width, dtype="float32", name="saliency")(x)


SALICON = Backbone(
    name="salicon",
    # The coarse image is half as large, and VGG-16 divides it by 32.
    stride=64,
    connect=_connect,
    encoder_layers=tuple(prefix + layer for prefix in _SCALES for layer in ENCODER_LAYERS),
    application="VGG16",
    encoders=len(_SCALES),
    defaults={
        "batch_size": 16,
        "gan_epochs": 0,
        "content_loss": "kl=1",
        "optimizer": "sgd",
        "learning_rate": 1e-3,
        "weight_decay": 5e-4,
    },
)
