"""Make the bundled edge model of a training: python tools/bundle_edge.py RUN

Writes salgan_tf/weights/salgan_mobilenet_v2.weights.h5, its numbers rounded to float16 so that every exported file is
made of the same ones, and salgan_mobilenet_v2_int8.tflite, and refuses when the file's maps are not the model's.
"""

import argparse
from pathlib import Path

import keras
import numpy as np

from salgan_tf import SaliencyPredictor, build_generator, files, inference, load_generator
from salgan_tf.export import calibration, litert, parity
from salgan_tf.export.bias_correction import correct_biases, round_to_float16
from salgan_tf.export.generator import EDGE_WEIGHTS


def save_in_float16(generator: keras.Model, path: Path) -> None:
    """Save weights that are float16 numbers already as such: half of the bytes, and Keras reads them as float32."""
    keras.config.set_dtype_policy("float16")
    half = build_generator("mobilenet_v2", generator.input_shape[1:])
    half.set_weights(generator.get_weights())
    half.save_weights(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, metavar="RUN", help="run folder of train")
    generator = load_generator(inference.find_model(parser.parse_args().run))
    pictures = calibration.dead_leaves(generator.input_shape[1:3])
    generator = correct_biases(generator, pictures, round_to_float16)
    generator.set_weights([weight.astype(np.float16).astype(np.float32) for weight in generator.get_weights()])
    checks = calibration.dead_leaves(generator.input_shape[1:3], 32, seed=1)
    with files.atomic_path(inference.EDGE_MODEL) as scratch:
        litert.convert(generator, "int8", scratch, pictures)
        expected = parity.run_generator(generator, checks)
        found = parity.compare(expected, SaliencyPredictor(scratch), checks, parity.LIMITS["int8"])
        print(f"LiteRT against Keras: mean CC {found.mean_cc:.5f}, worst {found.worst_cc:.5f}")
        if failures := found.failures():
            raise SystemExit(f"the LiteRT file is not the model, not bundled: {'; '.join(failures)}")
    with files.atomic_path(EDGE_WEIGHTS) as scratch:
        save_in_float16(generator, scratch)
    for path in (EDGE_WEIGHTS, inference.EDGE_MODEL):
        print(f"{path.name}: {path.stat().st_size / 2**20:.1f} MiB")


if __name__ == "__main__":
    main()
