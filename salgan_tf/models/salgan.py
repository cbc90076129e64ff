"""SalGAN: the generator trained by a content loss and by a discriminator, behind `model.fit`."""

import inspect
from collections.abc import Callable, Iterable
from typing import Any

import keras
import tensorflow as tf

from salgan_tf import losses
from salgan_tf.models.batch import check_first_batch, unpack
from salgan_tf.models.optimizers import paper_optimizer

UPDATES = ("alternate", "both")
_LOSSES_ADVICE = "the losses are given to SalGAN's constructor, as content_loss= and alpha="


@keras.saving.register_keras_serializable("salgan_tf")
class SalGAN(keras.Model):
    """A generator of saliency maps with what trains it (Pan et al. 2017, section 3.3).

    `fit` and `evaluate` take batches of `(image, truth)`: `image` (B, H, W, 3), RGB in [0, 255], and `truth` a dict of
    `saliency` (densities, max 1) and `fixations` (counts), both (B, H, W, 1) float32; `fixations` may be left out, and
    maps alone may stand for the dict. The first batch of each call is checked. An epoch reports the means of `loss`
    (the whole loss of the generator, with regularization), `content_loss`, `generator_loss` and `discriminator_loss`,
    but nothing of a network that it has not trained. `call` is the generator's. Importing this class lets
    `keras.saving.load_model` read a saved one; a generator saved alone needs nothing of this package.

    Args:
        generator: from `build_generator`.
        discriminator: from `build_discriminator`; None trains by the content loss alone (the paper's stage 1).
        alpha: weight of the content loss beside the adversarial one (the paper's 0.05).
        content_loss: callable of (truth, maps) that returns the loss of each image (B,), registered with
            `keras.saving`, or a loss of `keras.losses`, averaged over the pixels. By default the paper's BCE/4.
        updates: `"alternate"`: odd batches train the discriminator and even ones the generator, as the released code
            does; `"both"`: every batch trains both, the discriminator first.
        label_smoothing: the discriminator is taught 1 minus this for recorded maps, and 0 for generated ones (Salimans
            et al. 2016, one-sided).

    Raises:
        ValueError: a network that is none or of other shapes, an illegal number, unknown `updates`, or a
            `content_loss` that could not be loaded again from a saved model.
    """

    train_function: Any  # Set and called by Keras, which starts with None.
    test_function: Any

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
        losses.check_number("alpha", alpha)
        losses.check_number("label_smoothing", label_smoothing, below=1)
        sides = _check_network("generator", generator, (None, None, None, 3), (None, None, None, 1))[1:3]
        if discriminator is not None:
            _check_network("discriminator", discriminator, (None, *sides, 4), (None, 1))
        # The generator is tracked first: its weights stand first in `trainable_variables`, where an optimizer with
        # moving averages writes them at the end of `fit`.
        self.generator = generator
        self.discriminator = discriminator
        self.alpha = alpha
        self.content_loss = losses.DownsampledBinaryCrossentropy() if content_loss is None else content_loss
        losses.check_content_loss(self.content_loss)
        self.updates = updates
        self.label_smoothing = label_smoothing
        # Batches seen, saved with the weights: whose turn it is survives a restart, and never starts again.
        self.steps = self.add_weight(shape=(), dtype="int64", initializer="zeros", trainable=False, name="steps")
        adversarial = ("generator_loss",) if discriminator is not None else ()
        # Means over images, not over batches.
        self._loss_means = {name: keras.metrics.Mean(name=name) for name in ("loss", "content_loss", *adversarial)}
        self._map_means = {name: keras.metrics.Mean(name=name) for name in ("cc", "kl", "sim", "nss")}
        self._discriminator_mean = keras.metrics.Mean(name="discriminator_loss")
        self._map_metrics: list[keras.metrics.Metric] = []
        # What the turns of this epoch have reported.
        self._logs: dict[str, Any] = {}
        self.built = True

    def compile(
        self,
        optimizer: str | keras.optimizers.Optimizer | None = None,
        discriminator_optimizer: str | keras.optimizers.Optimizer | None = None,
        *,
        generator_optimizer: str | keras.optimizers.Optimizer | None = None,
        metrics: Any = None,
        **kwargs,
    ):
        """Set the optimizers and metrics.

        Args:
            optimizer: of both networks, or of the generator alone if the discriminator has its own. The discriminator
                gets a copy. By default the paper's AdaGrad (`paper_optimizer`). Callbacks find the generator's as
                `model.optimizer`.
            discriminator_optimizer: the discriminator's own.
            generator_optimizer: the generator's own.
            metrics: one or more names, functions or objects as in `keras.Model.compile`. They compare the saliency of
                the truth with the generated maps.
            kwargs: of `keras.Model.compile`, except `loss`, `loss_weights` and `weighted_metrics`. XLA is off by
                default: on a CPU it makes the gradients of convolutions twenty times slower, and TensorFlow has no XLA
                gradient of the nearest resizing in `vgg16`.

        Raises:
            ValueError: an unsupported argument, a `discriminator_optimizer` that is none or has no discriminator, or
                `steps_per_execution` other than 1 with alternating updates.
        """
        for name in ("loss", "loss_weights", "weighted_metrics"):
            if kwargs.pop(name, None) is not None:
                raise ValueError(f"compile({name}=) is not supported: {_LOSSES_ADVICE}")
        if discriminator_optimizer is not None:
            # Keras takes a loss at this place.
            given = f"discriminator_optimizer={discriminator_optimizer!r}"
            if self.discriminator is None:
                raise ValueError(f"{given}: this SalGAN has no discriminator; {_LOSSES_ADVICE}")
            try:
                discriminator_optimizer = keras.optimizers.get(discriminator_optimizer)
            except ValueError as error:
                raise ValueError(f"{given} is not an optimizer; {_LOSSES_ADVICE}") from error
        if self.discriminator is not None and self.updates == "alternate" and kwargs.get("steps_per_execution", 1) != 1:
            raise ValueError("alternating updates run one batch at a time: steps_per_execution must be 1")
        kwargs.setdefault("jit_compile", False)
        single = metrics is not None and (isinstance(metrics, str) or not isinstance(metrics, Iterable))
        self._map_metrics = [losses.make_metric(metric) for metric in ([metrics] if single else metrics or ())]
        if len({metric.name for metric in self.metrics}) < len(self.metrics):
            raise ValueError(f"metrics={metrics!r}: a name occurs twice, or is one of SalGAN's own")
        shared = keras.optimizers.get(optimizer or paper_optimizer())
        generators = keras.optimizers.get(generator_optimizer or shared)
        super().compile(optimizer=generators, **kwargs)
        self.optimizer.build(self.generator.trainable_variables)
        if self.discriminator is not None:
            own = keras.optimizers.get(discriminator_optimizer or shared)
            if own is generators:
                own = own.from_config(own.get_config())
            scaled = keras.optimizers.LossScaleOptimizer
            if isinstance(self.optimizer, scaled) and not isinstance(own, scaled):
                own = scaled(own)
            own.build(self.discriminator.trainable_variables)
            self.discriminator_optimizer = own

    def get_compile_config(self) -> dict | None:
        if not self.compiled:
            return None
        config = {"generator_optimizer": keras.saving.serialize_keras_object(self.optimizer)}
        if self.discriminator is not None:
            config["discriminator_optimizer"] = keras.saving.serialize_keras_object(self.discriminator_optimizer)
        if self._map_metrics:
            config["metrics"] = keras.saving.serialize_keras_object(self._map_metrics)
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

    def fit(self, x=None, y=None, batch_size=None, *arguments, class_weight=None, **options):
        """Train like `keras.Model.fit`, whose arguments it takes, except `class_weight` and `sample_weight`.

        Raises:
            ValueError: an unsupported argument, a `batch_size` below 1, or a first batch that breaks the contract.
        """
        _refuse_class_weight(class_weight)
        if batch_size is not None and batch_size < 1:
            # Keras takes 0 for 32.
            raise ValueError(f"batch_size={batch_size}: expected at least 1")
        return super().fit(x, y, batch_size, *arguments, **options)

    def train_on_batch(self, *arguments, class_weight=None, **options):
        """Train like `keras.Model.train_on_batch`, with the same exceptions as `fit`."""
        _refuse_class_weight(class_weight)
        return super().train_on_batch(*arguments, **options)

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        adversarial = [self._discriminator_mean] if self.discriminator is not None else []
        return [*self._loss_means.values(), *adversarial, *self._map_means.values(), *self._map_metrics]

    def reset_metrics(self):
        super().reset_metrics()
        self._logs = {}

    # === Losses ===

    def _judge(self, image, *maps, training: bool):
        """Return the discriminator's probabilities that each of the maps was recorded, asked in a single batch."""
        assert self.discriminator is not None
        image = keras.ops.cast(image, "float32")
        pairs = [keras.ops.concatenate([keras.ops.cast(saliency, "float32"), image], axis=-1) for saliency in maps]
        return keras.ops.split(self.discriminator(keras.ops.concatenate(pairs), training=training), len(maps))

    def _generator_loss(self, image, truth, saliency):
        # The means are updated with each image: a replica may have none of a last, partial batch.
        content = losses.apply_content_loss(self.content_loss, truth, saliency)
        self._loss_means["content_loss"].update_state(content)
        loss = content
        if self.discriminator is not None:
            # Not training: a spectrally normalised discriminator would change its kernels in the generator's turn.
            (probability,) = self._judge(image, saliency, training=False)
            loss = losses.adversarial_loss(probability, 1.0) + self.alpha * content
            self._loss_means["generator_loss"].update_state(loss)
        loss = loss + sum(self.generator.losses)
        self._loss_means["loss"].update_state(loss)
        for metric in self._map_metrics:
            metric.update_state(truth["saliency"], saliency)
        return keras.ops.mean(loss)

    def _discriminator_loss(self, image, truth, saliency, training: bool):
        assert self.discriminator is not None
        real, fake = self._judge(image, truth["saliency"], saliency, training=training)
        loss = (losses.adversarial_loss(real, 1 - self.label_smoothing) + losses.adversarial_loss(fake, 0.0)) / 2
        self._discriminator_mean.update_state(loss)
        return keras.ops.mean(loss) + sum(self.discriminator.losses)

    # === Steps ===

    def _apply(self, tape: tf.GradientTape, loss, network: keras.Model, optimizer: keras.optimizers.Optimizer):
        gradients = tape.gradient(loss, network.trainable_variables)
        optimizer.apply(gradients, network.trainable_variables)

    def _scale(self, loss, optimizer: keras.optimizers.Optimizer):
        """Prepare a loss for its gradients: the optimizer sums them over replicas, and float16 needs a larger one."""
        return optimizer.scale_loss(loss / tf.distribute.get_strategy().num_replicas_in_sync)

    def generator_step(self, data) -> dict:
        """Train the generator on a batch of (image, truth)."""
        image, truth = unpack(data)
        with tf.GradientTape() as tape:
            saliency = self.generator(image, training=True)
            loss = self._generator_loss(image, truth, saliency)
            loss = self._scale(loss, self.optimizer)
        self._apply(tape, loss, self.generator, self.optimizer)
        return _results(*self._loss_means.values(), *self._map_metrics)

    def discriminator_step(self, data) -> dict:
        """Train the discriminator on a batch of (image, truth)."""
        image, truth = unpack(data)
        saliency = self.generator(image, training=False)
        with tf.GradientTape() as tape:
            loss = self._discriminator_loss(image, truth, saliency, training=True)
            loss = self._scale(loss, self.discriminator_optimizer)
        self._apply(tape, loss, self.discriminator, self.discriminator_optimizer)
        return _results(self._discriminator_mean)

    def train_step(self, data) -> dict:
        """Train the discriminator, if there is one, and then the generator on a batch of (image, truth)."""
        logs = self.discriminator_step(data) if self.discriminator is not None else {}
        return logs | self.generator_step(data)

    def test_step(self, data) -> dict:
        """Measure a batch of (image, truth) without training."""
        image, truth = unpack(data)
        saliency = self.generator(image, training=False)
        self._generator_loss(image, truth, saliency)
        if self.discriminator is not None:
            self._discriminator_loss(image, truth, saliency, training=False)
        self._map_means["cc"].update_state(losses.correlation_coefficient(truth["saliency"], saliency))
        self._map_means["kl"].update_state(losses.kl_divergence(truth["saliency"], saliency))
        self._map_means["sim"].update_state(losses.similarity(truth["saliency"], saliency))
        if "fixations" in truth:
            # An image without fixations has no NSS.
            fixated = keras.ops.any(truth["fixations"] > 0, axis=(1, 2, 3))
            nss = losses.normalized_scanpath_saliency(truth["fixations"], saliency)
            self._map_means["nss"].update_state(nss, sample_weight=fixated)
        return _results(*(metric for metric in self.metrics if metric.name != "nss" or "fixations" in truth))

    def make_train_function(self, force: bool = False):
        """Compile the step or, for alternating updates, the two steps, and choose between them in Python.

        An optimizer's update inside `tf.cond` fails under MirroredStrategy, and a masked one would still run both.
        """
        if self.train_function is None or force:
            alternate = self.discriminator is not None and self.updates == "alternate"
            steps = (self.discriminator_step, self.generator_step) if alternate else (self.train_step,)
            turns = [self._compiled(step) for step in steps]

            def train_function(iterator):
                self._logs |= turns[int(keras.ops.convert_to_numpy(self.steps)) % len(turns)](iterator)
                self.steps.assign_add(self.steps_per_execution)
                return dict(self._logs)

            self.train_function = train_function
        self.train_function = check_first_batch(self, inspect.unwrap(self.train_function))

    def make_test_function(self, force: bool = False):
        """Compile the step that measures."""
        if self.test_function is None or force:
            super().make_test_function(force=True)
        self.test_function = check_first_batch(self, inspect.unwrap(self.test_function))

    def _compiled(self, step: Callable) -> Callable:
        # Keras compiles whatever `train_step` is, and knows strategies, XLA and run_eagerly.
        self.train_step = step  # type: ignore[method-assign]  # Hides the method while Keras reads it.
        try:
            super().make_train_function(force=True)
            return self.train_function
        finally:
            del self.train_step


