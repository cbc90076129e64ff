"""The optimizers that Keras does not have."""

import keras
import numpy as np
import pytest

from salgan_tf.models.optimizers import LayerwiseAdamW


def two_layers(optimizer: keras.optimizers.Optimizer) -> keras.Model:
    inputs = keras.Input((2,))
    hidden = keras.layers.Dense(2, kernel_initializer="ones", name="encoder")(inputs)
    model = keras.Model(inputs, keras.layers.Dense(2, kernel_initializer="ones", name="decoder")(hidden))
    model.compile(optimizer, "mse")
    return model


def moved(model: keras.Model) -> dict[str, np.ndarray]:
    """Train for a step; return the change of each layer's kernel."""
    before = {name: model.get_layer(name).get_weights()[0] for name in ("encoder", "decoder")}
    model.fit(np.ones((4, 2)), np.zeros((4, 2)), verbose=0)
    return {name: model.get_layer(name).get_weights()[0] - kernel for name, kernel in before.items()}


@pytest.mark.parametrize("rate", [0.0, 0.25, 1.0])
def test_named_layers_learn_at_their_share_of_the_rate(rate):
    steps = moved(two_layers(LayerwiseAdamW(0.1, ("encoder",), rate, weight_decay=0.0)))
    # Adam's first step is the learning rate, independent of the gradient.
    np.testing.assert_allclose(steps["decoder"], -0.1, rtol=1e-4)
    np.testing.assert_allclose(steps["encoder"], -0.1 * rate, rtol=1e-4, atol=1e-8)


def test_it_survives_saving_and_loading(tmp_path):
    model = two_layers(LayerwiseAdamW(0.1, ("encoder",), 0.25, weight_decay=0.0))
    moved(model)
    model.save(tmp_path / "model.keras")
    restored = keras.saving.load_model(tmp_path / "model.keras")
    expected, found = moved(model), moved(restored)
    for name in expected:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-5)
