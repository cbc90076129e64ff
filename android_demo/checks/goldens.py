"""Make the expected results of the app's checks, and the app's colour maps.

    python android_demo/checks/goldens.py

Only `golden/photo_*` depend on the weights; the others depend on OpenCV. `golden/versions.txt` lists the versions that
made them.
"""

import platform
from pathlib import Path

import ai_edge_litert
import cv2
import matplotlib
import numpy as np
import PIL
from ai_edge_litert.interpreter import Interpreter
from PIL import ExifTags, Image

from salgan_tf import SaliencyPredictor, images, visualization
from salgan_tf.weights import BUNDLED

APP = Path(__file__).resolve().parent.parent
GOLDEN = APP / "checks" / "resources" / "golden"
COLOR_MAPS = {"turbo": cv2.COLORMAP_TURBO, "inferno": cv2.COLORMAP_INFERNO, "viridis": cv2.COLORMAP_VIRIDIS}
RESIZED_SHAPE = (24, 32)
PHOTO_SHAPE = (192, 256)


def _write(name: str, array: np.ndarray) -> None:
    array.tofile(GOLDEN / name)


def make_color_maps() -> None:
    """Write the colour maps, resources of the app, as strips of 256 pixels."""
    ramp = np.arange(256, dtype=np.uint8)[None]
    for name, palette in COLOR_MAPS.items():
        strip = cv2.cvtColor(cv2.applyColorMap(ramp, palette), cv2.COLOR_BGR2RGB)
        Image.fromarray(strip).save(APP / "app/src/main/res/drawable-nodpi" / f"{name}.png", optimize=True)


def make_frame(random: np.random.Generator) -> None:
    """Write a frame whose height is not a multiple of 16, as Y, Cb and Cr planes without padding, and its colours."""
    height, width = 30, 46
    luma = random.integers(0, 256, (height, width), np.uint8)
    blue, red = random.integers(0, 256, (2, height // 2, width // 2), np.uint8)
    full = [np.repeat(np.repeat(plane, 2, 0), 2, 1) for plane in (red, blue)]
    _write("frame.yuv", np.concatenate([luma.ravel(), blue.ravel(), red.ravel()]))
    _write("frame.rgb", cv2.cvtColor(np.dstack([luma, *full]), cv2.COLOR_YCrCb2RGB))


def make_resized() -> None:
    """Write pictures, which the checks make too, resized by INTER_AREA: whole and broken ratios, enlarged sides."""
    for height, width in ((48, 64), (60, 80), (41, 65), (100, 32), (70, 20), (10, 90), (7, 5), (24, 32), (1, 1)):
        y, x, channel = np.indices((height, width, 3))
        picture = ((37 * x + 91 * y + 53 * channel + x * y * (channel + 1)) % 256).astype(np.uint8)
        _write(f"resized_{width}x{height}.rgb", images.resize_area(picture, RESIZED_SHAPE))


def make_heat(random: np.random.Generator) -> None:
    """Write a map that has every level, its colours, and the overlay on a picture of its size."""
    saliency = (random.permutation(1024).reshape(32, 32) / 1023 * 0.37).astype(np.float32)
    picture = random.integers(0, 256, (32, 32, 3), np.uint8)
    _write("heat.f32", saliency)
    _write("heat_picture.rgb", picture)
    _write("heat_inferno.rgb", visualization.heat_map(saliency))
    _write("heat_overlay.rgb", visualization.overlay(picture, saliency))


def make_photographs() -> None:
    """Write four flat quarters in each EXIF orientation, all the same when upright, and a transparent picture."""
    upright = np.zeros((48, 64, 3), np.uint8)
    upright[:24, :32], upright[:24, 32:], upright[24:, :32] = (220, 40, 40), (40, 200, 60), (50, 70, 210)
    upright[24:, 32:] = (230, 210, 70)
    stored = {1: 0, 2: 0, 3: 2, 4: 2, 5: 1, 6: 1, 7: 3, 8: 3}
    for orientation, quarter_turns in stored.items():
        array = np.fliplr(upright) if orientation in (2, 4, 5, 7) else upright
        exif = Image.Exif()
        exif[ExifTags.Base.Orientation] = orientation
        Image.fromarray(np.ascontiguousarray(np.rot90(array, quarter_turns))).save(
            GOLDEN / f"orientation_{orientation}.jpg", quality=95, subsampling=0, exif=exif
        )
        found = images.read_image(GOLDEN / f"orientation_{orientation}.jpg")
        if np.abs(found.astype(int) - upright).max() > 8:
            raise AssertionError(f"orientation {orientation} gives another picture")
    see_through = np.dstack([upright, np.tile(np.array([0, 90, 255, 255], np.uint8).repeat(16), (48, 1))])
    Image.fromarray(see_through).save(GOLDEN / "see_through.png")
    _write("see_through.rgb", images.read_image(GOLDEN / "see_through.png"))


def make_photo() -> None:
    """Write a public-domain photograph, the int8 model's raw levels for it, and the values that they are read as."""
    with Image.open(Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg") as photograph:
        photograph.save(GOLDEN / "photo.jpg", quality=85)
    predictor = SaliencyPredictor(threads=1)
    photo = images.read_image(GOLDEN / "photo.jpg")
    Image.fromarray(images.resize_area(photo, PHOTO_SHAPE)).save(GOLDEN / "photo_resized.png", optimize=True)
    seen = images.resize_area(photo, predictor.image_shape)
    saliency = predictor.run_network(seen)
    interpreter = Interpreter(str(BUNDLED["edge"].file), num_threads=1)
    interpreter.allocate_tensors()
    (entry,), (output,) = interpreter.get_input_details(), interpreter.get_output_details()
    interpreter.set_tensor(entry["index"], seen[None])
    interpreter.invoke()
    levels = interpreter.get_tensor(output["index"])[0, ..., 0]
    Image.fromarray(levels).save(GOLDEN / "photo_levels.png", optimize=True)
    scale, zero_point = output["quantization"]
    readings = [f"{level} {saliency[levels == level][0]!s}" for level in np.unique(levels)]
    (GOLDEN / "photo_readings.txt").write_text("\n".join([f"{scale!r} {zero_point}", *readings]) + "\n")


def main() -> None:
    """Write everything to the folders where the checks and the app look for it."""
    GOLDEN.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(0)
    make_color_maps()
    make_frame(random)
    make_resized()
    make_heat(random)
    make_photographs()
    make_photo()
    versions = {"Python": platform.python_version(), "NumPy": np.__version__, "OpenCV": cv2.__version__}
    versions |= {"Pillow": PIL.__version__, "LiteRT": ai_edge_litert.__version__}
    (GOLDEN / "versions.txt").write_text("".join(f"{name} {version}\n" for name, version in versions.items()))


if __name__ == "__main__":
    main()
