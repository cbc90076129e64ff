"""The files of a training with JAX, on a machine that has no TensorFlow: its data, and the weights that it gives back.

    python tools/jax_files.py pack freeview packed.npz
    python tools/jax_files.py unpack TRAINED RUN --init vgg16_hed.npz

Between the two, `train_on_jax.py` trains from packed.npz into TRAINED. RUN is a folder that the package takes as a
model. All files are small: 25 MB for 1300 photographs, and two bytes for each weight that was trained.
"""

import argparse
import io
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

from salgan_tf import files
from salgan_tf.data import folder
from salgan_tf.images import resize_area

# Photographs are packed at this size.
_PACKED = (288, 384)
# Weights in one file, below 16 MB.
_CHUNK = 7_800_000


class Photographs(NamedTuple):
    """A split of a data set.

    Attributes:
        images: uint8 (N, H, W, 3), RGB.
        points: float32 (N, P, 2), x and y of the fixations in [0, 1]; -9 where there are no more.
    """

    images: np.ndarray
    points: np.ndarray


def pack(arguments: argparse.Namespace) -> None:
    """Write the photographs of `train` and `val`, reduced and as WebP, and their fixations to one .npz file."""
    arrays: dict[str, np.ndarray] = {}
    for split in ("train", "val"):
        encoded, fixations = [], []
        for example in folder.index_folder(arguments.data, split):
            sample = folder.read_example(example)
            if sample.gaze is None:
                raise SystemExit(f"{example.image}: has no fixations")
            image = resize_area(sample.image, _PACKED)
            encoded.append(cv2.imencode(".webp", image[..., ::-1], [cv2.IMWRITE_WEBP_QUALITY, 82])[1])
            fixations.append((sample.gaze.points[:, ::-1] + 0.5) / sample.image.shape[1::-1])
        points = np.full((len(fixations), max(map(len, fixations)), 2), -9, np.float16)
        for row, found in zip(points, fixations, strict=True):
            row[: len(found)] = found
        arrays |= {
            f"{split}_points": points,
            f"{split}_sizes": np.array([len(content) for content in encoded]),
            f"{split}_images": np.concatenate(encoded),
        }
    files.write_npz(arguments.packed, arrays)


def read_packed(path: Path) -> dict[str, Photographs]:
    """Read a file of `pack`."""
    splits = {}
    arrays = files.read_npz(path)
    for split in ("train", "val"):
        parts = np.split(arrays[f"{split}_images"], np.cumsum(arrays[f"{split}_sizes"])[:-1])
        images = np.stack([np.asarray(Image.open(io.BytesIO(part.tobytes()))) for part in parts])
        splits[split] = Photographs(images, arrays[f"{split}_points"].astype(np.float32))
    return splits


def write_trained(out: Path, settings: dict, weights: list[np.ndarray]) -> None:
    """Write the settings and the trained weights of a network, in its order."""
    files.make_folder(out)
    files.write_json(out / "settings.json", settings)
    values = np.concatenate([weight.ravel() for weight in weights]).astype(np.float16)
    for number, start in enumerate(range(0, len(values), _CHUNK)):
        np.save(out / f"weights-{number}.npy", values[start : start + _CHUNK])


def unpack(arguments: argparse.Namespace) -> None:
    """Write the generator of a folder of `write_trained` to a run folder."""
    from salgan_tf import build_generator

    settings = files.read_json(arguments.trained / "settings.json")
    parts = sorted(arguments.trained.glob("weights-*.npy"))
    values = np.concatenate([np.load(part, allow_pickle=False) for part in parts]).astype(np.float32)
    # What is frozen was not trained, and comes from the start.
    generator = build_generator(settings["backbone"], (*settings["size"], 3), arguments.init)
    sizes = [int(np.prod(variable.shape)) for variable in generator.trainable_variables]
    if len(values) != sum(sizes):
        raise SystemExit(f"{arguments.trained}: holds {len(values)} weights, and {generator.name} has {sum(sizes)}")
    for variable, part in zip(generator.trainable_variables, np.split(values, np.cumsum(sizes)[:-1]), strict=True):
        variable.assign(part.reshape(variable.shape))
    files.make_folder(arguments.folder)
    generator.save(arguments.folder / "content.keras")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("pack", help="write a data set to one file")
    command.add_argument("data", metavar="ROOT", help="data set with fixations and the splits train and val")
    command.add_argument("packed", type=Path, metavar="FILE.npz", help="file to write")
    command.set_defaults(run=pack)
    command = commands.add_parser("unpack", help="make a run folder of what was trained")
    command.add_argument("trained", type=Path, metavar="TRAINED", help="folder that train_on_jax.py wrote")
    command.add_argument("folder", type=Path, metavar="RUN", help="run folder to write")
    command.add_argument("--init", metavar="FILE.npz", help="start of the training, for what was frozen")
    command.set_defaults(run=unpack)
    arguments = parser.parse_args()
    arguments.run(arguments)


if __name__ == "__main__":
    main()
