"""Make photographs of every kind, and what the package makes of them: python web_demo/test/pictures.py FOLDER

For `NAME` these are `NAME.f32`, every `step`th row and column of its map, and `NAME.levels`, the grey levels that
`predict` writes. `index.json` lists them. For the photograph, `regions.json` is a file of regions,
`attention/attention.json` what `predict --regions` says of them, and `crops.json` has the windows of `best_crop`.
"""

import io
import json
import sys
from pathlib import Path

from PIL import ExifTags, Image, ImageCms

from salgan_tf import SaliencyPredictor, best_crop, images
from salgan_tf.inference import predict_files

# Grace Hopper, photographed for the US Navy; public domain.
PHOTO = Path(__file__).parents[2] / "android_demo" / "checks" / "resources" / "golden" / "photo.jpg"
# Of the photograph: whole and broken numbers, a polygon, and one that crosses itself.
REGIONS = [
    {"name": "face", "x": 190, "y": 60, "width": 130, "height": 180},
    {"name": "broken", "x": 10.25, "y": 400.5, "width": 99.75, "height": 120.1},
    {"name": 'Uniform, "blue"', "polygon": [[120, 330.5], [400.75, 310], [512, 600], [40, 600]]},
    {"name": "star", "polygon": [[256, 10], [400, 590], [10, 200], [500, 210], [100, 580]]},
]
ASPECTS = {"1:1": 1, "4:5": 4 / 5, "16:9": 16 / 9, "9:16": 9 / 16, "3:2": 3 / 2}


def swap_colors(profile: bytes) -> bytes:
    """Exchange red and blue in a colour profile: a browser that applies it gives another picture."""
    return profile.replace(b"rXYZ", b"????").replace(b"bXYZ", b"rXYZ").replace(b"????", b"bXYZ")


def make_pictures() -> dict[str, bytes]:
    """Return files by their names."""
    photo = Image.open(PHOTO)
    files = {"photo.jpg": PHOTO.read_bytes()}

    def add(name: str, picture: Image.Image, **options) -> None:
        buffer = io.BytesIO()
        picture.save(buffer, Image.registered_extensions()[Path(name).suffix], **options)
        files[name] = buffer.getvalue()

    for subsampling in ("4:4:4", "4:2:2"):
        add(f"{subsampling.replace(':', '')}.jpg", photo, quality=90, subsampling=subsampling)
    add("progressive.jpg", photo.resize((641, 427)), quality=80, progressive=True)
    add("grey.jpg", photo.convert("L"), quality=90)
    profile = swap_colors(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    add("profile.jpg", photo, quality=90, icc_profile=profile)
    add("profile.png", photo.resize((256, 300)), icc_profile=profile)
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[ExifTags.Base.Orientation] = orientation
        add(f"orientation_{orientation}.jpg", photo.resize((300, 200)), quality=90, exif=exif)
    see_through = photo.resize((400, 300)).convert("RGBA")
    see_through.putalpha(Image.linear_gradient("L").resize((400, 300)))
    add("transparent.png", see_through)
    add("palette.png", photo.quantize(64))
    add("grey.png", photo.convert("L"))
    add("small.png", photo.resize((90, 60)))
    add("narrow.png", photo.resize((200, 500)))
    add("pixel.png", photo.resize((1, 1)))
    add("wide.png", photo.resize((3000, 12)))
    add("tall.jpg", photo.resize((16, 2500)), quality=95)
    add("24_megapixels.jpg", photo.resize((4000, 6000)), quality=85)
    add("cmyk.jpg", photo.convert("CMYK"), quality=90)
    add("transparent.webp", see_through, lossless=True)
    add("transparent.gif", see_through.quantize(32))
    add("photo.avif", photo, quality=80)
    add("lossless.webp", photo, lossless=True)
    add("lossy.webp", photo, quality=80)
    add("photo.gif", photo.quantize(128))
    add("photo.bmp", photo)
    return files


def main(folder: Path) -> None:
    """Write the files and their maps."""
    folder.mkdir(parents=True, exist_ok=True)
    predictor = SaliencyPredictor()
    index = []
    for name, content in make_pictures().items():
        (folder / name).write_bytes(content)
        saliency = predictor(folder / name)
        step = -(-saliency.size // 2_000_000)
        saliency[::step, ::step].tofile(folder / f"{name}.f32")
        images.to_levels(saliency).tofile(folder / f"{name}.levels")
        index.append({"name": name, "step": step, "height": saliency.shape[0], "width": saliency.shape[1]})
        if name == "photo.jpg":
            windows = {aspect: best_crop(saliency, value) for aspect, value in ASPECTS.items()}
            (folder / "crops.json").write_text(json.dumps(windows))
    (folder / "index.json").write_text(json.dumps(index))
    (folder / "regions.json").write_text(json.dumps({"regions": REGIONS}))
    predict_files(
        [folder / "photo.jpg"], folder / "attention", predictor, overlay=False, regions=folder / "regions.json"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
