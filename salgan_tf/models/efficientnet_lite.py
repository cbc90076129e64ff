"""EfficientNet-Lite 0 and 2 (Google 2020, of Tan and Le 2019) as encoders of `edge_decoder`.

They are EfficientNets for int8: without squeeze-and-excite, and with ReLU6 throughout. Batch norm is folded into the
convolutions, as in `mobilenet_v2`.
"""

import keras

from salgan_tf.models.backbone import Backbone
from salgan_tf.models.edge_decoder import SLIM, connect_decoder
from salgan_tf.models.inverted_residual import convolution, inverted_residual
from salgan_tf.models.mobilenet_v2 import DEFAULTS

# Kernel size and stride of the first block of the stages. The first stage does not expand, the others do 6 times.
_STAGES = ((3, 1), (3, 2), (5, 2), (3, 2), (5, 1), (5, 2), (3, 1))
# The stages that leave 1/16, 1/8 and 1/4 of the image's size.
_SKIPS = (5, 3, 2)


# Filters of each stage, and number of its blocks.
_LITE0 = (16, 24, 40, 80, 112, 192, 320), (1, 2, 2, 3, 3, 4, 1)
_LITE2 = (16, 24, 48, 88, 120, 208, 352), (1, 3, 3, 4, 4, 5, 1)


def _make_backbone(name: str, filters: tuple[int, ...], blocks: tuple[int, ...], width: float = 1.0) -> Backbone:
    """Make a backbone of an encoder's filters and blocks, and of a decoder's width."""
    names = [[f"stage{stage}_{block}" for block in range(count)] for stage, count in enumerate(blocks)]

    def connect(image, dropout: float):
        x = keras.layers.Rescaling(1 / 128, offset=-127 / 128, name="preprocessing")(image)
        x = convolution(x, 32, 3, "stem", stride=2)
        entries = []
        for stage, ((size, stride), channels) in enumerate(zip(_STAGES, filters, strict=True)):
            for block, block_name in enumerate(names[stage]):
                x, expansion = inverted_residual(
                    x, channels, 1 if block else stride, block_name, size, expand=stage > 0
                )
                if not block:
                    entries.append(expansion)
        return connect_decoder(image, x, [entries[stage] for stage in _SKIPS], dropout, width)

    later = [block for stage in names[1:] for block in stage]
    return Backbone(
        name=name,
        stride=32,
        connect=connect,
        encoder_layers=(
            *("stem", f"{names[0][0]}_depthwise", f"{names[0][0]}_project"),
            *(f"{block}_{part}" for block in later for part in ("expand", "depthwise", "project")),
        ),
        defaults=DEFAULTS,
    )


EFFICIENTNET_LITE0 = _make_backbone("efficientnet_lite0", *_LITE0)
EFFICIENTNET_LITE0_SLIM = _make_backbone("efficientnet_lite0_slim", *_LITE0, SLIM)
EFFICIENTNET_LITE2 = _make_backbone("efficientnet_lite2", *_LITE2)
