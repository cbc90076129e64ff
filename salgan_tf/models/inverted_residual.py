"""The blocks of networks for devices: convolutions with ReLU6, and inverted residuals (Sandler et al. 2018)."""

import keras


def convolution(x, filters: int, size: int, name: str, stride: int = 1, relu: bool = True):
    """Connect a convolution with a bias, and a ReLU6 behind it; "same" padding."""
    x = keras.layers.Conv2D(filters, size, strides=stride, padding="same", kernel_initializer="he_normal", name=name)(x)
    return keras.layers.ReLU(6.0, name=f"{name}_relu")(x) if relu else x


def pointwise(x, filters: int, name: str, relu: bool = True):
    """Connect a 1x1 convolution, and a ReLU6 behind it."""
    return convolution(x, filters, 1, name, relu=relu)


def depthwise(x, name: str, stride: int = 1, size: int = 3):
    """Connect a depthwise convolution, and a ReLU6 behind it."""
    # On even sizes TensorFlow's "same" pads as the networks do: one pixel less above and left than below and right.
    # Keras' he_normal counts all channels as inputs of a depthwise filter, which has one: after seven such layers no
    # signal would be left.
    start = keras.initializers.RandomNormal(stddev=(2 / size**2) ** 0.5)
    layer = keras.layers.DepthwiseConv2D(size, strides=stride, padding="same", depthwise_initializer=start, name=name)
    return keras.layers.ReLU(6.0, name=f"{name}_relu")(layer(x))


def inverted_residual(x, filters: int, stride: int, name: str, size: int = 3, expand: bool = True):
    """Connect a block; return its output and its expansion, the widest view of the block's input.

    Args:
        x: the block's input.
        filters: channels of the output.
        stride: of the depthwise convolution.
        name: the layers are `name_expand`, `name_depthwise` and `name_project`.
        size: of the depthwise kernel.
        expand: whether there is an expansion, to six times the channels. Without it, the input stands for it.
    """
    expanded = pointwise(x, 6 * x.shape[-1], f"{name}_expand") if expand else x
    y = depthwise(expanded, f"{name}_depthwise", stride, size)
    y = pointwise(y, filters, f"{name}_project", relu=False)
    if stride == 1 and x.shape[-1] == filters:
        y = keras.layers.Add(name=f"{name}_add")([x, y])
    return y, expanded
