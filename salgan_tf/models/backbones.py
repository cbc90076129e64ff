"""The backbones of generators, by name."""

from salgan_tf.models.backbone import Backbone
from salgan_tf.models.efficientnet_lite import EFFICIENTNET_LITE0, EFFICIENTNET_LITE0_SLIM, EFFICIENTNET_LITE2
from salgan_tf.models.mlnet import MLNET
from salgan_tf.models.mobilenet_v2 import MOBILENET_V2, MOBILENET_V2_SLIM
from salgan_tf.models.salicon import SALICON
from salgan_tf.models.salnet import SALNET
from salgan_tf.models.vgg16 import VGG16

BACKBONES: dict[str, Backbone] = {
    backbone.name: backbone
    for backbone in (
        *(MOBILENET_V2, MOBILENET_V2_SLIM, EFFICIENTNET_LITE0, EFFICIENTNET_LITE0_SLIM, EFFICIENTNET_LITE2),
        *(VGG16, MLNET, SALNET, SALICON),
    )
}
