"""ML-Net (Cornia et al., ICPR 2016): features of three depths of VGG-16, and a learned prior of where people look."""

import keras

from salgan_tf.models.backbone import Backbone
from salgan_tf.models.vgg16 import ENCODER_LAYERS, connect_encoder

# The prior has one weight for each square of 10 x 10 features.
_PRIOR_SIDE = 10


def _connect_prior(features):
    """Connect 1 + U, the learned prior (B, H/8, W/8, 1), which starts as 1 everywhere."""
    height, width = features.shape[1:3]
    rows, columns = max(height // _PRIOR_SIDE, 1), max(width // _PRIOR_SIDE, 1)
    # The weights of a layer without inputs: a Dense layer of a constant 1.
    one = keras.ops.ones_like(features[:, 0, 0, :1])
    decay = keras.regularizers.L2(1 / (rows * columns))
    x = keras.layers.Dense(
        rows * columns, use_bias=False, kernel_initializer="zeros", kernel_regularizer=decay, name="prior"
    )(one)
    x = keras.layers.Reshape((rows, columns, 1), name="prior_grid")(x)
    x = keras.layers.Resizing(height, width, interpolation="bilinear", name="prior_resizing")(x)
    return x + 1.0


def _connect(image, dropout: float):
    outputs = connect_encoder(image, last_pool=1)
    x = keras.layers.Concatenate(name="features")([outputs[name] for name in ("pool3", "pool4", "conv5")])
    if dropout:
        x = keras.layers.Dropout(dropout, name="features_dropout")(x)
    x = keras.layers.Conv2D(64, 3, padding="same", activation="relu", name="readout")(x)
    x = keras.layers.Conv2D(1, 1, activation="relu", name="output")(x)
    x = keras.layers.ReLU(name="prior_relu")(x * _connect_prior(x))
    x = keras.layers.Resizing(image.shape[1], image.shape[2], dtype="float32", name="saliency")(x)
    # Its scale is free: the paper's loss, too, compares the map divided by its maximum.
    return x / keras.ops.maximum(keras.ops.max(x, axis=(1, 2, 3), keepdims=True), keras.config.epsilon())


MLNET = Backbone(
    name="mlnet",
    stride=8,
    connect=_connect,
    encoder_layers=ENCODER_LAYERS,
    application="VGG16",
    defaults={
        "batch_size": 10,
        "bce_epochs": 20,
        "gan_epochs": 0,
        "content_loss": "mlnet",
        "optimizer": "sgd",
        "learning_rate": 1e-3,
        "weight_decay": 5e-4,
        "dropout": 0.5,
    },
)
