"""Train a generator by its content loss with Keras on JAX: minutes on a GPU, where a processor takes hours.

    KERAS_BACKEND=jax python tools/train_on_jax.py packed.npz TRAINED --backbone mlnet --init vgg16_hed.npz

Networks and losses are the package's. The optimizer is AdamW, as of `salgan-tf train --optimizer adamw`, whose settings
have the same names here. It needs JAX, which no extra of the package installs, but no TensorFlow: `jax_files.py` makes
packed.npz of a data set and a run folder of TRAINED. Weights are kept of the epoch with the best CC on `val`.
"""

import argparse
import time
from pathlib import Path
from typing import Any

import cv2
import jax
import jax.numpy as jnp
import keras
import numpy as np
from jax_files import Photographs, read_packed, write_trained

from salgan_tf import arguments as types
from salgan_tf import files, losses
from salgan_tf.data.fixations import BLUR_PER_WIDTH
from salgan_tf.models.assignment import assign_layers
from salgan_tf.models.backbones import BACKBONES
from salgan_tf.models.optimizers import LayerwiseAdamW
from salgan_tf.models.precision import POLICIES, computing_in


def draw_maps(points: Any, shape: tuple[int, int]) -> Any:
    """Return the saliency maps (B, H, W, 1), maximum 1, of fixations (B, P, 2): a Gaussian at each."""
    # A circle on a photograph of 4:3, and on a network's input of these sides.
    sigma = BLUR_PER_WIDTH * shape[1]
    rows, columns = (
        jnp.exp(-0.5 * ((jnp.arange(cells) + 0.5 - points[..., axis, None] * cells) / sigma) ** 2)
        for cells, axis in zip(shape, (1, 0), strict=True)
    )
    maps = jnp.einsum("bph,bpw->bhw", rows, columns)[..., None]
    return maps / jnp.maximum(maps.max(axis=(1, 2, 3), keepdims=True), 1e-6)


def augment(key: Any, image: Any, points: Any, shape: tuple[int, int], smallest: float) -> tuple[Any, Any]:
    """Cut a window out of a photograph, flip it and change its colours, at random.

    Returns:
        The image float32 (*shape, 3) in [0, 255], and the points (P, 2) of the window.
    """
    keys = jax.random.split(key, 4)
    side = jax.random.uniform(keys[0], minval=smallest, maxval=1.0)
    corner = jax.random.uniform(keys[1], (2,)) * (1 - side)
    moved = (points - corner) / side
    seen = ((moved >= 0) & (moved < 1)).all(axis=-1)
    # There is nothing to learn from a window in which nobody looked at anything: such an example stays whole.
    side, corner = jnp.where(seen.any(), side, 1.0), jnp.where(seen.any(), corner, 0.0)
    moved = jnp.where(seen.any(), jnp.where(seen[:, None], moved, -9.0), points)
    sides = jnp.array(image.shape[:2])
    scale = jnp.array(shape) / (sides * side)
    image = jax.image.scale_and_translate(
        image.astype(jnp.float32), (*shape, 3), (0, 1), scale, -corner[::-1] * sides * scale, "linear"
    )
    flipped = jax.random.bernoulli(keys[2])
    image = jnp.where(flipped, image[:, ::-1], image)
    moved = jnp.where(flipped & (moved[:, :1] >= 0), jnp.array([1.0, 0.0]) + moved * jnp.array([-1.0, 1.0]), moved)
    brightness, contrast, saturation = jax.random.uniform(keys[3], (3,), minval=-1.0)
    image = image + 25 * brightness
    mean = image.mean(axis=(0, 1))
    image = jnp.clip((image - mean) * (1 + 0.2 * contrast) + mean, 0, 255)
    grey = image.max(axis=-1, keepdims=True)
    return jnp.clip((image - grey) * (1 + 0.3 * saturation) + grey, 0, 255), moved


def build(settings: argparse.Namespace) -> keras.Model:
    """Build the generator, with the encoder of an .npz file of ImageNet if one is given."""
    keras.utils.set_random_seed(settings.seed)
    network = BACKBONES[settings.backbone]
    with computing_in(settings.precision):
        image = keras.Input((*settings.size, 3), name="image")
        generator = keras.Model(image, network.connect(image, settings.dropout), name=f"salgan_{settings.backbone}")
    for layer in network.encoder_layers[: network.frozen]:
        generator.get_layer(layer).trainable = False
    if settings.init:
        arrays = files.read_npz(settings.init)
        length = len(network.encoder_layers) // network.encoders
        pairs = [(arrays[f"k{index:02d}"], arrays[f"b{index:02d}"]) for index in range(length)]
        assign_layers(
            generator, dict(zip(network.encoder_layers, pairs * network.encoders, strict=True)), settings.init
        )
    return generator


