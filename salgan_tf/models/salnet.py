"""SalNet (Pan et al., CVPR 2016), the deep network: wide kernels, a map at a quarter of the size, one deconvolution."""

import keras

from salgan_tf.models.backbone import Backbone
from salgan_tf.models.vgg16 import subtract_mean

# Filters and kernel size of conv1 to conv8.
CONVOLUTIONS = ((96, 7), (256, 5), (512, 3), (512, 5), (512, 5), (256, 7), (128, 11), (32, 11))
# Of the local response normalisation in Caffe: channels, alpha, beta.
_CHANNELS, _ALPHA, _BETA = 5, 1e-4, 0.75


def _normalize_response(x):
    """Divide by (1 + alpha / n * the sum of squares over n neighbouring channels) ** beta (Krizhevsky et al. 2012)."""
    channels, near = x.shape[-1], _CHANNELS // 2
    squares = keras.ops.pad(keras.ops.square(x), [[0, 0], [0, 0], [0, 0], [near, near]])
    total = sum(squares[..., first : first + channels] for first in range(_CHANNELS))
    return x * keras.ops.power(1.0 + total * (_ALPHA / _CHANNELS), -_BETA)


def _connect(image, dropout: float):
    x = subtract_mean(image)
    for index, (filters, size) in enumerate(CONVOLUTIONS, 1):
        x = keras.layers.Conv2D(
            filters, size, padding="same", activation="relu", kernel_initializer="he_normal", name=f"conv{index}"
        )(x)
        if index == 1:
            x = _normalize_response(x)
        if index <= 2:
            x = keras.layers.MaxPooling2D(3, strides=2, padding="same", name=f"pool{index}")(x)
    if dropout:
        x = keras.layers.SpatialDropout2D(dropout, name="dropout")(x)
    # Linear, and cut at the ends of the range. It starts small and inside the range, where gradients are.
    small, dark = keras.initializers.RandomNormal(stddev=1e-4), keras.initializers.Constant(0.1)
    x = keras.layers.Conv2D(1, 13, padding="same", kernel_initializer=small, name="conv9")(x)
    x = keras.layers.Conv2DTranspose(
        1, 8, strides=4, padding="same", bias_initializer=dark, dtype="float32", name="deconv1"
    )(x)
    return keras.ops.clip(x, 0.0, 1.0)


SALNET = Backbone(
    name="salnet",
    stride=4,
    connect=_connect,
    # Its first three layers began as those of VGG-CNN-M, which is not in keras.applications.
    encoder_layers=("conv1", "conv2", "conv3"),
    defaults={
        "init": "none",
        "gan_epochs": 0,
        "content_loss": "mse",
        "optimizer": "sgd",
        "learning_rate": 1e-2,
        "weight_decay": 5e-4,
    },
)
