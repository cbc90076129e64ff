"""The generator: a photograph in, its saliency map out, as a Keras functional model with all preprocessing inside."""

from pathlib import Path

import keras

from salgan_tf.models.backbones import BACKBONES
from salgan_tf.models.pretrained import load_pretrained
from salgan_tf.models.shapes import check_image_shape


def build_generator(
    backbone: str = "vgg16",
    image_shape: tuple[int, int, int] = (192, 256, 3),
    weights: str | Path | None = None,
    name: str | None = None,
    dropout: float = 0.0,
) -> keras.Model:
    """Build a generator.

    Args:
        backbone: a name of `BACKBONES`: `"vgg16"`, the paper's (Pan et al. 2017, section 3.1; 31,787,009 parameters,
            encoder blocks 1 to 3 frozen); `"mobilenet_v2"`, a generator for devices (2.8 million parameters);
            `"efficientnet_lite0"` and `"efficientnet_lite2"`, the same decoder on a larger encoder (3.9 and 5.4
            million); `"mobilenet_v2_slim"` and `"efficientnet_lite0_slim"`, a narrower decoder (2.0 and 3.2 million);
            or `"mlnet"`, `"salnet"` and `"salicon"`, the systems that the paper compares with.
        image_shape: (H, W, 3), with H and W multiples of the backbone's stride: 16 (vgg16), 32 (MobileNetV2 and
            EfficientNet-Lite), 8 (mlnet), 4 (salnet) or 64 (salicon).
        weights: `None` for a random start; `"imagenet"` for an encoder trained on ImageNet, fetched by
            keras.applications; `"edge"` for the bundled efficientnet_lite0_slim, which is best at (256, 320, 3);
            `"salgan"` for the bundled vgg16; or a local file, see `salgan_tf.models.pretrained.load_pretrained`.
        name: the model's name, by default `salgan_` and the backbone's name.
        dropout: share of the decoder's feature maps to drop in each training step.

    Returns:
        A functional model from `image` (B, H, W, 3), RGB in [0, 255], to saliency (B, H, W, 1), float32 in [0, 1].

    Raises:
        ValueError: an unknown backbone or an illegal `image_shape`.
        salgan_tf.InputError: the file of weights is missing or belongs to another network.
    """
    if backbone not in BACKBONES:
        raise ValueError(f"unknown backbone {backbone!r}: expected one of {', '.join(map(repr, BACKBONES))}")
    network = BACKBONES[backbone]
    image_shape = check_image_shape(image_shape, network.stride, backbone)
    image = keras.Input(image_shape, name="image")
    generator = keras.Model(image, network.connect(image, dropout), name=name or f"salgan_{backbone}")
    for layer in network.encoder_layers[: network.frozen]:
        generator.get_layer(layer).trainable = False
    if weights is not None:
        load_pretrained(generator, network, weights)
    return generator
