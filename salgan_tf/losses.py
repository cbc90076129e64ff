"""The losses: content losses of maps and densities, and the adversarial terms (Pan et al. 2017, section 3.3).

Every function takes maps (B, H, W, 1) and returns a number for each image (B,). All use `keras.ops`, for every backend.
"""

import math
import numbers
import warnings
from collections.abc import Callable
from typing import Any

import keras

# MATLAB's eps, as in the MIT benchmark's KL and in pysaliency's "MIT_KLDiv".
_EPSILON = 2.2204e-16
_PIXELS = (1, 2, 3)


def _float32(*maps):
    # Sums over 49,152 pixels do not fit in float16.
    return (keras.ops.cast(saliency, "float32") for saliency in maps)


def to_density(saliency):
    """Divide each map by its sum; a map of zeros becomes uniform."""
    (saliency,) = _float32(saliency)
    total = keras.ops.sum(saliency, axis=_PIXELS, keepdims=True)
    pixels = keras.ops.prod(keras.ops.shape(saliency)[1:])
    uniform = keras.ops.ones_like(saliency) / keras.ops.cast(pixels, "float32")
    return keras.ops.where(total > 0, saliency / keras.ops.where(total > 0, total, 1.0), uniform)


def kl_divergence(saliency_true, saliency_pred):
    """Kullback-Leibler divergence of the predicted density p from the true one q, in nats: sum q ln(e + q / (p + e)).

    Source: the MIT saliency benchmark's `KLdiv.m`, with e = 2.2204e-16. 0 is best.
    """
    q, p = to_density(saliency_true), to_density(saliency_pred)
    return keras.ops.sum(q * keras.ops.log(_EPSILON + q / (p + _EPSILON)), axis=_PIXELS)


def _standardized(saliency):
    """Shift and scale each map to mean 0 and standard deviation 1 (over N); a constant map becomes 0."""
    (saliency,) = _float32(saliency)
    highest = keras.ops.max(keras.ops.abs(saliency), axis=_PIXELS, keepdims=True)
    # Without subtracting the minimum first, the rounding error of the mean would be contrast in a constant map.
    saliency = saliency - keras.ops.stop_gradient(keras.ops.min(saliency, axis=_PIXELS, keepdims=True))
    centred = saliency - keras.ops.mean(saliency, axis=_PIXELS, keepdims=True)
    variance = keras.ops.mean(keras.ops.square(centred), axis=_PIXELS, keepdims=True)
    varies = variance > keras.ops.square(1e-6 * highest)
    return keras.ops.where(varies, centred * keras.ops.rsqrt(keras.ops.where(varies, variance, 1.0)), 0.0)


def correlation_coefficient(saliency_true, saliency_pred):
    """Pearson's correlation of two maps (CC), in [-1, 1], 1 is best; 0 where one is constant."""
    return keras.ops.mean(_standardized(saliency_true) * _standardized(saliency_pred), axis=_PIXELS)


def normalized_scanpath_saliency(fixations, saliency_pred):
    """NSS (Peters et al. 2005): the mean of the standardised map over all fixations.

    Args:
        fixations: fixation counts (B, H, W, 1).
        saliency_pred: maps (B, H, W, 1).

    Returns:
        (B,), higher is better, 0 is chance; also 0 for an image without fixations.
    """
    (fixations,) = _float32(fixations)
    count = keras.ops.sum(fixations, axis=_PIXELS)
    total = keras.ops.sum(fixations * _standardized(saliency_pred), axis=_PIXELS)
    return total / keras.ops.maximum(count, 1.0)


def similarity(saliency_true, saliency_pred):
    """SIM: the shared mass of the two densities, sum min(p, q), in [0, 1], 1 is best (Judd et al. 2012)."""
    return keras.ops.sum(keras.ops.minimum(to_density(saliency_true), to_density(saliency_pred)), axis=_PIXELS)


def downsampled_binary_crossentropy(saliency_true, saliency_pred, factor: int = 4):
    """Mean binary cross-entropy of the two maps after averaging `factor` x `factor` squares (section 3.3, BCE/4)."""
    maps = list(_float32(saliency_true, saliency_pred))
    if factor > 1:
        maps = [keras.ops.average_pool(each, factor, strides=factor, data_format="channels_last") for each in maps]
    return keras.ops.mean(keras.ops.binary_crossentropy(*maps), axis=_PIXELS)


