import type { SaliencyMap } from "./picture";

/** An area of interest: a box in whole pixels of the picture. */
export interface Region {
  name: string;
  left: number;
  top: number;
  width: number;
  height: number;
}

export interface Share {
  region: Region;
  /** The region's shares of all attention and of the picture's pixels, in [0, 1]. */
  attention: number;
  area: number;
}

/** Measures how much of the attention lies in each region; overlapping ones count what they share twice. */
export function measure(map: SaliencyMap, regions: Region[]): Share[] {
  const total = map.values.reduce((sum, value) => sum + value, 0);
  return regions.map((region) => ({
    region,
    attention: total > 0 ? sumBox(map, region) / total : 0,
    area: (region.width * region.height) / map.values.length,
  }));
}

function sumBox(map: SaliencyMap, { left, top, width, height }: Region): number {
  let sum = 0;
  for (let y = top; y < top + height; y++) {
    const start = y * map.width;
    for (let i = start + left; i < start + left + width; i++) sum += map.values[i];
  }
  return sum;
}

/** The share of the picture, in [0, 1], that the most looked-at pixels with half of the attention take. */
export function findHalf(map: SaliencyMap): number {
  const ascending = map.values.toSorted();
  const half = ascending.reduce((sum, value) => sum + value, 0) / 2;
  let [taken, sum] = [0, 0];
  while (sum < half) sum += ascending[ascending.length - ++taken];
  return taken / ascending.length;
}

/** Moves and shrinks a box to whole pixels inside the picture; a box that was drawn backwards is turned round. */
export function fit(region: Region, width: number, height: number): Region {
  const [left, right] = fitSide(region.left, region.width, width);
  const [top, bottom] = fitSide(region.top, region.height, height);
  return { name: region.name, left, top, width: right - left, height: bottom - top };
}

function fitSide(start: number, length: number, size: number): [number, number] {
  const inside = (place: number) => Math.round(Math.min(Math.max(place, 0), size));
  const [first, last] = [inside(Math.min(start, start + length)), inside(Math.max(start, start + length))];
  const nearest = Math.min(first, size - 1);
  return [nearest, Math.max(last, nearest + 1)];
}

const COLUMNS = ["name", "left", "top", "width", "height", "attention_share", "area_share", "attention_per_area"];

function toRow({ region, attention, area }: Share): (string | number)[] {
  return [region.name, region.left, region.top, region.width, region.height, attention, area, attention / area];
}

export function toCsv(shares: Share[]): string {
  const quote = (cell: string | number) => (typeof cell === "number" ? cell : `"${cell.replaceAll('"', '""')}"`);
  return [COLUMNS, ...shares.map((share) => toRow(share).map(quote))].map((row) => `${row.join(",")}\r\n`).join("");
}

export function toJson(shares: Share[]): string {
  const regions = shares.map((share) => Object.fromEntries(toRow(share).map((cell, i) => [COLUMNS[i], cell])));
  return `${JSON.stringify({ regions }, null, 2)}\n`;
}
