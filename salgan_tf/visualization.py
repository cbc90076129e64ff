"""Draw heat maps over photographs, grids of pictures, and curves of a training."""

import contextlib
import io
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from salgan_tf.files import write_bytes
from salgan_tf.images import find_peak, resize_area, row_bands, to_uint8

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from salgan_tf.frames import Planes

# Of Linux, Windows and macOS.
_SYSTEM_FONTS = ("DejaVuSans.ttf", "arial.ttf", "Arial Unicode.ttf")
# Black in the Y, U and V of films.
_BLACK = (16, 128, 128)


def _colorize(levels: np.ndarray, palette: int) -> np.ndarray:
    """Colour uint8 levels (H, W) by one of OpenCV's palettes; return uint8 (H, W, 3) RGB."""
    return cv2.cvtColor(cv2.applyColorMap(levels, palette), cv2.COLOR_BGR2RGB)


def overlay_palette() -> np.ndarray:
    """Return the colours of overlays from level 0 to 255, uint8 (1, 256, 3) RGB."""
    return _colorize(np.arange(256, dtype=np.uint8)[None], cv2.COLORMAP_TURBO)


def heat_map(saliency: np.ndarray) -> np.ndarray:
    """Colour a map (H, W) of any positive range from dark (0) to yellow (its maximum); return uint8 (H, W, 3) RGB."""
    return _colorize(to_uint8((saliency / find_peak(saliency)).astype(np.float32)), cv2.COLORMAP_INFERNO)