@keras.saving.register_keras_serializable("salgan_tf")
class DownsampledBinaryCrossentropy:
    """The paper's content loss: binary cross-entropy at a quarter of the size.

    Args:
        factor: side of the squares to average first, in pixels; 1 for none.

    Raises:
        ValueError: it is not a whole number of at least 1.
    """

    def __init__(self, factor: int = 4):
        check_number("factor", factor)
        if factor < 1 or factor % 1:
            raise ValueError(f"factor={factor!r} is not a whole number of at least 1")
        self.factor = factor

    def __call__(self, truth: dict, saliency_pred):
        """Return the loss of each image (B,). `truth` has `saliency` and may have `fixations`."""
        return downsampled_binary_crossentropy(truth["saliency"], saliency_pred, self.factor)

    def get_config(self) -> dict:
        return {"factor": self.factor}

    @classmethod
    def from_config(cls, config: dict) -> "DownsampledBinaryCrossentropy":
        return cls(**config)


@keras.saving.register_keras_serializable("salgan_tf")
class DensityLoss:
    """A content loss of the metrics themselves: kl KL - cc CC - nss NSS - sim SIM + bce BCE/4.

    The first four are invariant to the map's scale. A little cross-entropy ties it to the scale of the truth, whose
    maximum is 1, so that the map makes good use of eight bits.

    Args:
        kl: weight of the KL divergence.
        cc: weight of the correlation coefficient.
        nss: weight of the NSS at the fixations; 0 for images without fixations.
        sim: weight of the similarity.
        bce: weight of the downsampled binary cross-entropy.

    Raises:
        ValueError: a weight is not a number of at least 0, or all are 0.
    """

    def __init__(self, kl: float = 1.0, cc: float = 0.5, nss: float = 0.1, sim: float = 0.0, bce: float = 0.5):
        self.kl, self.cc, self.nss, self.sim, self.bce = kl, cc, nss, sim, bce
        for name, weight in self.get_config().items():
            check_number(name, weight)
        if not any(self.get_config().values()):
            raise ValueError("all weights of the content loss are 0: there is nothing to learn")

    def __call__(self, truth: dict, saliency_pred):
        """Return the loss of each image (B,). `truth` has `saliency` and may have `fixations`."""
        saliency_true = truth["saliency"]
        loss = self.kl * kl_divergence(saliency_true, saliency_pred)
        loss = loss - self.cc * correlation_coefficient(saliency_true, saliency_pred)
        if self.sim:
            loss = loss - self.sim * similarity(saliency_true, saliency_pred)
        if "fixations" in truth:
            loss = loss - self.nss * normalized_scanpath_saliency(truth["fixations"], saliency_pred)
        return loss + self.bce * downsampled_binary_crossentropy(saliency_true, saliency_pred)

    def get_config(self) -> dict:
        return {"kl": self.kl, "cc": self.cc, "nss": self.nss, "sim": self.sim, "bce": self.bce}

    @classmethod
    def from_config(cls, config: dict) -> "DensityLoss":
        return cls(**config)


@keras.saving.register_keras_serializable("salgan_tf")
class MLNetLoss:
    """ML-Net's content loss: the mean of (s / max s - y)^2 / (alpha - y), which counts errors at bright pixels more.

    Source: Cornia et al. 2016, equation 3.

    Args:
        alpha: more than 1, the maximum of the truth y.

    Raises:
        ValueError: it is not.
    """

    def __init__(self, alpha: float = 1.1):
        check_number("alpha", alpha)
        if alpha <= 1:
            raise ValueError(f"alpha={alpha!r} is not more than 1")
        self.alpha = alpha

    def __call__(self, truth: dict, saliency_pred):
        """Return the loss of each image (B,). `truth` has `saliency`."""
        y, s = _float32(truth["saliency"], saliency_pred)
        s = s / keras.ops.maximum(keras.ops.max(s, axis=_PIXELS, keepdims=True), keras.config.epsilon())
        return keras.ops.mean(keras.ops.square(s - y) / (self.alpha - y), axis=_PIXELS)

    def get_config(self) -> dict:
        return {"alpha": self.alpha}

    @classmethod
    def from_config(cls, config: dict) -> "MLNetLoss":
        return cls(**config)


