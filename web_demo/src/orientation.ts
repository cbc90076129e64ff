import type { Picture } from "./picture";

const ORIENTATION_TAG = 0x112;

/** Reads the orientation, 1 to 8, from EXIF data (a small TIFF); 1 if it has none. */
export function readExifOrientation(exif: Uint8Array): number {
  const view = new DataView(exif.buffer, exif.byteOffset, exif.byteLength);
  try {
    const little = view.getUint16(0) === 0x4949;
    const directory = view.getUint32(4, little);
    const entries = view.getUint16(directory, little);
    for (let entry = directory + 2; entry < directory + 2 + 12 * entries; entry += 12) {
      if (view.getUint16(entry, little) !== ORIENTATION_TAG) continue;
      const orientation = view.getUint16(entry + 8, little);
      return orientation >= 1 && orientation <= 8 ? orientation : 1;
    }
  } catch (error) {
    // Odd metadata do not make a picture unreadable.
    if (!(error instanceof RangeError)) throw error;
  }
  return 1;
}

/** Turns a picture upright that is stored in an EXIF orientation. */
export function orient(picture: Picture, orientation: number): Picture {
  if (orientation === 1) return picture;
  const onItsSide = orientation > 4;
  const [width, height] = onItsSide ? [picture.height, picture.width] : [picture.width, picture.height];
  const mirroredX = [2, 3, 7, 8].includes(orientation);
  const mirroredY = [3, 4, 6, 7].includes(orientation);
  const from = new Uint32Array(picture.rgba.buffer);
  const to = new Uint32Array(from.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [across, down] = onItsSide ? [y, x] : [x, y];
      const column = mirroredX ? picture.width - 1 - across : across;
      const row = mirroredY ? picture.height - 1 - down : down;
      to[y * width + x] = from[row * picture.width + column];
    }
  }
  return { width, height, rgba: new Uint8ClampedArray(to.buffer) };
}
