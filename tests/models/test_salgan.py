"""SalGAN in `fit`: the turns, the weights that move, the logs, and that files and devices change nothing."""

import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from network_checks import assert_same_weights

from salgan_tf import SalGAN, build_discriminator, build_generator, losses
from salgan_tf.metrics import maps, points
from salgan_tf.models.optimizers import paper_optimizer

LOSS_NAMES = {"loss", "content_loss", "generator_loss", "discriminator_loss"}
MAP_NAMES = {"cc", "kl", "sim", "nss"}

# The two devices must be configured before TensorFlow is used at all, so this runs in a process of its own.
TWO_DEVICES_SCRIPT = """
import keras, numpy as np, tensorflow as tf
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2)
import test_salgan
batches = test_salgan.make_batches(6, batch_size=4)
keras.utils.set_random_seed(0)
start = test_salgan.make_salgan().get_weights()
results, measured = [], []
for strategy in (tf.distribute.get_strategy(), tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])):
    with strategy.scope():
        salgan = test_salgan.make_salgan(updates=UPDATES)
        salgan.set_weights(start)
        salgan.compile()
    test_salgan.fit(salgan, batches)
    results.append(salgan.get_weights())
    assert keras.ops.convert_to_numpy(salgan.steps) == 6
    # Of seven images in fours, the last batch has two for the first device and one for the second.
    uneven = test_salgan.make_batches(7, batch_size=1).unbatch().batch(4)
    measured.append(salgan.evaluate(uneven, verbose=0, return_dict=True))
    print(strategy.num_replicas_in_sync, "devices")
assert any(np.abs(old - new).max() > 1e-3 for old, new in zip(start, results[0]))
for expected, found in zip(*results, strict=True):
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
for name, value in measured[0].items():
    np.testing.assert_allclose(measured[1][name], value, rtol=1e-4, err_msg=name)
"""


@pytest.fixture(autouse=True)
def seed():
    keras.utils.set_random_seed(0)


@pytest.fixture
def mixed_float16():
    keras.config.set_dtype_policy("mixed_float16")
    yield
    keras.config.set_dtype_policy("float32")


def make_generator() -> keras.Model:
    """Make a generator of a frozen and a trainable convolution, with preprocessing inside as in the real ones."""
    image = keras.Input((16, 16, 3), name="image")
    x = keras.layers.Rescaling(1 / 127.5, offset=-1.0)(image)
    x = keras.layers.Conv2D(4, 3, padding="same", activation="relu", trainable=False, name="frozen")(x)
    saliency = keras.layers.Conv2D(1, 3, padding="same", activation="sigmoid", dtype="float32", name="output")(x)
    return keras.Model(image, saliency, name="tiny")


def make_salgan(spectral_normalization: bool = False, **options) -> SalGAN:
    return SalGAN(make_generator(), build_discriminator((16, 16, 3), spectral_normalization), **options)


def make_batches(count: int, batch_size: int = 2, fixations: bool = True) -> tf.data.Dataset:
    """Make `count` batches of random images and truths, always the same ones."""
    random = np.random.default_rng(1)
    shape = (count * batch_size, 16, 16, 1)
    truth = {"saliency": random.uniform(size=shape).astype(np.float32) ** 3}
    if fixations:
        truth["fixations"] = random.poisson(0.1, shape).astype(np.float32)
    images = random.uniform(0, 255, (*shape[:3], 3)).astype(np.float32)
    return tf.data.Dataset.from_tensor_slices((images, truth)).batch(batch_size, drop_remainder=True)


def fit(salgan: SalGAN, data, *arguments, eagerly: bool = False, **options) -> dict[str, list[float]]:
    """Fit in the order of the data, eagerly where tracing would take the most time, and return the epochs' history."""
    salgan.run_eagerly = eagerly
    return salgan.fit(data, *arguments, shuffle=False, verbose=0, **options).history


