"""Make the bundled edge model of a training: python tools/bundle_edge.py RUN

Writes salgan_tf/weights/salgan_mobilenet_v2_int8.tflite, from which the float network is made too, and refuses when the
maps of either are not the model's.
"""

import argparse
from pathlib import Path

from salgan_tf import SaliencyPredictor, build_generator, files, load_generator
from salgan_tf.exporting import calibration, litert, parity
from salgan_tf.weights import BUNDLED, find_model

EDGE_MODEL = BUNDLED["edge"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, metavar="RUN", help="run folder of train")
    generator = load_generator(find_model(parser.parse_args().run))
    shape = generator.input_shape[1:]
    checks = calibration.dead_leaves(shape[:2], 32, seed=1)
    expected = parity.run_generator(generator, checks)
    with files.atomic_path(EDGE_MODEL) as scratch:
        litert.convert(generator, "int8", scratch, calibration.dead_leaves(shape[:2]))
        made_of_it = build_generator("mobilenet_v2", shape, weights=scratch)
        for name, model in {"LiteRT": scratch, "Keras from its weights": made_of_it}.items():
            found = parity.compare(expected, SaliencyPredictor(model), checks, litert.INT8.limits)
            print(f"{name} against the training's: mean CC {found.mean_cc:.5f}, worst {found.worst_cc:.5f}")
            if failures := found.failures():
                raise SystemExit(f"{name} is not the model, not bundled: {'; '.join(failures)}")
    print(f"{EDGE_MODEL.name}: {EDGE_MODEL.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
