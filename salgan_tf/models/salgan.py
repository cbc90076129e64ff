"""SalGAN: the generator trained by a content loss and by a discriminator, behind `model.fit`."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from salgan_tf import losses
from salgan_tf.models.optimizers import paper_optimizer

UPDATES = ("alternate", "both")


@keras.saving.register_keras_serializable("salgan_tf")
class SalGAN(keras.Model):
    """A generator of saliency maps with what trains it (Pan et al. 2017, section 3.3).

    `fit` and `evaluate` take batches of `(image, truth)`: `image` (B, H, W, 3), RGB in [0, 255], and `truth` a dict of
    `saliency` (densities, max 1) and `fixations` (counts), both (B, H, W, 1) float32; `fixations` may be left out.
    `call` is the generator's. Importing this class lets `keras.saving.load_model` read a saved one; a generator saved
    alone needs nothing of this package.

    Args:
        generator: from `build_generator`.
        discriminator: from `build_discriminator`; None trains by the content loss alone (the paper's stage 1).
        alpha: weight of the content loss beside the adversarial one (the paper's 0.05).
        content_loss: callable of (truth, maps) that returns the loss of each image (B,); by default the paper's BCE/4.
            It must be registered with `keras.saving` to be saved.
        updates: `"alternate"`: odd batches train the discriminator and even ones the generator, as the released code
            does; `"both"`: every batch trains both, the discriminator first.
        label_smoothing: the discriminator is taught 1 minus this for recorded maps, and 0 for generated ones (Salimans
            et al. 2016, one-sided).

    Raises:
        ValueError: unknown `updates`.
    """

    train_function: Any  # Set and called by Keras, which starts with None.

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model | None = None,
        alpha: float = 0.05,
        content_loss: Callable | None = None,
        updates: str = "alternate",
        label_smoothing: float = 0.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if updates not in UPDATES:
            raise ValueError(f"updates={updates!r} is unknown; there are {', '.join(map(repr, UPDATES))}")
        # The generator is tracked first: its weights stand first in `trainable_variables`, where an optimizer with
        # moving averages writes them at the end of `fit`.
        self.generator = generator
        self.discriminator = discriminator
        self.alpha = alpha
        self.content_loss = content_loss or losses.DownsampledBinaryCrossentropy()
        self.updates = updates
        self.label_smoothing = label_smoothing
        # Batches seen, saved with the weights: whose turn it is survives a restart, and never starts again.
        self.steps = self.add_weight(shape=(), dtype="int64", initializer="zeros", trainable=False, name="steps")
        adversarial = ("generator_loss", "discriminator_loss") if discriminator is not None else ()
        # Means over images, not over batches.
        self._loss_means = {name: keras.metrics.Mean(name=name) for name in ("content_loss", *adversarial)}
        self._map_means = {name: keras.metrics.Mean(name=name) for name in ("cc", "kl", "sim", "nss")}
        self.built = True

    def compile(
        self,
        generator_optimizer: keras.optimizers.Optimizer | None = None,
        discriminator_optimizer: keras.optimizers.Optimizer | None = None,
        **kwargs,
    ):
        """Set the optimizers; both are by default the paper's AdaGrad (`paper_optimizer`).

        Callbacks find the generator's as `model.optimizer`. `kwargs` (`jit_compile`, `run_eagerly`, …) are
        `keras.Model.compile`'s; XLA is off if not asked for: on a CPU it makes the convolutions' gradients twenty times
        slower, and TensorFlow has no XLA gradient of the nearest resizing in `vgg16`.

        Raises:
            ValueError: `steps_per_execution` other than 1 with alternating updates.
        """
        if self.discriminator is not None and self.updates == "alternate" and kwargs.get("steps_per_execution", 1) != 1:
            raise ValueError("alternating updates run one batch at a time: steps_per_execution must be 1")
        kwargs.setdefault("jit_compile", False)
        super().compile(optimizer=generator_optimizer or paper_optimizer(), **kwargs)
        self.optimizer.build(self.generator.trainable_variables)
        if self.discriminator is not None:
            optimizer = keras.optimizers.get(discriminator_optimizer or paper_optimizer())
            scaled = keras.optimizers.LossScaleOptimizer
            if isinstance(self.optimizer, scaled) and not isinstance(optimizer, scaled):
                optimizer = scaled(optimizer)
            optimizer.build(self.discriminator.trainable_variables)
            self.discriminator_optimizer = optimizer

    def get_compile_config(self) -> dict | None:
        if not self.compiled:
            return None
        config = {"generator_optimizer": keras.saving.serialize_keras_object(self.optimizer)}
        if self.discriminator is not None:
            config["discriminator_optimizer"] = keras.saving.serialize_keras_object(self.discriminator_optimizer)
        return config

    def compile_from_config(self, config: dict):
        self.compile(**{name: keras.saving.deserialize_keras_object(value) for name, value in config.items()})

    def get_config(self) -> dict:
        config = super().get_config()
        serialize = keras.saving.serialize_keras_object
        config.update(
            generator=serialize(self.generator),
            discriminator=serialize(self.discriminator),
            content_loss=serialize(self.content_loss),
            alpha=self.alpha,
            updates=self.updates,
            label_smoothing=self.label_smoothing,
        )
        return config

    @classmethod
    def from_config(cls, config: dict, custom_objects: dict | None = None) -> "SalGAN":
        config = dict(config)
        for name in ("generator", "discriminator", "content_loss"):
            config[name] = keras.saving.deserialize_keras_object(config[name], custom_objects=custom_objects)
        return cls(**config)

    def call(self, image, training=None):
        """Return the saliency maps (B, H, W, 1), float32 in [0, 1], of images (B, H, W, 3), RGB in [0, 255]."""
        return self.generator(image, training=training)

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        return [*self._loss_means.values(), *self._map_means.values()]

    # === Losses ===

    def _judge(self, image, *maps, training: bool):
        """Return the discriminator's probabilities that each of the maps was recorded, asked in a single batch."""
        assert self.discriminator is not None
        image = keras.ops.cast(image, "float32")
        pairs = [keras.ops.concatenate([keras.ops.cast(saliency, "float32"), image], axis=-1) for saliency in maps]
        return keras.ops.split(self.discriminator(keras.ops.concatenate(pairs), training=training), len(maps))

    def _generator_loss(self, image, truth, saliency):
        # The means are updated with each image: a replica may have none of a last, partial batch.
        content = self.content_loss(truth, saliency)
        self._loss_means["content_loss"].update_state(content)
        if self.discriminator is None:
            return keras.ops.mean(content)
        # Not training: a spectrally normalised discriminator would change its kernels in the generator's turn.
        (probability,) = self._judge(image, saliency, training=False)
        loss = losses.adversarial_loss(probability, 1.0) + self.alpha * content
        self._loss_means["generator_loss"].update_state(loss)
        return keras.ops.mean(loss)

    def _discriminator_loss(self, image, truth, saliency, training: bool):
        real, fake = self._judge(image, truth["saliency"], saliency, training=training)
        loss = (losses.adversarial_loss(real, 1 - self.label_smoothing) + losses.adversarial_loss(fake, 0.0)) / 2
        self._loss_means["discriminator_loss"].update_state(loss)
        return keras.ops.mean(loss)

    # === Steps ===

    def _apply(self, tape: tf.GradientTape, loss, network: keras.Model, optimizer: keras.optimizers.Optimizer):
        gradients = tape.gradient(loss, network.trainable_variables)
        optimizer.apply(gradients, network.trainable_variables)

    def _scale(self, loss, network: keras.Model, optimizer: keras.optimizers.Optimizer):
        """Prepare a loss for its gradients: the optimizer sums them over replicas, and float16 needs a larger one."""
        loss = loss + sum(network.losses)
        return optimizer.scale_loss(loss / tf.distribute.get_strategy().num_replicas_in_sync)

    def _log(self) -> dict:
        return {name: mean.result() for name, mean in self._loss_means.items()}

    def generator_step(self, data) -> dict:
        """Train the generator on a batch of (image, truth)."""
        image, truth = _unpack(data)
        with tf.GradientTape() as tape:
            saliency = self.generator(image, training=True)
            loss = self._generator_loss(image, truth, saliency)
            loss = self._scale(loss, self.generator, self.optimizer)
        self._apply(tape, loss, self.generator, self.optimizer)
        return self._log()

    def discriminator_step(self, data) -> dict:
        """Train the discriminator on a batch of (image, truth)."""
        image, truth = _unpack(data)
        saliency = self.generator(image, training=False)
        with tf.GradientTape() as tape:
            loss = self._discriminator_loss(image, truth, saliency, training=True)
            loss = self._scale(loss, self.discriminator, self.discriminator_optimizer)
        self._apply(tape, loss, self.discriminator, self.discriminator_optimizer)
        return self._log()

    def train_step(self, data) -> dict:
        """Train the discriminator, if there is one, and then the generator on a batch of (image, truth)."""
        if self.discriminator is not None:
            self.discriminator_step(data)
        return self.generator_step(data)

    def test_step(self, data) -> dict:
        """Measure a batch of (image, truth) without training."""
        image, truth = _unpack(data)
        saliency = self.generator(image, training=False)
        self._generator_loss(image, truth, saliency)
        if self.discriminator is not None:
            self._discriminator_loss(image, truth, saliency, training=False)
        self._map_means["cc"].update_state(losses.correlation_coefficient(truth["saliency"], saliency))
        self._map_means["kl"].update_state(losses.kl_divergence(truth["saliency"], saliency))
        self._map_means["sim"].update_state(losses.similarity(truth["saliency"], saliency))
        measured = ["cc", "kl", "sim"]
        if "fixations" in truth:
            # An image without fixations has no NSS.
            fixated = keras.ops.any(truth["fixations"] > 0, axis=(1, 2, 3))
            nss = losses.normalized_scanpath_saliency(truth["fixations"], saliency)
            self._map_means["nss"].update_state(nss, sample_weight=fixated)
            measured.append("nss")
        return self._log() | {name: self._map_means[name].result() for name in measured}

    def make_train_function(self, force: bool = False):
        """Compile the step or, for alternating updates, the two steps, and choose between them in Python.

        An optimizer's update inside `tf.cond` fails under MirroredStrategy, and a masked one would still run both.
        """
        if self.train_function is not None and not force:
            return
        if self.discriminator is None or self.updates == "both":
            turns = [self._compiled(self.train_step)]
        else:
            turns = [self._compiled(self.discriminator_step), self._compiled(self.generator_step)]

        def train_function(iterator):
            logs = turns[int(keras.ops.convert_to_numpy(self.steps)) % len(turns)](iterator)
            self.steps.assign_add(self.steps_per_execution)
            return logs

        self.train_function = train_function

    def _compiled(self, step: Callable) -> Callable:
        # Keras compiles whatever `train_step` is, and knows strategies, XLA and run_eagerly.
        self.train_step = step  # type: ignore[method-assign]  # Hides the method while Keras reads it.
        try:
            super().make_train_function(force=True)
            return self.train_function
        finally:
            del self.train_step


def _unpack(data) -> tuple:
    image, truth, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
    if sample_weight is not None:
        raise ValueError("SalGAN takes batches of (image, truth); sample weights have no place in its losses")
    return image, truth