def get_weights(salgan: SalGAN) -> dict[str, list[np.ndarray]]:
    """Return copies of the weights, grouped by the training that may change them."""
    groups = {"generator": salgan.generator.trainable_weights, "frozen": salgan.generator.non_trainable_weights}
    if salgan.discriminator is not None:
        groups["discriminator"] = salgan.discriminator.trainable_weights
        groups["fixed"] = salgan.discriminator.non_trainable_weights
    return {name: [np.array(weight) for weight in weights] for name, weights in groups.items()}


def find_moved(before: dict, after: dict) -> set[str]:
    """Name the groups of which any weight has moved."""
    return {
        name
        for name, weights in before.items()
        if any((old != new).any() for old, new in zip(weights, after[name], strict=True))
    }


class Watch(keras.callbacks.Callback):
    """A callback that notes after each batch which weights it has moved."""

    def __init__(self):
        super().__init__()
        self.moved = []

    def on_train_begin(self, logs=None):
        self.before = get_weights(self.model)

    def on_train_batch_end(self, batch, logs=None):
        after = get_weights(self.model)
        self.moved.append(find_moved(self.before, after))
        self.before = after


# === Turns ===


@pytest.mark.parametrize("spectral_normalization", [False, True])
def test_batches_train_the_discriminator_and_the_generator_in_turn(spectral_normalization):
    """The count of batches starts again neither with an epoch nor with a call of fit."""
    salgan = make_salgan(spectral_normalization)
    salgan.compile()
    # The vectors of the power iteration belong to spectral normalisation, and move with its discriminator.
    discriminator = {"discriminator", "fixed"} if spectral_normalization else {"discriminator"}
    generator, watch = {"generator"}, Watch()
    fit(salgan, make_batches(3), epochs=2, callbacks=[watch])
    assert watch.moved == [discriminator, generator] * 3
    fit(salgan, make_batches(1), callbacks=[watch])
    assert int(salgan.steps) == 7
    fit(salgan, make_batches(2), callbacks=[watch])
    assert watch.moved[6:] == [discriminator, generator, discriminator]
    assert int(salgan.steps) == 9


def test_train_on_batch_takes_turns_too():
    salgan = make_salgan()
    salgan.compile()
    moved = []
    for image, truth in make_batches(3):
        before = get_weights(salgan)
        logs = salgan.train_on_batch(image, truth, return_dict=True)
        moved.append(find_moved(before, get_weights(salgan)))
        assert set(logs) == ({"discriminator_loss"} if len(moved) % 2 else LOSS_NAMES - {"discriminator_loss"})
    assert moved == [{"discriminator"}, {"generator"}, {"discriminator"}]


@pytest.mark.parametrize("steps_per_execution", [1, 2])
def test_updates_of_both_move_both_in_every_batch(steps_per_execution):
    salgan = make_salgan(updates="both")
    salgan.compile(steps_per_execution=steps_per_execution)
    watch = Watch()
    history = fit(salgan, make_batches(2), callbacks=[watch])
    assert all(moved == {"generator", "discriminator"} for moved in watch.moved)
    assert watch.moved
    assert set(history) == LOSS_NAMES
    assert np.isfinite(list(history.values())).all()
    # A batch counts as one, however many of them run in one call.
    assert int(salgan.steps) == 2


def test_turns_work_with_xla():
    salgan = make_salgan()
    salgan.compile(jit_compile=True)
    watch = Watch()
    fit(salgan, make_batches(2), callbacks=[watch])
    assert watch.moved == [{"discriminator"}, {"generator"}]


def test_without_discriminator_every_batch_trains_the_content_loss():
    salgan = SalGAN(make_generator())
    salgan.compile(keras.optimizers.Adam(0.01))
    watch = Watch()
    history = fit(salgan, make_batches(3), epochs=5, callbacks=[watch], eagerly=True)
    assert watch.moved == [{"generator"}] * 15
    assert set(history) == {"loss", "content_loss"}
    assert history["content_loss"][-1] < history["content_loss"][0]