def _check_network(name: str, network: Any, takes: tuple, gives: tuple) -> tuple:
    """Check what a network takes and gives, and return the shape of its input; None stands for any number.

    Raises:
        ValueError: it is not a model, or takes or gives something else.
    """
    advice = f"pass a model of build_{name}, or one like it"
    if not isinstance(network, keras.Model):
        raise ValueError(f"{name}={network!r} is not a keras.Model: {advice}")
    # A model that is a class of its own does not know its shapes.
    shapes = [getattr(network, end, expected) for end, expected in (("input_shape", takes), ("output_shape", gives))]
    for shape, expected in zip(shapes, (takes, gives), strict=True):
        if len(shape) != len(expected) or any(
            None not in (side, limit) and side != limit for side, limit in zip(shape, expected, strict=True)
        ):
            found, wanted = (
                " to ".join(str(end).replace("None", "any") for end in ends) for ends in (shapes, (takes, gives))
            )
            raise ValueError(f"{name} {network.name!r} maps {found}, expected {wanted}: {advice}")
    return shapes[0]


def _refuse_class_weight(class_weight: Any) -> None:
    if class_weight is not None:
        raise ValueError("class_weight= is not supported: the pixels of a saliency map have no classes")


def _results(*metrics: keras.metrics.Metric) -> dict[str, Any]:
    return {metric.name: metric.result() for metric in metrics}
