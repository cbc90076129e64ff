"""Make goldens.json, what OpenCV and Pillow give where the page has code of its own: python web_demo/test/goldens.py

The tests make the same pictures and maps from the same formulas. Arrays are in base64, as they lie in memory.
"""

import base64
import io
import json
import struct
import tempfile
import zlib
from pathlib import Path

import cv2
import numpy as np
from PIL import ExifTags, Image

from salgan_tf import attention_share, best_crop, images, inference, visualization
from salgan_tf.regions import Region

RESIZED_SHAPE = (24, 32)
MAP_SHAPE = (16, 20)
ASPECTS = (1, 4 / 5, 16 / 9, 9 / 16, 3 / 2, 60, 1 / 60)


def make_picture(height: int, width: int, channels: int = 3) -> np.ndarray:
    """Return the picture of a size, uint8 (H, W, channels)."""
    y, x, channel = np.indices((height, width, channels))
    return ((37 * x + 91 * y + 53 * channel + x * y * (channel + 1)) % 256).astype(np.uint8)


def make_map(height: int, width: int) -> np.ndarray:
    """Return the map of a size, float32 (H, W) in [0, 0.5)."""
    y, x = np.indices((height, width))
    return ((37 * x + 91 * y + x * y) % 256 / 512).astype(np.float32)


def resized() -> dict[str, np.ndarray]:
    """Resize pictures by area: by whole and broken ratios, and with enlarged sides."""
    sizes = ((48, 64), (72, 96), (48, 96), (60, 80), (41, 65), (100, 32), (70, 20), (10, 90), (7, 5), (24, 32), (1, 1))
    return {f"{w}x{h}": images.resize_area(make_picture(h, w), RESIZED_SHAPE) for h, w in sizes}


def smoothed() -> dict[str, dict[str, np.ndarray]]:
    """Resize a map by cubic interpolation, and blur that."""
    results = {}
    for height, width in ((27, 33), (16, 20), (50, 7), (3, 2), (2, 3), (1, 1)):
        cubic = images.resize_cubic(make_map(*MAP_SHAPE), (height, width))
        blurred = cubic.copy()
        inference._blur(blurred)
        results[f"{width}x{height}"] = {"cubic": cubic, "blurred": blurred.clip(0, 1)}
    return results


def levels() -> dict[str, np.ndarray]:
    """Convert maps of two spots to levels, with their dark borders."""
    results = {}
    for height, width in ((75, 100), (90, 40), (30, 240)):
        y, x = np.indices((height, width))
        spots = np.zeros((height, width))
        spots[(x - width // 3) ** 2 + (y - height // 2) ** 2 < 60] = 0.3
        spots[(x == width - 3) & (y == 5)] = 0.001
        results[f"{width}x{height}"] = images.to_levels(spots.astype(np.float32))
    results["dark"] = images.to_levels(np.zeros((4, 5), np.float32))
    return results


def drawn() -> dict[str, np.ndarray]:
    """Draw a map that has every level over a picture, and alone."""
    saliency = make_map(32, 32)
    picture = make_picture(32, 32)
    return {"overlay": visualization.overlay(picture, saliency), "heat": visualization.heat_map(saliency)}


def _save(picture: Image.Image, **options) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", **options)
    return buffer.getvalue()


def _interlace(array: np.ndarray) -> bytes:
    """Encode RGB as an interlaced PNG, which Pillow does not write; each row is filtered by the one above."""
    rows = b""
    for left, top, right, down in images._PASSES:
        passed = array[top::down, left::right]
        above = np.zeros_like(passed[:1])
        for row in passed if passed.size else ():
            rows += b"\2" + (row - above[0]).tobytes()
            above = row[None]

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", array.shape[1], array.shape[0], 8, 2, 0, 0, 1)
    pixels = chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + pixels + chunk(b"IEND", b"")


def pngs() -> dict[str, dict[str, bytes | np.ndarray | list[int]]]:
    """Encode PNGs of every kind, and read them as the package does."""
    height, width = 9, 13
    rgba = make_picture(height, width, 4)
    rgb, grey = Image.fromarray(rgba[..., :3]), Image.fromarray(rgba[..., 0])
    wide = rgba.astype(np.uint16) * 251 + 77
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    palette = rgb.quantize(16)
    files = {
        "rgb": _save(rgb),
        "rgba": _save(Image.fromarray(rgba)),
        "grey": _save(grey),
        "grey and alpha": _save(Image.fromarray(rgba[..., :2], "LA")),
        "1 bit": _save(grey.convert("1")),
        "palette of 16": _save(palette, bits=4),
        "palette of 256, transparent": _save(rgb.quantize(200), transparency=bytes(range(0, 200, 3))),
        "one transparent colour": _save(rgb, transparency=tuple(rgba[2, 3, :3].tolist())),
        "one transparent grey": _save(grey, transparency=int(rgba[2, 3, 0])),
        "16 bits of grey": _save(Image.fromarray(wide[..., 0])),
        "16 bits of RGB": cv2.imencode(".png", wide[..., :3])[1].tobytes(),
        "16 bits of RGBA": cv2.imencode(".png", wide)[1].tobytes(),
        "turned": _save(rgb, exif=exif),
        "interlaced": _interlace(rgba[..., :3]),
    }
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picture.png"
        for name, content in files.items():
            path.write_bytes(content)
            read = images.read_image(path)
            results[name] = {"file": content, "width": read.shape[1], "rgb": read}
    return results


def crops() -> dict[str, np.ndarray]:
    """Find the windows of maps that have many equal values, and of one of zeros."""
    sizes = ((75, 100), (90, 40), (31, 64), (1, 1))
    maps = {f"{width}x{height}": make_map(height, width) for height, width in sizes} | {"dark": np.zeros((9, 16))}
    return {
        name: np.array([best_crop(saliency, aspect) for aspect in ASPECTS], np.float32)
        for name, saliency in maps.items()
    }


def shares() -> list[dict[str, list | float]]:
    """Measure polygons on a map of 40 x 30: with corners on edges and middles of pixels, and crossing themselves."""
    saliency = make_map(30, 40)
    polygons = [
        [[0, 0], [40, 0], [40, 30], [0, 30]],
        [[3.5, 2.5], [20.5, 2.5], [20.5, 11.5], [3.5, 11.5]],
        [[0, 0], [40, 30], [40, 0], [0, 30]],
        [[20, 1], [27, 28], [3, 10], [37, 10], [13, 28]],
        [[5.3, 4.9], [31.7, 8.2], [18.4, 26.6]],
        [[10, 10], [11, 10], [11, 11]],
    ]
    results = []
    for polygon in polygons:
        mask = Region("", np.array(polygon, float)).make_mask(saliency.shape)
        results.append({"polygon": polygon, "attention": attention_share(saliency, mask), "area": float(mask.mean())})
    return results


def _encode(value):
    if isinstance(value, dict):
        return {name: _encode(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_encode(item) for item in value]
    return value if isinstance(value, int | float) else base64.b64encode(bytes(memoryview(value).cast("B"))).decode()


def main() -> None:
    """Write the goldens beside this file."""
    kinds = (resized, smoothed, levels, drawn, pngs, crops, shares)
    goldens = {kind.__name__: kind() for kind in kinds}
    path = Path(__file__).with_name("goldens.json")
    path.write_text(json.dumps(_encode(goldens), indent=1) + "\n")


if __name__ == "__main__":
    main()