def test_unknown_updates_and_several_steps_per_turn_are_refused():
    with pytest.raises(ValueError, match="updates"):
        make_salgan(updates="sometimes")
    with pytest.raises(ValueError, match="steps_per_execution"):
        make_salgan().compile(steps_per_execution=2)


def test_paper_optimizer_is_the_released_codes():
    """One step from a gradient g with accumulators of 0: w - r w d - r g / sqrt(g^2 + 1e-6)."""
    weight = keras.Variable(np.array([1.0, -2.0, 3.0], np.float32))
    gradient = np.array([0.5, 1e-3, 0.0])
    optimizer = paper_optimizer(learning_rate=0.1, weight_decay=0.01)
    optimizer.apply([keras.ops.convert_to_tensor(gradient, "float32")], [weight])
    start = np.array([1.0, -2.0, 3.0])
    expected = start - 0.1 * 0.01 * start - 0.1 * gradient / np.sqrt(gradient**2 + 1e-6)
    np.testing.assert_allclose(weight, expected, rtol=1e-5)
    assert float(paper_optimizer().learning_rate) == pytest.approx(3e-4)
    assert paper_optimizer().weight_decay == pytest.approx(1e-4)


# === What is minimised ===


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_losses_are_those_of_the_paper(smoothing):
    """Measured by `evaluate`, and computed here from the outputs of the two networks."""
    salgan = make_salgan(alpha=0.3, label_smoothing=smoothing)
    salgan.compile()
    ((image, truth),) = make_batches(1, batch_size=3)
    logs = salgan.evaluate(image, truth, batch_size=3, return_dict=True, verbose=0)
    saliency = salgan.generator(image)
    real, fake = (
        np.asarray(salgan.discriminator(np.concatenate([judged, image], axis=-1)))
        for judged in (truth["saliency"], saliency)
    )
    content = np.mean(losses.downsampled_binary_crossentropy(truth["saliency"], saliency))
    assert logs["content_loss"] == pytest.approx(content, rel=1e-4)
    assert logs["generator_loss"] == pytest.approx(-np.log(fake).mean() + 0.3 * content, rel=1e-4)
    on_real = -((1 - smoothing) * np.log(real) + smoothing * np.log(1 - real)).mean()
    expected = (on_real - np.log(1 - fake).mean()) / 2
    assert logs["discriminator_loss"] == pytest.approx(expected, rel=1e-4)


def test_a_batch_is_one_step_down_the_gradients_of_these_losses():
    salgan = make_salgan(updates="both", alpha=0.3, content_loss=losses.DensityLoss())
    ((image, truth),) = make_batches(1)
    generator, discriminator = map(keras.models.clone_model, (salgan.generator, salgan.discriminator))
    generator.set_weights(salgan.generator.get_weights())
    discriminator.set_weights(salgan.discriminator.get_weights())
    salgan.compile(keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.2))
    fit(salgan, make_batches(1), eagerly=True)

    def judge(saliency):
        return discriminator(tf.concat([saliency, image], axis=-1))

    saliency = generator(image)
    with tf.GradientTape() as tape:
        loss = -tf.reduce_mean(tf.math.log(judge(truth["saliency"])) + tf.math.log(1 - judge(saliency))) / 2
    weights = discriminator.trainable_weights
    keras.optimizers.SGD(0.2).apply(tape.gradient(loss, weights), weights)
    with tf.GradientTape() as tape:
        saliency = generator(image)
        content = tf.reduce_mean(losses.DensityLoss()(truth, saliency))
        loss = 0.3 * content - tf.reduce_mean(tf.math.log(judge(saliency)))
    weights = generator.trainable_weights
    keras.optimizers.SGD(0.1).apply(tape.gradient(loss, weights), weights)
    assert_same_weights(salgan.discriminator, discriminator, 1e-6)
    assert_same_weights(salgan.generator, generator, 1e-6)


