import { writeCsv } from "./csv";
import type { SaliencyMap } from "./picture";
import { fit, measure, type Region } from "./regions";

/**
 * The width and the height of a picture, in the units of the areas of two pictures: what lies at the same place in both
 * is the same fraction from the left and from the top.
 */
export const UNITS = 10_000;

/** One of two pictures. */
export interface Compared {
  name: string;
  map: SaliencyMap;
}

/** An area in `UNITS` and its shares of the attention in A and in B, in [0, 1]. */
export interface SharePair {
  region: Region;
  shares: [a: number, b: number];
}

/** Measures areas in the pixels of a picture. */
export function measureIn(map: SaliencyMap, regions: Region[]): number[] {
  const [x, y] = [map.width / UNITS, map.height / UNITS];
  const inPixels = regions.map(({ name, left, top, width, height }) =>
    fit({ name, left: left * x, top: top * y, width: width * x, height: height * y }, map.width, map.height),
  );
  return measure(map, inPixels).map(({ attention }) => attention);
}

const COLUMNS = ["name", "left", "top", "width", "height", "attention_a", "attention_b", "difference"];

/** The place as fractions of the picture. */
function toRow({ region, shares: [a, b] }: SharePair): (string | number)[] {
  const place = [region.left, region.top, region.width, region.height].map((units) => units / UNITS);
  return [region.name, ...place, a, b, b - a];
}

export const toCsv = (pairs: SharePair[]) => writeCsv(COLUMNS, pairs.map(toRow));

export function toJson(pictures: [Compared, Compared], moved: number, pairs: SharePair[]): string {
  const [a, b] = pictures.map(({ name, map: { width, height } }) => ({ name, width, height }));
  const regions = pairs.map((pair) => Object.fromEntries(toRow(pair).map((cell, i) => [COLUMNS[i], cell])));
  return `${JSON.stringify({ a, b, attention_elsewhere: moved, regions }, null, 2)}\n`;
}
