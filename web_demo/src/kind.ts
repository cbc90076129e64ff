import type { Picture } from "./picture";

/** Of pairs of pixels, the share that must be equal: see README.md for what it was measured on. */
const DRAWN = 0.5;
/** How far apart they lie, as a share of the longer side: neighbours in an enlarged photograph are often equal. */
const DISTANCE = 1 / 400;
/** More are not looked at. */
const MOST_PIXELS = 400_000;

/** Tells whether a picture looks like a screenshot or a drawing: most of it is flat, where a photograph has noise. */
export function looksDrawn({ width, height, rgba }: Picture): boolean {
  const pixels = new Uint32Array(rgba.buffer);
  const distance = Math.max(1, Math.round(Math.max(width, height) * DISTANCE));
  const step = Math.ceil((width * height) / MOST_PIXELS);
  let [equal, pairs] = [0, 0];
  for (let y = 0; y < height; y += step) {
    for (let i = y * width; i < (y + 1) * width - distance; i++, pairs++) {
      if (pixels[i] === pixels[i + distance]) equal++;
    }
  }
  return equal > DRAWN * pairs;
}
