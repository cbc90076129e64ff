"""Make a bundled model from a training.

    python tools/bundle_model.py edge RUN

The float network is made from the int8 file too. The file is written only if both predict the maps of the training's
model.
"""

import argparse
from pathlib import Path

from salgan_tf import SaliencyPredictor, build_generator, files, load_generator
from salgan_tf.exporting import calibration, litert, parity
from salgan_tf.weights import BUNDLED, find_model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=BUNDLED, help="name of the bundled model")
    parser.add_argument("run", type=Path, metavar="RUN", help="run folder of train")
    parser.add_argument("--out", type=Path, metavar="FILE", help="(default: the bundled file)")
    arguments = parser.parse_args()
    bundled = BUNDLED[arguments.name]
    out = arguments.out or bundled.file
    generator = load_generator(find_model(arguments.run))
    shape = generator.input_shape[1:]
    checks = calibration.dead_leaves(shape[:2], 32, seed=1)
    expected = parity.run_generator(generator, checks)
    with files.atomic_path(out) as scratch:
        litert.convert(generator, "int8", scratch, calibration.dead_leaves(shape[:2]))
        rebuilt = build_generator(bundled.backbone, shape, weights=scratch)
        for name, model in {"LiteRT": scratch, "Keras from its weights": rebuilt}.items():
            found = parity.compare(expected, SaliencyPredictor(model, trusted=True), checks, litert.INT8.limits)
            print(f"{name} against the training's model: mean CC {found.mean_cc:.5f}, worst {found.worst_cc:.5f}")
            if failures := found.failures():
                raise SystemExit(f"{name} differs from the model, not bundled: {'; '.join(failures)}")
    print(f"{out}: {out.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
