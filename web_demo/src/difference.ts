import type { Picture, SaliencyMap } from "./picture";
import { resizeCubic } from "./smooth";

/**
 * From most in A over equal to most in B: ColorBrewer's PuOr, whose ends look different to colour-blind people too, and
 * whose middle is the lightest.
 */
const COLOURS = [
  [230, 97, 1],
  [253, 184, 99],
  [247, 247, 247],
  [178, 171, 210],
  [94, 60, 153],
];
/** How much of its brightness the picture keeps under the colours, so that one sees where they are. */
const PICTURE = 0.35;

/**
 * Subtracts A's map from B's, in A's size and each divided by its mean: 2 is a place with twice the mean attention more
 * in B than in A. As shares of all the attention, maps of different pictures can be compared.
 */
export function subtract(a: SaliencyMap, b: SaliencyMap): SaliencyMap {
  const { width, height } = a;
  const resized = resizeCubic(b, width, height);
  const [meanA, meanB] = [findMean(a), findMean(resized)];
  return { width, height, values: a.values.map((value, i) => resized.values[i] / meanB - value / meanA) };
}

/** The mean of a map, or 1 where nobody looks anywhere: it may be divided by. */
function findMean({ values }: SaliencyMap): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length || 1;
}

/** The share of the attention that lies elsewhere in B than in A, in [0, 1]. */
export function findMoved({ values }: SaliencyMap): number {
  return values.reduce((sum, value) => sum + Math.abs(value), 0) / 2 / values.length;
}

/** What the strongest colour means; at least the mean attention, so that no trifle looks like much. */
export function findScale({ values }: SaliencyMap): number {
  return values.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
}

/** The colour of a difference in [-1, 1], RGB. */
export function diverge(difference: number): number[] {
  const place = (difference + 1) * 2;
  const below = Math.min(Math.floor(place), 3);
  return COLOURS[below].map((from, channel) => from + (place - below) * (COLOURS[below + 1][channel] - from));
}

/** Colours a difference, over A in grey. */
export function drawDifference({ rgba }: Picture, difference: SaliencyMap): Picture {
  const { width, height, values } = difference;
  const scale = findScale(difference);
  const drawn = new Uint8ClampedArray(rgba.length);
  for (let i = 0; i < values.length; i++) {
    const brightness = (rgba[4 * i] + rgba[4 * i + 1] + rgba[4 * i + 2]) / (3 * 255);
    const colour = diverge(values[i] / scale);
    for (let channel = 0; channel < 3; channel++) {
      drawn[4 * i + channel] = colour[channel] * (1 - PICTURE + PICTURE * brightness);
    }
    drawn[4 * i + 3] = 255;
  }
  return { width, height, rgba: drawn };
}

/** The colours from most in A to most in B, as a strip of one pixel's height. */
export function drawLegend(): Picture {
  const width = 256;
  const colours = Array.from({ length: width }, (_, x) => [...diverge((2 * x) / (width - 1) - 1), 255]);
  return { width, height: 1, rgba: Uint8ClampedArray.from(colours.flat()) };
}