@pytest.mark.parametrize("fixations", [True, False])
@pytest.mark.parametrize("adversarial", [True, False])
def test_logs_name_losses_and_metrics(fixations, adversarial):
    salgan = make_salgan() if adversarial else SalGAN(make_generator(), content_loss=losses.DensityLoss())
    salgan.compile()
    batches = make_batches(2, fixations=fixations)
    history = fit(salgan, batches, validation_data=batches, eagerly=True)
    loss_names = LOSS_NAMES if adversarial else {"loss", "content_loss"}
    measured = loss_names | (MAP_NAMES if fixations else MAP_NAMES - {"nss"})
    assert set(history) == loss_names | {f"val_{name}" for name in measured}
    assert np.isfinite(list(history.values())).all()
    assert set(salgan.evaluate(batches, return_dict=True, verbose=0)) == measured


def test_map_metrics_are_means_over_images():
    """Over images, although the second batch is smaller and has no fixations; NSS over the images with fixations."""
    ((image, truth),) = make_batches(1, batch_size=5)
    truth = {name: np.array(values) for name, values in truth.items()}
    truth["fixations"][[1, 3, 4]] = 0
    salgan = SalGAN(make_generator())
    salgan.compile(run_eagerly=True)
    logs = salgan.evaluate(image, truth, batch_size=3, return_dict=True, verbose=0)
    saliency = np.asarray(salgan(image))[..., 0]
    for name, metric in {"cc": maps.cc, "kl": maps.kl_divergence, "sim": maps.sim}.items():
        values = [metric(ours, theirs) for ours, theirs in zip(saliency, truth["saliency"][..., 0], strict=True)]
        assert logs[name] == pytest.approx(np.mean(values), rel=1e-4), name
    counts = truth["fixations"][..., 0].astype(int)
    places = {
        index: np.repeat(np.argwhere(counts[index]), counts[index][counts[index] > 0], axis=0) for index in (0, 2)
    }
    expected = np.mean([points.nss(saliency[index], fixations) for index, fixations in places.items()])
    assert logs["nss"] == pytest.approx(expected, rel=1e-4)


def test_validation_moves_nothing_and_takes_no_turn():
    salgan = make_salgan(spectral_normalization=True)
    salgan.compile()
    before = salgan.get_weights()
    salgan.evaluate(make_batches(2), verbose=0)
    assert_same_weights(salgan, before)


def test_call_is_the_generators():
    salgan = make_salgan()
    ((image, _),) = make_batches(1)
    expected = salgan.generator(image)
    np.testing.assert_array_equal(salgan(image), expected)
    np.testing.assert_allclose(salgan.predict(image, verbose=0), expected, rtol=0, atol=1e-6)


def test_moving_average_of_the_generator_ends_up_in_the_generator_alone():
    """A momentum of 1 keeps the weights of the first step; the discriminator is not averaged."""
    start = make_salgan(updates="both")
    trained = {}
    for name, batches, averaged in (("averaged", 3, True), ("one step", 1, False), ("three steps", 3, False)):
        trained[name] = make_salgan(updates="both")
        trained[name].set_weights(start.get_weights())
        trained[name].compile(keras.optimizers.SGD(0.5, use_ema=averaged, ema_momentum=1.0 if averaged else 0.9))
        fit(trained[name], make_batches(3).take(batches), eagerly=True)
    assert_same_weights(trained["averaged"].generator, trained["one step"].generator, 1e-6)
    assert find_moved(get_weights(trained["one step"]), get_weights(trained["three steps"])) >= {"generator"}
    assert_same_weights(trained["averaged"].discriminator, trained["three steps"].discriminator, 1e-6)


# === Files ===


