"""The discriminator: from an image and a map to the probability that the map was recorded (Pan et al. 2017, 3.2)."""

import keras

from salgan_tf.models.shapes import check_image_shape


@keras.saving.register_keras_serializable("salgan_tf")
class WeightNormConv2D(keras.layers.Conv2D):
    """A convolution that divides each filter W by its length, like the released code: W g / sqrt(1e-6 + sum(W^2)).

    The gain g of each filter is stored with the weights and is not trained: released files have their own.
    """

    def build(self, input_shape):
        super().build(input_shape)
        self.gain = self.add_weight(shape=(self.filters,), initializer="ones", trainable=False, name="gain")

    def save_own_variables(self, store):
        # Conv2D stores its own variables by name, without the gain.
        super().save_own_variables(store)
        if self.built:
            store["gain"] = self.gain

    def load_own_variables(self, store):
        super().load_own_variables(store)
        if self.built:
            self.gain.assign(store["gain"])

    def convolution_op(self, inputs, kernel):
        squares = keras.ops.sum(keras.ops.square(keras.ops.cast(kernel, "float32")), axis=(0, 1, 2))
        scale = keras.ops.cast(self.gain, "float32") * keras.ops.rsqrt(1e-6 + squares)
        return super().convolution_op(inputs, kernel * keras.ops.cast(scale, kernel.dtype))


@keras.saving.register_keras_serializable("salgan_tf")
class MergeInitializer(keras.initializers.GlorotUniform):
    """Glorot's uniform initializer for `merge`, with the weights of the RGB channels 255 times smaller.

    Saliency is in [0, 1] and RGB in [0, 255]. With the same scale for all four channels, `fc4` starts where tanh is
    flat to the last bit of a float: no gradient passes, and the discriminator always answers 1/2.
    """

    def __call__(self, shape, dtype=None):
        scale = keras.ops.convert_to_tensor([[1.0], [1 / 255], [1 / 255], [1 / 255]], dtype=dtype or "float32")
        return super().__call__(shape, dtype) * scale


def build_discriminator(
    image_shape: tuple[int, int, int] = (192, 256, 3),
    spectral_normalization: bool = False,
    name: str = "discriminator",
) -> keras.Model:
    """Build the discriminator of the released code (1,359,424 parameters at 192x256).

    Args:
        image_shape: (H, W, 3), with H and W multiples of 16.
        spectral_normalization: wrap all layers except the last in Keras' `SpectralNormalization` (Miyato et al. 2018)
            instead of weight-normalising `conv3_1` and `conv3_2`.
        name: the model's name.

    Returns:
        A functional model from (B, H, W, 4), the saliency map in [0, 1] first and then the image's RGB in [0, 255],
        to a probability (B, 1), float32.

    Raises:
        ValueError: an illegal `image_shape`.
    """
    height, width, _ = check_image_shape(image_shape, 16, name)

    def layer(plain: keras.layers.Layer) -> keras.layers.Layer:
        return keras.layers.SpectralNormalization(plain, name=plain.name) if spectral_normalization else plain

    def convolution(filters: int, name: str, kind=keras.layers.Conv2D) -> keras.layers.Layer:
        return layer(kind(filters, 3, padding="same", activation="relu", name=name))

    normalized = keras.layers.Conv2D if spectral_normalization else WeightNormConv2D
    inputs = keras.Input((height, width, 4), name="saliency_and_image")
    merge = keras.layers.Conv2D(3, 1, activation="relu", kernel_initializer=MergeInitializer(), name="merge")
    x = layer(merge)(inputs)
    x = convolution(32, "conv1")(x)
    x = keras.layers.MaxPooling2D(4, name="pool1")(x)
    x = convolution(64, "conv2_1")(x)
    x = convolution(64, "conv2_2")(x)
    x = keras.layers.MaxPooling2D(2, name="pool2")(x)
    x = convolution(64, "conv3_1", kind=normalized)(x)
    x = convolution(64, "conv3_2", kind=normalized)(x)
    x = keras.layers.MaxPooling2D(2, name="pool3")(x)
    x = keras.layers.Flatten(name="flatten")(x)
    x = layer(keras.layers.Dense(100, activation="tanh", name="fc4"))(x)
    x = layer(keras.layers.Dense(2, activation="tanh", name="fc5"))(x)
    x = keras.layers.Dense(1, activation="sigmoid", dtype="float32", name="prob")(x)
    return keras.Model(inputs, x, name=name)
