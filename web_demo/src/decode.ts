import { orient, readExifOrientation } from "./orientation";
import { InputError, type Picture } from "./picture";
import { checkSize, isPng, readPng } from "./png";

/**
 * Reads a picture as `salgan_tf.images.read_image` does: upright, transparent pixels over white, colour profiles ignored,
 * the first frame of an animation.
 *
 * @throws InputError it is not a picture that this browser can read
 */
export async function decode(file: Blob): Promise<Picture> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  if (!isPng(bytes)) return layOverWhite(await decodeByBrowser(file));
  const { exif, ...stored } = await readPng(bytes);
  return orient(layOverWhite(stored), exif ? readExifOrientation(exif) : 1);
}

async function decodeByBrowser(file: Blob): Promise<Picture> {
  const bitmap = await createImageBitmap(file, { colorSpaceConversion: "none", premultiplyAlpha: "none" }).catch(() => {
    throw new InputError("not a picture that this browser can read, or a damaged one");
  });
  const { width, height } = bitmap;
  try {
    checkSize(width, height);
    const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
    if (!context) throw new InputError("the picture is too large for this browser");
    context.drawImage(bitmap, 0, 0);
    return { width, height, rgba: new Uint8ClampedArray(context.getImageData(0, 0, width, height).data) };
  } catch (error) {
    throw error instanceof InputError ? error : new InputError("the picture is too large for this browser");
  } finally {
    bitmap.close();
  }
}

/** Lays a picture over white, with the rounding of Pillow's `alpha_composite` over an opaque picture. */
function layOverWhite(picture: Picture): Picture {
  const { rgba } = picture;
  for (let i = 0; i < rgba.length; i += 4) {
    const alpha = rgba[i + 3];
    if (alpha === 255) continue;
    for (let channel = i; channel < i + 3; channel++) {
      const sum = rgba[channel] * alpha + 255 * (255 - alpha) + 128;
      rgba[channel] = (128 * sum + (sum >> 1)) >> 15;
    }
    rgba[i + 3] = 255;
  }
  return picture;
}
