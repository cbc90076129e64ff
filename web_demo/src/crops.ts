import { roundEven } from "./area";
import { findPeak } from "./levels";
import { InputError, type SaliencyMap } from "./picture";

/** A part of a picture, in pixels. */
export interface Window {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** Sums of whole numbers of so many bits, those of float32's precision, are exact for 2^29 pixels. */
const BITS = 24;

/**
 * Finds the largest window of an aspect that keeps most of the attention, as `salgan_tf.best_crop` does. Of windows with
 * equal sums the one nearest to the centre is taken, then the upper one, then the left one.
 *
 * @param aspect width divided by height
 */
export function bestCrop(map: SaliencyMap, aspect: number): Window {
  const side = Math.min(map.height, map.width / aspect);
  // An extreme aspect would round a side to nothing.
  const height = Math.max(1, roundEven(side));
  const width = Math.max(1, Math.min(map.width, roundEven(side * aspect)));
  let [best, nearest, x, y] = [-1, 0, 0, 0];
  forEachWindow(map, width, height, (sum, left, top) => {
    if (sum < best) return;
    // Twice the distance of the centres, squared, so that it is a whole number.
    const distance = (2 * top + height - map.height) ** 2 + (2 * left + width - map.width) ** 2;
    if (sum > best || distance < nearest) [best, nearest, x, y] = [sum, distance, left, top];
  });
  return { x, y, width, height };
}

/** Visits the sums of all windows, row by row; only the sums of columns are kept. */
function forEachWindow(
  map: SaliencyMap,
  width: number,
  height: number,
  visit: (sum: number, left: number, top: number) => void,
) {
  const exponent = (new Uint32Array(Float32Array.of(findPeak(map.values)).buffer)[0] >>> 23) - 126;
  // A power of two, so that what is a multiple of another value stays one.
  const scale = 2 ** (BITS - exponent);
  const columns = new Float64Array(map.width);
  const addRow = (row: number, sign: number) => {
    for (let x = 0; x < map.width; x++) columns[x] += sign * roundEven(map.values[row * map.width + x] * scale);
  };
  for (let row = 0; row < map.height; row++) {
    addRow(row, 1);
    if (row >= height) addRow(row - height, -1);
    if (row < height - 1) continue;
    let sum = 0;
    for (let x = 0; x < map.width; x++) {
      sum += columns[x] - (x >= width ? columns[x - width] : 0);
      if (x >= width - 1) visit(sum, x - width + 1, row - height + 1);
    }
  }
}

/**
 * Reads W:H, such as 16:9 or 1.91:1, as width divided by height.
 *
 * @throws InputError it is none
 */
export function readAspect(text: string): number {
  const [, width, height] = /^(\d{1,9}(?:\.\d{1,9})?):(\d{1,9}(?:\.\d{1,9})?)$/.exec(text.trim()) ?? [];
  const aspect = Number(width) / Number(height);
  if (!(aspect > 0 && aspect < Infinity)) {
    throw new InputError(`“${text}” is not a shape: expected width:height, such as 3:2`);
  }
  return aspect;
}