@pytest.mark.parametrize("ending", [".keras", ".weights.h5"])
@pytest.mark.parametrize("optimizer", [paper_optimizer, lambda: keras.optimizers.AdamW(0.01, use_ema=True)])
def test_training_continues_from_a_file_as_if_uninterrupted(ending, optimizer, tmp_path):
    """Three batches come before the break, so that the turn, too, must come from the file."""
    batches = make_batches(6)
    salgan = make_salgan(alpha=0.4, content_loss=losses.DensityLoss(kl=0.3))
    salgan.compile(optimizer(), optimizer())
    fit(salgan, batches.take(3), eagerly=True)
    path = tmp_path / f"salgan{ending}"
    if ending == ".keras":
        salgan.save(path)
        loaded = keras.saving.load_model(path)
        assert (loaded.alpha, loaded.updates) == (0.4, "alternate")
        assert loaded.content_loss.get_config() == losses.DensityLoss(kl=0.3).get_config()
    else:
        salgan.save_weights(path)
        loaded = make_salgan(alpha=0.4, content_loss=losses.DensityLoss(kl=0.3))
        loaded.compile(optimizer(), optimizer())
        loaded.load_weights(path)
    assert int(loaded.steps) == 3
    assert_same_weights(salgan, loaded)
    for model in (salgan, loaded):
        fit(model, batches.skip(3), eagerly=True)
        assert int(model.steps) == 6
    assert_same_weights(salgan, loaded, 1e-6)


@pytest.mark.parametrize("discriminator", [True, False])
def test_uncompiled_salgan_survives_being_saved(discriminator, tmp_path):
    salgan = make_salgan(updates="both") if discriminator else SalGAN(make_generator(), alpha=0.2)
    salgan.steps.assign(5)
    salgan.save(tmp_path / "salgan.keras")
    loaded = keras.saving.load_model(tmp_path / "salgan.keras")
    assert (loaded.discriminator is not None) == discriminator
    assert (loaded.alpha, loaded.updates, int(loaded.steps)) == (salgan.alpha, salgan.updates, 5)
    assert_same_weights(salgan, loaded)


# === Precision and devices ===


def test_mixed_precision_scales_both_losses(mixed_float16):
    salgan = SalGAN(build_generator("mobilenet_v2", (32, 32, 3)), build_discriminator((32, 32, 3)), updates="both")
    assert salgan.generator.get_layer("Conv1").compute_dtype == "float16"
    random = np.random.default_rng(2)
    image = random.uniform(0, 255, (2, 32, 32, 3)).astype(np.float32)
    truth = {name: random.uniform(size=(2, 32, 32, 1)).astype(np.float32) for name in ("saliency", "fixations")}
    salgan.compile()
    assert isinstance(salgan.optimizer, keras.optimizers.LossScaleOptimizer)
    assert isinstance(salgan.discriminator_optimizer, keras.optimizers.LossScaleOptimizer)
    before = get_weights(salgan)
    # A step whose gradients overflow is skipped, and the next one is scaled less: not every step moves something.
    history = fit(salgan, image, truth, epochs=3, validation_data=(image, truth), eagerly=True)
    assert np.isfinite(list(history.values())).all()
    assert find_moved(before, get_weights(salgan)) == {"generator", "discriminator"}
    assert all(np.isfinite(weight).all() for weight in salgan.get_weights())
    saliency = np.asarray(salgan(image))
    assert saliency.dtype == np.float32
    assert np.isfinite(saliency).all()


def test_mixed_precision_training_continues_from_a_file(mixed_float16, tmp_path):
    salgan = make_salgan(updates="both")
    salgan.compile()
    fit(salgan, make_batches(2), eagerly=True)
    salgan.save(tmp_path / "salgan.keras")
    loaded = keras.saving.load_model(tmp_path / "salgan.keras")
    for model in (salgan, loaded):
        fit(model, make_batches(2), eagerly=True)
    assert_same_weights(salgan, loaded, 1e-6)


@pytest.mark.parametrize("updates", ["alternate", "both"])
def test_two_devices_train_as_one_does(updates, request):
    script = TWO_DEVICES_SCRIPT.replace("UPDATES", repr(updates))
    command, folder = [sys.executable, "-c", script], request.path.parent
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stderr[-3000:]
    assert result.stdout.split("\n")[:2] == ["1 devices", "2 devices"]
