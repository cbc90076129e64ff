"""Keras metrics for `fit` and `evaluate`: means over images of CC, KL, SIM and NSS on the batch's grid."""

import keras

from salgan_tf import losses


class _MeanOverImages(keras.metrics.Mean):
    """A mean of one number an image."""

    name_in_logs: str

    def __init__(self, name: str | None = None, dtype=None):
        super().__init__(name=name or self.name_in_logs, dtype=dtype)

    def per_image(self, truth: dict, saliency_pred):
        """Give (values, weights), both (B,)."""
        raise NotImplementedError

    def update_state(self, truth: dict, saliency_pred, sample_weight=None):
        """Add a batch.

        Args:
            truth: `saliency` densities and, for NSS, `fixations` counts, both (B, H, W, 1).
            saliency_pred: maps (B, H, W, 1).
            sample_weight: (B,), or None for equal weights.
        """
        values, weights = self.per_image(truth, saliency_pred)
        if sample_weight is not None:
            weights = weights * keras.ops.cast(sample_weight, weights.dtype)
        super().update_state(values, sample_weight=weights)


@keras.saving.register_keras_serializable("salgan_tf")
class CorrelationCoefficient(_MeanOverImages):
    """Mean CC, see `losses.correlation_coefficient`."""

    name_in_logs = "cc"

    def per_image(self, truth, saliency_pred):
        values = losses.correlation_coefficient(truth["saliency"], saliency_pred)
        return values, keras.ops.ones_like(values)


@keras.saving.register_keras_serializable("salgan_tf")
class KLDivergence(_MeanOverImages):
    """Mean KL divergence in nats, see `losses.kl_divergence`."""

    name_in_logs = "kl"

    def per_image(self, truth, saliency_pred):
        values = losses.kl_divergence(truth["saliency"], saliency_pred)
        return values, keras.ops.ones_like(values)


@keras.saving.register_keras_serializable("salgan_tf")
class Similarity(_MeanOverImages):
    """Mean SIM, see `losses.similarity`."""

    name_in_logs = "sim"

    def per_image(self, truth, saliency_pred):
        values = losses.similarity(truth["saliency"], saliency_pred)
        return values, keras.ops.ones_like(values)


@keras.saving.register_keras_serializable("salgan_tf")
class NormalizedScanpathSaliency(_MeanOverImages):
    """Mean NSS over the images that have fixations, see `losses.normalized_scanpath_saliency`."""

    name_in_logs = "nss"

    def per_image(self, truth, saliency_pred):
        fixations = truth["fixations"]
        values = losses.normalized_scanpath_saliency(fixations, saliency_pred)
        return values, keras.ops.cast(keras.ops.any(fixations > 0, axis=(1, 2, 3)), values.dtype)
