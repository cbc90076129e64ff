"""Saliency maps of photographs with a .tflite file, where there is neither TensorFlow nor the package salgan_tf.

python run.py MODEL.tflite PATH... --out DIR [--threads N] [--no-overlay]
"""

import argparse
import os
import sys
from pathlib import Path

import numpy as np

# The shared file lies one folder up, for all devices.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from saliency_pictures import InputError, format_speed, positive, predict_files, quiet, run_program, time_network

try:
    from ai_edge_litert.interpreter import Interpreter
except ImportError as error:
    sys.exit(f"{error}: pip install -r {Path(__file__).resolve().parent / 'requirements.txt'}")

# What is below half a level of an 8-bit output is stored as level 0. Read as 0 it would be a place where nobody ever
# looks, which costs KL and information gain much; a quarter of a level is the middle of what it may have been.
LEVEL_ZERO = 0.25


class Saliency:
    """A generator in LiteRT.

    Args:
        path: a .tflite file, float32 or uint8 at its ends.
        threads: by default one a core.

    Attributes:
        shape: (height, width) at which the network sees a photograph.

    Raises:
        InputError: the file is missing, damaged, or holds no generator.
    """

    def __init__(self, path: str | Path, threads: int | None = None):
        if not Path(path).is_file():
            raise InputError(path, "no such model")
        try:
            with quiet():
                self._interpreter = Interpreter(model_path=str(path), num_threads=threads or os.cpu_count())
                self._interpreter.allocate_tensors()
            (self._entry,) = self._interpreter.get_input_details()
            (self._exit,) = self._interpreter.get_output_details()
        except (ValueError, RuntimeError) as error:
            raise InputError(path, f"not a LiteRT model that can be run: {error}") from error
        entry, exit_ = (tuple(map(int, end["shape"])) for end in (self._entry, self._exit))
        if len(entry) != 4 or entry[0] != 1 or entry[3] != 3 or exit_ != (*entry[:3], 1):
            raise InputError(path, f"no generator: it maps {entry} to {exit_}")
        if self._entry["dtype"] not in (np.float32, np.uint8):
            raise InputError(path, f"takes {np.dtype(self._entry['dtype']).name}, and a picture is float32 or uint8")
        self.shape = entry[1:3]

    def run_network(self, picture: np.ndarray) -> np.ndarray:
        """Run the network alone: uint8 (*shape, 3) RGB in, float32 (*shape) out."""
        # No division by 255, no mean: preprocessing is inside the model.
        self._interpreter.set_tensor(self._entry["index"], picture[None].astype(self._entry["dtype"]))
        self._interpreter.invoke()
        saliency = self._interpreter.get_tensor(self._exit["index"])[0, ..., 0].astype(np.float32)
        scale, zero_point = self._exit["quantization"]
        return np.maximum(saliency - zero_point, LEVEL_ZERO) * scale if scale else saliency


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Write saliency maps and overlays of photographs and folders of them.")
    parser.add_argument("model", metavar="MODEL.tflite", type=Path)
    parser.add_argument("paths", nargs="+", metavar="PATH", type=Path, help="photograph, or folder of photographs")
    parser.add_argument(
        "--out", required=True, metavar="DIR", type=Path, help="for NAME_saliency.png, NAME_overlay.jpg"
    )
    parser.add_argument("--threads", metavar="N", type=positive, help="one a core, if not said")
    parser.add_argument("--no-overlay", action="store_true", help="write the grey maps only")
    return parser.parse_args(argv)


def _run(arguments: argparse.Namespace) -> int:
    model = Saliency(arguments.model, arguments.threads)
    done, failed = predict_files(
        arguments.paths, arguments.out, model.shape, model.run_network, not arguments.no_overlay
    )
    print(f"{done} of {done + failed} predicted" + (f", see {arguments.out}" if done else ""))
    if done:
        print(format_speed(time_network(model.shape, model.run_network)))
    return 1 if failed else 0


def main(argv: list[str] | None = None) -> int:
    """Run the program; give its exit code: 0, 1 for a bad input, 2 for bad usage, 130 after Ctrl-C."""
    arguments = _parse(argv)
    return run_program(lambda: _run(arguments))


if __name__ == "__main__":
    sys.exit(main())
