import { roundEven } from "./area";
import type { SaliencyMap } from "./picture";

/** Share of the width within which dark pixels near brighter ones become 1, as in `salgan_tf.images`. */
const DARK_BORDER = 0.04;
/** OpenCV's 5 × 5 distances, in 65536ths: a step aside, a diagonal one, a knight's move. */
const UNIT = 65536;
const [STRAIGHT, DIAGONAL, KNIGHT] = [UNIT, Math.round(1.4 * UNIT), Math.round(2.1969 * UNIT)];
const FAR = 2 ** 30;

/** The maximum of a map, or the smallest normal float32 if that is larger: it may be divided by. */
export function findPeak(values: Float32Array): number {
  let peak = 2 ** -126;
  for (let i = 0; i < values.length; i++) peak = Math.max(peak, values[i]);
  return peak;
}

/**
 * Converts a map to the grey levels that `predict` writes: proportional to it, with maximum 255.
 *
 * Values below half a level become 1 near brighter ones, and 0 far away: all zeros would claim that nobody ever looks
 * there.
 */
export function toLevels(map: SaliencyMap): Uint8Array<ArrayBuffer> {
  const peak = findPeak(map.values);
  const levels = new Uint8Array(map.values.length);
  for (let i = 0; i < levels.length; i++) {
    levels[i] = roundEven(Math.fround(Math.fround(map.values[i] / peak) * 255));
  }
  const limit = Math.fround(DARK_BORDER * map.width) * UNIT;
  const distances = measureDistances(levels, map.width, map.height);
  const stride = map.width + 4;
  for (let y = 0; y < map.height; y++) {
    for (let x = 0; x < map.width; x++) {
      const i = y * map.width + x;
      if (levels[i] === 0 && distances[(y + 2) * stride + x + 2] <= limit) levels[i] = 1;
    }
  }
  return levels;
}

/** The distance of each pixel to the next bright one, as OpenCV's `distanceTransform`, within a border of two pixels. */
function measureDistances(levels: Uint8Array, width: number, height: number): Int32Array {
  const stride = width + 4;
  const distances = new Int32Array(stride * (height + 4)).fill(FAR);
  // What a pixel looks back at, row by row; on the way back the same, mirrored.
  const steps = [-2 * stride - 1, -2 * stride + 1, -stride - 2, -stride + 2, -stride - 1, -stride + 1, -stride, -1];
  const costs = [KNIGHT, KNIGHT, KNIGHT, KNIGHT, DIAGONAL, DIAGONAL, STRAIGHT, STRAIGHT];
  const look = (i: number, direction: number) => {
    let least = distances[i];
    for (let step = 0; step < 8; step++) least = Math.min(least, distances[i + direction * steps[step]] + costs[step]);
    distances[i] = least;
  };
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const i = (y + 2) * stride + x + 2;
      if (levels[y * width + x] > 0) distances[i] = 0;
      else look(i, 1);
    }
  }
  for (let y = height - 1; y >= 0; y--) {
    for (let x = width - 1; x >= 0; x--) look((y + 2) * stride + x + 2, -1);
  }
  return distances;
}
