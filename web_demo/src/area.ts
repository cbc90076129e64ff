import type { Picture } from "./picture";

/** What each resized pixel is made of: taps `first[i]` until `first[i + 1]`, a source and its weight each. */
interface Taps {
  first: number[];
  source: number[];
  weight: number[];
}

/**
 * Resizes a picture by OpenCV's `INTER_AREA` for bytes, to the bit: the mean of the area under each pixel or, where a
 * side is enlarged, interpolation. The int8 model magnifies a difference of one level into 0.02 of the map.
 *
 * @returns height × width × 3 bytes, RGB
 */
export function resizeArea(picture: Picture, width: number, height: number): Uint8Array<ArrayBuffer> {
  if (picture.width === width && picture.height === height) return dropAlpha(picture.rgba);
  // As in OpenCV, one side that is enlarged is enough for both to be interpolated.
  if (picture.width < width || picture.height < height) return interpolate(picture, width, height);
  if (picture.width % width === 0 && picture.height % height === 0) return averageBlocks(picture, width, height);
  return averageAreas(picture, width, height);
}

function dropAlpha(rgba: Uint8ClampedArray): Uint8Array<ArrayBuffer> {
  const rgb = new Uint8Array((rgba.length / 4) * 3);
  for (let from = 0, to = 0; from < rgba.length; from += 4) {
    for (let channel = 0; channel < 3; channel++) rgb[to++] = rgba[from + channel];
  }
  return rgb;
}

/** Shrinks by whole numbers: integer sums. */
function averageBlocks(picture: Picture, width: number, height: number): Uint8Array<ArrayBuffer> {
  const [stepX, stepY] = [picture.width / width, picture.height / height];
  const scale = Math.fround(1 / (stepX * stepY));
  const rgb = new Uint8Array(width * height * 3);
  let to = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let channel = 0; channel < 3; channel++) {
        let sum = 0;
        for (let row = y * stepY; row < (y + 1) * stepY; row++) {
          const start = (row * picture.width + x * stepX) * 4 + channel;
          for (let from = start; from < start + stepX * 4; from += 4) sum += picture.rgba[from];
        }
        // OpenCV has a path of its own for halves, which rounds up what the others round to even.
        rgb[to++] = stepX === 2 && stepY === 2 ? (sum + 2) >> 2 : roundEven(Math.fround(sum * scale));
      }
    }
  }
  return rgb;
}

/** Shrinks by any numbers: sums in float32, in OpenCV's order. */
function averageAreas(picture: Picture, width: number, height: number): Uint8Array<ArrayBuffer> {
  const [columns, rows] = [coverage(picture.width, width), coverage(picture.height, height)];
  const rgb = new Uint8Array(width * height * 3);
  const row = new Float32Array(width * 3);
  const sum = new Float32Array(width * 3);
  let averaged = -1;
  for (let y = 0; y < height; y++) {
    sum.fill(0);
    for (let tap = rows.first[y]; tap < rows.first[y + 1]; tap++) {
      // A row of the picture that lies under two resized ones is averaged once.
      if (rows.source[tap] !== averaged) averageRow(picture, rows.source[tap], columns, row);
      averaged = rows.source[tap];
      const weight = rows.weight[tap];
      for (let i = 0; i < sum.length; i++) sum[i] += Math.fround(weight * row[i]);
    }
    for (let i = 0; i < sum.length; i++) rgb[y * sum.length + i] = roundEven(sum[i]);
  }
  return rgb;
}

function averageRow(picture: Picture, y: number, columns: Taps, row: Float32Array) {
  const { rgba } = picture;
  const start = y * picture.width * 4;
  for (let x = 0; x < row.length / 3; x++) {
    let [red, green, blue] = [0, 0, 0];
    for (let tap = columns.first[x]; tap < columns.first[x + 1]; tap++) {
      const from = start + columns.source[tap] * 4;
      const weight = columns.weight[tap];
      red = Math.fround(red + Math.fround(weight * rgba[from]));
      green = Math.fround(green + Math.fround(weight * rgba[from + 1]));
      blue = Math.fround(blue + Math.fround(weight * rgba[from + 2]));
    }
    row[3 * x] = red;
    row[3 * x + 1] = green;
    row[3 * x + 2] = blue;
  }
}

/** Each source pixel counts by how much of it lies under the resized one. */
function coverage(from: number, to: number): Taps {
  // Below this, a sliver is a rounding error; OpenCV's limit.
  const sliver = 1e-3;
  const scale = from / to;
  const taps: Taps = { first: [0], source: [], weight: [] };
  const add = (source: number, share: number) => {
    taps.source.push(source);
    taps.weight.push(Math.fround(share));
  };
  for (let i = 0; i < to; i++) {
    const [start, end] = [i * scale, i * scale + scale];
    const size = Math.min(scale, from - start);
    const stop = Math.min(Math.floor(end), from - 1);
    const whole = Math.min(Math.ceil(start), stop);
    if (whole - start > sliver) add(whole - 1, (whole - start) / size);
    for (let source = whole; source < stop; source++) add(source, 1 / size);
    if (end - stop > sliver) add(stop, Math.min(end - stop, 1, size) / size);
    taps.first.push(taps.source.length);
  }
  return taps;
}

/** Enlarges: two neighbours each way, in OpenCV's fixed-point numbers. */
function interpolate(picture: Picture, width: number, height: number): Uint8Array<ArrayBuffer> {
  const { rgba } = picture;
  const [columns, rows] = [neighbours(picture.width, width), neighbours(picture.height, height)];
  const rgb = new Uint8Array(width * height * 3);
  const mix = (row: number, x: number, channel: number) => {
    const start = row * picture.width * 4 + channel;
    const [left, right] = [columns.source[2 * x], columns.source[2 * x + 1]];
    return columns.weight[2 * x] * rgba[start + left * 4] + columns.weight[2 * x + 1] * rgba[start + right * 4];
  };
  let to = 0;
  for (let y = 0; y < height; y++) {
    const [above, below] = [rows.source[2 * y], rows.source[2 * y + 1]];
    const [weightAbove, weightBelow] = [rows.weight[2 * y], rows.weight[2 * y + 1]];
    for (let x = 0; x < width; x++) {
      for (let channel = 0; channel < 3; channel++) {
        const upper = (weightAbove * (mix(above, x, channel) >> 4)) >> 16;
        const lower = (weightBelow * (mix(below, x, channel) >> 4)) >> 16;
        rgb[to++] = (upper + lower + 2) >> 2;
      }
    }
  }
  return rgb;
}

/** Mixes two pixels only where the resized one spans both: whole pixels stay sharp. Weights are in 2048ths. */
function neighbours(from: number, to: number): Taps {
  const taps: Taps = { first: [], source: [], weight: [] };
  for (let i = 0; i < to; i++) {
    const left = Math.floor(i * (from / to));
    const past = Math.fround(i + 1 - (left + 1) * (to / from));
    const share = past <= 0 || left + 1 >= from ? 0 : Math.fround(past - Math.floor(past));
    taps.source.push(left, Math.min(left + 1, from - 1));
    taps.weight.push(roundEven(Math.fround(1 - share) * 2048), roundEven(share * 2048));
  }
  return taps;
}

/** Rounds to the nearest whole number, a half to the even one, as C's `rint`. */
export function roundEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  return rest > 0.5 || (rest === 0.5 && below % 2 !== 0) ? below + 1 : below;
}
