import type { SaliencyMap } from "./picture";

/**
 * Resizes a map by OpenCV's `INTER_CUBIC`, which may overshoot the range; pixels beyond the edge are the edge's.
 *
 * Equal within 2e-6, no closer than OpenCV is to itself: with Intel's library, which it uses on most PCs, and without.
 */
export function resizeCubic(map: SaliencyMap, width: number, height: number): SaliencyMap {
  const values = new Float32Array(width * height);
  if (map.width === width && map.height === height) {
    values.set(map.values);
    return { width, height, values };
  }
  const [columns, rows] = [cubicTaps(map.width, width), cubicTaps(map.height, height)];
  // Each row of the map is stretched once; up to four of them, the newest in place of the oldest, make a row of values.
  const stretched = Array.from({ length: 4 }, () => ({ row: -1, values: new Float32Array(width) }));
  const stretch = (row: number) => {
    const slot = stretched[row % 4];
    if (slot.row !== row) stretchRow(map.values, row * map.width, columns, slot.values);
    slot.row = row;
    return slot.values;
  };
  for (let y = 0; y < height; y++) {
    const [a, b, c, d] = rows.source.subarray(4 * y, 4 * y + 4);
    const [r0, r1, r2, r3] = [stretch(a), stretch(b), stretch(c), stretch(d)];
    const [w0, w1, w2, w3] = rows.weight.subarray(4 * y, 4 * y + 4);
    for (let x = 0; x < width; x++) values[y * width + x] = w0 * r0[x] + w1 * r1[x] + w2 * r2[x] + w3 * r3[x];
  }
  return { width, height, values };
}

function stretchRow(values: Float32Array, start: number, columns: CubicTaps, row: Float32Array) {
  const { source, weight } = columns;
  for (let x = 0, tap = 0; x < row.length; x++, tap += 4) {
    row[x] =
      values[start + source[tap]] * weight[tap] +
      values[start + source[tap + 1]] * weight[tap + 1] +
      values[start + source[tap + 2]] * weight[tap + 2] +
      values[start + source[tap + 3]] * weight[tap + 3];
  }
}

/** Four sources and their weights for each resized pixel. */
interface CubicTaps {
  source: Int32Array;
  weight: Float32Array;
}

function cubicTaps(from: number, to: number): CubicTaps {
  const source = new Int32Array(4 * to);
  const weight = new Float32Array(4 * to);
  // OpenCV's sharpness of the cubic.
  const a = -0.75;
  const near = (x: number) => ((a + 2) * x - (a + 3)) * x * x + 1;
  const far = (x: number) => ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
  for (let i = 0; i < to; i++) {
    const place = (i + 0.5) * (from / to) - 0.5;
    const left = Math.floor(place);
    const x = place - left;
    for (let tap = 0; tap < 4; tap++) source[4 * i + tap] = Math.min(Math.max(left - 1 + tap, 0), from - 1);
    weight.set([far(x + 1), near(x), near(1 - x), far(2 - x)], 4 * i);
  }
  return { source, weight };
}

/** Blurs a map in place by OpenCV's Gaussian of 5 × 5 pixels, and clips it to [0, 1]. */
export function blur(map: SaliencyMap) {
  const { width, height, values } = map;
  // A row with its mirrored borders.
  const bordered = new Float32Array(width + 4);
  // Rows blurred along x: the five that make up a row of the result.
  const blurred = Array.from({ length: 5 }, () => ({ row: -1, values: new Float32Array(width) }));
  const blurRow = (row: number) => {
    const slot = blurred[row % 5];
    if (slot.row === row) return slot.values;
    slot.row = row;
    const start = row * width;
    bordered.set(values.subarray(start, start + width), 2);
    for (const x of [-2, -1, width, width + 1]) bordered[x + 2] = values[start + reflect(x, width)];
    for (let x = 0; x < width; x++) {
      const [outer, inner] = [bordered[x] + bordered[x + 4], bordered[x + 1] + bordered[x + 3]];
      slot.values[x] = outer / 16 + inner / 4 + bordered[x + 2] * (3 / 8);
    }
    return slot.values;
  };
  for (let y = 0; y < height; y++) {
    // The lowest row first: the rows above the result are overwritten, and are taken as they were kept.
    const [e, d, c, b, a] = [2, 1, 0, -1, -2].map((step) => blurRow(reflect(y + step, height)));
    for (let x = 0; x < width; x++) {
      const sum = (a[x] + e[x]) / 16 + (b[x] + d[x]) / 4 + c[x] * (3 / 8);
      values[y * width + x] = Math.min(Math.max(sum, 0), 1);
    }
  }
}

/** Mirrors a place beyond an edge, without repeating the edge (OpenCV's default border). */
function reflect(place: number, size: number): number {
  if (size === 1) return 0;
  while (place < 0 || place >= size) place = place < 0 ? -place : 2 * (size - 1) - place;
  return place;
}
