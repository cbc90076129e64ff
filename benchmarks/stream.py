"""Training from a stream of shards against training from records in memory: time of a step, and memory, in one run.

    python benchmarks/stream.py --data ROOT [--backbone vgg16]

The stream reads the shards of `train` again and again, as if they were more: 200,000 examples by default. Times are
medians; the sources take turns in each round. Memory is the peak of resident memory (Linux) of a process that trains
from one source, above that of one that repeats a single batch.
"""

import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import tensorflow as tf
from training_step import batches, make_parser, measure, plain_config, training_step

from salgan_tf.data.pipeline import load_examples
from salgan_tf.data.records import write_records
from salgan_tf.data.stream import join_streams, open_stream
from salgan_tf.exporting.processor import describe_processor
from salgan_tf.settings import TrainingConfig

SOURCES = ("one batch", "memory", "stream")


def prepare_step(name: str, records: str, config: TrainingConfig, examples: int) -> Callable[[], None]:
    """Return a function that runs a content step with a batch of a source."""
    part = open_stream(records, "train", config.image_shape)
    if name == "memory":
        return training_step(config, None, batches(load_examples(records, "train", config.image_shape), config))
    if name == "stream":
        return training_step(config, None, batches(join_streams([part] * -(-examples // part.count)), config))
    batch = next(batches(part, config))
    return training_step(config, None, iter(tf.data.Dataset.from_tensors(batch).repeat()))


def read_peak() -> float:
    """Return the peak of this process's resident memory, in MB."""
    (kilobytes,) = re.findall(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())
    return int(kilobytes) * 1024 / 1e6


def main() -> None:
    parser = make_parser(__doc__)
    parser.add_argument("--examples", type=int, default=200_000, metavar="N", help="(default: %(default)s)")
    parser.add_argument("--steps", type=int, default=8, metavar="N", help="steps per round (default: %(default)s)")
    parser.add_argument("--peak", choices=SOURCES, help="only train from this source, and print the peak in MB")
    arguments = parser.parse_args()
    config = plain_config(arguments)
    if arguments.peak:
        step = prepare_step(arguments.peak, arguments.data, config, arguments.examples)
        measure({arguments.peak: step}, 1, arguments.steps)
        print(read_peak())
        return
    with tempfile.TemporaryDirectory() as records:
        write_records(config.data, records, config.image_shape)
        command = [sys.executable, __file__, *sys.argv[1:], "--data", records]
        peaks = [
            float(subprocess.run([*command, "--peak", name], check=True, stdout=subprocess.PIPE).stdout)
            for name in SOURCES
        ]
        steps = {name: prepare_step(name, records, config, arguments.examples) for name in SOURCES[1:]}
        seconds = measure(steps, arguments.rounds, arguments.steps)
        count = open_stream(records, "train", config.image_shape).count
    height, width = config.image_shape
    print(describe_processor())
    print(
        f"{config.backbone}, batches of {config.batch_size} at {height}x{width}, medians of {arguments.rounds} rounds"
    )
    for name, examples, peak in zip(SOURCES[1:], (count, arguments.examples), peaks[1:], strict=True):
        ratio = f"{seconds['memory'] / seconds[name]:.2f} times as fast as from memory"
        more = f"{peak - peaks[0]:.0f} MB more than with one batch"
        print(f"{name}, {examples} examples: {1000 * seconds[name]:.0f} ms per step, {ratio}; {more}")


if __name__ == "__main__":
    main()
