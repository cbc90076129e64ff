import { writeCsv } from "./csv";
import type { SaliencyMap } from "./picture";
import { type Box, boundsOf, fit, measure, type Region, type Share } from "./regions";

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
export function measureIn(map: SaliencyMap, regions: Region[]): Share[] {
  const inPixels = regions.map((region) => {
    const scaled = toSize(region, map.width, map.height);
    return "polygon" in scaled ? scaled : fit(scaled, map.width, map.height);
  });
  return measure(map, inPixels);
}

/** From `UNITS` to pixels of a picture, or to fractions of one, whose size is 1 × 1. */
function toSize(region: Region, width: number, height: number): Region {
  const [x, y] = [(units: number) => (units * width) / UNITS, (units: number) => (units * height) / UNITS];
  if ("polygon" in region) return { ...region, polygon: region.polygon.map(([left, top]) => [x(left), y(top)]) };
  return { ...region, x: x(region.x), y: y(region.y), width: x(region.width), height: y(region.height) };
}

const COLUMNS = ["name", "x", "y", "width", "height", "attention_a", "attention_b", "difference"];

/** The places are fractions of the picture; that of a polygon is the box around it. */
export function toCsv(pairs: SharePair[]): string {
  const rows = pairs.map(({ region, shares: [a, b] }) => {
    const { name, x, y, width, height } = toSize(boundsOf(region), 1, 1) as Box;
    return [name, x, y, width, height, a, b, b - a];
  });
  return writeCsv(COLUMNS, rows);
}

export function toJson(pictures: [Compared, Compared], moved: number, pairs: SharePair[]): string {
  const [a, b] = pictures.map(({ name, map: { width, height } }) => ({ name, width, height }));
  const regions = pairs.map(({ region, shares: [a, b] }) => {
    return { ...toSize(region, 1, 1), attention_a: a, attention_b: b, difference: b - a };
  });
  return `${JSON.stringify({ a, b, attention_elsewhere: moved, regions }, null, 2)}\n`;
}
