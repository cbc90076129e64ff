"""The time of a training step of each kind, and of making a batch, as ratios to the content step measured in one run.

    python benchmarks/training_step.py --data ROOT [--backbone vgg16]

The contenders take turns in each round, so that a busy moment of the machine hits all of them. Printed are medians.
"""

import argparse
import dataclasses
import functools
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import keras
import numpy as np

from salgan_tf import SalGAN, build_discriminator, build_generator
from salgan_tf.data.augmentation import AUGMENTATIONS
from salgan_tf.data.pipeline import Split, load_examples, make_batches
from salgan_tf.data.records import write_records
from salgan_tf.data.stream import Stream
from salgan_tf.exporting.processor import describe_processor
from salgan_tf.losses import make_content_loss
from salgan_tf.models.backbones import BACKBONES
from salgan_tf.models.precision import computing_in
from salgan_tf.settings import DEFAULT_BACKBONE, TrainingConfig, make_config


def batches(examples: Split | Stream, config: TrainingConfig) -> Iterator:
    size, augmentations = config.batch_size, config.augmentations
    return iter(make_batches(examples, size, shuffle=True, augmentations=augmentations, first_epoch=0))


def training_step(config: TrainingConfig, updates: str | None, source: Iterator) -> Callable[[], None]:
    """Return a function that runs a compiled training step. If `updates` is None, it is one of the content stage."""
    image_shape = (*config.image_shape, 3)
    discriminator = build_discriminator(image_shape) if updates else None
    content_loss = make_content_loss(config.content_loss)
    with computing_in(config.precision):
        generator = build_generator(config.backbone, image_shape)
    model = SalGAN(generator, discriminator, config.alpha, content_loss, updates or config.updates)
    model.compile(keras.optimizers.AdamW())
    model.make_train_function()
    return lambda: model.train_function(source)


def frozen_blocks(config: TrainingConfig) -> dict[str, Callable[[], Any]]:
    """Return a function that runs the layers that are never trained, and whose outputs could be kept."""
    backbone = BACKBONES[config.backbone]
    if not backbone.frozen:
        return {}
    generator = build_generator(config.backbone, (*config.image_shape, 3))
    last = generator.get_layer(backbone.encoder_layers[backbone.frozen - 1])
    frozen = keras.Model(generator.input, last.output)
    images = np.zeros((config.batch_size, *config.image_shape, 3), np.float32)
    return {"frozen blocks": lambda: frozen.predict_on_batch(images)}


def measure(contenders: Mapping[str, Callable[[], Any]], rounds: int, steps: int) -> dict[str, float]:
    """Return each contender's median number of seconds per step."""
    for run in contenders.values():
        # Tracing: alternating updates have two graphs.
        run()
        run()
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, run in contenders.items():
            started = time.perf_counter()
            for _ in range(steps):
                run()
            seconds[name].append((time.perf_counter() - started) / steps)
    return {name: statistics.median(values) for name, values in seconds.items()}


def make_parser(description: str | None) -> argparse.ArgumentParser:
    """Return a parser with the arguments of every benchmark of training steps."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, metavar="ROOT", help="data set in SALICON's layout")
    parser.add_argument("--backbone", default=DEFAULT_BACKBONE, choices=tuple(BACKBONES), help="(default: %(default)s)")
    parser.add_argument("--size", metavar="HxW", help="size of the network's input (default: 192x256)")
    parser.add_argument("--batch-size", metavar="N", help="photographs per step (default: the backbone's)")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="rounds (default: %(default)s)")
    return parser


def plain_config(arguments: argparse.Namespace) -> TrainingConfig:
    """Return the settings of these arguments, without augmentation."""
    settings = {"data": arguments.data, "backbone": arguments.backbone, "batch_size": arguments.batch_size}
    return make_config(**settings, image_shape=arguments.size, augmentations="none")


def main() -> None:
    parser = make_parser(__doc__)
    parser.add_argument(
        "--steps", type=int, default=4, metavar="N", help="steps per round, an even number (default: %(default)s)"
    )
    arguments = parser.parse_args()
    plain = plain_config(arguments)
    augmented = dataclasses.replace(plain, augmentations=AUGMENTATIONS)
    with tempfile.TemporaryDirectory() as records:
        write_records(plain.data, records, plain.image_shape)
        from_folder, from_records = (load_examples(root, "val", plain.image_shape) for root in (plain.data, records))
    # Each step has its own source, without augmentation, so that only the steps differ.
    steps = {
        f"{name} step": training_step(plain, updates, batches(from_folder, plain))
        for name, updates in (("content", None), ("adversarial alternate", "alternate"), ("adversarial both", "both"))
    }
    in_bfloat16 = dataclasses.replace(plain, precision="bfloat16")
    steps["content step, bfloat16"] = training_step(in_bfloat16, None, batches(from_folder, in_bfloat16))
    steps |= frozen_blocks(plain)
    seconds = measure(steps, arguments.rounds, arguments.steps)
    # Pipelines are measured apart from the steps: their threads read ahead, and would be timed with them.
    pipelines = {
        f"{name} batch": functools.partial(next, batches(examples, config))
        for name, examples, config in (
            ("folder", from_folder, plain),
            ("folder, augmented", from_folder, augmented),
            ("records, augmented", from_records, augmented),
        )
    }
    # Long enough that the batches that were read ahead do not count.
    seconds |= measure(pipelines, arguments.rounds, 20 * arguments.steps)
    content = seconds["content step"]
    height, width = plain.image_shape
    print(describe_processor())
    print(f"{plain.backbone}, batches of {plain.batch_size} at {height}x{width}, medians of {arguments.rounds} rounds")
    for name, value in seconds.items():
        faster = name.endswith("batch")
        ratio = f"{content / value:6.1f} times as fast as" if faster else f"{value / content:6.2f} times"
        print(f"{name:28} {1000 * value:8.0f} ms, {ratio} the content step")


if __name__ == "__main__":
    main()