def overlay(image: np.ndarray, saliency: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """Lay a map over its photograph: colours where people look, the dimmed photograph elsewhere.

    Args:
        image: uint8 (H, W, 3) RGB.
        saliency: float (H, W) of any positive range.
        out: array for the result; `image` itself saves memory. None for a new one.

    Returns:
        uint8 (H, W, 3) RGB.
    """
    out = np.empty_like(image) if out is None else out
    maximum = find_peak(saliency)
    palette = overlay_palette()
    for rows in row_bands(image.shape):
        weight, dimmed, indices = _weigh((saliency[rows] / maximum).astype(np.float32))
        # Channel by channel: OpenCV takes a third of NumPy's time for the whole, which spreads the weights first.
        channels = []
        for channel, colors in zip(cv2.split(image[rows]), cv2.split(palette), strict=True):
            below = cv2.multiply(channel, dimmed, dtype=cv2.CV_32F)
            above = cv2.multiply(cv2.LUT(indices, colors), weight, dtype=cv2.CV_32F)
            channels.append(cv2.convertScaleAbs(cv2.add(below, above)))
        out[rows] = cv2.merge(channels)
    return out


def overlay_planes(planes: "Planes", saliency: np.ndarray, palette: Iterable[np.ndarray]) -> "Planes":
    """Lay a map over a frame of a film as `overlay` does, without a way over RGB.

    Args:
        planes: of the frame.
        saliency: float32 of the frame's size, of any positive range.
        palette: `overlay_palette` as Y, U and V of the film, each (1, 256).

    Returns:
        Planes of the same sizes.
    """
    # Maps are smooth: at the size of U and V, weights are those of each pixel but for rounding.
    shape = planes[1].shape[:2]
    weight, dimmed, indices = _weigh(resize_area(saliency, shape) / find_peak(saliency))
    shares = cv2.convertScaleAbs(dimmed, alpha=255)
    rest = 1 - weight - dimmed
    blended = []
    for plane, colors, black in zip(planes, palette, _BLACK, strict=True):
        above = cv2.convertScaleAbs(cv2.multiply(cv2.LUT(indices, colors), weight, dtype=cv2.CV_32F) + black * rest)
        size = plane.shape[::-1]
        share, above = (cv2.resize(part, size, interpolation=cv2.INTER_LINEAR) for part in (shares, above))
        cv2.multiply(plane, share, share, scale=1 / 255)
        blended.append(cv2.add(share, above, share))
    return blended[0], blended[1], blended[2]


def _weigh(levels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return, for levels float32 (H, W) in [0, 1], weights of colours and photograph, and indices in the palette."""
    # The square root lets faint regions show; 0.65 keeps the photograph legible under the hottest.
    weight = 0.65 * cv2.sqrt(levels)
    return weight, 0.8 * (1 - weight), cv2.convertScaleAbs(levels, alpha=255)


def draw_regions(image: np.ndarray, regions: dict[str, np.ndarray]) -> None:
    """Draw outlines with their labels on a picture, white on black so that they show on every ground.

    Args:
        image: uint8 (H, W, 3) RGB, changed in place.
        regions: by label, the corners of a polygon, float (N, 2), (x, y) in pixels.
    """
    line = max(1, min(image.shape[:2]) // 300)
    # Black first, so that no outline hides the label of another one.
    for color, width in ((0, 3 * line), (255, line)):
        for corners in regions.values():
            cv2.polylines(image, [np.rint(corners - 0.5).astype(np.int32)], True, (color,) * 3, width, cv2.LINE_AA)
    for label, corners in regions.items():
        font = _find_font(label, max(10, min(image.shape[:2]) // 30))
        left, top, right, bottom = (round(side) for side in font.getbbox(label))
        plate = Image.new("L", (right + left, bottom + top))
        ImageDraw.Draw(plate).text((0, 0), label, 255, font)
        # At the upper left corner of the region, as far as the picture has room.
        x, y = np.rint(corners.min(axis=0)).astype(int)
        y, x = max(0, min(y, image.shape[0] - plate.height)), max(0, min(x, image.shape[1] - plate.width))
        area = image[y : y + plate.height, x : x + plate.width]
        area[:] = np.asarray(plate)[: area.shape[0], : area.shape[1], None]


def _find_font(text: str, size: int) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    """Return Pillow's own font, or one of the system's for letters that it lacks; OpenCV's has ASCII alone, too."""
    for name in () if text.isascii() else _SYSTEM_FONTS:
        with contextlib.suppress(OSError):  # It is not installed.
            return ImageFont.truetype(name, size)
    return ImageFont.load_default(size)


def picture_grid(rows: list[list[np.ndarray]], gap: int = 4) -> np.ndarray:
    """Arrange pictures uint8 (H, W, 3) of one size in rows on white; return uint8 (H, W, 3) RGB."""
    height, width = rows[0][0].shape[:2]
    columns = max(map(len, rows))
    canvas = np.full((len(rows) * (height + gap) - gap, columns * (width + gap) - gap, 3), 255, np.uint8)
    for row, pictures in enumerate(rows):
        for column, picture in enumerate(pictures):
            top, left = row * (height + gap), column * (width + gap)
            canvas[top : top + height, left : left + width] = picture
    return canvas


def plot_history(history: list[dict], path: str | Path) -> None:
    """Draw the curves of a training to a PNG, one panel per metric.

    Args:
        history: a dict per epoch with `epoch`, `stage`, and numbers such as `content_loss` and `val_content_loss`.
        path: the PNG to write.

    Raises:
        InputError: the file cannot be written.
    """
    # Imported here because matplotlib takes half a second, and only trainings draw curves.
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(name.removeprefix("val_") for row in history for name in row))
    names = [name for name in names if name not in ("epoch", "stage", "seconds")]
    columns = 4
    figure = Figure(figsize=(4 * columns, 3 * -(-len(names) // columns)), layout="constrained")
    panels = figure.subplots(-(-len(names) // columns), columns, squeeze=False).ravel()
    first_adversarial = next((row["epoch"] for row in history if row["stage"] == "adversarial"), None)
    for panel, name in zip(panels, names, strict=False):
        for key, label, color in ((name, "train", "C0"), (f"val_{name}", "val", "C1")):
            points = [(row["epoch"], row[key]) for row in history if row.get(key) is not None]
            if points:
                panel.plot(*zip(*points, strict=True), marker=".", label=label, color=color)
        if first_adversarial is not None:
            panel.axvline(first_adversarial - 0.5, color="grey", linestyle=":", label="adversarial stage")
        panel.set_title(name)
        panel.set_xlim(0.5, len(history) + 0.5)
        panel.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
        panel.set_xlabel("epoch")
        panel.legend()
    for panel in panels[len(names) :]:
        panel.set_visible(False)
    write_bytes(path, encode_figure(figure))


def encode_figure(figure: "Figure", dpi: int = 100) -> bytes:
    """Encode a matplotlib figure as PNG, with `dpi` pixels per inch."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi)
    return buffer.getvalue()
