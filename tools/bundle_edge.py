"""Make the bundled edge model of a training: python tools/bundle_edge.py RUN

Writes salgan_tf/weights/salgan_mobilenet_v2.weights.h5 (float32) and .tflite (float16 weights, float32 in and out), and
refuses when the file's maps are not the model's.
"""

import argparse
from pathlib import Path

import keras
import matplotlib
import numpy as np
import tensorflow as tf

from salgan_tf import SaliencyPredictor, files, images, inference, load_generator
from salgan_tf.metrics import maps

WEIGHTS = inference.EDGE_MODEL.with_suffix(".weights.h5")


def convert(generator: keras.Model, path: Path) -> None:
    """Write a generator as LiteRT with batch 1, built-in operations alone and float16 weights."""
    generator.export(
        str(path),
        format="litert",
        input_signature=[keras.InputSpec(shape=(1, *generator.input_shape[1:]), dtype="float32", name="image")],
        optimizations=[tf.lite.Optimize.DEFAULT],
        target_spec={"supported_types": [tf.float16], "supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS]},
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, metavar="RUN", help="run folder with adversarial.keras")
    generator = load_generator(parser.parse_args().run / "adversarial.keras")
    photograph = images.read_image(Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg")
    expected = SaliencyPredictor(generator)(photograph)
    with files.atomic_path(inference.EDGE_MODEL) as scratch:
        convert(generator, scratch)
        found = SaliencyPredictor(scratch)(photograph)
        difference, correlation = float(np.abs(found - expected).max()), maps.cc(found, expected)
        print(f"LiteRT against Keras: CC {correlation:.5f}, largest difference {difference:.4f}")
        # Written so that a NaN fails too.
        if not (correlation > 0.999 and difference < 0.03):
            raise SystemExit("the LiteRT file is not the model: not bundled")
    with files.atomic_path(WEIGHTS) as scratch:
        generator.save_weights(scratch)
    for path in (WEIGHTS, inference.EDGE_MODEL):
        print(f"{path.name}: {path.stat().st_size / 2**20:.1f} MiB")


if __name__ == "__main__":
    main()