class Trainer:
    """A generator and its training on one device, an epoch as one compiled function."""

    def __init__(self, settings: argparse.Namespace, splits: dict[str, Photographs]):
        self.settings, self.shape = settings, settings.size
        self.data = tuple(map(jnp.asarray, splits["train"]))
        self.generator = build(settings)
        self.content_loss = losses.make_content_loss(settings.content_loss)
        self.steps = len(self.data[0]) // settings.batch_size
        schedule = keras.optimizers.schedules.CosineDecay(
            settings.learning_rate, settings.bce_epochs * self.steps, alpha=0.01
        )
        encoder = BACKBONES[settings.backbone].encoder_layers
        self.optimizer = LayerwiseAdamW(schedule, encoder, settings.encoder_rate, weight_decay=settings.weight_decay)
        self.optimizer.build(self.generator.trainable_variables)
        trained = [variable.value for variable in self.generator.trainable_variables]
        self.fixed = [variable.value for variable in self.generator.non_trainable_variables]
        slots = [variable.value for variable in self.optimizer.variables]
        # Weights, what else changes in the network, the optimizer's variables, and the averaged weights.
        self.carry = (trained, self.fixed, slots, trained)
        self.key = jax.random.key(settings.seed)
        self.epoch = jax.jit(lambda *arguments: jax.lax.scan(self._step, *arguments))
        self.predict = jax.jit(lambda *arguments: self.generator.stateless_call(*arguments)[0])
        resized = [cv2.resize(image, self.shape[::-1], interpolation=cv2.INTER_AREA) for image in splits["val"].images]
        self.val_images, self.val_points = np.stack(resized).astype(np.float32), splits["val"].points

    def run_epoch(self) -> float:
        """Train on all photographs once, in random order, and return the mean of the loss."""
        self.key, order, noise = jax.random.split(self.key, 3)
        chosen = jax.random.permutation(order, len(self.data[0]))[: self.steps * self.settings.batch_size]
        turns = chosen.reshape(self.steps, -1), jax.random.split(noise, self.steps)
        self.carry, content = self.epoch(self.carry, turns)
        return float(content.mean())

    def _step(self, carry: tuple, turn: tuple) -> tuple[tuple, Any]:
        trained, fixed, slots, average = carry
        chosen, key = turn

        def view(key, image, points):
            return augment(key, image, points, self.shape, self.settings.crop)

        images, points = (part[chosen] for part in self.data)
        image, points = jax.vmap(view)(jax.random.split(key, len(chosen)), images, points)
        saliency = draw_maps(points, self.shape)

        def loss(weights):
            drawn, state, penalties = self.generator.stateless_call(
                weights, fixed, image, training=True, return_losses=True
            )
            content = losses.apply_content_loss(self.content_loss, {"saliency": saliency}, drawn).mean()
            return content + sum(penalties), (state, content)

        (_, (fixed, content)), gradients = jax.value_and_grad(loss, has_aux=True)(trained)
        trained, slots = self.optimizer.stateless_apply(slots, gradients, trained)
        kept = self.settings.ema
        average = [kept * old + (1 - kept) * new for old, new in zip(average, trained, strict=True)]
        return (trained, fixed, slots, average), content

    def validate(self) -> dict[str, float]:
        """Measure the averaged network on `val`, at the network's size."""
        size, count = self.settings.batch_size, len(self.val_images)
        # One shape is compiled: the last batch begins earlier.
        starts = [min(start, count - size) for start in range(0, count, size)]
        found = np.empty((count, *self.shape, 1), np.float32)
        for start in starts:
            batch = self.val_images[start : start + size]
            found[start : start + size] = self.predict(self.carry[3], self.carry[1], batch)
        truth = draw_maps(jnp.asarray(self.val_points), self.shape)
        cc, kl = losses.correlation_coefficient(truth, found), losses.kl_divergence(truth, found)
        return {"val_cc": float(cc.mean()), "val_kl": float(kl.mean())}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("packed", type=Path, metavar="FILE.npz", help="data set, from jax_files.py")
    parser.add_argument("trained", type=Path, metavar="TRAINED", help="folder to write")
    parser.add_argument("--backbone", choices=BACKBONES, default="vgg16")
    parser.add_argument("--init", metavar="FILE.npz", help="encoder trained on ImageNet (default: random numbers)")
    parser.add_argument("--size", type=types.size, default=(192, 256), metavar="HxW")
    parser.add_argument("--batch-size", type=types.positive, default=16, metavar="N")
    parser.add_argument("--bce-epochs", type=types.positive, default=20, metavar="N")
    parser.add_argument("--content-loss", default="bce", metavar="NAME|WEIGHTS")
    parser.add_argument("--learning-rate", type=types.rate, default=1e-4, metavar="X")
    parser.add_argument("--encoder-rate", type=types.rate, default=1.0, metavar="X")
    parser.add_argument("--weight-decay", type=types.rate, default=1e-4, metavar="X")
    parser.add_argument("--dropout", type=types.decay, default=0.0, metavar="X")
    parser.add_argument("--ema", type=types.decay, default=0.99, metavar="X")
    parser.add_argument(
        "--crop", type=types.rate, default=0.75, metavar="X", help="smallest share of a side to cut out"
    )
    parser.add_argument("--precision", choices=POLICIES, default="bfloat16")
    parser.add_argument("--seed", type=types.seed, default=0, metavar="N")
    settings = parser.parse_args()
    trainer = Trainer(settings, read_packed(settings.packed))
    best = -1.0
    for epoch in range(1, settings.bce_epochs + 1):
        started = time.time()
        logs = {"content_loss": trainer.run_epoch()} | trainer.validate() | {"seconds": time.time() - started}
        print(f"epoch {epoch}:", ", ".join(f"{name} {value:.4f}" for name, value in logs.items()), flush=True)
        if logs["val_cc"] > best:
            best = logs["val_cc"]
            described = {name: value for name, value in vars(settings).items() if not isinstance(value, Path)}
            write_trained(
                settings.trained,
                described | {"epoch": epoch, "measured": logs},
                list(map(np.asarray, trainer.carry[3])),
            )


if __name__ == "__main__":
    main()
