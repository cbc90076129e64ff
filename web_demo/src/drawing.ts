import { roundEven } from "./area";
import { findPeak } from "./levels";
import type { Picture, SaliencyMap } from "./picture";

/** 256 colours, from where nobody looks to where most do: 256 × 4 bytes, RGBA. */
export type Palette = Uint8ClampedArray;

/** The opacity of the colours in the Python package's overlay. */
export const STRENGTH = 0.65;

/** Between contours. */
const BANDS = 5;

/**
 * Lays a map over its picture: colours where people look, the dimmed picture elsewhere.
 *
 * @param strength opacity of the colours; at `STRENGTH` the overlay is that of `salgan_tf.visualization`, at 0 the picture
 */
export function drawOverlay(picture: Picture, map: SaliencyMap, palette: Palette, strength: number): Picture {
  // At no strength the picture is not dimmed either.
  const dimmed = 1 - (0.2 * strength) / STRENGTH;
  return draw(picture, map, (level, from, channel) => {
    // The square root lets faint regions show.
    const weight = Math.fround(strength * Math.fround(Math.sqrt(level)));
    const color = palette[4 * roundEven(Math.fround(level * 255)) + channel];
    return picture.rgba[from] * (dimmed * (1 - weight)) + color * weight;
  });
}

/** Colours the map alone. */
export function drawHeat(picture: Picture, map: SaliencyMap, palette: Palette): Picture {
  return draw(picture, map, (level, _from, channel) => palette[4 * roundEven(Math.fround(level * 255)) + channel]);
}

/** Darkens what few look at: at full strength to black. */
export function drawSpotlight(picture: Picture, map: SaliencyMap, strength: number): Picture {
  return draw(picture, map, (level, from) => picture.rgba[from] * (1 - strength + strength * Math.sqrt(level)));
}

/** Draws the lines where attention is a fifth, two fifths and so on of its maximum. */
export function drawContours(picture: Picture, map: SaliencyMap, palette: Palette): Picture {
  const { width, height } = map;
  const peak = findPeak(map.values);
  const bands = new Uint8Array(width * height);
  for (let i = 0; i < bands.length; i++) bands[i] = Math.min(BANDS - 1, (map.values[i] / peak) * BANDS);
  // As wide on a large picture, which is shown smaller, as on a small one.
  const line = Math.max(1, Math.round(Math.max(width, height) / 300));
  const rgba = picture.rgba.slice();
  for (let y = 0; y < height - line; y++) {
    for (let x = 0; x < width - line; x++) {
      const i = y * width + x;
      const highest = Math.max(bands[i], bands[i + line], bands[i + line * width]);
      if (bands[i] === bands[i + line] && bands[i] === bands[i + line * width]) continue;
      const color = 4 * Math.round((255 * highest) / (BANDS - 1));
      for (let channel = 0; channel < 4; channel++) rgba[4 * i + channel] = palette[color + channel];
    }
  }
  return { width, height, rgba };
}

/** Shows the picture itself in a share of the width, from the left. */
export function uncover(drawn: Picture, picture: Picture, share: number) {
  const size = 4 * Math.round(share * picture.width);
  for (let start = 0; start < drawn.rgba.length; start += 4 * picture.width) {
    drawn.rgba.set(picture.rgba.subarray(start, start + size), start);
  }
}

/** Computes each channel of each pixel from its level in [0, 1], its place in `rgba`, and its number. */
function draw(
  picture: Picture,
  map: SaliencyMap,
  colour: (level: number, from: number, channel: number) => number,
): Picture {
  const peak = findPeak(map.values);
  const rgba = new Uint8ClampedArray(picture.rgba.length);
  for (let i = 0; i < map.values.length; i++) {
    const level = Math.fround(map.values[i] / peak);
    // A clamped array rounds as Python does: to the nearest, a half to the even one.
    for (let channel = 0; channel < 3; channel++) rgba[4 * i + channel] = colour(level, 4 * i + channel, channel);
    rgba[4 * i + 3] = 255;
  }
  return { width: picture.width, height: picture.height, rgba };
}
