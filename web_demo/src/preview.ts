import type { Picture, SaliencyMap } from "./picture";

/** More pixels than most screens show: drawing more for every move of a slider would be slow. */
const MOST_PIXELS = 1.5e6;

export interface Scene {
  picture: Picture;
  map: SaliencyMap;
}

/** Shrinks a picture and its map for the screen by a whole number, by the mean of each block; small ones stay. */
export function makePreview({ picture, map }: Scene): Scene {
  const step = Math.ceil(Math.sqrt(map.values.length / MOST_PIXELS));
  const width = Math.floor(picture.width / step);
  const height = Math.floor(picture.height / step);
  // A thin strip would vanish; so would a copy of what is small enough be a waste.
  if (step === 1 || width === 0 || height === 0) return { picture, map };
  const rgba = new Uint8ClampedArray(width * height * 4);
  const values = new Float32Array(width * height);
  shrink(picture.rgba, picture.width, rgba, width, 4, step);
  shrink(map.values, map.width, values, width, 1, step);
  return { picture: { width, height, rgba }, map: { width, height, values } };
}

type Samples = Uint8ClampedArray | Float32Array;

function shrink(from: Samples, fromWidth: number, to: Samples, width: number, channels: number, step: number) {
  const rowLength = width * channels;
  for (let i = 0; i < to.length; i++) {
    const row = Math.floor(i / rowLength);
    const column = Math.floor((i % rowLength) / channels);
    let sum = 0;
    for (let y = row * step; y < (row + 1) * step; y++) {
      const start = (y * fromWidth + column * step) * channels + (i % channels);
      for (let x = 0; x < step; x++) sum += from[start + x * channels];
    }
    to[i] = sum / (step * step);
  }
}
