"""The optimizers: the released code's AdaGrad, and an AdamW with a smaller rate in pretrained layers."""

import keras


def paper_optimizer(learning_rate: float = 3e-4, weight_decay: float = 1e-4) -> keras.optimizers.Optimizer:
    """Return the released code's AdaGrad: accumulators start at 0, epsilon is 1e-6.

    Weight decay is decoupled: each update also subtracts `learning_rate * weight_decay` of every weight. (The paper
    says 1e-4 and not how; the released code's L2 term has no effect.)
    """
    return keras.optimizers.Adagrad(
        learning_rate, initial_accumulator_value=0.0, epsilon=1e-6, weight_decay=weight_decay
    )


@keras.saving.register_keras_serializable("salgan_tf")
class LayerwiseAdamW(keras.optimizers.AdamW):
    """AdamW whose learning rate is multiplied by `rate` in some layers (ULMFiT's discriminative rates).

    Args:
        learning_rate: as in `keras.optimizers.AdamW`, or a schedule.
        layers: names of the layers.
        rate: factor of their updates. Weight decay is the same in all layers.
        kwargs: of `keras.optimizers.AdamW`.
    """

    def __init__(self, learning_rate=1e-3, layers: tuple[str, ...] = (), rate: float = 1.0, **kwargs):
        super().__init__(learning_rate, **kwargs)
        self.layers, self.rate = tuple(layers), rate

    def update_step(self, gradient, variable, learning_rate):
        # `variable` may be TensorFlow's own, which does not know its layer, instead of Keras'.
        path = self._trainable_variables[self._get_variable_index(variable)].path
        if path.split("/")[-2] in self.layers:
            learning_rate = learning_rate * self.rate
        super().update_step(gradient, variable, learning_rate)

    def get_config(self) -> dict:
        return super().get_config() | {"layers": list(self.layers), "rate": self.rate}
