"""What a Keras user tries with SalGAN: it works, or one sentence says what to do instead."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from salgan_tf import SalGAN, build_discriminator, build_generator, losses

IMAGES = np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3)).astype(np.float32)
MAPS = np.random.default_rng(1).random((4, 16, 16, 1), np.float32)


def make_salgan(discriminator: bool = True, **options) -> SalGAN:
    keras.utils.set_random_seed(0)
    image = keras.Input((16, 16, 3), name="image")
    x = keras.layers.Rescaling(1 / 255)(image)
    x = keras.layers.Conv2D(1, 3, padding="same", activation="sigmoid", kernel_regularizer="l2")(x)
    return SalGAN(keras.Model(image, x), build_discriminator((16, 16, 3)) if discriminator else None, **options)


def fit(salgan: SalGAN, truth, images=IMAGES, **options) -> dict[str, list[float]]:
    options = {"batch_size": 2, "shuffle": False, "verbose": 0} | options
    return salgan.fit(images, truth, **options).history


# === compile ===


@pytest.mark.parametrize(
    ("arguments", "options", "rates"),
    [
        (("adam",), {}, (0.001, 0.001)),
        ((), {"optimizer": keras.optimizers.Adam(0.02)}, (0.02, 0.02)),
        ((keras.optimizers.Adam(0.02), keras.optimizers.Adam(0.03)), {}, (0.02, 0.03)),
        ((), {"generator_optimizer": keras.optimizers.Adam(0.02), "discriminator_optimizer": "adam"}, (0.02, 0.001)),
        ((), {"generator_optimizer": keras.optimizers.Adam(0.02)}, (0.02, 0.0003)),
        ((), {}, (0.0003, 0.0003)),
    ],
)
def test_compile_sets_the_optimizers_of_both_networks(arguments, options, rates):
    salgan = make_salgan(updates="both")
    salgan.compile(*arguments, **options, run_eagerly=True)
    optimizers = (salgan.optimizer, salgan.discriminator_optimizer)
    assert [float(optimizer.learning_rate) for optimizer in optimizers] == pytest.approx(rates)
    assert np.isfinite(fit(salgan, MAPS)["loss"]).all()


def test_one_optimizer_for_both_networks_is_copied():
    optimizer = keras.optimizers.Adam(0.02)
    salgan = make_salgan(updates="both")
    salgan.compile(optimizer, optimizer, run_eagerly=True)
    fit(salgan, {"saliency": MAPS})
    assert salgan.optimizer is optimizer
    assert salgan.discriminator_optimizer is not optimizer
    assert [int(each.iterations) for each in (optimizer, salgan.discriminator_optimizer)] == [2, 2]


@pytest.mark.parametrize("refused", [{"loss": "mse"}, {"loss_weights": [7]}, {"weighted_metrics": ["mae"]}])
def test_losses_of_compile_are_refused(refused):
    with pytest.raises(ValueError, match=rf"compile\({next(iter(refused))}=\).*constructor.*content_loss="):
        make_salgan().compile(**refused)


@pytest.mark.parametrize("discriminator", [True, False])
@pytest.mark.parametrize("loss", ["mse", keras.losses.MeanSquaredError()])
def test_loss_in_place_of_the_discriminators_optimizer_is_refused(loss, discriminator):
    cause = "is not an optimizer" if discriminator else "this SalGAN has no discriminator"
    with pytest.raises(
        ValueError, match=rf"^discriminator_optimizer=.*{cause}; the losses are given to .* content_loss="
    ):
        make_salgan(discriminator).compile("adam", loss)


@pytest.mark.parametrize("metrics", ["mae", keras.losses.mean_absolute_error, keras.metrics.MeanAbsoluteError("mae")])
def test_a_single_metric_needs_no_list(metrics):
    salgan = make_salgan(False)
    salgan.compile(metrics=metrics)
    assert salgan.metrics[-1].name in ("mae", "mean_absolute_error")
    with pytest.raises(ValueError, match=r"metric identifier: 5"):
        salgan.compile(metrics=5)


@pytest.mark.parametrize("metrics", [["mae", "mae"], ["cc_of_mine", "mae", keras.metrics.Mean("loss")]])
def test_metrics_that_cannot_be_told_apart_are_refused(metrics):
    with pytest.raises(ValueError, match=r"metric"):
        make_salgan().compile(metrics=metrics)


# === Metrics and callbacks ===


def test_metrics_compare_the_truth_with_the_maps(tmp_path):
    salgan = make_salgan(updates="both")
    salgan.compile("sgd", metrics=["mae", keras.metrics.RootMeanSquaredError("rmse"), keras.losses.mean_squared_error])
    history = fit(salgan, {"saliency": MAPS}, validation_data=(IMAGES, {"saliency": MAPS}))
    assert {"mae", "rmse", "mean_squared_error", "val_mae", "val_rmse", "val_mean_squared_error"} <= set(history)
    difference = MAPS - np.asarray(salgan(IMAGES))
    assert history["val_mae"][0] == pytest.approx(np.abs(difference).mean(), rel=1e-4)
    assert history["val_rmse"][0] == pytest.approx(np.sqrt((difference**2).mean()), rel=1e-4)
    assert 0 < history["mae"][0] < 1
    salgan.save(tmp_path / "salgan.keras")
    loaded = keras.saving.load_model(tmp_path / "salgan.keras")
    logs = loaded.evaluate(IMAGES, MAPS, verbose=0, return_dict=True)
    assert logs["mae"] == pytest.approx(history["val_mae"][0], rel=1e-4)


@pytest.mark.parametrize("adversarial", [True, False])
def test_callbacks_with_defaults_follow_the_loss_of_the_generator(adversarial, tmp_path):
    salgan = make_salgan(adversarial, alpha=0.3)
    salgan.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    callbacks = [
        keras.callbacks.EarlyStopping(patience=2),
        keras.callbacks.ModelCheckpoint(tmp_path / "best.keras", save_best_only=True),
        keras.callbacks.ReduceLROnPlateau(patience=1, factor=0.5),
    ]
    history = fit(salgan, MAPS, epochs=9, callbacks=callbacks, validation_data=(IMAGES, MAPS))
    assert len(history["val_loss"]) == 3
    assert (tmp_path / "best.keras").exists()
    regularization = float(sum(salgan.generator.losses))
    assert regularization > 0
    whole = history["val_generator_loss" if adversarial else "val_content_loss"][0] + regularization
    assert history["val_loss"][0] == pytest.approx(whole, rel=1e-4)
    assert set(history) >= {"loss", "content_loss", "val_content_loss", "val_cc"}


def test_an_epoch_reports_only_what_it_has_updated():
    salgan = make_salgan()
    salgan.compile(metrics=["mae"], run_eagerly=True)
    reported = []
    note = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: reported.append(set(logs)))
    history = fit(salgan, MAPS[:2], IMAGES[:2], epochs=3, callbacks=[note])
    generator = {"loss", "content_loss", "generator_loss", "mae"}
    assert reported == [{"discriminator_loss"}, generator, {"discriminator_loss"}]
    assert 0 not in {value for values in history.values() for value in values}


# === fit ===


@pytest.mark.parametrize(
    ("truth", "cause"),
    [
        (MAPS * 255, r"saliency maps are in \[.*\]: expected \[0, 1\]"),
        (MAPS - 0.5, r"saliency maps are in \[-0.*\]: expected \[0, 1\]"),
        (np.log(MAPS), r"saliency maps are in"),
        (MAPS * np.nan, r"saliency maps are in \[nan, nan\]"),
        (MAPS[..., 0], r"saliency maps have the shape \(2, 16, 16\): expected \(B, 16, 16, 1\)"),
        (MAPS.reshape(4, 8, 32, 1), r"have the shape \(2, 8, 32, 1\): expected \(B, 16, 16, 1\)"),
        (MAPS.repeat(3, axis=-1), r"have the shape \(2, 16, 16, 3\)"),
        ({"map": MAPS}, r"needs `saliency`, and this one has 'map'"),
        ({"saliency": MAPS, "fixation": MAPS}, r"this one has 'saliency', 'fixation'; `fixations` may be added"),
        (MAPS * [[[[1]]], [[[0]]], [[[1]]], [[[1]]]], r"a saliency map is black all over"),
        ({"saliency": MAPS, "fixations": -MAPS}, r"fixation counts are in .*: expected whole numbers"),
        ({"saliency": MAPS, "fixations": MAPS[..., 0]}, r"fixation counts have the shape"),
        (None, r"the truth is missing"),
    ],
)
@pytest.mark.parametrize("validating", [False, True])
def test_first_batch_outside_the_contract_is_refused_and_trains_nothing(truth, cause, validating):
    salgan = make_salgan()
    salgan.compile(run_eagerly=True)
    before = salgan.get_weights()
    with pytest.raises(ValueError, match=cause):
        salgan.evaluate(IMAGES, truth, batch_size=2, verbose=0) if validating else fit(salgan, truth)
    for old, new in zip(before, salgan.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize(
    ("images", "cause"),
    [
        (IMAGES / 255, r"images are in \[0, 1\]: expected RGB in \[0, 255\]"),
        (IMAGES * 257, r"images are in .*: expected \[0, 255\]"),
        (IMAGES - 128, r"images are in \[-1.*\]: expected \[0, 255\]"),
        (IMAGES[..., 0], r"images have the shape"),
    ],
)
def test_images_outside_the_contract_are_refused(images, cause):
    salgan = make_salgan()
    salgan.compile(run_eagerly=True)
    with pytest.raises(ValueError, match=cause):
        fit(salgan, MAPS, images)


def test_images_without_a_batch_are_refused():
    salgan = make_salgan()
    salgan.compile(run_eagerly=True)
    cause = r"images have the shape \(16, 16, 3\): expected \(B, 16, 16, 3\), a batch of them"
    with pytest.raises(ValueError, match=cause):
        salgan.fit(tf.data.Dataset.from_tensor_slices((IMAGES, MAPS)), shuffle=False, verbose=0)


@pytest.mark.parametrize("method", ["fit", "train_on_batch"])
def test_class_weights_are_refused(method):
    salgan = make_salgan()
    salgan.compile(run_eagerly=True)
    with pytest.raises(ValueError, match=r"class_weight= is not supported"):
        getattr(salgan, method)(IMAGES, MAPS, class_weight={0: 1.0, 1: 2.0})


def test_a_batch_size_of_zero_is_not_the_default():
    salgan = make_salgan()
    salgan.compile(run_eagerly=True)
    with pytest.raises(ValueError, match="batch_size=0: expected at least 1"):
        fit(salgan, MAPS, batch_size=0)


@pytest.mark.parametrize("options", [{}, {"jit_compile": True}, {"steps_per_execution": 2}])
def test_every_call_of_fit_checks_its_first_batch(options):
    """In a compiled step too, where XLA would drop an assertion. Bare maps stand for a dict of `saliency`."""
    salgan = make_salgan(updates="both")
    salgan.compile(**options)
    expected = fit(salgan, MAPS)
    again = make_salgan(updates="both")
    again.compile(**options)
    assert fit(again, {"saliency": MAPS}) == expected
    with pytest.raises(ValueError, match="saliency maps are in"):
        fit(salgan, MAPS * 255)
    assert int(salgan.steps) == 2


# === The constructor ===


@pytest.mark.parametrize(
    ("arguments", "cause"),
    [
        ({"generator": None}, r"^generator=None is not a keras.Model: pass a model of build_generator"),
        ({"generator": "edge"}, r"^generator='edge' is not a keras.Model"),
        ({"discriminator": "edge"}, r"^discriminator='edge' is not a keras.Model: pass a model of build_discriminator"),
        (
            {"generator": build_discriminator((16, 16, 3))},
            r"^generator 'discriminator' maps \(any, 16, 16, 4\) to \(any, 1\), expected \(any, any, any, 3\) to",
        ),
        (
            {"discriminator": make_salgan(False).generator},
            r"^discriminator .*expected \(any, 16, 16, 4\) to \(any, 1\)",
        ),
        ({"discriminator": build_discriminator((32, 16, 3))}, r"^discriminator .*expected \(any, 16, 16, 4\)"),
        *(({"alpha": value}, "^alpha=.*is not a number of at least 0") for value in ("a", np.nan, -1, np.inf, None)),
        *(({"label_smoothing": value}, "^label_smoothing=.*at least 0 and below 1") for value in (2, 1.0, -0.1, "a")),
    ],
)
def test_constructor_refuses_what_cannot_be_trained(arguments, cause):
    with pytest.raises(ValueError, match=cause):
        SalGAN(**{"generator": make_salgan(False).generator} | arguments)


# === Content losses ===


def local_loss(truth, saliency):
    return losses.downsampled_binary_crossentropy(truth["saliency"], saliency)


@pytest.mark.parametrize("content_loss", [lambda truth, saliency: 0.0, local_loss, "mse", object(), losses.DensityLoss])
def test_content_losses_that_could_not_be_loaded_are_refused(content_loss):
    with pytest.raises(ValueError, match=r"content_loss=.*: pass an object of salgan_tf.losses or keras.losses, or"):
        make_salgan(content_loss=content_loss)


@pytest.mark.parametrize("content_loss", [keras.losses.MeanSquaredError(), keras.losses.mean_squared_error])
def test_losses_of_keras_are_averaged_over_the_pixels(content_loss, tmp_path):
    salgan = make_salgan(content_loss=content_loss)
    salgan.compile(run_eagerly=True)
    expected = np.mean((MAPS - np.asarray(salgan(IMAGES))) ** 2)
    logs = salgan.evaluate(IMAGES, MAPS, batch_size=2, verbose=0, return_dict=True)
    assert logs["content_loss"] == pytest.approx(expected, rel=1e-4)
    salgan.save(tmp_path / "salgan.keras")
    loaded = keras.saving.load_model(tmp_path / "salgan.keras")
    assert type(loaded.content_loss) is type(content_loss)


def test_registered_content_losses_are_taken():
    with keras.saving.custom_object_scope({"local_loss": local_loss}):
        assert make_salgan(content_loss=local_loss).content_loss is local_loss


# === Shapes ===


@pytest.mark.parametrize(
    "image_shape",
    [
        (None, None, 3),
        (192, 256),
        (192.0, 256.0, 3),
        (192, 256, 4),
        (192, 250, 3),
        (8, 32, 3),
        (24, 32, 3),
        (0, 32, 3),
        (-32, 32, 3),
        (10**30 * 32, 32, 3),
        "192x256",
        192,
        None,
        (True, 32, 3),
    ],
)
def test_illegal_image_shapes_are_one_clear_error(image_shape):
    expected = r"^image_shape=.*: expected \(height, width, 3\), with height and width multiples of {} up to"
    for backbone, stride in (("mobilenet_v2", 32), ("vgg16", 16), ("salicon", 64)):
        with pytest.raises(ValueError, match=expected.format(stride)):
            build_generator(backbone, image_shape)
    with pytest.raises(ValueError, match=expected.format(16)):
        build_discriminator(image_shape)