def check_number(name: str, value: Any, below: float = math.inf) -> None:
    """Check that an argument is a number of at least 0.

    Args:
        name: its name, for the error.
        value: what was given.
        below: it must be less than this.

    Raises:
        ValueError: it is not.
    """
    if not isinstance(value, numbers.Real) or not 0 <= float(value) < below:
        limit = f" and below {below:g}" if below < math.inf else ""
        raise ValueError(f"{name}={value!r} is not a number of at least 0{limit}")


def adversarial_loss(probability, label: float):
    """Binary cross-entropy (B,) of the discriminator's probability (B, 1) against a label: 1 recorded, 0 generated.

    The discriminator is trained with the true labels, the generator with label 1 for its own maps.
    """
    (probability,) = _float32(probability)
    target = label * keras.ops.ones_like(probability)
    return keras.ops.mean(keras.ops.binary_crossentropy(target, probability), axis=-1)


# The content losses that have a name. Weights such as `kl=1,cc=0.5` make a DensityLoss.
CONTENT_LOSSES: dict[str, Callable[[], Callable]] = {
    "bce": DownsampledBinaryCrossentropy,
    "density": DensityLoss,
    "mlnet": MLNetLoss,
    "mse": keras.losses.MeanSquaredError,
}


def make_content_loss(text: str) -> Callable:
    """Return the content loss of a setting: a name of `CONTENT_LOSSES`, or weights of `DensityLoss`, 0 by default.

    Raises:
        ValueError: an unknown name, one that is given twice, or weights that `DensityLoss` does not take.
    """
    if text in CONTENT_LOSSES:
        return CONTENT_LOSSES[text]()
    known = DensityLoss().get_config()
    weights: dict[str, float] = {}
    for part in text.split(","):
        name, _, weight = part.partition("=")
        if name in weights:
            raise ValueError(f"invalid content loss {text!r}: {name} is given twice")
        try:
            weights[name] = float(weight)
        except ValueError:
            name = ""
        if name not in known:
            expected = f"{', '.join(CONTENT_LOSSES)}, or weights of {','.join(known)}, such as kl=1,cc=0.5"
            raise ValueError(f"invalid content loss {part!r}: expected {expected}")
    return DensityLoss(**dict.fromkeys(known, 0.0) | weights)


def check_content_loss(content_loss: Any) -> None:
    """Check that a content loss can be called, and can be loaded again from a saved model in Keras' safe mode.

    Raises:
        ValueError: it cannot.
    """
    advice = "pass an object of salgan_tf.losses or keras.losses, or a function registered with keras.saving"
    if not callable(content_loss) or isinstance(content_loss, type):
        raise ValueError(f"content_loss={content_loss!r} is not a function or object that can be called: {advice}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Keras warns about lambdas.
            config = keras.saving.serialize_keras_object(content_loss)
            loaded = keras.saving.deserialize_keras_object(config, safe_mode=True)
    except Exception:  # Whatever its `get_config` and `from_config` may raise.
        loaded = None
    if not callable(loaded):
        raise ValueError(f"content_loss={content_loss!r} could not be loaded from a saved model: {advice}")


def apply_content_loss(content_loss: Callable, truth: dict, saliency_pred):
    """Return the content loss of each image (B,). A loss of `keras.losses` is averaged over the pixels."""
    if isinstance(content_loss, keras.losses.Loss):
        content_loss = content_loss.call
    elif not content_loss.__module__.startswith("keras."):
        return content_loss(truth, saliency_pred)
    pixels = content_loss(*_float32(truth["saliency"], saliency_pred))
    return keras.ops.mean(keras.ops.reshape(pixels, (keras.ops.shape(pixels)[0], -1)), axis=-1)


def make_metric(metric: Any) -> keras.metrics.Metric:
    """Return the metric that `keras.Model.compile` would make of a name, a function of (truth, maps) or a metric."""
    made = keras.metrics.get(metric)
    if not isinstance(made, keras.metrics.Metric):
        made = keras.metrics.MeanMetricWrapper(made, name=getattr(made, "__name__", None))
    if isinstance(metric, str):
        made.name = metric
    return made
