"""Batches made against batches learnt from, and the adversarial step against the content step: ratios of one run.

    python benchmarks/training_step.py --data ROOT [--backbone vgg16]

Each contender takes a turn a round, so that a busy moment of the machine hits all of them; medians over the rounds.
"""

import argparse
import functools
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator

import keras

from salgan_tf import SalGAN, build_discriminator, build_generator
from salgan_tf.data.pipeline import Examples, load_examples, make_batches
from salgan_tf.data.records import write_records
from salgan_tf.training import CONTENT_LOSSES, make_config


def batches(examples: Examples, batch_size: int, augmentations: tuple[str, ...]) -> Iterator:
    return iter(make_batches(examples, batch_size, shuffle=True, augmentations=augmentations, first_epoch=0))


def training_step(backbone: str, updates: str | None, source: Iterator) -> Callable[[], None]:
    """Make a function that runs one compiled training step; `updates` None is the content stage."""
    config = make_config(backbone, data="")
    generator = build_generator(backbone)
    content_loss = CONTENT_LOSSES[config.content_loss]()
    if updates is None:
        model = SalGAN(generator, content_loss=content_loss)
        model.compile(keras.optimizers.AdamW())
    else:
        model = SalGAN(generator, build_discriminator(), config.alpha, content_loss, updates)
        model.compile(keras.optimizers.AdamW(), keras.optimizers.AdamW())
    model.make_train_function()
    return lambda: model.train_function(source)


def measure(contenders: dict[str, Callable[[], None]], rounds: int, steps: int) -> dict[str, float]:
    """Give each contender's median seconds a step."""
    for run in contenders.values():
        # Tracing: alternating updates have two graphs.
        run()
        run()
    seconds = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, run in contenders.items():
            started = time.perf_counter()
            for _ in range(steps):
                run()
            seconds[name].append((time.perf_counter() - started) / steps)
    return {name: statistics.median(values) for name, values in seconds.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, metavar="ROOT", help="data set in SALICON's layout")
    parser.add_argument("--backbone", default="mobilenet_v2", choices=("mobilenet_v2", "vgg16"))
    parser.add_argument("--batch-size", type=int, help="by default the backbone's")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=4, help="of each contender a round; even, for whole turns")
    arguments = parser.parse_args()
    config = make_config(arguments.backbone, data=arguments.data, batch_size=arguments.batch_size)
    size, augmented = config.batch_size, ("flip", "crop", "color")
    with tempfile.TemporaryDirectory() as records:
        write_records(arguments.data, records)
        folder_examples, record_examples = load_examples(arguments.data, "val"), load_examples(records, "val")
    # A source of its own for each step, plain, so that the steps alone are compared.
    steps = {
        f"{name} step": training_step(arguments.backbone, updates, batches(folder_examples, size, ()))
        for name, updates in (("content", None), ("adversarial alternate", "alternate"), ("adversarial both", "both"))
    }
    seconds = measure(steps, arguments.rounds, arguments.steps)
    # Apart from the steps: pipelines read ahead in threads of their own, and would be timed with them.
    pipelines = {
        f"{name} batch": functools.partial(next, batches(examples, size, names))
        for name, examples, names in (
            ("folder", folder_examples, ()),
            ("folder, augmented", folder_examples, augmented),
            ("records, augmented", record_examples, augmented),
        )
    }
    # Long enough that what was read ahead does not count.
    seconds |= measure(pipelines, arguments.rounds, 20 * arguments.steps)
    content = seconds["content step"]
    print(f"{arguments.backbone}, batches of {size} at 192x256, medians of {arguments.rounds} rounds")
    for name, value in seconds.items():
        faster = name.endswith("batch")
        ratio = f"{content / value:6.1f} times as fast as" if faster else f"{value / content:6.2f} times"
        print(f"{name:28} {1000 * value:8.0f} ms, {ratio} the content step")


if __name__ == "__main__":
    main()
